"""The states of a payment after it was submitted. What is posted is posted in the transaction of the change."""

from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actions.outbox import order_message
from accounts.models import Dealership, Lender, Membership, User
from finance.actions.fees import assess_fee
from finance.actions.receipts import post_payment, reverse_payment
from finance.queries.availability import terms_on
from payments.actions.errors import PaymentRefusedError
from payments.actions.locks import hold_payment, locked_payment
from payments.actions.steps import move, order_receipt, record_step
from payments.models import Payment, PaymentShare
from payments.queries.debits import LONGEST_CODE
from payments.queries.messages import trouble_context
from payments.queries.offered import SCHEMES
from payments.queries.return_reasons import return_reason

State = Payment.State


# The bank tells by itself what becomes of a payment; asking is for the message that got lost.
POLL = timedelta(minutes=10)


@transaction.atomic
def accept_payment(*, payment_id: int, reference: str, now: datetime) -> Payment:
    """The bank has taken it and works on it. A payment that has moved on further stays where it is."""
    payment = locked_payment(payment_id)
    if payment.state not in {State.SUBMITTED, State.CHECKING, State.PROCESSING}:
        return payment
    moved = payment.state != State.PROCESSING
    payment.state = State.PROCESSING
    payment.gateway_reference = reference or payment.gateway_reference
    payment.lookups = 0
    payment.next_step_at = now + POLL
    payment.save(update_fields=["state", "gateway_reference", "lookups", "next_step_at"])
    if moved:
        record_step(payment, State.PROCESSING)
    return payment


@transaction.atomic
def settle_payment(*, payment_id: int, now: datetime) -> Payment:
    """The money has arrived: post it with its value date and mark it settled, both or neither. Twice is once."""
    held = hold_payment(payment_id)
    payment = held.payment
    if payment.state in {State.SETTLED, State.RETURNED}:
        return payment
    lender: Lender = payment.lender
    posted = post_payment(
        key=payment.number,
        shares=held.shares,
        value_date=payment.value_date,
        business_date=lender.business_date(now),
        description=_("Payment %(number)s") % {"number": payment.number},
        actor=payment.made_by,
    )
    payment.entry = posted.entry
    payment.settled_at = now
    move(
        payment,
        State.SETTLED,
        "entry_id",
        "settled_at",
        by_way=_by_way(payment, State.SETTLED),
        act=audit.describe(
            "payment.settled",
            actor=None,
            subject=f"payment:{payment.number}",
            dealership=payment.dealership_id,
            details={"amount": str(payment.amount), "entry": posted.entry.pk},
        ),
        now=now,
    )
    return payment


@transaction.atomic
def return_payment(
    *,
    payment_id: int,
    code: str,
    now: datetime,
    actor: User | None = None,
    note: str = "",
    charge_fee: bool = True,
) -> Payment:
    """The bank sent it back: reverse what was posted with its value date, charge the return fee, tell people why.

    Without a posting there is nothing to reverse, and the fee alone is charged. Twice is once. `actor` and `note` are
    of staff who record a return by hand; the note stays in the audit trail.
    """
    payment = locked_payment(payment_id)
    if payment.state == State.RETURNED:
        return payment
    lender: Lender = payment.lender
    today = lender.business_date(now)
    reason = return_reason(SCHEMES[payment.method.kind], code)
    first = PaymentShare.objects.filter(payment=payment).select_related("account").order_by("pk")[0]
    terms = terms_on(first.account.line_id, today)
    fee: Decimal | None = (terms.return_fee or None) if charge_fee else None
    fields = ["return_code", "return_reason", "returned_at"]
    if payment.entry is not None:
        payment.return_entry = reverse_payment(
            entry=payment.entry,
            business_date=today,
            reason=_("Returned %(code)s") % {"code": reason.code},
            actor=actor,
            fee=fee,
        )
        fields.append("return_entry_id")
    elif fee is not None:
        assess_fee(
            account=first.account,
            amount=fee,
            name=_("Returned payment %(number)s") % {"number": payment.number},
            effective_on=today,
            business_date=today,
            key=f"returned:{payment.number}",
            actor=actor,
        )
    payment.return_code = reason.code[:LONGEST_CODE]
    payment.return_reason = _untranslated(reason.words)[:200]
    payment.returned_at = now
    move(
        payment,
        State.RETURNED,
        *fields,
        by_way=_by_way(payment, State.RETURNED),
        note=_untranslated(reason.words),
        act=audit.describe(
            "payment.returned",
            actor=actor,
            subject=f"payment:{payment.number}",
            dealership=payment.dealership_id,
            reason=note,
            details={"code": code, "amount": str(payment.amount), "fee": str(fee or 0)},
        ),
        now=now,
    )
    _tell(payment, "payment-returned", trouble_context(payment, reason, fee=fee))
    return payment


@transaction.atomic
def decline_payment(*, payment_id: int, code: str, now: datetime) -> Payment:
    """The bank does not carry it out; nothing was posted and nothing is owed less. Twice is once."""
    payment = locked_payment(payment_id)
    if payment.state == State.DECLINED:
        return payment
    reason = return_reason(SCHEMES[payment.method.kind], code)
    payment.return_code = reason.code[:LONGEST_CODE]
    payment.return_reason = _untranslated(reason.words)[:200]
    move(
        payment,
        State.DECLINED,
        "return_code",
        "return_reason",
        note=_untranslated(reason.words),
        act=audit.describe(
            "payment.declined",
            actor=None,
            subject=f"payment:{payment.number}",
            dealership=payment.dealership_id,
            details={"code": code, "amount": str(payment.amount)},
        ),
        now=now,
    )
    _tell(payment, "payment-declined", trouble_context(payment, reason))
    return payment


@transaction.atomic
def cancel_payment(*, payment: Payment, actor: User, now: datetime) -> Payment:
    """Take a payment back that has not gone to the bank yet; afterwards it is too late, and refused in words."""
    cancelled = Payment.objects.filter(pk=payment.pk, state=State.SUBMITTED, sending_since=None).update(
        state=State.CANCELLED
    )
    payment.refresh_from_db()
    if not cancelled:
        if payment.state == State.CANCELLED:
            return payment
        raise PaymentRefusedError(
            _("Payment %(number)s has gone to the bank and cannot be cancelled here any more. Call us.")
            % {"number": payment.number},
            code="too_late",
            payment=payment,
        )
    record_step(payment, State.CANCELLED, actor.get_full_name())
    order_receipt(payment, now=now)
    audit.record(
        "payment.cancelled",
        actor=actor,
        subject=f"payment:{payment.number}",
        dealership=payment.dealership_id,
    )
    return payment


def _by_way(payment: Payment, state: State) -> State | None:
    """The bank may be quicker than our own note of it: then the payment goes by way of `processing`."""
    is_short_cut = payment.state == State.SUBMITTED or (
        payment.state == State.CHECKING and state == State.RETURNED
    )
    return State.PROCESSING if is_short_cut else None


def _tell(payment: Payment, template: str, context: dict[str, object]) -> None:
    """Write to who paid, and to the owners of the dealership."""
    dealership: Dealership = payment.dealership
    owners = Membership.objects.filter(
        dealership=dealership, role=Membership.Role.OWNER, user__is_active=True
    )
    people = {payment.made_by_id: payment.made_by} | {
        membership.user_id: membership.user for membership in owners.select_related("user")
    }
    for person in people.values():
        order_message(
            key=f"{template}:{payment.number}:{person.pk}",
            template=template,
            recipient=person.email,
            context=context,
            user=person,
            dealership=dealership,
        )


def _untranslated(words: Promise) -> str:
    """The sentence as the catalogue knows it; pages and mails translate it for their reader."""
    with translation.override(None):
        return str(words)
