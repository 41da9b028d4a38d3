"""Payments in the finance office: asked about again, and taken back by a linked reversal."""

from datetime import timedelta

from django.utils import timezone

from accounts.models import AuditEntry, OutgoingMessage
from accounts.tenancy import tenant
from finance.models import (
    JournalEntry,
)
from payments.actions.states import accept_payment, settle_payment
from payments.models import Payment
from tests.portal.office import Office, make_payment, text_of
from tests.portal.office_steps import act


def test_a_settled_payment_is_taken_back_by_a_linked_reversal(office: Office) -> None:
    with tenant(office.lender.pk):
        unit = office.stock.fund(days_ago=30)
        payment = make_payment(office.cast, office.stock, unit)
        accept_payment(payment_id=payment.pk, reference="B-1", now=timezone.now())
        settle_payment(payment_id=payment.pk, now=timezone.now())
        other = make_payment(office.cast, office.stock, unit)
        payment.refresh_from_db()
    answer = act(
        office,
        "payments_payment",
        "return",
        [payment, other],
        reason="Letter of the bank.",
        code="r01",
        charge_fee="on",
    )
    outcome = text_of(office.client.get(answer["Location"]))
    assert "Done for 1 of 2 rows." in outcome
    assert "Reversed by journal entry" in outcome
    assert "only a settled payment can be taken back" in outcome
    with tenant(office.lender.pk):
        payment.refresh_from_db()
        assert payment.state == Payment.State.RETURNED
        assert payment.return_code == "R01"
        assert payment.return_entry.reverses_id == payment.entry_id
        assert payment.return_entry.effective_on == payment.entry.effective_on
        entry = AuditEntry.objects.get(code="payment.returned")
        assert (entry.actor, entry.reason) == (office.cast.finance, "Letter of the bank.")
        assert "Letter of the bank." not in str(
            list(OutgoingMessage.objects.values_list("context", flat=True))
        )
        reversals = JournalEntry.objects.filter(reverses=payment.entry_id).count()
    page = office.post("payments_payment_act", "return", _selected_action=payment.pk)
    assert "None of them can be done" in text_of(page)
    assert reversals == 1
    shown = text_of(office.get("finance_journalentry_change", payment.entry_id))
    assert "Reversed by entry" in shown


def test_the_bank_is_asked_again_about_a_payment_that_is_being_checked(office: Office) -> None:
    with tenant(office.lender.pk):
        unit = office.stock.fund(days_ago=30)
        checked = make_payment(office.cast, office.stock, unit, Payment.State.CHECKING)
        fresh = make_payment(office.cast, office.stock, unit)
        Payment.objects.filter(pk=checked.pk).update(
            next_step_at=timezone.now() + timedelta(days=9), lookups=4
        )
    answer = act(office, "payments_payment", "ask-again", [checked, fresh], reason="The dealer asks.")
    assert "Done for 1 of 2 rows." in text_of(office.client.get(answer["Location"]))
    with tenant(office.lender.pk):
        checked.refresh_from_db()
        fresh.refresh_from_db()
        assert checked.state == Payment.State.CHECKING
        assert checked.lookups == 0
        assert checked.next_step_at <= timezone.now()
        assert fresh.state == Payment.State.SUBMITTED
        assert AuditEntry.objects.get(code="payment.asked-again").reason == "The dealer asks."


def test_money_that_is_late_is_found(office: Office) -> None:
    with tenant(office.lender.pk):
        unit = office.stock.fund(days_ago=30)
        late, in_time, declined = (
            make_payment(office.cast, office.stock, unit, state)
            for state in (Payment.State.PROCESSING, Payment.State.PROCESSING, Payment.State.DECLINED)
        )
        Payment.objects.filter(pk__in=[late.pk, declined.pk]).update(
            expected_on=office.stock.today - timedelta(days=1)
        )
    listed = text_of(office.get("payments_payment_changelist", late="yes"))
    assert late.number in listed
    assert in_time.number not in listed
    assert declined.number not in listed
    everything = text_of(office.get("payments_payment_changelist", late="nonsense"))
    assert in_time.number in everything
