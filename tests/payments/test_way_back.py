"""Signing in again, going back, coming late: what a dealer meets on the way back to a payment."""

import re
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.tenancy import tenant
from payments.models import Payment
from tests.cast import Cast, anonymous
from tests.payments.screens import checked, chosen, hidden_fields, nothing_paid
from tests.payments.staging import Stage, due, pay

ClientOf = Callable[[User], Client]


def test_an_address_that_only_takes_forms_says_so(cast: Cast, stage: Stage, client_of: ClientOf) -> None:
    client = client_of(cast.owner)
    for path in ("/payments/submit/", f"/payments/{uuid4()}/cancel/", "/payments/gateway/bank-debit/events/"):
        answer = client.get(path)
        assert answer.status_code == 405
        assert answer["Allow"] == "POST"
        assert "Nothing was changed, and no payment was made." in answer.content.decode()
    assert "This address is not a page" in client.delete("/payments/").content.decode()


def test_signing_in_again_leads_back_to_the_check_and_not_to_what_was_sent(
    cast: Cast, stage: Stage, client_of: ClientOf
) -> None:
    client = client_of(cast.owner)
    review, fields = checked(client, stage, (stage.first, "due", ""))
    client.cookies.clear()
    answer = client.post(
        "/payments/submit/", fields, headers={"Referer": f"http://summit.testserver{review}"}
    )
    assert answer.status_code == 302
    assert answer["Location"] == f"/account/sign-in/?next={review}"
    nothing_paid(cast)
    again = client_of(cast.owner)
    assert hidden_fields(again.get(review)) | {"csrfmiddlewaretoken": ""} == fields | {
        "csrfmiddlewaretoken": ""
    }


def test_a_part_of_a_page_is_not_replaced_by_the_sign_in_page(cast: Cast, stage: Stage) -> None:
    with tenant(cast.lender.pk):
        payment = pay(stage, cast.owner, uuid4(), due(stage.first))
    answer = anonymous(cast.lender).get(
        f"/payments/{payment.public_id}/progress/", headers={"HX-Request": "true"}
    )
    assert (answer.status_code, answer["HX-Refresh"], answer.content) == (204, "true", b"")


def test_going_back_after_paying_and_choosing_anew_is_a_new_payment(
    cast: Cast, stage: Stage, client_of: ClientOf
) -> None:
    client = client_of(cast.owner)
    review, fields = checked(client, stage, (stage.first, "due", ""))
    client.post("/payments/submit/", fields)
    change = f"/payments/new/?draft={fields['token']}"
    assert not re.search(r'name="account"[^>]* checked', client.get(change).content.decode())
    answer = client.post(change, chosen(stage, (stage.second, "amount", "20.00")))
    assert answer["Location"] != review
    assert "Pay $20.00" in client.get(answer["Location"]).content.decode()
    with tenant(cast.lender.pk):
        assert Payment.objects.count() == 1


def test_an_account_that_was_taken_away_meanwhile_has_no_button(
    cast: Cast, stage: Stage, client_of: ClientOf
) -> None:
    client = client_of(cast.owner)
    review, fields = checked(client, stage, (stage.first, "due", ""))
    with tenant(cast.lender.pk):
        stage.method.state = "suspended"
        stage.method.save()
    for answer in (client.get(review), client.post("/payments/submit/", fields)):
        html = answer.content.decode()
        assert "This account cannot be used to pay. Choose another one." in html
        assert "Pay $80.00" not in html
    nothing_paid(cast)


@pytest.mark.parametrize("somebody_is_there", [False, True])
def test_a_page_that_follows_its_money_keeps_nobody_signed_in(
    cast: Cast,
    stage: Stage,
    client_of: ClientOf,
    monkeypatch: pytest.MonkeyPatch,
    somebody_is_there: bool,
) -> None:
    with tenant(cast.lender.pk):
        payment = pay(stage, cast.owner, uuid4(), due(stage.first))
    path = f"/payments/{payment.public_id}/"
    client = client_of(cast.owner)
    assert client.get(path).status_code == 200
    start = timezone.now()
    for share in (0.4, 0.8, 1.1):
        moment = start + timedelta(seconds=share * settings.SESSION_IDLE_SECONDS)
        monkeypatch.setattr(timezone, "now", lambda moment=moment: moment)
        if somebody_is_there:
            assert client.get(path).status_code == 200
        answer = client.get(f"{path}progress/", headers={"HX-Request": "true"})
        is_over = share > 1 and not somebody_is_there
        assert answer.status_code == (204 if is_over else 200)
        assert answer.headers.get("HX-Refresh") == ("true" if is_over else None)
    assert client.get(path).status_code == (200 if somebody_is_there else 302)
