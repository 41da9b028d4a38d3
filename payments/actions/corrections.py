"""What finance staff do to payments: ask the bank once more, and record a return that it told of by letter."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import User
from accounts.tenancy import current_lender_id
from accounts.tenant_tasks import hint_by_name
from payments.actions.errors import PaymentRefusedError
from payments.actions.locks import locked_payment
from payments.actions.states import return_payment
from payments.models import Payment

State = Payment.State


@transaction.atomic
def ask_bank_again(*, payment: Payment, reason: str, actor: User, now: datetime) -> Payment:
    """Look up at the bank, now, what became of a payment that is being checked; the ladder of waiting begins anew.

    It is asked for by its key and never sent again by this.
    """
    asked = Payment.objects.filter(pk=payment.pk, state=State.CHECKING).update(next_step_at=now, lookups=0)
    if not asked:
        raise PaymentRefusedError(
            _("Payment %(number)s is not being checked, so there is nothing to ask.")
            % {"number": payment.number},
            code="not_checking",
            payment=payment,
        )
    audit.record(
        "payment.asked-again",
        actor=actor,
        subject=f"payment:{payment.number}",
        dealership=payment.dealership_id,
        reason=reason,
    )
    lender_id, payment_id = current_lender_id(), payment.pk
    # By name, because the task calls actions and stands above them.
    transaction.on_commit(
        lambda: hint_by_name("payments.tasks.move_payment", lender_id, payment_id), robust=True
    )
    payment.refresh_from_db()
    return payment


@transaction.atomic
def record_return_by_hand(
    *, payment: Payment, code: str, reason: str, charge_fee: bool, actor: User, now: datetime
) -> Payment:
    """Take a settled payment back of whose return the bank told by letter or telephone.

    What was posted is reversed by a linked entry with the original value date, and the people who paid are told in the
    plain words of the bank's `code`. `reason` stays in the audit trail; `charge_fee` charges the line's return fee.
    """
    locked = locked_payment(payment.pk)
    if locked.state != State.SETTLED:
        raise PaymentRefusedError(
            _("Payment %(number)s is not settled; only what is settled can be taken back.")
            % {"number": locked.number},
            code="not_settled",
            payment=locked,
        )
    return return_payment(
        payment_id=locked.pk,
        code=code.strip().upper(),
        now=now,
        actor=actor,
        note=reason,
        charge_fee=charge_fee,
    )
