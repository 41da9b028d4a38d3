"""The double-entry ledger. The database keeps it: balanced, append-only, once per source and key."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Dealership, TenantForeignKey, TenantManager, TenantModel, User
from finance.models.accounts import Account
from finance.models.columns import amount_field


class LedgerAccount(TenantModel):
    """An account of the lender's chart."""

    class Kind(models.TextChoices):
        ASSET = "asset", _("Asset")
        LIABILITY = "liability", _("Liability")
        INCOME = "income", _("Income")
        EXPENSE = "expense", _("Expense")

    code = models.CharField(_("code"), max_length=10)
    name = models.CharField(_("name"), max_length=80)
    kind = models.CharField(_("kind"), max_length=9, choices=Kind)

    objects = TenantManager()

    class Meta(TenantModel.Meta):
        verbose_name = _("ledger account")
        verbose_name_plural = _("chart of accounts")
        ordering = ["code"]
        constraints = [models.UniqueConstraint(fields=["lender", "code"], name="finance_ledgeraccount_code")]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class JournalEntry(TenantModel):
    """One posting. `source` and `key` name what caused it, so that the same cause posts once.

    `business_date` is the lender's day of posting, `effective_on` the value date.
    """

    dealership = TenantForeignKey(Dealership, null=True, related_name="+", verbose_name=_("dealership"))
    source = models.CharField(_("source"), max_length=24)
    key = models.CharField(_("key"), max_length=80)
    business_date = models.DateField(_("business date"))
    effective_on = models.DateField(_("value date"))
    description = models.CharField(_("description"), max_length=160)
    actor = TenantForeignKey(User, null=True, related_name="+", verbose_name=_("posted by"))
    reverses = TenantForeignKey("self", null=True, related_name="reversals", verbose_name=_("reverses"))
    recorded_at = models.DateTimeField(_("recorded"), auto_now_add=True)

    objects = TenantManager()

    class Meta(TenantModel.Meta):
        verbose_name = _("journal entry")
        verbose_name_plural = _("journal")
        constraints = [
            models.UniqueConstraint(fields=["lender", "source", "key"], name="finance_journalentry_once"),
            models.UniqueConstraint(
                fields=["lender", "reverses"],
                condition=Q(reverses__isnull=False),
                name="finance_journalentry_reversed",
            ),
        ]
        indexes = [
            models.Index(fields=["lender", "dealership", "-id"], name="finance_entry_dealership"),
            models.Index(fields=["lender", "business_date"], name="finance_entry_day"),
        ]

    def __str__(self) -> str:
        return f"{self.pk} {self.description}"


class JournalLine(TenantModel):
    """One side of an entry: a debit or a credit, never both; all lines of an entry come in one statement."""

    dealership = TenantForeignKey(Dealership, null=True, related_name="+")
    entry = TenantForeignKey(JournalEntry, related_name="lines")
    ledger_account = TenantForeignKey(LedgerAccount, related_name="lines", verbose_name=_("ledger account"))
    account = TenantForeignKey(
        Account, null=True, related_name="journal_lines", verbose_name=_("unit or loan")
    )
    debit = amount_field(_("debit"), default=0)
    credit = amount_field(_("credit"), default=0)

    objects = TenantManager()

    class Meta(TenantModel.Meta):
        verbose_name = _("journal line")
        verbose_name_plural = _("journal lines")
        constraints = [
            models.CheckConstraint(
                condition=(Q(debit__gt=0, credit=0) | Q(debit=0, credit__gt=0)),
                name="finance_journalline_one_side",
            ),
        ]
        indexes = [
            models.Index(fields=["lender", "entry"], name="finance_line_entry"),
            models.Index(fields=["lender", "account", "id"], name="finance_line_account"),
            models.Index(fields=["lender", "ledger_account", "dealership"], name="finance_line_ledger"),
        ]
