"""The chart of accounts. Control accounts tie to the positions: what units and loans owe is what the books say."""

from decimal import Decimal
from enum import StrEnum
from typing import Final

from django.utils.translation import gettext as _

from accounts.audit import record
from accounts.models import Lender, User
from accounts.tenancy import current_lender_id
from finance.actions.refusals import RefusedError
from finance.models import Account, LedgerAccount
from finance.money import minor_unit

_HUNDREDTH: Final = Decimal("0.01")


class Code(StrEnum):
    """The accounts that postings name."""

    CASH = "1000"
    FLOOR_PLAN_PRINCIPAL = "1200"
    LOAN_PRINCIPAL = "1210"
    INTEREST_RECEIVABLE = "1300"
    FEES_RECEIVABLE = "1310"
    CREDITS_HELD = "2000"
    INTEREST_INCOME = "4000"
    FEE_INCOME = "4100"
    WRITE_OFFS = "5000"


_CHART = (
    (Code.CASH, "Cash in clearing", LedgerAccount.Kind.ASSET),
    (Code.FLOOR_PLAN_PRINCIPAL, "Floor-plan principal", LedgerAccount.Kind.ASSET),
    (Code.LOAN_PRINCIPAL, "Term-loan principal", LedgerAccount.Kind.ASSET),
    (Code.INTEREST_RECEIVABLE, "Interest receivable, billed", LedgerAccount.Kind.ASSET),
    (Code.FEES_RECEIVABLE, "Fees receivable", LedgerAccount.Kind.ASSET),
    (Code.CREDITS_HELD, "Customers' credits held", LedgerAccount.Kind.LIABILITY),
    (Code.INTEREST_INCOME, "Interest income", LedgerAccount.Kind.INCOME),
    (Code.FEE_INCOME, "Fee income", LedgerAccount.Kind.INCOME),
    (Code.WRITE_OFFS, "Write-offs", LedgerAccount.Kind.EXPENSE),
)


def principal_code(account_kind: str) -> Code:
    """The control account of the principal of a unit or a loan."""
    return Code.LOAN_PRINCIPAL if account_kind == Account.Kind.LOAN else Code.FLOOR_PLAN_PRINCIPAL


def open_chart(*, actor: User | None = None) -> dict[str, LedgerAccount]:
    """Open the lender's chart, or what is missing of it; return its accounts by code. Twice is once.

    Refused for a currency without hundredths: the ledger's columns and the lists' sums hold two decimals.
    """
    currency = Lender.objects.values_list("currency", flat=True).get(pk=current_lender_id())
    if minor_unit(currency) != _HUNDREDTH:
        raise RefusedError(
            _("The books are kept in hundredths, which %(currency)s has not.") % {"currency": currency}
        )
    LedgerAccount.objects.bulk_create(
        [
            LedgerAccount(lender_id=current_lender_id(), code=code, name=name, kind=kind)
            for code, name, kind in _CHART
        ],
        ignore_conflicts=True,
    )
    record("ledger.chart-opened", actor=actor, subject=_("Chart of accounts"))
    return {account.code: account for account in LedgerAccount.objects.all()}
