"""Payments, their shares per account, and every step of their life."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Dealership, TenantForeignKey, TenantManager, TenantModel, User
from finance.models import Account, JournalEntry
from payments.models.methods import PaymentMethod


class Payment(TenantModel):
    """One intent to pay. `token` is unique in the lender: a second click, tab or reload meets the same payment.

    `value_date` is the day it counts, set when it is submitted from the lender's cut-off and calendar. The database
    allows only the transitions of the life written in `docs/developers/payments.md`.
    """

    class State(models.TextChoices):
        SUBMITTED = "submitted", _("Submitted")
        PROCESSING = "processing", _("Processing")
        CHECKING = "checking", _("Being checked")
        SETTLED = "settled", _("Settled")
        DECLINED = "declined", _("Declined")
        RETURNED = "returned", _("Returned")
        CANCELLED = "cancelled", _("Cancelled")

    public_id = models.UUIDField(default=uuid.uuid4, editable=False)
    token = models.UUIDField()
    number = models.CharField(_("number"), max_length=20)
    dealership = TenantForeignKey(Dealership, related_name="payments", verbose_name=_("dealership"))
    method = TenantForeignKey(PaymentMethod, related_name="payments", verbose_name=_("paid from"))
    currency = models.CharField(_("currency"), max_length=3)
    amount = models.DecimalField(_("amount"), max_digits=16, decimal_places=2)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.SUBMITTED)
    value_date = models.DateField(_("counts on"))
    expected_on = models.DateField(_("expected to settle"))
    made_by = TenantForeignKey(User, related_name="+", verbose_name=_("made by"))
    made_by_name = models.CharField(_("made by"), max_length=100)
    submitted_at = models.DateTimeField(_("submitted"))
    settled_at = models.DateTimeField(_("settled"), null=True)
    returned_at = models.DateTimeField(_("returned"), null=True)
    return_code = models.CharField(_("return code"), max_length=40, blank=True)
    return_reason = models.CharField(_("reason"), max_length=200, blank=True)
    gateway = models.CharField(_("gateway"), max_length=20)
    gateway_reference = models.CharField(_("bank's reference"), max_length=80, blank=True)
    # Where the payer enters the card: an address of the processor, known while its page is open.
    processor_page = models.CharField(max_length=500, blank=True)
    card_last_four = models.CharField(_("card"), max_length=4, blank=True)
    # Claimed by conditional UPDATE: who works on it is not asked again before this moment.
    next_step_at = models.DateTimeField()
    # Set before the bank is called and kept while its answer is unknown: whoever finds it asks, and never sends again.
    sending_since = models.DateTimeField(null=True)
    lookups = models.PositiveSmallIntegerField(default=0)
    entry = TenantForeignKey(JournalEntry, null=True, related_name="+", verbose_name=_("journal entry"))
    return_entry = TenantForeignKey(
        JournalEntry, null=True, related_name="+", verbose_name=_("reversing entry")
    )

    objects = TenantManager()

    class Meta(TenantModel.Meta):
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        ordering = ["-submitted_at"]
        constraints = [
            models.UniqueConstraint(fields=["lender", "token"], name="payments_payment_token"),
            models.UniqueConstraint(fields=["lender", "number"], name="payments_payment_number"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="payments_payment_amount"),
        ]
        indexes = [
            models.Index(
                fields=["lender", "dealership", "-submitted_at"], name="payments_payment_dealership"
            ),
            models.Index(
                fields=["lender", "next_step_at"],
                condition=Q(state__in=["submitted", "processing", "checking"]),
                name="payments_payment_open",
            ),
            # What a dealer's first page asks for: the few that are not settled, among all that ever were.
            models.Index(
                fields=["lender", "dealership"],
                condition=Q(state__in=["submitted", "processing", "checking", "returned"]),
                name="payments_payment_unsettled",
            ),
        ]

    def __str__(self) -> str:
        return self.number


class PaymentShare(TenantModel):
    """What of a payment goes to one account; the split is what the review page showed, stored with the payment."""

    class Purpose(models.TextChoices):
        DUE = "due", _("Amount due")
        PAYOFF = "payoff", _("Payoff")
        AMOUNT = "amount", _("Chosen amount")

    payment = TenantForeignKey(Payment, related_name="shares", on_delete=models.PROTECT)
    dealership = TenantForeignKey(Dealership, related_name="+")
    account = TenantForeignKey(Account, related_name="payment_shares")
    purpose = models.CharField(_("purpose"), max_length=6, choices=Purpose)
    amount = models.DecimalField(_("amount"), max_digits=16, decimal_places=2)
    principal = models.DecimalField(_("principal"), max_digits=16, decimal_places=2)
    interest = models.DecimalField(_("interest"), max_digits=16, decimal_places=2)
    fees = models.DecimalField(_("fees"), max_digits=16, decimal_places=2)

    objects = TenantManager()

    class Meta(TenantModel.Meta):
        verbose_name = _("share of a payment")
        verbose_name_plural = _("shares of a payment")
        constraints = [
            models.UniqueConstraint(fields=["lender", "payment", "account"], name="payments_share_once"),
            models.CheckConstraint(
                condition=Q(amount__gt=0)
                & Q(amount=models.F("principal") + models.F("interest") + models.F("fees")),
                name="payments_share_adds_up",
            ),
        ]
        indexes = [models.Index(fields=["lender", "account"], name="payments_share_account")]


class PaymentStep(TenantModel):
    """One change of a payment's state, with its reason. Append-only."""

    payment = TenantForeignKey(Payment, related_name="steps", on_delete=models.PROTECT)
    dealership = TenantForeignKey(Dealership, related_name="+")
    state = models.CharField(_("state"), max_length=10, choices=Payment.State)
    recorded_at = models.DateTimeField(_("when"), auto_now_add=True)
    note = models.CharField(_("note"), max_length=200, blank=True)

    objects = TenantManager()

    class Meta(TenantModel.Meta):
        verbose_name = _("step of a payment")
        verbose_name_plural = _("steps of a payment")
        ordering = ["id"]
        indexes = [models.Index(fields=["lender", "payment", "id"], name="payments_step_payment")]


class GatewayEvent(TenantModel):
    """A message from a bank or processor, stored once under the provider's own id, then processed."""

    gateway = models.CharField(max_length=20)
    event_id = models.CharField(max_length=80)
    kind = models.CharField(max_length=40)
    payload = models.JSONField()
    received_at = models.DateTimeField(auto_now_add=True)
    processed_at = models.DateTimeField(null=True)
    problem = models.CharField(max_length=200, blank=True)

    objects = TenantManager()

    class Meta(TenantModel.Meta):
        verbose_name = _("message of a gateway")
        verbose_name_plural = _("messages of gateways")
        constraints = [
            models.UniqueConstraint(
                fields=["lender", "gateway", "event_id"], name="payments_gatewayevent_once"
            ),
        ]
