"""Ways through the finance office that several tests go: an act on rows, a form, and what became of the rows."""

from typing import Any

from accounts.tenancy import tenant
from finance.models import (
    Unit,
)
from tests.portal.office import Office, token_of

State = Unit.State


def five(office: Office) -> list[Unit]:
    """Three requested units, one approved and one refused: two of the five cannot be approved."""
    with tenant(office.lender.pk):
        units = [office.stock.request("10000.00") for _number in range(3)]
        units.append(office.stock.approve("7000.00"))
        refused = office.stock.request("5000.00")
        Unit.objects.filter(pk=refused.pk).update(state=State.REFUSED)
        return [*units, refused]


def act(office: Office, table: str, name: str, rows: list[Any], **fields: object) -> Any:
    """Go through an act: the page, then the confirmation. Returns the answer to the confirmation."""
    keys = [row.pk for row in rows]
    page = office.post(f"{table}_act", name, _selected_action=keys)
    assert page.status_code == 200, page.status_code
    return office.post(
        f"{table}_act", name, _selected_action=keys, confirmed="yes", token=token_of(page), **fields
    )


def form(office: Office, page: str, *args: object, **fields: object) -> Any:
    """Open a form and send it."""
    opened = office.get(page, *args)
    assert opened.status_code == 200
    return office.post(page, *args, token=token_of(opened), **fields)


def states(office: Office, units: list[Unit]) -> list[str]:
    with tenant(office.lender.pk):
        found = dict(Unit.objects.filter(pk__in=[unit.pk for unit in units]).values_list("pk", "state"))
    return [found[unit.pk] for unit in units]
