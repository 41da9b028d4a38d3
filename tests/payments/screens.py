"""The three screens of a payment as a browser drives them."""

import re
from collections.abc import Callable

from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from accounts.tenancy import tenant
from finance.models import Account
from payments.models import Payment
from tests.cast import Cast
from tests.payments.staging import Stage

ClientOf = Callable[[User], Client]


def chosen(stage: Stage, *ways: tuple[Account, str, str]) -> dict[str, object]:
    """The form of the choose page with these rows picked: account, way, typed amount."""
    fields: dict[str, object] = {
        "account": [str(account.public_id) for account, _way, _typed in ways],
        "method": str(stage.method.public_id),
    }
    for account, way, typed in ways:
        fields[f"way_{account.public_id.hex}"] = way
        fields[f"amount_{account.public_id.hex}"] = typed
    return fields


def hidden_fields(response: HttpResponse) -> dict[str, str]:
    """What the check page would send."""
    form = response.content.decode().partition('action="/payments/submit/"')[2]
    return dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form))


def checked(client: Client, stage: Stage, *ways: tuple[Account, str, str]) -> tuple[str, dict[str, str]]:
    """Choose, and look at the check page: its address and its fields."""
    response = client.post("/payments/new/", chosen(stage, *ways))
    assert response.status_code == 302, response.content.decode()
    return response["Location"], hidden_fields(client.get(response["Location"]))


def nothing_paid(cast: Cast) -> None:
    with tenant(cast.lender.pk):
        assert Payment.objects.count() == 0
