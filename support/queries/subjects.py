"""What a ticket may be about: a unit, a loan, a payment or a statement of the dealership."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from accounts.models import Dealership
from finance.models import Account, Statement, Unit
from payments.models import Payment

UNIT, LOAN, PAYMENT, STATEMENT = "unit", "loan", "payment", "statement"
KINDS = (UNIT, LOAN, PAYMENT, STATEMENT)

_PAGES = {
    UNIT: "finance:unit-detail",
    LOAN: "finance:loan-detail",
    PAYMENT: "payments:receipt",
    STATEMENT: "finance:statement-pdf",
}


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing that a ticket can be about; `label` is how people quote it."""

    kind: str
    public_id: UUID
    label: str


def subject_of(kind: str, public_id: UUID, dealership: Dealership) -> Subject | None:
    """The thing of that kind and public id, if it is the dealership's."""
    if kind in {UNIT, LOAN}:
        account = Account.objects.filter(public_id=public_id, kind=kind, dealership=dealership).first()
        return _of_account(account) if account else None
    if kind == PAYMENT:
        payment = Payment.objects.filter(public_id=public_id, dealership=dealership).first()
        return _of_payment(payment) if payment else None
    if kind == STATEMENT:
        statement = Statement.objects.filter(public_id=public_id, dealership=dealership).first()
        return _of_statement(statement) if statement else None
    return None


def find_subject(text: str, dealership: Dealership) -> Subject | None:
    """What a person means by a number: of a payment, statement or loan, a stock number, a VIN or its last six."""
    quoted = "".join(text.split()).upper()
    if not quoted:
        return None
    if payment := Payment.objects.filter(number=quoted, dealership=dealership).first():
        return _of_payment(payment)
    if statement := Statement.objects.filter(number=quoted, dealership=dealership).first():
        return _of_statement(statement)
    if account := Account.objects.filter(number=quoted, dealership=dealership).first():
        return _of_account(account)
    unit = (
        Unit.objects.filter(
            Q(vin_tail=quoted[-6:], vin=quoted) | Q(vin_tail=quoted) | Q(stock_key=quoted),
            dealership=dealership,
        )
        .select_related("account")
        .order_by("-requested_at", "-pk")
        .first()
    )
    return _of_account(unit.account) if unit else None


def subject_url(kind: str, public_id: UUID | None) -> str:
    """Where the dealer sees it; empty when it has no page."""
    if kind not in _PAGES or public_id is None:
        return ""
    try:
        return reverse(_PAGES[kind], args=[public_id])
    except NoReverseMatch:
        return ""


def _of_account(account: Account) -> Subject:
    return Subject(account.kind, account.public_id, f"{account.title} ({account.number})"[:120])


def _of_payment(payment: Payment) -> Subject:
    return Subject(PAYMENT, payment.public_id, _("Payment %(number)s") % {"number": payment.number})


def _of_statement(statement: Statement) -> Subject:
    return Subject(STATEMENT, statement.public_id, _("Statement %(number)s") % {"number": statement.number})
