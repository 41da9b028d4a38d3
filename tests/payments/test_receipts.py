"""The receipt: what stands on it, in which shape, and for how long it can be come back to."""

import io
import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone
from pypdf import PdfReader

from accounts.models import OutgoingMessage, User
from accounts.tenancy import tenant
from payments.actions.corrections import record_return_by_hand
from payments.actions.progress import Act, record_answer
from payments.actions.states import accept_payment, return_payment, settle_payment
from payments.models import Payment, PaymentReceipt
from payments.queries.debits import Answer, Outcome
from payments.queries.receipts import receipt_page
from payments.tasks import print_receipt
from tests.cast import Cast
from tests.payments.staging import RETURN_FEE, Stage, amount, due, pay, payoff, position

ClientOf = Callable[[User], Client]


@pytest.fixture
def payment(cast: Cast, stage: Stage) -> Payment:
    with tenant(cast.lender.pk):
        return pay(stage, cast.owner, uuid4(), due(stage.first), amount(stage.second, "1500.25"))


def print_all(cast: Cast) -> None:
    with tenant(cast.lender.pk):
        PaymentReceipt.objects.filter(state="waiting").update(next_attempt_at=timezone.now())
        waiting = list(PaymentReceipt.objects.filter(state="waiting").values_list("pk", flat=True))
    assert all(print_receipt(cast.lender.pk, key) for key in waiting)


def words_of(pdf: bytes) -> str:
    return "".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)


def test_a_receipt_is_itemised_or_one_total_on_the_page_and_as_pdf(
    cast: Cast, payment: Payment, client_of: ClientOf
) -> None:
    client = client_of(cast.viewer)
    path = f"/payments/{payment.public_id}/"
    items, total = (client.get(f"{path}{query}").content.decode() for query in ("", "?show=total"))
    assert "2023 Honda Accord 1" in items
    assert "2023 Honda Accord 2" in items
    assert "2023 Honda Accord" not in total
    for html in (items, total):
        assert f'href="{path}?show=total"' in html
        assert f'href="{path}?show=items"' in html
        assert "$1,580.25" in html
    print_all(cast)
    # The part that changes by itself keeps the shape.
    poll = re.search(r'hx-get="([^"]+)"', total)
    assert poll
    part = client.get(poll[1].replace("&amp;", "&")).content.decode()
    assert "2023 Honda Accord" not in part
    assert f'href="{path}receipt.pdf?show=total"' in part
    itemised, summed = (client.get(f"{path}receipt.pdf{query}") for query in ("", "?show=total"))
    assert summed["Content-Disposition"] == f'attachment; filename="{payment.number}-submitted-total.pdf"'
    assert "Accord 2" in words_of(itemised.content)
    assert "Accord" not in words_of(summed.content)
    for pdf in (itemised, summed):
        assert "$1,580.25" in words_of(pdf.content)
        assert payment.number in words_of(pdf.content)
        assert PdfReader(io.BytesIO(pdf.content)).trailer["/Root"]["/MarkInfo"]["/Marked"]


def test_both_shapes_of_a_receipt_are_the_dealerships_alone(
    cast: Cast, payment: Payment, client_of: ClientOf
) -> None:
    print_all(cast)
    for person in (cast.stranger, cast.other_owner):
        for query in ("", "?show=total", "?show=nonsense"):
            for page in ("", "receipt.pdf", "progress/"):
                address = f"/payments/{payment.public_id}/{page}{query}"
                assert client_of(person).get(address).status_code == 404


def test_what_was_paid_sums_to_the_total_in_either_shape(cast: Cast, stage: Stage, payment: Payment) -> None:
    with tenant(cast.lender.pk):
        for page in (receipt_page(payment), receipt_page(payment, as_of_state="submitted")):
            assert sum(line.amount for line in page.lines) == payment.amount
            assert page.split.total == payment.amount
            assert all(line.split.total == line.amount for line in page.lines)


def test_the_receipt_can_be_come_back_to_long_after(
    cast: Cast, payment: Payment, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/payments/{payment.public_id}/"
    with tenant(cast.lender.pk):
        settle_payment(payment_id=payment.pk, now=timezone.now())
    print_all(cast)
    later = timezone.now() + timedelta(days=370)
    monkeypatch.setattr(timezone, "now", lambda: later)
    client = client_of(cast.viewer)
    html = client.get(path).content.decode()
    assert payment.number in html
    assert "Settled" in html
    assert "Accord 2" in words_of(client.get(f"{path}receipt.pdf").content)


def test_a_return_without_a_fee_claims_none(
    cast: Cast, stage: Stage, payment: Payment, client_of: ClientOf
) -> None:
    with tenant(cast.lender.pk):
        settle_payment(payment_id=payment.pk, now=timezone.now())
        owed = position(stage.first).fees + position(stage.second).fees
        record_return_by_hand(
            payment=payment,
            code="R01",
            reason="Letter.",
            charge_fee=False,
            actor=cast.finance,
            now=timezone.now(),
        )
        assert position(stage.first).fees + position(stage.second).fees == owed + Decimal("80.00")
        assert receipt_page(payment).fee == 0
        mail = OutgoingMessage.objects.filter(template="payment-returned")[0]
        assert mail.context["fee"] == ""
    html = client_of(cast.owner).get(f"/payments/{payment.public_id}/").content.decode()
    assert "There was not enough money in the account." in html
    assert "The fee for a returned payment" not in html


@pytest.mark.parametrize("is_settled", [True, False])
def test_the_fee_on_the_receipt_is_the_one_in_the_books(
    cast: Cast, stage: Stage, payment: Payment, client_of: ClientOf, is_settled: bool
) -> None:
    with tenant(cast.lender.pk):
        if is_settled:
            settle_payment(payment_id=payment.pk, now=timezone.now())
        return_payment(payment_id=payment.pk, code="R01", now=timezone.now())
        assert receipt_page(payment).fee == RETURN_FEE
    html = client_of(cast.viewer).get(f"/payments/{payment.public_id}/").content.decode()
    assert "The fee for a returned payment is $25.00." in html


def test_late_money_is_said_to_be_late_and_settled_money_when_it_was_expected(
    cast: Cast, stage: Stage, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tenant(cast.lender.pk):
        payment = pay(stage, cast.owner, uuid4(), payoff(stage.second))
        accept_payment(payment_id=payment.pk, reference="B-1", now=timezone.now())
    path = f"/payments/{payment.public_id}/"
    assert "has not yet" not in client_of(cast.owner).get(path).content.decode()
    later = timezone.now() + timedelta(days=12)
    monkeypatch.setattr(timezone, "now", lambda: later)
    html = client_of(cast.owner).get(path).content.decode()
    assert "It should have settled on" in html
    assert "do not pay the same again" in html
    with tenant(cast.lender.pk):
        record_answer(
            payment_id=payment.pk,
            act=Act.LOOK_UP,
            answer=Answer(Outcome.SETTLED, reference="B-1", amount=payment.amount, currency="USD"),
            now=later,
        )
    html = client_of(cast.owner).get(path).content.decode()
    assert "has not yet" not in html
    assert "expected" in html


def test_a_printed_receipt_that_is_lost_is_said_so(cast: Cast, payment: Payment, client_of: ClientOf) -> None:
    print_all(cast)
    with tenant(cast.lender.pk):
        printed = PaymentReceipt.objects.get()
    printed.file.storage.delete(printed.file.name)
    client = client_of(cast.owner)
    answer = client.get(f"/payments/{payment.public_id}/receipt.pdf", follow=True)
    assert answer.status_code == 200
    assert "The PDF could not be found. Print this page instead" in answer.content.decode()
    assert client.get(f"/payments/{payment.public_id}/receipt.pdf?show=total").status_code == 200


def test_every_state_stands_with_its_time_and_what_is_expected(
    cast: Cast, stage: Stage, payment: Payment, client_of: ClientOf
) -> None:
    client = client_of(cast.owner)
    path = f"/payments/{payment.public_id}/"

    def timeline() -> list[str]:
        html = client.get(path).content.decode().partition('<ol class="timeline">')[2].partition("</ol>")[0]
        return [
            re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", part)).strip() for part in html.split("</li>")[:-1]
        ]

    first, expected = timeline()
    assert re.fullmatch(r"Submitted .*20\d\d.*\d:\d\d.*", first)
    assert re.fullmatch(r"Settled expected .*20\d\d", expected)
    with tenant(cast.lender.pk):
        settle_payment(payment_id=payment.pk, now=timezone.now())
        return_payment(payment_id=payment.pk, code="R01", now=timezone.now())
    states = timeline()
    assert [state.split()[0] for state in states] == ["Submitted", "Processing", "Settled", "Returned"]
    assert all(re.search(r"20\d\d.*\d:\d\d", state) for state in states)
    assert "There was not enough money in the account." in states[-1]
