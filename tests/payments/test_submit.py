"""Submitting: one intent is one payment, of just what was shown, and never more than is owed."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.models import AuditEntry, Lender, Membership, OutgoingMessage
from accounts.tenancy import tenant
from finance.calendars import FEDERAL_RESERVE
from finance.queries.payoff import payoff_split
from payments.actions.errors import PaymentRefusedError
from payments.actions.states import accept_payment, settle_payment
from payments.actions.submit import submit_payment
from payments.models import Payment, PaymentMethod, PaymentReceipt, PaymentShare, PaymentStep
from payments.queries.owing import owing_on
from payments.queries.receipts import receipt_page
from payments.queries.timing import timing_of
from tests.cast import Cast
from tests.payments.staging import (
    Stage,
    amount,
    due,
    floor_unit,
    make_due,
    make_method,
    pay,
    payoff,
    position,
    shown,
)


def written() -> tuple[int, ...]:
    """How many rows of each kind there are: a refusal leaves them as they were."""
    return (
        Payment.objects.count(),
        PaymentShare.objects.count(),
        PaymentStep.objects.count(),
        PaymentReceipt.objects.count(),
        OutgoingMessage.objects.count(),
        AuditEntry.objects.filter(code__startswith="payment.").count(),
    )


def test_a_payment_is_stored_with_shares_step_audit_receipt_and_one_mail(cast: Cast, stage: Stage) -> None:
    with tenant(cast.lender.pk):
        payment = pay(stage, cast.owner, uuid4(), due(stage.first), payoff(stage.second))
        shares = {share.account_id: share for share in PaymentShare.objects.all()}
        assert shares[stage.first.pk].amount == Decimal("80.00") == shares[stage.first.pk].fees
        whole = payoff_split(stage.second, payment.value_date)
        second = shares[stage.second.pk]
        assert (second.principal, second.interest, second.fees) == (
            whole.principal,
            whole.interest,
            whole.fees,
        )
        assert payment.amount == sum(share.amount for share in shares.values())
        assert [step.state for step in PaymentStep.objects.all()] == ["submitted"]
        message = OutgoingMessage.objects.get()
        assert message.key == f"payment-receipt:{payment.number}"
        assert message.recipient == cast.owner.email
        assert AuditEntry.objects.get(code="payment.submitted").subject == f"payment:{payment.number}"
        assert PaymentReceipt.objects.get().payment_state == "submitted"
        # Nothing is booked yet.
        assert position(stage.second).principal == Decimal("12000.00")


def test_the_same_token_again_is_the_same_payment(cast: Cast, stage: Stage) -> None:
    token = uuid4()
    with tenant(cast.lender.pk):
        choices = [due(stage.first)]
        amounts, value_date = shown(stage, choices, timezone.now())
        first = pay(stage, cast.owner, token, *choices)
        before = written()
        again = submit_payment(
            token=token,
            dealership=stage.dealership,
            method=stage.method,
            choices=choices,
            shown_amounts=amounts,
            shown_value_date=value_date,
            actor=cast.owner,
            now=timezone.now(),
        )
        assert again.pk == first.pk
        assert written() == before


def test_the_same_token_with_another_amount_or_account_is_refused(cast: Cast, stage: Stage) -> None:
    token = uuid4()
    with tenant(cast.lender.pk):
        first = pay(stage, cast.owner, token, due(stage.first))
        before = written()
        for other in (
            {stage.first.public_id: Decimal("80.01")},
            {stage.second.public_id: Decimal("80.00")},
            {stage.first.public_id: Decimal("80.00"), stage.second.public_id: Decimal("1.00")},
            {},
        ):
            with pytest.raises(PaymentRefusedError) as refused:
                submit_payment(
                    token=token,
                    dealership=stage.dealership,
                    method=stage.method,
                    choices=[due(stage.first)],
                    shown_amounts=other,
                    shown_value_date=first.value_date,
                    actor=cast.owner,
                    now=timezone.now(),
                )
            assert refused.value.code == "token_used"
            assert refused.value.payment == first
            assert written() == before


def test_an_amount_that_changed_since_it_was_shown_is_refused(cast: Cast, stage: Stage) -> None:
    with tenant(cast.lender.pk):
        now = timezone.now()
        amounts, value_date = shown(stage, [due(stage.first)], now)
        make_due(stage.first, "15.00", stage.today, "later")
        before = written()
        with pytest.raises(PaymentRefusedError, match=r"is now \$95.00, it was \$80.00") as refused:
            submit_payment(
                token=uuid4(),
                dealership=stage.dealership,
                method=stage.method,
                choices=[due(stage.first)],
                shown_amounts=amounts,
                shown_value_date=value_date,
                actor=cast.owner,
                now=now,
            )
        assert refused.value.code == "changed"
        assert written() == before


def test_a_value_date_that_moved_over_the_cut_off_is_refused(cast: Cast, stage: Stage) -> None:
    monday = next_monday(stage.today)
    before_cut_off = at(cast.lender, monday, 16, 59)
    after = at(cast.lender, monday, 17, 0)
    with tenant(cast.lender.pk):
        amounts, value_date = shown(stage, [due(stage.first)], before_cut_off)
        assert value_date == monday
        with pytest.raises(PaymentRefusedError, match="cut-off has passed"):
            submit_payment(
                token=uuid4(),
                dealership=stage.dealership,
                method=stage.method,
                choices=[due(stage.first)],
                shown_amounts=amounts,
                shown_value_date=value_date,
                actor=cast.owner,
                now=after,
            )
        assert Payment.objects.count() == 0


def test_what_is_on_its_way_cannot_be_paid_again(cast: Cast, stage: Stage) -> None:
    with tenant(cast.lender.pk):
        first = pay(stage, cast.owner, uuid4(), payoff(stage.second), due(stage.first))
        before = written()
        for again in (payoff(stage.second), amount(stage.second, "0.01")):
            with pytest.raises(PaymentRefusedError, match="already being paid") as refused:
                submit(stage, cast, [again])
            assert refused.value.payment == first
        with pytest.raises(PaymentRefusedError, match="already being paid"):
            submit(stage, cast, [due(stage.first)])
        assert written() == before


def test_a_payoff_after_a_payment_on_its_way_is_exact(cast: Cast, stage: Stage) -> None:
    """What is shown once part of it is on its way closes the account at 0.00 when both are booked."""
    with tenant(cast.lender.pk):
        now = timezone.now()
        part = pay(stage, cast.owner, uuid4(), amount(stage.second, "2000.00"), now=now)
        later = now + timedelta(days=3)
        rest = pay(stage, cast.payer, uuid4(), payoff(stage.second), now=later)
        assert rest.amount < owing_on([stage.second], rest.value_date, business_date=stage.today)[
            stage.second.pk
        ].booked.total - Decimal(1999)
        for payment in (part, rest):
            accept_payment(payment_id=payment.pk, reference="X", now=later)
            settle_payment(payment_id=payment.pk, now=later)
        stage.second.refresh_from_db()
        assert stage.second.state == "closed"
        now_owed = position(stage.second)
        assert (now_owed.principal, now_owed.billed_interest, now_owed.fees, now_owed.credit) == (0, 0, 0, 0)
        # The split that was shown is the one that was booked.
        for payment in (part, rest):
            assert_booked_as_shown(payment)


def test_more_than_is_owed_less_what_is_on_its_way_is_refused(cast: Cast, stage: Stage) -> None:
    with tenant(cast.lender.pk):
        pay(stage, cast.owner, uuid4(), amount(stage.second, "2000.00"))
        left = owing_on([stage.second], stage.today, business_date=stage.today)[stage.second.pk].payoff.total
        assert left < Decimal(10100)
        before = written()
        with pytest.raises(PaymentRefusedError, match=r"at most .* \$2,000.00 is already on its way"):
            submit(stage, cast, [amount(stage.second, "11000.00")])
        assert written() == before


@pytest.mark.parametrize(
    "text", ["0", "-1", "0.001", "1e-2000", "NaN", "Infinity", "-Infinity", "99999999999999.99"]
)
def test_amounts_that_are_none_are_refused(cast: Cast, stage: Stage, text: str) -> None:
    with tenant(cast.lender.pk):
        with pytest.raises(PaymentRefusedError):
            submit(stage, cast, [amount(stage.second, text)])
        assert Payment.objects.count() == 0


def test_only_a_payer_of_the_dealership_may_pay_and_only_up_to_the_limit(cast: Cast, stage: Stage) -> None:
    with tenant(cast.lender.pk):
        for person in (cast.viewer, cast.stranger, cast.finance, cast.support):
            with pytest.raises(PaymentRefusedError) as refused:
                pay(stage, person, uuid4(), due(stage.first))
            assert refused.value.code == "role"
        membership = Membership.objects.get(user=cast.payer)
        membership.payment_limit = Decimal("79.99")
        membership.save()
        with pytest.raises(PaymentRefusedError, match=r"up to \$79.99"):
            pay(stage, cast.payer, uuid4(), due(stage.first))
        membership.payment_limit = Decimal("80.00")
        membership.expires_on = stage.today - timedelta(days=1)
        membership.save()
        with pytest.raises(PaymentRefusedError) as refused:
            pay(stage, cast.payer, uuid4(), due(stage.first))
        assert refused.value.code == "role"
        assert Payment.objects.count() == 0
        membership.expires_on = stage.today
        membership.save()
        assert pay(stage, cast.payer, uuid4(), due(stage.first)).amount == Decimal("80.00")


def test_foreign_accounts_and_methods_are_refused(cast: Cast, stage: Stage) -> None:
    with tenant(cast.lender.pk):
        foreign_method = make_method(cast.stranger_dealership, "000999888777")
        amounts, value_date = shown(stage, [due(stage.first)], timezone.now())
        with pytest.raises(PaymentRefusedError) as refused:
            submit(stage, cast, [due(stage.first)], method=foreign_method)
        assert refused.value.code == "method"
        stage.method.state = PaymentMethod.State.SUSPENDED
        stage.method.save()
        with pytest.raises(PaymentRefusedError) as refused:
            submit(stage, cast, [due(stage.first)])
        assert refused.value.code == "method"
        stage.method.state = PaymentMethod.State.ACTIVE
        stage.method.save()
        elsewhere = due(stage.first)
        with pytest.raises(PaymentRefusedError) as refused:
            submit(stage, cast, [type(elsewhere)(uuid4(), elsewhere.purpose)])
        assert refused.value.code == "unknown"
        assert Payment.objects.count() == 0
        assert amounts
        assert value_date


def test_the_split_follows_the_order_of_the_line_and_sums_to_the_total(cast: Cast, stage: Stage) -> None:
    with tenant(cast.lender.pk):
        third = floor_unit(stage.line, 3, "5000.00", funded_on=stage.today - timedelta(days=5))
        make_due(third, "30.00", stage.today, "third")
        payment = pay(stage, cast.owner, uuid4(), amount(third, "100.00"), amount(stage.first, "50.00"))
        shares = {share.account_id: share for share in PaymentShare.objects.filter(payment=payment)}
        assert (shares[third.pk].fees, shares[third.pk].principal) == (Decimal("30.00"), Decimal("70.00"))
        assert (shares[stage.first.pk].fees, shares[stage.first.pk].principal) == (
            Decimal("50.00"),
            Decimal(0),
        )
        assert payment.amount == Decimal("150.00")
        # The rest of the fee is what is left due on the first.
        left = owing_on([stage.first], stage.today, business_date=stage.today)[stage.first.pk]
        assert left.due.total == Decimal("30.00")


# Denver; the Federal Reserve keeps Thanksgiving on 26 November 2026, and 3 July 2026 is open.
@pytest.mark.parametrize(
    ("day", "clock", "counts_on", "expected_on"),
    [
        ("2026-11-24", (16, 59), "2026-11-24", "2026-11-25"),
        ("2026-11-24", (17, 0), "2026-11-25", "2026-11-27"),
        ("2026-11-25", (17, 1), "2026-11-27", "2026-11-30"),
        ("2026-11-26", (9, 0), "2026-11-27", "2026-11-30"),
        ("2026-11-27", (18, 0), "2026-11-30", "2026-12-01"),
        ("2026-11-28", (12, 0), "2026-11-30", "2026-12-01"),
        ("2026-07-03", (10, 0), "2026-07-03", "2026-07-06"),
    ],
)
def test_the_cut_off_the_weekend_and_holidays_decide_the_value_date(
    cast: Cast, day: str, clock: tuple[int, int], counts_on: str, expected_on: str
) -> None:
    now = at(cast.lender, date.fromisoformat(day), *clock).astimezone(UTC)
    timing = timing_of(cast.lender, PaymentMethod.Kind.ACH_DEBIT, now)
    assert (timing.value_date.isoformat(), timing.expected_on.isoformat()) == (counts_on, expected_on)


def test_a_bacs_debit_settles_on_the_third_day_of_its_cycle(cast: Cast) -> None:
    cast.lender.calendar = Lender.Calendar.UNITED_KINGDOM
    timing = timing_of(cast.lender, PaymentMethod.Kind.BACS_DEBIT, at(cast.lender, date(2026, 12, 23), 9, 0))
    # Christmas Day, and Boxing Day kept on Monday.
    assert (timing.value_date, timing.expected_on) == (date(2026, 12, 23), date(2026, 12, 29))


def submit(stage: Stage, cast: Cast, choices: list, *, method: PaymentMethod | None = None) -> Payment:
    """Send choices that no check page would offer."""
    return submit_payment(
        token=uuid4(),
        dealership=stage.dealership,
        method=method or stage.method,
        choices=choices,
        shown_amounts={choice.account: Decimal("1.00") for choice in choices},
        shown_value_date=stage.today,
        actor=cast.owner,
        now=timezone.now(),
    )


def assert_booked_as_shown(payment: Payment) -> None:
    payment.refresh_from_db()
    shares = {share.account_id: share for share in PaymentShare.objects.filter(payment=payment)}
    for line in receipt_page(payment).lines:
        share = shares[line.account.pk]
        assert (line.split.principal, line.split.interest, line.split.fees) == (
            share.principal,
            share.interest,
            share.fees,
        )
        assert line.credit == 0


def at(lender: Lender, day: date, hour: int, minute: int) -> datetime:
    """A moment on the lender's clock."""
    return datetime.combine(day, time(hour, minute), tzinfo=lender.zone)


def next_monday(day: date) -> date:
    """The first Monday from `day` on that is no holiday."""
    found = day + timedelta(days=-day.weekday() % 7)
    while not FEDERAL_RESERVE.is_business_day(found):
        found += timedelta(days=7)
    return found
