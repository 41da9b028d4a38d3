"""The end of day: once per business date and step, caught up in order, one bad account set aside."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.emails import write_mail
from accounts.models import LenderHost, Membership, OutgoingMessage
from accounts.tenancy import platform, tenant
from finance.actions.alerts import order_due_alerts
from finance.actions.days import LEASE, RETRY, close_day, days_to_close, steps_of
from finance.actions.receipts import Share, post_payment
from finance.models import AccountEvent, DayStep, RatePlanDay, Statement
from finance.queries.proof import problems
from finance.tasks import close_business_days, sweep_business_days
from tests.cast import Cast
from tests.finance.books import Books, D, make_line, make_plan, open_books

NIGHT = datetime(2025, 2, 1, 8, 5, tzinfo=UTC)
JANUARY = date(2025, 1, 31)


@pytest.fixture
def books(cast: Cast) -> Books:
    with tenant(cast.lender.pk):
        books = open_books(cast.dealership)
        books.fund("20000.00", date(2025, 1, 17))
    return books


def states(lender_id: int) -> list[tuple[date, str, str]]:
    with tenant(lender_id):
        return list(DayStep.objects.order_by("pk").values_list("business_date", "step", "state"))


def bills(lender_id: int) -> int:
    with tenant(lender_id):
        return AccountEvent.objects.filter(kind="interest_billed").count()


@pytest.mark.django_db
def test_a_month_s_last_day_bills_orders_statements_and_proves(cast: Cast, books: Books) -> None:
    rows = close_day(lender_id=cast.lender.pk, business_date=JANUARY, now=NIGHT)
    assert [(row.step, row.state, row.done, row.failed) for row in rows] == [
        ("rates", "done", 0, 0),
        ("interest", "done", 1, 0),
        ("statements", "done", 1, 0),
        ("alerts", "done", 0, 0),
        ("proof", "done", 1, 0),
    ]
    assert {row.finished_at for row in rows} == {NIGHT}
    with tenant(cast.lender.pk):
        assert Statement.objects.get().period_end == JANUARY
    assert bills(cast.lender.pk) == 1
    assert states(cast.other_lender.pk) == []


@pytest.mark.django_db
def test_an_ordinary_day_bills_no_unit(cast: Cast, books: Books) -> None:
    rows = close_day(lender_id=cast.lender.pk, business_date=date(2025, 1, 30), now=NIGHT)
    assert [row.step for row in rows] == ["rates", "interest", "alerts", "proof"]
    assert bills(cast.lender.pk) == 0


@pytest.mark.django_db
def test_closing_a_day_twice_is_once(cast: Cast, books: Books) -> None:
    first = close_day(lender_id=cast.lender.pk, business_date=JANUARY, now=NIGHT)
    again = close_day(lender_id=cast.lender.pk, business_date=JANUARY, now=NIGHT + timedelta(hours=3))
    assert [row.pk for row in again] == [row.pk for row in first]
    assert {row.finished_at for row in again} == {NIGHT}
    assert bills(cast.lender.pk) == 1


@pytest.mark.django_db
def test_a_step_that_another_worker_runs_is_left_to_it_until_it_is_silent(cast: Cast, books: Books) -> None:
    with tenant(cast.lender.pk):
        DayStep.objects.create(business_date=JANUARY, step=DayStep.Step.INTEREST)
        DayStep.objects.update(started_at=NIGHT)
    close_day(lender_id=cast.lender.pk, business_date=JANUARY, now=NIGHT + timedelta(minutes=5))
    assert bills(cast.lender.pk) == 0
    assert (JANUARY, "alerts", "done") not in states(cast.lender.pk)
    close_day(lender_id=cast.lender.pk, business_date=JANUARY, now=NIGHT + LEASE + timedelta(minutes=1))
    assert bills(cast.lender.pk) == 1
    assert {state for _, _, state in states(cast.lender.pk)} == {"done"}


@pytest.mark.django_db
def test_a_bad_account_is_named_stops_nothing_and_is_done_when_it_is_cured(cast: Cast, books: Books) -> None:
    with tenant(cast.lender.pk):
        plan = make_plan("gaps")
        poor = books.fund("9000.00", date(2025, 1, 17), line=make_line(cast.dealership, plan))
        number = poor.account.number
        kept = list(RatePlanDay.objects.filter(plan=plan, day=date(2025, 2, 1)))
        RatePlanDay.objects.filter(plan=plan, day=date(2025, 2, 1)).delete()
    rows = {row.step: row for row in close_day(lender_id=cast.lender.pk, business_date=JANUARY, now=NIGHT)}
    step = rows["interest"]
    assert (step.state, step.done, step.failed) == ("failed", 1, 1)
    assert step.failures[0]["account"] == poor.pk
    assert step.failures[0]["number"] == number
    assert {row.state for name, row in rows.items() if name not in {"interest", "statements"}} == {"done"}
    with tenant(cast.lender.pk):
        RatePlanDay.objects.bulk_create(kept)
    close_day(lender_id=cast.lender.pk, business_date=JANUARY, now=NIGHT + RETRY)
    assert bills(cast.lender.pk) == 2
    with tenant(cast.lender.pk):
        assert DayStep.objects.get(step="interest").state == "done"
        assert problems() == []


@pytest.mark.django_db
def test_missed_days_come_back_in_order(cast: Cast, books: Books) -> None:
    today = date(2025, 2, 4)
    with tenant(cast.lender.pk):
        assert days_to_close(today=today, now=NIGHT) == [date(2025, 2, 3)]
    close_day(lender_id=cast.lender.pk, business_date=date(2025, 1, 30), now=NIGHT)
    with tenant(cast.lender.pk):
        missed = days_to_close(today=today, now=NIGHT)
    assert missed == [JANUARY, date(2025, 2, 1), date(2025, 2, 2), date(2025, 2, 3)]
    for day in missed:
        close_day(lender_id=cast.lender.pk, business_date=day, now=NIGHT)
    assert bills(cast.lender.pk) == 1
    with tenant(cast.lender.pk):
        assert days_to_close(today=today, now=NIGHT) == []


@pytest.mark.django_db
def test_a_failed_day_comes_back_after_an_hour_and_a_running_one_after_its_lease(
    cast: Cast, books: Books
) -> None:
    close_day(lender_id=cast.lender.pk, business_date=JANUARY, now=NIGHT)
    today = date(2025, 2, 1)
    with tenant(cast.lender.pk):
        DayStep.objects.filter(step="proof").update(state="failed")
        assert days_to_close(today=today, now=NIGHT + RETRY / 2) == []
        assert days_to_close(today=today, now=NIGHT + RETRY * 2) == [JANUARY]
        DayStep.objects.filter(step="proof").update(state="running")
        assert days_to_close(today=today, now=NIGHT + LEASE / 2) == []
        assert days_to_close(today=today, now=NIGHT + LEASE * 2) == [JANUARY]


@pytest.mark.django_db
def test_statements_are_a_step_of_the_last_day_alone() -> None:
    assert "statements" in steps_of(date(2024, 2, 29))
    assert "statements" not in steps_of(date(2025, 2, 27))


@pytest.mark.django_db
def test_the_sweep_goes_by_each_lender_s_own_midnight(
    cast: Cast, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tenant(cast.other_lender.pk):
        cast.other_lender.time_zone = "Europe/Paris"
        cast.other_lender.save()
    asked: list[int] = []
    monkeypatch.setattr(close_business_days, "hint", asked.append)
    for lender in (cast.lender, cast.other_lender):
        close_day(lender_id=lender.pk, business_date=JANUARY - timedelta(days=1), now=NIGHT)
    # 23:30 on 31 January in London is the same day in Denver and February already in Paris.
    late_evening = datetime(2025, 1, 31, 23, 30, tzinfo=UTC)
    monkeypatch.setattr(timezone, "now", lambda: late_evening)
    assert sweep_business_days() == 1
    assert asked == [cast.other_lender.pk]
    assert close_business_days(cast.lender.pk) == 0
    assert close_business_days(cast.other_lender.pk) == 1
    monkeypatch.setattr(timezone, "now", lambda: datetime(2025, 2, 1, 7, 1, tzinfo=UTC))
    assert close_business_days(cast.lender.pk) == 1
    assert close_business_days(cast.lender.pk) == 0
    assert bills(cast.lender.pk) == 1


@pytest.mark.django_db
def test_the_sweep_leaves_a_lender_alone_that_has_no_host_name_yet(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(close_business_days, "hint", asked.append)
    assert sweep_business_days() == 2
    assert asked == sorted([cast.lender.pk, cast.other_lender.pk])
    with platform():
        LenderHost.objects.filter(lender=cast.other_lender).delete()
    asked.clear()
    assert sweep_business_days() == 1
    assert asked == [cast.lender.pk]


# --- commands ---------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_every_dated_job_is_a_command(cast: Cast, books: Books) -> None:
    def said(command: str, *arguments: str) -> str:
        out = StringIO()
        call_command(command, *arguments, stdout=out)
        return out.getvalue()

    day = "--as-of=2025-01-31"
    assert "2025-01-31: 1 accounts, 79.17 USD" in said("bill_interest", day, "--lender=summit")
    assert "2025-01-31: 0 accounts" in said("bill_interest", day, "--lender=summit")
    assert "coast: 2025-01-31: 0 rows added" in said("extend_rate_plans", day)
    assert "summit: 2025-02-10: 1 people are told" in said(
        "send_due_alerts", "--as-of=2025-02-10", "--lender=summit"
    )
    assert "summit: 2025-01-31 proof: done, 1 done, 0 failed" in said("close_day", day, "--lender=summit")
    assert "summit: the books are right" in said("verify_ledger", day)


@pytest.mark.django_db
@pytest.mark.parametrize("arguments", [["--as-of=31.01.2025"], ["--lender=nobody"], ["--as-of=2025-02-30"]])
def test_a_command_says_what_it_cannot_read(cast: Cast, arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("close_day", *arguments, stdout=StringIO())
    assert states(cast.lender.pk) == []


# --- alerts -----------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_owners_are_told_three_days_before_and_on_the_day_once(cast: Cast, books: Books) -> None:
    with tenant(cast.lender.pk):
        Membership.objects.create(
            user=cast.payer, dealership=cast.stranger_dealership, role=Membership.Role.OWNER
        )
        assert order_due_alerts(as_of=date(2025, 3, 14)) == 0
        assert order_due_alerts(as_of=date(2025, 3, 15)) == 1
        assert order_due_alerts(as_of=date(2025, 3, 15)) == 1
        assert order_due_alerts(as_of=date(2025, 3, 18)) == 1
        mails = list(OutgoingMessage.objects.filter(template="due-alert").order_by("pk"))
        assert [mail.recipient for mail in mails] == [cast.owner.email] * 2
        before, today = (write_mail(mail) for mail in mails)
    assert before.subject == "$2,000.00 falls due on Mar 18 at Alder Motors"
    assert today.subject == "$2,000.00 is due today at Alder Motors"
    for mail in (before, today):
        html = str(mail.alternatives[0][0])
        for part in (str(mail.body), html):
            assert "$2,000.00" in part
            assert "1 unit or loan" in part
            assert "/payments/new/" in part


@pytest.mark.django_db
def test_what_is_paid_is_no_longer_announced(cast: Cast, books: Books) -> None:
    with tenant(cast.lender.pk):
        unit_id = AccountEvent.objects.get(kind="advance").account_id
        post_payment(
            key="P-1",
            shares=[Share(unit_id, "amount", D("2000.00"))],
            value_date=date(2025, 3, 10),
            business_date=date(2025, 3, 10),
            description="Payment",
            actor=None,
        )
        assert order_due_alerts(as_of=date(2025, 3, 15)) == 0
