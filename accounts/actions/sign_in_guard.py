"""The lock after repeated failures: stored, keyed by account, counted before anything is checked.

An attempt is reserved first and taken back when the proof was right. So forty parallel guesses get exactly the five
tries that a slow thief gets, and a crash in between leaves the attempt counted. Whatever identifier was typed, one
account has one counter; an unknown name has one of its own and meets the same words, status and work.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import OperationalError, connection, transaction

from accounts.actions.outbox import order_message
from accounts.audit import current_origin, record
from accounts.encryption import keyed_hash
from accounts.models import SignInAttempt, SignInGuard, User
from accounts.queries.people import normalised
from accounts.tenancy import current_lender_id, current_scope

FAILURES_BEFORE_LOCK = 5
WINDOW = timedelta(minutes=15)
LOCK = timedelta(minutes=15)
# NIST SP 800-63B-4 section 3.2.2: at most 100 consecutive failures, then only a person or a recovery opens again.
CEILING = 100
UNTIL_LIFTED = datetime(9999, 1, 1, tzinfo=UTC)
# A flood on one account may not hold more connections than this lets it.
_LOCK_WAIT = "3000"

_RESERVE = """
INSERT INTO accounts_signinguard AS guard (lender_id, key, user_id, proof, failures, consecutive_failures,
                                           window_started_at, last_attempt_at, locked_until)
VALUES (%(lender)s, %(key)s, %(user)s, %(proof)s, 1, 1, %(now)s, %(now)s, NULL)
ON CONFLICT (lender_id, key, proof) DO UPDATE SET
    failures = CASE WHEN guard.window_started_at <= %(window_start)s OR guard.locked_until IS NOT NULL
                    THEN 1 ELSE guard.failures + 1 END,
    window_started_at = CASE WHEN guard.window_started_at <= %(window_start)s OR guard.locked_until IS NOT NULL
                             THEN %(now)s ELSE guard.window_started_at END,
    consecutive_failures = guard.consecutive_failures + 1,
    last_attempt_at = %(now)s,
    locked_until = CASE
        WHEN guard.consecutive_failures + 1 >= %(ceiling)s THEN %(until_lifted)s
        WHEN guard.locked_until IS NULL AND guard.window_started_at > %(window_start)s
             AND guard.failures + 1 >= %(limit)s THEN %(lock_end)s
    END
WHERE guard.locked_until IS NULL OR guard.locked_until <= %(now)s
RETURNING locked_until
"""


@dataclass(frozen=True, slots=True)
class Reservation:
    """One attempt, counted as a failure until `take_back`.

    `refused`: nothing may be checked, the account is locked until `locked_until`. Otherwise `locked_until` is the lock
    that this very attempt starts if it fails (None: there are tries left). `busy`: too many tries at this moment.
    """

    key: str
    proof: SignInGuard.Proof
    person: User | None
    refused: bool
    locked_until: datetime | None
    busy: bool = False

    @property
    def until_lifted(self) -> bool:
        """Whether time alone does not end the lock."""
        return self.locked_until is not None and self.locked_until >= UNTIL_LIFTED


def guard_key(person: User | None, typed: str = "") -> str:
    """The counter's key: the account, or a keyed hash of a name that no account has."""
    if person is not None:
        return f"user:{person.pk}"
    return f"typed:{keyed_hash('sign-in name', normalised(typed))[:40]}"


def reserve_attempt(
    *, person: User | None, typed: str, proof: SignInGuard.Proof, now: datetime
) -> Reservation:
    """Count an attempt before its proof is looked at.

    During a lock nothing is counted and nothing prolonged. The counter's row stays locked until the transaction ends,
    so parallel attempts on one account queue up here.
    """
    key = guard_key(person, typed)
    lender_id = current_lender_id()
    values: dict[str, str | int | datetime | None] = {
        "lender": lender_id,
        "key": key,
        "user": person.pk if person else None,
        "proof": proof.value,
        "now": now,
        "window_start": now - WINDOW,
        "lock_end": now + LOCK,
        "limit": FAILURES_BEFORE_LOCK,
        "ceiling": CEILING,
        "until_lifted": UNTIL_LIFTED,
    }
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('lock_timeout')")
            usual = cursor.fetchone()[0]
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [_LOCK_WAIT])
            cursor.execute(_RESERVE, values)
            row = cursor.fetchone()
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [usual])
    except OperationalError as error:
        if getattr(error.__cause__, "pgcode", None) != "55P03":
            raise
        return Reservation(key, proof, person, refused=True, locked_until=None, busy=True)
    if row is not None:
        return Reservation(key, proof, person, refused=False, locked_until=row[0])
    locked_until = SignInGuard.objects.values_list("locked_until", flat=True).get(key=key, proof=proof)
    return Reservation(key, proof, person, refused=True, locked_until=locked_until)


def take_back(reservation: Reservation) -> None:
    """The proof was right: the attempt was no failure. Earlier failures stay until the sign-in is complete."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE accounts_signinguard SET failures = failures - 1, consecutive_failures = consecutive_failures - 1, "
            "locked_until = NULL WHERE lender_id = %s AND key = %s AND proof = %s",
            [current_lender_id(), reservation.key, reservation.proof.value],
        )


def note_failure(
    reservation: Reservation, *, outcome: SignInAttempt.Outcome, user_agent: str, now: datetime
) -> None:
    """Write the failed attempt down; tell the person when it locked the account, at most once a day."""
    note_attempt(person=reservation.person, key=reservation.key, outcome=outcome, user_agent=user_agent)
    person = reservation.person
    if person is None or reservation.refused or reservation.locked_until is None:
        return
    # A signed-in person who fails a step-up acts as oneself; before sign-in nobody is known to act.
    record(
        "sign_in.locked",
        actor=person if current_scope().user_id == person.pk else None,
        subject=f"user:{person.username}",
        details={"proof": reservation.proof.value, "until": reservation.locked_until.isoformat()},
    )
    order_message(
        key=f"sign-in-locked:{person.pk}:{reservation.proof.value}:{now.date().isoformat()}",
        template="sign-in-locked",
        recipient=person.email,
        context={
            "locked_until": None if reservation.until_lifted else reservation.locked_until.isoformat(),
            "moment": now.isoformat(),
            "factor": reservation.proof == SignInGuard.Proof.FACTOR,
        },
        user=person,
    )


def note_attempt(
    *, person: User | None, key: str, outcome: SignInAttempt.Outcome, user_agent: str
) -> SignInAttempt:
    """Write one attempt into the log that is kept for ever."""
    return SignInAttempt.objects.create(
        key=key, user=person, outcome=outcome, address=current_origin().address, user_agent=user_agent[:300]
    )


def clear_failures(person: User, *proofs: SignInGuard.Proof, now: datetime) -> None:
    """Forget the failures of a person who has just proven everything that was asked.

    A lock that ends by it, as after a reset with the second step, is put on record like one that support lifts.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM accounts_signinguard WHERE lender_id = %s AND key = %s AND proof = ANY(%s) "
            "RETURNING proof, failures, locked_until > %s",
            [current_lender_id(), guard_key(person), list(proofs or SignInGuard.Proof.values), now],
        )
        opened = {proof: failures for proof, failures, was_locked in cursor.fetchall() if was_locked}
        if opened:
            record(
                "sign_in.lock_lifted",
                actor=person,
                subject=f"user:{person.username}",
                reason="Everything that was asked has been shown.",
                details={"failures": opened},
            )


def lift_lock(*, person: User, agent: User, reason: str) -> None:
    """Open a locked account at once: every counter of the person, password and second factor alike.

    The factors themselves stay. The caller has made sure that the check of the caller's identity was passed.
    Raises ValueError without a reason, or when an agent tries to open the own account.
    """
    if not reason.strip():
        raise ValueError("Lifting a lock needs a reason.")
    if agent.pk == person.pk:
        raise ValueError("Nobody lifts the own lock.")
    with transaction.atomic():
        guards = list(SignInGuard.objects.select_for_update().filter(user=person).order_by("pk"))
        SignInGuard.objects.filter(pk__in=[guard.pk for guard in guards]).delete()
        note_attempt(
            person=person, key=guard_key(person), outcome=SignInAttempt.Outcome.UNLOCKED, user_agent=""
        )
        record(
            "sign_in.lock_lifted",
            actor=agent,
            subject=f"user:{person.username}",
            reason=reason,
            details={"failures": {guard.proof: guard.failures for guard in guards}},
        )
