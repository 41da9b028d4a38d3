"""One look-up over everything with a number: units, loans, payments, statements, tickets."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import Q

from accounts.permissions import Access
from finance.models import Loan, Statement
from finance.queries.units import match_units
from payments.models import Payment
from support.models import Ticket

MOST: Final = 20


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing found. `kind` names its page; an exact hit is what the searched number belongs to."""

    kind: str
    public_id: UUID
    name: str
    about: str
    state: str = ""
    is_exact: bool = True


def find(access: Access, text: str) -> list[Hit]:
    """What the number or word `text` belongs to, as far as the person may see it: exact hits first, at most 20.

    A dealer finds what belongs to the dealership on the screen, an agent the tickets of the lender.
    """
    hits = [*_things_owed(access, text), *_papers(access, text), *_tickets(access, text)]
    hits.sort(key=lambda hit: not hit.is_exact)
    return hits[:MOST]


def _things_owed(access: Access, text: str) -> Iterator[Hit]:
    if access.dealership is None or not access.may("balances.view"):
        return
    for match in match_units(access.dealership.pk, [text]):
        for unit in match.units:
            yield Hit("unit", unit.public_id, unit.vehicle, f"{unit.vin} {unit.stock_number}".strip())
    own = Q(account__number__iexact=text) | Q(registration__iexact=text)
    loans = Loan.objects.filter(dealership=access.dealership).select_related("account")
    for loan in loans.filter(own | Q(vehicle__icontains=text) | Q(account__title__icontains=text))[:MOST]:
        exact = text.lower() in {loan.account.number.lower(), loan.registration.lower()}
        yield Hit(
            "loan",
            loan.account.public_id,
            loan.account.title,
            f"{loan.account.number} {loan.registration}".strip(),
            is_exact=exact,
        )


def _papers(access: Access, text: str) -> Iterator[Hit]:
    if access.dealership is None:
        return
    if access.may("payments.view"):
        for payment in Payment.objects.filter(dealership=access.dealership, number__iexact=text):
            yield Hit("payment", payment.public_id, payment.number, payment.made_by_name, payment.state)
    if access.may("statements.view"):
        for statement in Statement.objects.filter(dealership=access.dealership, number__iexact=text):
            yield Hit("statement", statement.public_id, statement.number, "", statement.state)


def _tickets(access: Access, text: str) -> Iterator[Hit]:
    tickets = Ticket.objects.filter(number__iexact=text)
    if access.may("tickets.work"):
        kind = "queue-ticket"
    elif access.dealership is not None and access.may("tickets.view"):
        kind, tickets = "ticket", tickets.filter(dealership=access.dealership)
    else:
        return
    for ticket in tickets:
        yield Hit(kind, ticket.public_id, ticket.number, ticket.subject, ticket.state)
