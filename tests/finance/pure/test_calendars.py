"""Business days against the lists that the authorities published."""

from datetime import date, datetime, time

import pytest

from finance.calendars import (
    FEDERAL_RESERVE,
    TARGET,
    UNITED_KINGDOM,
    calendar_named,
    calendar_names,
    value_date,
)


def days(year: int, text: str) -> list[date]:
    return [datetime.strptime(f"{year} {word}", "%Y %d-%b").date() for word in text.split()]  # noqa: DTZ007


@pytest.mark.parametrize(
    ("calendar", "year", "published"),
    [
        (FEDERAL_RESERVE, 2021, "1-Jan 18-Jan 15-Feb 31-May 5-Jul 6-Sep 11-Oct 11-Nov 25-Nov"),
        (FEDERAL_RESERVE, 2025, "1-Jan 20-Jan 17-Feb 26-May 19-Jun 4-Jul 1-Sep 13-Oct 11-Nov 27-Nov 25-Dec"),
        (FEDERAL_RESERVE, 2026, "1-Jan 19-Jan 16-Feb 25-May 19-Jun 7-Sep 12-Oct 11-Nov 26-Nov 25-Dec"),
        (FEDERAL_RESERVE, 2027, "1-Jan 18-Jan 15-Feb 31-May 5-Jul 6-Sep 11-Oct 11-Nov 25-Nov"),
        (TARGET, 2025, "1-Jan 18-Apr 21-Apr 1-May 25-Dec 26-Dec"),
        (TARGET, 2026, "1-Jan 3-Apr 6-Apr 1-May 25-Dec"),
        (UNITED_KINGDOM, 2020, "1-Jan 10-Apr 13-Apr 8-May 25-May 31-Aug 25-Dec 28-Dec"),
        (UNITED_KINGDOM, 2022, "3-Jan 15-Apr 18-Apr 2-May 2-Jun 3-Jun 29-Aug 19-Sep 26-Dec 27-Dec"),
        (UNITED_KINGDOM, 2023, "2-Jan 7-Apr 10-Apr 1-May 8-May 29-May 28-Aug 25-Dec 26-Dec"),
        (UNITED_KINGDOM, 2025, "1-Jan 18-Apr 21-Apr 5-May 26-May 25-Aug 25-Dec 26-Dec"),
        (UNITED_KINGDOM, 2026, "1-Jan 3-Apr 6-Apr 4-May 25-May 31-Aug 25-Dec 28-Dec"),
        (UNITED_KINGDOM, 2027, "1-Jan 26-Mar 29-Mar 3-May 31-May 30-Aug 27-Dec 28-Dec"),
    ],
)
def test_weekday_holidays_are_those_that_were_published(calendar, year, published):
    assert calendar.holidays(year) == days(year, published)
    assert not any(calendar.is_business_day(day) for day in days(year, published))


def test_a_saturday_holiday_of_the_reserve_banks_is_not_moved():
    assert date(2026, 7, 4).strftime("%A") == "Saturday"
    assert FEDERAL_RESERVE.is_business_day(date(2026, 7, 3))
    assert FEDERAL_RESERVE.is_business_day(date(2026, 7, 6))
    # New Year's Day 2022 was a Saturday: the last day of 2021 was open.
    assert FEDERAL_RESERVE.is_business_day(date(2021, 12, 31))


def test_next_and_previous_business_days():
    assert FEDERAL_RESERVE.next_business_day(date(2025, 7, 3)) == date(2025, 7, 3)
    assert FEDERAL_RESERVE.next_business_day(date(2025, 7, 4)) == date(2025, 7, 7)
    assert FEDERAL_RESERVE.previous_business_day(date(2025, 7, 6)) == date(2025, 7, 3)
    assert UNITED_KINGDOM.next_business_day(date(2026, 12, 25)) == date(2026, 12, 29)
    assert TARGET.next_business_day(date(2026, 12, 25)) == date(2026, 12, 28)


@pytest.mark.parametrize(
    ("start", "count", "end"),
    [
        ("2025-07-03", 1, "2025-07-07"),
        ("2025-07-05", 1, "2025-07-07"),
        ("2025-07-07", -1, "2025-07-03"),
        ("2025-07-05", 0, "2025-07-07"),
        ("2025-12-24", 5, "2026-01-02"),
    ],
)
def test_business_days_are_added(start, count, end):
    assert FEDERAL_RESERVE.add_business_days(date.fromisoformat(start), count) == date.fromisoformat(end)


@pytest.mark.parametrize(
    ("now", "value_on"),
    [
        ("2025-07-03 14:59:59", "2025-07-03"),
        ("2025-07-03 15:00:00", "2025-07-07"),
        ("2025-07-04 09:00:00", "2025-07-07"),
        ("2025-07-05 23:59:59", "2025-07-07"),
        ("2025-07-07 00:00:00", "2025-07-07"),
    ],
)
def test_money_counts_from_the_day_before_whose_cut_off_it_came(now, value_on):
    found = value_date(datetime.fromisoformat(now), time(15, 0), FEDERAL_RESERVE)
    assert found == date.fromisoformat(value_on)


def test_calendars_are_found_by_name():
    assert [calendar_named(name) for name in calendar_names()] == [FEDERAL_RESERVE, TARGET, UNITED_KINGDOM]
    with pytest.raises(LookupError, match="federal-reserve"):
        calendar_named("mars")
