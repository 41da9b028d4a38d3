"""Guesses and codes in parallel, on real transactions that really commit."""

import threading
from collections.abc import Callable, Iterator
from itertools import cycle
from time import sleep

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from accounts import adapter
from accounts.actions import sign_in_guard
from accounts.actions.factors import show_factor
from accounts.actions.recovery_codes import issue_recovery_codes
from accounts.actions.sign_in_guard import FAILURES_BEFORE_LOCK, Reservation, guard_key
from accounts.hashers import PortalArgon2PasswordHasher
from accounts.models import (
    EmailCodeFactor,
    OutgoingMessage,
    RecoveryCode,
    RecoveryCodeFactor,
    SignInAttempt,
    SignInGuard,
    User,
)
from accounts.tenancy import tenant
from tests.accounts.browsing import app_code, authenticator_of, browser, mailed_code, type_password
from tests.cast import OTHER_PASSWORD, Cast

pytestmark = [pytest.mark.concurrency, pytest.mark.django_db(transaction=True)]

GUESSES = 40
THREADS = 10


def _at_once(jobs: list[Callable[[], object]], threads: int = THREADS) -> list[object]:
    """Run the jobs on several threads that start together; each thread closes its own connection."""
    results: list[object] = []
    queue: Iterator[Callable[[], object]] = iter(jobs)
    taking, together = threading.Lock(), threading.Barrier(threads)

    def work() -> None:
        together.wait()
        try:
            while True:
                with taking:
                    job = next(queue, None)
                if job is None:
                    return
                results.append(job())
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return results


@pytest.fixture
def slow_hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every hash computed, each slow enough that check-then-record would lose the race."""
    computed: list[str] = []
    verify = PortalArgon2PasswordHasher.verify

    def slow_verify(self, password, encoded):
        computed.append(password)
        sleep(0.05)
        return verify(self, password, encoded)

    monkeypatch.setattr(PortalArgon2PasswordHasher, "verify", slow_verify)
    return computed


def _guess_forty_times(cast: Cast) -> list[object]:
    spellings = cycle(("owen", "owen@people.example", "70001", "OWEN"))
    jobs = [
        lambda name=name, number=number: (
            type_password(
                browser(cast.lender, address=f"203.0.113.{number}"), name, f"guess {number}"
            ).status_code
        )
        for number, name in zip(range(GUESSES), spellings, strict=False)
    ]
    return _at_once(jobs)  # type: ignore[arg-type]


def test_forty_parallel_guesses_under_every_spelling_get_five_hashes(
    cast: Cast, slow_hashes: list[str]
) -> None:
    statuses = _guess_forty_times(cast)
    assert len(statuses) == GUESSES
    assert len(slow_hashes) == FAILURES_BEFORE_LOCK
    assert set(statuses) == {200, 429}
    with tenant(cast.lender.pk):
        guard = SignInGuard.objects.get(key=guard_key(cast.owner), proof="password")
        assert guard.failures == FAILURES_BEFORE_LOCK
        assert (
            SignInAttempt.objects.filter(user=cast.owner, outcome="wrong_password").count()
            == FAILURES_BEFORE_LOCK
        )
    # The same names at the other lender never noticed.
    assert type_password(browser(cast.other_lender), "owen", OTHER_PASSWORD).status_code == 302


def test_without_the_reservation_the_same_forty_guesses_get_more(
    cast: Cast, slow_hashes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: a counter that is read before and written after the check loses this race."""

    def look_first(*, person: User | None, typed: str, proof: SignInGuard.Proof, now: object) -> Reservation:
        guard = SignInGuard.objects.filter(key=guard_key(person, typed), proof=proof).first()
        locked = guard is not None and guard.failures >= FAILURES_BEFORE_LOCK
        return Reservation(guard_key(person, typed), proof, person, refused=locked, locked_until=None)

    def write_later(attempt: Reservation, **_: object) -> None:
        guard, _created = SignInGuard.objects.get_or_create(
            key=attempt.key,
            proof=attempt.proof,
            defaults={
                "user": attempt.person,
                "window_started_at": timezone.now(),
                "last_attempt_at": timezone.now(),
            },
        )
        SignInGuard.objects.filter(pk=guard.pk).update(failures=guard.failures + 1)

    monkeypatch.setattr(adapter, "reserve_attempt", look_first)
    monkeypatch.setattr(adapter, "note_failure", write_later)
    _guess_forty_times(cast)
    assert len(slow_hashes) > FAILURES_BEFORE_LOCK


def test_an_attempt_that_would_wait_too_long_is_refused_in_words_and_not_checked(
    cast: Cast, slow_hashes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_in_guard, "_LOCK_WAIT", "200")
    type_password(browser(cast.lender), "owen", "wrong")
    slow_hashes.clear()
    holding, done = threading.Event(), threading.Event()

    def hold() -> None:
        with tenant(cast.lender.pk):
            SignInGuard.objects.select_for_update().get(key=guard_key(cast.owner), proof="password")
            holding.set()
            done.wait(10)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    holding.wait(10)
    answer = type_password(browser(cast.lender), "owen")
    done.set()
    holder.join()
    assert answer.status_code == 429
    assert "Too many attempts at this moment" in answer.content.decode()
    assert slow_hashes == []
    assert type_password(browser(cast.lender), "owen").status_code == 302


def _show_at_once(person: User, public_id: str, codes: list[str]) -> int:
    now = timezone.now()

    def show(code: str) -> bool:
        with tenant(person.lender_id, login=True):
            return show_factor(person=person, public_id=public_id, code=code, now=now).factor is not None

    jobs: list[Callable[[], object]] = [lambda code=code: show(code) for code in codes]  # type: ignore[misc]
    return sum(bool(result) for result in _at_once(jobs, threads=len(codes)))


def test_a_code_of_the_app_is_accepted_once_however_many_ask_at_once(cast: Cast) -> None:
    factor = authenticator_of(cast.owner)
    code = app_code(factor, timezone.now())
    assert _show_at_once(cast.owner, str(factor.public_id), [code] * 8) == 1


def test_a_mailed_code_is_accepted_once_however_many_ask_at_once(cast: Cast) -> None:
    type_password(browser(cast.lender), "owen")
    with tenant(cast.lender.pk):
        factor = EmailCodeFactor.objects.get(user=cast.owner)
    assert _show_at_once(cast.owner, str(factor.public_id), [mailed_code(cast.owner)] * 8) == 1


def test_a_recovery_code_is_accepted_once_however_many_ask_at_once(cast: Cast) -> None:
    with tenant(cast.lender.pk):
        codes = issue_recovery_codes(actor=cast.owner, person=cast.owner)
        factor = RecoveryCodeFactor.objects.get(user=cast.owner)
    assert _show_at_once(cast.owner, str(factor.public_id), [codes[0]] * 8) == 1
    with tenant(cast.lender.pk):
        assert RecoveryCode.objects.filter(factor=factor, used_at__isnull=False).count() == 1


def test_parallel_wrong_codes_get_five_tries(cast: Cast) -> None:
    factor = authenticator_of(cast.owner)
    assert _show_at_once(cast.owner, str(factor.public_id), [f"{number:06d}" for number in range(12)]) == 0
    with tenant(cast.lender.pk):
        assert (
            SignInAttempt.objects.filter(user=cast.owner, outcome="wrong_code").count()
            == FAILURES_BEFORE_LOCK
        )
        assert (
            SignInAttempt.objects.filter(user=cast.owner, outcome="locked").count()
            == 12 - FAILURES_BEFORE_LOCK
        )


def test_a_reset_link_sets_one_password_however_many_use_it_at_once(cast: Cast) -> None:
    asking = browser(cast.lender)
    asking.post(reverse("account_reset_password"), {"identifier": "owen"})
    with tenant(cast.lender.pk):
        message = OutgoingMessage.objects.get(user=cast.owner, template="password-reset")
        path = message.context["action_path"]
    browsers = [browser(cast.lender, address=f"203.0.113.{number}") for number in range(6)]
    forms = [client.get(path).url for client in browsers]
    jobs = [
        lambda client=client, form=form, number=number: (
            client.post(form, {"password": f"a lighthouse near Bergen {number}"}).status_code
        )
        for number, (client, form) in enumerate(zip(browsers, forms, strict=True))
    ]
    statuses = _at_once(jobs, threads=6)  # type: ignore[arg-type]
    assert sorted(statuses) == [200] * 5 + [302]  # type: ignore[type-var]
