"""Submitting a payment: one intent, one payment."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actions.numbers import next_number
from accounts.actions.outbox import order_message
from accounts.models import Dealership, Lender, Membership, NumberSequence, User
from accounts.permissions import MATRIX
from finance.formatting import format_date, format_money
from payments.actions.errors import PaymentRefusedError
from payments.actions.locks import lock_payments_of
from payments.actions.steps import order_receipt, record_step
from payments.models import Payment, PaymentMethod, PaymentShare
from payments.queries.choices import Choice
from payments.queries.messages import receipt_context
from payments.queries.offered import gateway_of
from payments.queries.plans import PaymentPlan, plan_payment
from payments.queries.timing import Timing, timing_of


@transaction.atomic
def submit_payment(
    *,
    token: UUID,
    dealership: Dealership,
    method: PaymentMethod,
    choices: Sequence[Choice],
    shown_amounts: Mapping[UUID, Decimal],
    shown_value_date: date,
    actor: User,
    now: datetime,
) -> Payment:
    """Submit what `actor` has checked: `choices`, which came to `shown_amounts` per account for `shown_value_date`.

    The same token again returns the same payment and writes nothing. Raises PaymentRefusedError, with nothing
    written, when the actor may not pay that much, when the token was used for something else, when an amount or the
    value date is no longer the one that was shown, or when more would be paid than is owed less what is on its way.

    Once the transaction has committed, call `payments.tasks.move_payment`; the sweep does it otherwise.
    """
    lock_payments_of(dealership.pk)
    lender: Lender = dealership.lender
    known = Payment.objects.filter(token=token).first()
    if known is not None:
        return _same_payment(known, dealership, method, shown_amounts)
    if method.dealership_id != dealership.pk or method.state != PaymentMethod.State.ACTIVE:
        raise PaymentRefusedError(_("This account cannot be used to pay. Choose another one."), code="method")
    gateway = gateway_of(method.kind)
    if gateway is None:
        raise PaymentRefusedError(
            _("Paying this way is not possible here. Choose another account."), code="method"
        )
    timing = timing_of(lender, method.kind, now)
    plan = plan_payment(
        lender=lender,
        dealership_id=dealership.pk,
        choices=choices,
        value_date=timing.value_date,
        business_date=timing.today,
    )
    if plan.problems:
        problem = plan.problems[0]
        standing = Payment.objects.filter(public_id=problem.payment_public_id).first()
        raise PaymentRefusedError(problem.message, code=problem.code, payment=standing)
    _check_shown(plan, timing, lender, shown_amounts, shown_value_date)
    _check_right(actor, dealership, lender, plan.total, timing.today)
    return _create(
        token=token,
        dealership=dealership,
        method=method,
        plan=plan,
        timing=timing,
        gateway=gateway,
        actor=actor,
        now=now,
    )


def _same_payment(
    known: Payment, dealership: Dealership, method: PaymentMethod, shown_amounts: Mapping[UUID, Decimal]
) -> Payment:
    """The payment of a repeated token, if the request repeats it; a request for something else is refused."""
    shares = PaymentShare.objects.filter(payment=known).select_related("account")
    stored = {share.account.public_id: share.amount for share in shares}
    is_same = (known.dealership_id, known.method_id) == (dealership.pk, method.pk)
    if not is_same or stored != dict(shown_amounts):
        raise PaymentRefusedError(
            _(
                "This payment was already sent as %(number)s with other amounts or from another account. Nothing "
                "more was sent; start a new payment."
            )
            % {"number": known.number},
            code="token_used",
            payment=known,
        )
    return known


def _check_shown(
    plan: PaymentPlan,
    timing: Timing,
    lender: Lender,
    shown_amounts: Mapping[UUID, Decimal],
    shown_value_date: date,
) -> None:
    def written(amount: Decimal) -> str:
        return format_money(amount, lender.currency, lender.locale)

    if timing.value_date != shown_value_date:
        raise PaymentRefusedError(
            _(
                "The cut-off has passed since you looked: the payment now counts on %(day)s. "
                "Nothing was sent. Check it again."
            )
            % {"day": format_date(timing.value_date, lender.locale, "weekday")},
            code="changed",
        )
    planned = {share.account.public_id: share for share in plan.shares}
    if planned.keys() != shown_amounts.keys():
        raise PaymentRefusedError(
            _("What you chose has changed since you looked. Nothing was sent. Check it again."),
            code="changed",
        )
    for public_id, share in planned.items():
        shown = shown_amounts[public_id]
        if share.amount != shown:
            raise PaymentRefusedError(
                _(
                    "The amount has changed since you looked: %(title)s is now %(now)s, it was %(before)s. "
                    "Nothing was sent. Check it again."
                )
                % {"title": share.account.title, "now": written(share.amount), "before": written(shown)},
                code="changed",
            )


def _check_right(actor: User, dealership: Dealership, lender: Lender, total: Decimal, today: date) -> None:
    membership = Membership.objects.filter(user=actor, dealership=dealership).first()
    expired = membership is not None and membership.expires_on is not None and membership.expires_on < today
    if membership is None or expired or membership.role not in MATRIX["payments.make"]:
        raise PaymentRefusedError(
            _("Your role does not allow you to pay. Ask the owner of the account."), code="role"
        )
    limit = membership.payment_limit
    if limit is not None and total > limit:
        raise PaymentRefusedError(
            _("You may pay up to %(limit)s at once. Ask the owner of the account to send this payment.")
            % {"limit": format_money(limit, lender.currency, lender.locale)},
            code="limit",
        )


def _create(
    *,
    token: UUID,
    dealership: Dealership,
    method: PaymentMethod,
    plan: PaymentPlan,
    timing: Timing,
    gateway: str,
    actor: User,
    now: datetime,
) -> Payment:
    lender: Lender = dealership.lender
    payment = Payment.objects.create(
        token=token,
        number=next_number(NumberSequence.Kind.PAYMENT, prefix="P"),
        dealership=dealership,
        method=method,
        currency=lender.currency,
        amount=plan.total,
        value_date=timing.value_date,
        expected_on=timing.expected_on,
        made_by=actor,
        made_by_name=actor.get_full_name(),
        submitted_at=now,
        gateway=gateway,
        next_step_at=now,
    )
    shares = PaymentShare.objects.bulk_create(
        PaymentShare(
            payment=payment,
            dealership=dealership,
            account=share.account,
            purpose=share.purpose,
            amount=share.amount,
            principal=share.split.principal,
            interest=share.split.interest,
            fees=share.split.fees,
        )
        for share in plan.shares
    )
    record_step(payment, Payment.State.SUBMITTED)
    order_receipt(payment, now=now)
    audit.record(
        "payment.submitted",
        actor=actor,
        subject=f"payment:{payment.number}",
        dealership=dealership,
        details={
            "amount": str(payment.amount),
            "currency": payment.currency,
            "value_date": payment.value_date.isoformat(),
            "accounts": len(shares),
            "from": str(method),
        },
    )
    order_message(
        key=f"payment-receipt:{payment.number}",
        template="payment-receipt",
        recipient=actor.email,
        context=receipt_context(payment, shares),
        user=actor,
        dealership=dealership,
    )
    return payment
