"""When a payment counts, and when its money is expected."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from accounts.models import Lender
from finance.calendars import BusinessCalendar, calendar_named, value_date
from payments.models import PaymentMethod

# Business days from the value date until the lender's account has the money: an ACH or SEPA debit settles on the next
# one; Bacs takes input, processing and entry day.
_BUSINESS_DAYS = {
    PaymentMethod.Kind.ACH_DEBIT: 1,
    PaymentMethod.Kind.SEPA_DEBIT: 1,
    PaymentMethod.Kind.BACS_DEBIT: 2,
    PaymentMethod.Kind.CARD: 1,
}


@dataclass(frozen=True, slots=True)
class Timing:
    """The dates of a payment sent at one moment.

    `cut_off` is the lender's local time until which a payment still counts on `value_date`'s rule; `after_cut_off`
    says that today's has passed, `bank_holiday` that today is none of the calendar's business days.
    """

    value_date: date
    expected_on: date
    today: date
    cut_off: time
    cut_off_at: datetime
    after_cut_off: bool
    bank_holiday: bool


def timing_of(lender: Lender, kind: str, now: datetime) -> Timing:
    """The dates of a payment by that kind of method, sent to `lender` at `now` (aware)."""
    calendar = calendar_named(lender.calendar)
    local = lender.local_time(now)
    if kind == PaymentMethod.Kind.CARD:
        return _card_timing(lender, local, calendar)
    counts_on = value_date(local, lender.payment_cut_off, calendar)
    open_today = calendar.is_business_day(local.date())
    # The cut-off of the day on which the payment counts: until then it is that day and no later one.
    cut_off_at = datetime.combine(counts_on, lender.payment_cut_off, tzinfo=lender.zone)
    return Timing(
        value_date=counts_on,
        expected_on=calendar.add_business_days(counts_on, _BUSINESS_DAYS[PaymentMethod.Kind(kind)]),
        today=local.date(),
        cut_off=lender.payment_cut_off,
        cut_off_at=cut_off_at,
        after_cut_off=open_today and counts_on != local.date(),
        bank_holiday=not open_today,
    )


def _card_timing(lender: Lender, local: datetime, calendar: BusinessCalendar) -> Timing:
    """A card counts on the day on which it is used, whatever day that is; only the money follows the banks' days."""
    today = local.date()
    return Timing(
        value_date=today,
        expected_on=calendar.add_business_days(today, _BUSINESS_DAYS[PaymentMethod.Kind.CARD]),
        today=today,
        cut_off=time(0),
        cut_off_at=datetime.combine(today + timedelta(days=1), time(0), tzinfo=lender.zone),
        after_cut_off=False,
        bank_holiday=False,
    )
