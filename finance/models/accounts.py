"""What owes: an account is a floor-planned unit or a term loan, with events and one narrow position row."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Dealership, TenantForeignKey, TenantManager, TenantModel
from finance.models.columns import amount_field, parts_field
from finance.models.lines import CreditLine
from finance.models.rates import RatePlan


class Account(TenantModel):
    """One thing that owes money on a credit line."""

    class Kind(models.TextChoices):
        UNIT = "unit", _("Floor-plan unit")
        LOAN = "loan", _("Term loan")

    class State(models.TextChoices):
        PENDING = "pending", _("Not yet funded")
        OPEN = "open", _("Open")
        CLOSED = "closed", _("Paid off")
        CANCELLED = "cancelled", _("Cancelled")

    public_id = models.UUIDField(default=uuid.uuid4, editable=False)
    dealership = TenantForeignKey(Dealership, related_name="accounts", verbose_name=_("dealership"))
    line = TenantForeignKey(CreditLine, related_name="accounts", verbose_name=_("line"))
    rate_plan = TenantForeignKey(RatePlan, related_name="+", verbose_name=_("rate plan"))
    kind = models.CharField(_("kind"), max_length=4, choices=Kind)
    number = models.CharField(_("number"), max_length=20)
    title = models.CharField(_("title"), max_length=120)
    currency = models.CharField(_("currency"), max_length=3)
    state = models.CharField(_("state"), max_length=9, choices=State, default=State.PENDING)
    opened_on = models.DateField(_("interest starts"), null=True, blank=True)
    closed_on = models.DateField(_("closed"), null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = TenantManager()

    class Meta(TenantModel.Meta):
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        constraints = [models.UniqueConstraint(fields=["lender", "number"], name="finance_account_number")]
        indexes = [
            models.Index(fields=["lender", "dealership", "kind", "state"], name="finance_account_dealership"),
            models.Index(fields=["lender", "line", "state"], name="finance_account_line"),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.title}"


class Unit(TenantModel):
    """A financed vehicle. Its account owes; this row says what it is and where it stands in its life."""

    class State(models.TextChoices):
        REQUESTED = "requested", _("Requested")
        APPROVED = "approved", _("Approved")
        REFUSED = "refused", _("Refused")
        FUNDED = "funded", _("Floored")
        SOLD = "sold", _("Sold, unpaid")
        PAID = "paid", _("Paid off")

    class Condition(models.TextChoices):
        NEW = "new", _("New")
        USED = "used", _("Used")

    account = models.OneToOneField(Account, on_delete=models.PROTECT, primary_key=True, db_constraint=False)
    dealership = TenantForeignKey(Dealership, related_name="+", verbose_name=_("dealership"))
    vin = models.CharField(_("VIN"), max_length=17)
    # The last six of the VIN, which people quote; kept apart so that the look-up is an indexable equality.
    vin_tail = models.GeneratedField(
        expression=models.functions.Right("vin", 6),
        output_field=models.CharField(max_length=6),
        db_persist=True,
    )
    stock_number = models.CharField(_("stock number"), max_length=20, blank=True)
    # The same in one spelling, for the same reason.
    stock_key = models.GeneratedField(
        expression=models.functions.Upper(models.functions.Replace("stock_number", models.Value(" "))),
        output_field=models.CharField(max_length=20),
        db_persist=True,
    )
    model_year = models.PositiveSmallIntegerField(_("model year"))
    make = models.CharField(_("make"), max_length=40)
    model = models.CharField(_("model"), max_length=60)
    colour = models.CharField(_("colour"), max_length=30, blank=True)
    condition = models.CharField(_("condition"), max_length=4, choices=Condition, default=Condition.USED)
    state = models.CharField(_("state"), max_length=9, choices=State, default=State.REQUESTED)
    cost = amount_field(_("cost"), null=True, blank=True)
    advance_amount = amount_field(_("advance"))
    requested_at = models.DateTimeField(_("requested"))
    approved_at = models.DateTimeField(_("approved"), null=True, blank=True)
    funded_on = models.DateField(_("floored on"), null=True, blank=True)
    maturity_on = models.DateField(_("matures"), null=True, blank=True)
    sold_on = models.DateField(_("sold on"), null=True, blank=True)
    payoff_due_at = models.DateTimeField(_("payoff due"), null=True, blank=True)

    objects = TenantManager()

    class Meta(TenantModel.Meta):
        verbose_name = _("unit")
        verbose_name_plural = _("units")
        constraints = [
            # A VIN that was paid off, refused or cancelled may be floored again; a live one only once.
            models.UniqueConstraint(
                fields=["lender", "vin"],
                condition=Q(state__in=["requested", "approved", "funded", "sold"]),
                name="finance_unit_live_vin",
            ),
            models.CheckConstraint(condition=Q(advance_amount__gt=0), name="finance_unit_advance"),
        ]
        indexes = [
            models.Index(fields=["lender", "dealership", "state", "funded_on"], name="finance_unit_state"),
            # Staff look in the whole lender, dealers in their own dealership; the same index serves both.
            models.Index(fields=["lender", "vin_tail", "dealership"], name="finance_unit_tail"),
            models.Index(fields=["lender", "stock_key", "dealership"], name="finance_unit_stock_key"),
        ]

    def __str__(self) -> str:
        return f"{self.model_year} {self.make} {self.model} {self.vin}"


class Loan(TenantModel):
    """A term loan. Its instalments are due items of its account."""

    class Method(models.TextChoices):
        EQUAL_INSTALMENT = "equal_instalment", _("Equal instalments, monthly interest")
        ACTUAL_DAYS = "actual_days", _("Equal instalments, simple interest on actual days")
        INTEREST_ONLY = "interest_only", _("Interest only, principal at the end")

    class Purpose(models.TextChoices):
        ENERGY = "energy", _("Energy upgrade")
        RETAIL = "retail", _("Vehicle, retail")
        FLEET = "fleet", _("Vehicle, fleet")
        EQUIPMENT = "equipment", _("Equipment")

    account = models.OneToOneField(Account, on_delete=models.PROTECT, primary_key=True, db_constraint=False)
    dealership = TenantForeignKey(Dealership, related_name="+", verbose_name=_("dealership"))
    purpose = models.CharField(_("purpose"), max_length=10, choices=Purpose)
    method = models.CharField(_("repayment"), max_length=16, choices=Method)
    amount = amount_field(_("amount"))
    instalment = amount_field(_("instalment"))
    instalment_count = models.PositiveSmallIntegerField(_("number of instalments"))
    first_due_on = models.DateField(_("first instalment due"))
    vehicle = models.CharField(_("vehicle"), max_length=120, blank=True)
    registration = models.CharField(_("registration"), max_length=20, blank=True)

    objects = TenantManager()

    class Meta(TenantModel.Meta):
        verbose_name = _("term loan")
        verbose_name_plural = _("term loans")
        indexes = [models.Index(fields=["lender", "dealership"], name="finance_loan_dealership")]

    def __str__(self) -> str:
        return str(self.account_id)


class AccountPosition(TenantModel):
    """Where an account stands: the fold of its events, written with each event under the account's lock.

    Narrow and unindexed apart from its key, so that updates stay heap-only. Amounts in the account's currency;
    `accrued_parts` and `remainder_parts` are exact numerators (`finance.interest`).
    """

    account = models.OneToOneField(Account, on_delete=models.PROTECT, primary_key=True, db_constraint=False)
    dealership = TenantForeignKey(Dealership, related_name="+")
    principal = amount_field(_("principal"), default=0)
    billed_interest = amount_field(_("billed interest"), default=0)
    fees = amount_field(_("fees"), default=0)
    credit = amount_field(_("credit"), default=0)
    accrued_parts = parts_field(_("accrued"), default=0)
    remainder_parts = parts_field(_("remainder"), default=0)
    accrued_through = models.DateField(_("accrued through"), null=True)
    last_sequence = models.PositiveIntegerField(default=0)

    objects = TenantManager()

    class Meta(TenantModel.Meta):
        verbose_name = _("position")
        verbose_name_plural = _("positions")


class ExpectedPrincipal(TenantModel):
    """Principal that a payment on its way will bring to an account, from its submission until it settles or fails.

    The database writes and removes these rows with the payment's own state, in the same statement, and refuses every
    other hand: whether they make credit free is for the line's terms to say (`finance.queries.availability`).
    """

    dealership = TenantForeignKey(Dealership, related_name="+")
    account = TenantForeignKey(Account, related_name="+")
    reference = models.CharField(max_length=20)
    principal = amount_field(_("principal"))

    objects = TenantManager()

    class Meta(TenantModel.Meta):
        verbose_name = _("expected principal")
        verbose_name_plural = _("expected principal")
        constraints = [
            models.UniqueConstraint(
                fields=["lender", "reference", "account"], name="finance_expectedprincipal_once"
            ),
            models.CheckConstraint(condition=Q(principal__gt=0), name="finance_expectedprincipal_amount"),
        ]
        indexes = [models.Index(fields=["lender", "account"], name="finance_expected_account")]


class AccountEvent(TenantModel):
    """What happened to an account, kept for ever: signed changes to what is owed, as `finance.interest.Event`.

    `effective_on` is the day it counts, `recorded_at` when the portal learned of it.
    """

    class Kind(models.TextChoices):
        ADVANCE = "advance", _("Advance")
        INTEREST_BILLED = "interest_billed", _("Interest billed")
        FEE_ASSESSED = "fee_assessed", _("Fee")
        ADJUSTMENT = "adjustment", _("Adjustment")
        CREDIT = "credit", _("Credit")
        CURTAILMENT = "curtailment", _("Curtailment")
        PAYMENT = "payment", _("Payment")
        INTEREST_PAYMENT = "interest_payment", _("Interest payment")
        FEE_PAYMENT = "fee_payment", _("Fee payment")
        PAYOFF = "payoff", _("Payoff")
        REVERSAL = "reversal", _("Reversal")

    dealership = TenantForeignKey(Dealership, related_name="+")
    account = TenantForeignKey(Account, related_name="events")
    entry = TenantForeignKey("finance.JournalEntry", related_name="events")
    sequence = models.PositiveIntegerField()
    kind = models.CharField(_("kind"), max_length=16, choices=Kind)
    effective_on = models.DateField(_("effective"))
    recorded_at = models.DateTimeField(_("recorded"), auto_now_add=True)
    principal = amount_field(_("principal"), default=0)
    billed = amount_field(_("interest billed"), default=0)
    interest = amount_field(_("interest"), default=0)
    fees = amount_field(_("fees"), default=0)
    credit = amount_field(_("credit"), default=0)
    reverses_sequence = models.PositiveIntegerField(_("reverses"), null=True)

    objects = TenantManager()

    class Meta(TenantModel.Meta):
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ["effective_on", "sequence"]
        constraints = [
            models.UniqueConstraint(
                fields=["lender", "account", "sequence"], name="finance_accountevent_sequence"
            ),
            models.UniqueConstraint(
                fields=["lender", "account", "reverses_sequence"],
                condition=Q(reverses_sequence__isnull=False),
                name="finance_accountevent_reversed_once",
            ),
        ]
        indexes = [
            # For the use of the line over time; without the billings, which move no principal and come by the thousand.
            models.Index(
                fields=["lender", "dealership", "effective_on"],
                condition=~Q(principal=0),
                name="finance_accountevent_moved",
            ),
        ]


class DueItem(TenantModel):
    """One amount that falls due on one day: billed interest, a fee, a curtailment, an instalment, a payoff.

    `outstanding_*` fall as payments are allocated and rise again when one is returned. What was billed keeps its
    amounts; an instalment still to come follows the balance, and what was to fall due after a sale passes to the
    payoff.
    """

    class Kind(models.TextChoices):
        INTEREST = "interest", _("Interest")
        FEE = "fee", _("Fee")
        CURTAILMENT = "curtailment", _("Curtailment")
        INSTALMENT = "instalment", _("Instalment")
        MATURITY = "maturity", _("Maturity")
        PAYOFF = "payoff", _("Payoff after sale")

    public_id = models.UUIDField(default=uuid.uuid4, editable=False)
    dealership = TenantForeignKey(Dealership, related_name="+")
    account = TenantForeignKey(Account, related_name="due_items")
    kind = models.CharField(_("kind"), max_length=11, choices=Kind)
    number = models.PositiveIntegerField(_("number"))
    billed_on = models.DateField(_("billed"), null=True, blank=True)
    due_on = models.DateField(_("due"))
    grace_until = models.DateField(_("grace until"), null=True, blank=True)
    principal = amount_field(_("principal"), default=0)
    interest = amount_field(_("interest"), default=0)
    fees = amount_field(_("fees"), default=0)
    outstanding_principal = amount_field(_("principal outstanding"), default=0)
    outstanding_interest = amount_field(_("interest outstanding"), default=0)
    outstanding_fees = amount_field(_("fees outstanding"), default=0)
    rule = models.CharField(_("rule"), max_length=200, blank=True)

    objects = TenantManager()

    class Meta(TenantModel.Meta):
        verbose_name = _("due item")
        verbose_name_plural = _("due items")
        ordering = ["due_on", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["lender", "account", "kind", "number"], name="finance_dueitem_number"
            ),
            models.CheckConstraint(
                condition=Q(outstanding_principal__gte=0)
                & Q(outstanding_interest__gte=0)
                & Q(outstanding_fees__gte=0)
                & Q(outstanding_principal__lte=models.F("principal"))
                & Q(outstanding_interest__lte=models.F("interest"))
                & Q(outstanding_fees__lte=models.F("fees")),
                name="finance_dueitem_outstanding",
            ),
        ]
        indexes = [
            models.Index(
                fields=["lender", "dealership", "due_on"],
                condition=Q(outstanding_principal__gt=0)
                | Q(outstanding_interest__gt=0)
                | Q(outstanding_fees__gt=0),
                name="finance_dueitem_open",
            ),
        ]
