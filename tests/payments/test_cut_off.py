"""The check page names the day from which a payment counts, and that day is stored."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.tenancy import tenant
from finance.calendars import BusinessCalendar, calendar_named
from finance.formatting import format_date
from payments.models import Payment
from tests.cast import Cast
from tests.payments.screens import checked
from tests.payments.staging import Stage

ClientOf = Callable[[User], Client]


def next_day(stage: Stage, fits: Callable[[date, BusinessCalendar], bool]) -> date:
    """The next day on the lender's calendar, a week ahead at least, that fits."""
    calendar = calendar_named(stage.lender.calendar)
    days = (stage.today + timedelta(days=number) for number in range(7, 80))
    return next(day for day in days if fits(day, calendar))


def is_plain_friday(day: date, calendar: BusinessCalendar) -> bool:
    return (
        day.weekday() == 4
        and calendar.is_business_day(day)
        and calendar.is_business_day(day + timedelta(days=3))
    )


def is_bank_holiday(day: date, calendar: BusinessCalendar) -> bool:
    return day.weekday() < 5 and not calendar.is_business_day(day)


@pytest.mark.parametrize(
    ("fits", "clock", "days_on", "why"),
    [
        (is_plain_friday, time(16, 59), 0, ""),
        (is_plain_friday, time(17, 1), 3, "Today's cut-off has passed"),
        (is_plain_friday, time(23, 30), 3, "Today's cut-off has passed"),
        (is_bank_holiday, time(9), 1, "Banks are closed today"),
    ],
    ids=["before the cut-off", "after the cut-off", "Friday evening", "holiday"],
)
def test_the_check_names_account_cut_off_and_the_day_that_will_be_stored(
    cast: Cast,
    stage: Stage,
    client_of: ClientOf,
    monkeypatch: pytest.MonkeyPatch,
    *,
    fits: Callable[[date, BusinessCalendar], bool],
    clock: time,
    days_on: int,
    why: str,
) -> None:
    day = next_day(stage, fits)
    calendar = calendar_named(stage.lender.calendar)
    counts_on = day + timedelta(days=days_on)
    while not calendar.is_business_day(counts_on):
        counts_on += timedelta(days=1)
    moment = datetime.combine(day, clock, tzinfo=stage.lender.zone)
    monkeypatch.setattr(timezone, "now", lambda: moment)
    client = client_of(cast.owner)
    review, fields = checked(client, stage, (stage.second, "payoff", ""))
    html = client.get(review).content.decode()
    assert format_date(counts_on, stage.lender.locale, "weekday") in html
    assert "Operating account •••• 6789" in html
    assert "Nothing has been sent yet." in html
    assert "Send it before" in html
    assert "5:00\u202fPM" in html.replace("\u00a0", "\u202f")
    for reason in ("Today's cut-off has passed", "Banks are closed today"):
        assert (reason in html) == (reason == why)
    assert fields["value_date"] == counts_on.isoformat()
    assert client.post("/payments/submit/", fields).status_code == 302
    with tenant(cast.lender.pk):
        payment = Payment.objects.get()
    assert payment.value_date == counts_on
    assert payment.expected_on == calendar.add_business_days(counts_on, 1)
