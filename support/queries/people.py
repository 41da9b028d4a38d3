"""Finding a person for the unlock desk, and all that an agent may know of why a sign-in fails."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count, Exists, F, Func, OuterRef, Prefetch, Q, Value
from django.utils.translation import gettext as _

from accounts.models import (
    AuthenticatorFactor,
    Dealership,
    EmailCodeFactor,
    Lender,
    Membership,
    RecoveryCodeFactor,
    SignInAttempt,
    SignInGuard,
    User,
)
from accounts.queries.sign_in import Lock, locks_of, recent_attempts
from accounts.queries.texts import text_number
from finance.formatting import format_clock, format_date, format_moment
from finance.models import Account
from payments.models import Payment
from support.models import IdentityCheck, Ticket

SHORTEST_SEARCH = 3
SHORTEST_PHONE = 6
"""Digits from which on a number may be somebody's phone; fewer stand in too many."""

MOST_ROWS = 20
CONTACT_AGE = timedelta(days=30)
"""A contact that changed more recently may be a thief's, so no code goes there (features D5, reliability A6)."""

_RECENT = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Found:
    """One line of the search's result."""

    person: User
    dealerships: str
    role: str
    is_locked: bool


def search_people(text: str, *, now: datetime) -> tuple[list[Found], bool]:
    """People of the running block's lender whom `text` names, at most MOST_ROWS, and whether there are more.

    By name, user name, e-mail, phone, customer number, name or number of the dealership, number of a unit, loan,
    payment or ticket. A text shorter than SHORTEST_SEARCH finds nobody.
    """
    words = " ".join(text.replace("\x00", "").split())[:100]
    if len(words) < SHORTEST_SEARCH:
        return [], False
    quoted = words.upper().replace(" ", "")
    digits = re.sub(r"[^0-9]", "", words)
    memberships = Membership.objects.filter(user=OuterRef("pk"))
    of_account = Account.objects.filter(number=quoted).values("dealership_id")
    people = (
        User.objects.exclude(kind=User.Kind.OPERATOR)
        .alias(phone_digits=_digits_of("phone"))
        .filter(
            Q(full_name__icontains=words)
            | Q(username__icontains=words)
            | Q(email__icontains=words)
            | Q(customer_number__startswith=words)
            | (Q(phone_digits__contains=digits) if len(digits) >= SHORTEST_PHONE else Q())
            | Exists(
                memberships.filter(
                    Q(dealership__name__icontains=words)
                    | Q(dealership__number=quoted)
                    | Q(dealership_id__in=of_account)
                )
            )
            | Q(pk__in=Payment.objects.filter(number=quoted).values("made_by_id"))
            | Q(pk__in=Ticket.objects.filter(number=quoted).values("opened_by_id"))
        )
        .prefetch_related(
            Prefetch(
                "memberships", Membership.objects.select_related("dealership").order_by("dealership__name")
            ),
            Prefetch("guards", SignInGuard.objects.filter(locked_until__gt=now)),
        )
        .order_by("full_name", "username")[: MOST_ROWS + 1]
    )
    rows = [
        Found(
            person=person,
            dealerships=", ".join(row.dealership.name for row in person.memberships.all()),
            role=_roles(person, list(person.memberships.all())),
            is_locked=bool(person.guards.all()),
        )
        for person in people
    ]
    return rows[:MOST_ROWS], len(rows) > MOST_ROWS


def _digits_of(column: str) -> Func:
    """A phone number without the signs that people put between its digits."""
    return Func(F(column), Value("[^0-9]"), Value(""), Value("g"), function="regexp_replace")


def _roles(person: User, memberships: Sequence[Membership]) -> str:
    if person.kind != User.Kind.DEALER:
        return str(person.get_kind_display())
    return ", ".join(dict.fromkeys(str(row.get_role_display()) for row in memberships))


# --- one person ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Why a sign-in fails, in one sentence without secrets. `code` is stable, `tone` as in the page's components."""

    code: str
    text: str
    tone: str


@dataclass(frozen=True, slots=True)
class MembershipRow:
    """One dealership that the person belongs to, or did."""

    dealership: Dealership
    role: str
    note: str


@dataclass(frozen=True, slots=True)
class PersonFile:
    """All that the unlock desk shows of one person; `phone` is empty where no text message can go to it."""

    person: User
    contact: str
    phone: str
    memberships: Sequence[MembershipRow]
    locks: Sequence[Lock]
    lock_texts: Sequence[str]
    factors: Sequence[str]
    attempts: Sequence[SignInAttempt]
    tickets: Sequence[Ticket]
    diagnosis: Diagnosis
    contact_is_fresh: bool


def person_file(person: User, *, lender: Lender, now: datetime) -> PersonFile:
    """Everything about `person` for an agent; the number of queries does not depend on how much there is."""
    memberships = list(person.memberships.select_related("dealership").order_by("dealership__name", "pk"))
    today = lender.business_date(now)
    locks = locks_of(person, now)
    attempts = recent_attempts(person, limit=10)
    factors = _factors(person)
    dealership_ids = [row.dealership_id for row in memberships]
    return PersonFile(
        person=person,
        contact=masked(person.email),
        phone=masked_number(text_number(person)),
        memberships=[
            MembershipRow(
                row.dealership, str(row.get_role_display()), _membership_note(row, lender=lender, now=now)
            )
            for row in memberships
        ],
        locks=locks,
        lock_texts=[lock_text(lock, lender=lender, now=now) for lock in locks],
        factors=factors,
        attempts=attempts,
        tickets=list(
            Ticket.objects.filter(Q(opened_by=person) | Q(dealership_id__in=dealership_ids)).order_by(
                "-updated_at"
            )[:5]
        ),
        diagnosis=_diagnosis(
            person,
            lender=lender,
            now=now,
            locks=locks,
            attempts=attempts,
            has_factor=bool(factors),
            usable=[row for row in memberships if row.dealership.is_active and not _is_over(row, today)],
            memberships=memberships,
        ),
        contact_is_fresh=contact_is_fresh(person, now=now),
    )


def contact_is_fresh(person: User, *, now: datetime) -> bool:
    """Whether the registered contact changed too recently to prove anything."""
    return person.contact_changed_at > now - CONTACT_AGE


def last_check(person: User, agent: User) -> IdentityCheck | None:
    """The agent's latest code for this person."""
    return IdentityCheck.objects.filter(person=person, agent=agent).order_by("-sent_at", "-pk").first()


def masked(email: str) -> str:
    """An e-mail address that can be recognised but not read off: `o•••@p•••.example`."""
    name, _at, host = email.partition("@")
    label, dot, rest = host.rpartition(".")
    return f"{name[:1]}•••@{label[:1]}•••{dot}{rest}"


def masked_number(number: str) -> str:
    """A phone number that can be recognised but not read off: `•••• 42`; nothing of nothing."""
    return f"•••• {number[-2:]}" if number else ""


def lock_text(lock: Lock, *, lender: Lender, now: datetime) -> str:
    """A lock in words, on the lender's clock: since when, after what, until when."""
    names = {
        "since": _spoken(lock.since, lender=lender, now=now),
        "until": _spoken(lock.until, lender=lender, now=now) if not lock.until_lifted else "",
        "count": lock.failures,
    }
    is_factor = lock.proof == SignInGuard.Proof.FACTOR
    if is_factor and lock.until_lifted:
        text = _("Second factor locked since %(since)s after too many wrong codes, until somebody lifts it.")
    elif is_factor:
        text = _("Second factor locked since %(since)s after %(count)s wrong codes until %(until)s.")
    elif lock.until_lifted:
        text = _("Locked since %(since)s after too many wrong passwords, until somebody lifts it.")
    else:
        text = _("Locked since %(since)s after %(count)s wrong passwords until %(until)s.")
    return text % names


def _spoken(moment: datetime, *, lender: Lender, now: datetime) -> str:
    if lender.business_date(moment) == lender.business_date(now):
        return format_clock(moment, lender.time_zone, lender.locale)
    return format_moment(moment, lender.time_zone, lender.locale)


def _factors(person: User) -> list[str]:
    """Names of the confirmed factors; never what is in them."""
    names: list[str] = []
    for model in (AuthenticatorFactor, EmailCodeFactor):
        kind = str(model._meta.verbose_name).capitalize()
        given = (
            model.objects.filter(user=person, confirmed=True).order_by("pk").values_list("name", flat=True)
        )
        names += [
            f"{kind}: {name}" if name and name.casefold() != kind.casefold() else kind for name in given
        ]
    recovery = RecoveryCodeFactor.objects.filter(user=person, confirmed=True)
    counted = recovery.annotate(unused=Count("codes", filter=Q(codes__used_at=None)))
    names += [
        _("Recovery codes, %(count)s left") % {"count": unused}
        for unused in counted.values_list("unused", flat=True)
    ]
    return names


def _is_over(membership: Membership, today: date) -> bool:
    return membership.expires_on is not None and membership.expires_on < today


def _membership_note(membership: Membership, *, lender: Lender, now: datetime) -> str:
    if not membership.dealership.is_active:
        return _("dealership switched off")
    if membership.expires_on is None:
        return ""
    day = format_date(membership.expires_on, lender.locale)
    if _is_over(membership, lender.business_date(now)):
        return _("expired on %(day)s") % {"day": day}
    return _("until %(day)s") % {"day": day}


def _diagnosis(
    person: User,
    *,
    lender: Lender,
    now: datetime,
    locks: Sequence[Lock],
    attempts: Sequence[SignInAttempt],
    has_factor: bool,
    usable: Sequence[Membership],
    memberships: Sequence[Membership],
) -> Diagnosis:
    """The first thing that stands in the way, hardest first."""
    if not person.is_active:
        return Diagnosis("off", _("The account is switched off. Finance staff can switch it on."), "bad")
    if locks:
        return Diagnosis("locked", lock_text(locks[0], lender=lender, now=now), "bad")
    if not person.has_usable_password():
        text = _("Never activated: no password has been set. “Forgot password” on the sign-in page sets one.")
        return Diagnosis("never_activated", text, "warn")
    if person.kind == User.Kind.DEALER and not memberships:
        text = _("The person belongs to no dealership, so there is nothing to see after sign-in.")
        return Diagnosis("no_membership", text, "warn")
    if person.kind == User.Kind.DEALER and not usable:
        text = _("The person's membership has expired, or the dealership is switched off.")
        return Diagnosis("expired_membership", text, "warn")
    return _from_attempts(lender=lender, now=now, attempts=attempts, has_factor=has_factor)


def _from_attempts(
    *, lender: Lender, now: datetime, attempts: Sequence[SignInAttempt], has_factor: bool
) -> Diagnosis:
    outcome = SignInAttempt.Outcome
    latest = next((one for one in attempts if one.outcome != outcome.SIGNED_OUT), None)
    if latest is None:
        return Diagnosis("no_attempt", _("Nobody has tried to sign in with this account yet."), "plain")
    names = {
        "when": _spoken(latest.recorded_at, lender=lender, now=now),
        "what": latest.get_outcome_display(),
    }
    is_recent = latest.recorded_at > now - _RECENT
    if latest.outcome == outcome.WRONG_PASSWORD and is_recent:
        text = _("The password typed at %(when)s was wrong. The account is not locked.")
        return Diagnosis("wrong_password", text % names, "warn")
    if latest.outcome == outcome.WRONG_CODE and is_recent:
        text = _("The password was right; the code typed at %(when)s was wrong.")
        return Diagnosis("wrong_code", text % names, "warn")
    if latest.outcome == outcome.PASSWORD_PASSED:
        text = (
            _("The password was right at %(when)s; the second factor is outstanding.")
            if has_factor
            else _("The password was right at %(when)s; a second factor must be set up first.")
        )
        return Diagnosis("factor_outstanding", text % names, "warn")
    if latest.outcome == outcome.PASSWORD_RESET:
        text = _("The password was reset at %(when)s; nobody has signed in with the new one yet.")
        return Diagnosis("reset", text % names, "warn")
    if latest.outcome == outcome.UNLOCKED:
        text = _("Unlocked at %(when)s; nobody has signed in since.")
        return Diagnosis("unlocked", text % names, "good")
    if latest.outcome == outcome.SIGNED_IN:
        return Diagnosis("fine", _("Nothing stands in the way. Last sign-in: %(when)s.") % names, "good")
    return Diagnosis("fine", _("Nothing stands in the way. Last try: %(when)s (%(what)s).") % names, "good")
