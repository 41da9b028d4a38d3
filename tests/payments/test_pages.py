"""The pages of paying: who may open them, what they refuse, what they show."""

import io
import re
from collections.abc import Callable
from decimal import Decimal
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Membership, User
from accounts.tenancy import tenant
from payments.actions.receipts import claim_receipt
from payments.actions.states import return_payment, settle_payment
from payments.models import Payment, PaymentDraft, PaymentReceipt
from payments.tasks import print_receipt
from tests.cast import Cast, anonymous
from tests.payments.screens import checked, chosen, hidden_fields, nothing_paid
from tests.payments.staging import Stage, due, make_due, make_method, pay, payoff

ClientOf = Callable[[User], Client]


def test_three_screens_choose_check_receipt(cast: Cast, stage: Stage, client_of: ClientOf) -> None:
    client = client_of(cast.owner)
    page = client.get("/payments/new/")
    assert "2023 Honda Accord 1" in page.content.decode()
    review, fields = checked(client, stage, (stage.first, "due", ""), (stage.second, "amount", "1,500.25"))
    html = client.get(review).content.decode()
    assert "Nothing has been sent yet." in html
    assert "Pay $1,580.25" in html
    assert "Operating account •••• 6789" in html
    assert "000123456789" not in html
    nothing_paid(cast)
    answer = client.post("/payments/submit/", fields)
    assert answer.status_code == 302
    receipt = client.get(answer["Location"])
    assert "P-100001" in receipt.content.decode()
    assert "$1,580.25" in receipt.content.decode()
    # Back, reload and a second tab meet the same receipt.
    assert client.post("/payments/submit/", fields)["Location"] == answer["Location"]
    assert client.get(review)["Location"] == answer["Location"]
    with tenant(cast.lender.pk):
        assert Payment.objects.count() == 1


def test_the_same_token_with_another_amount_is_refused_with_the_way_to_its_receipt(
    cast: Cast, stage: Stage, client_of: ClientOf
) -> None:
    client = client_of(cast.owner)
    _review, fields = checked(client, stage, (stage.first, "due", ""))
    client.post("/payments/submit/", fields)
    other = fields | {f"shown_{stage.first.public_id}": "79.00"}
    answer = client.post("/payments/submit/", other)
    assert answer.status_code == 409
    assert "Look at payment P-100001" in answer.content.decode()
    with tenant(cast.lender.pk):
        assert Payment.objects.get().amount == Decimal("80.00")


def test_what_is_sent_is_paid_from_the_account_that_the_page_named(
    cast: Cast, stage: Stage, client_of: ClientOf
) -> None:
    client = client_of(cast.owner)
    _review, fields = checked(client, stage, (stage.first, "due", ""))
    with tenant(cast.lender.pk):
        second = make_method(cast.dealership, "000555444333", label="Payroll account")
        foreign = make_method(cast.stranger_dealership, "000999888777")
    # In a second tab the same payment is changed to another account; the first tab still names the first one.
    client.post(
        f"/payments/new/?draft={fields['token']}",
        chosen(stage, (stage.first, "due", "")) | {"method": str(second.public_id)},
    )
    assert client.post("/payments/submit/", fields | {"method": str(foreign.public_id)}).status_code == 404
    nothing_paid(cast)
    assert client.post("/payments/submit/", fields).status_code == 302
    with tenant(cast.lender.pk):
        assert Payment.objects.get().method == stage.method
    # The second tab's page is about another account now: not the same payment, and not one more.
    answer = client.post("/payments/submit/", fields | {"method": str(second.public_id)})
    assert answer.status_code == 409
    assert "or from another account" in answer.content.decode()
    with tenant(cast.lender.pk):
        assert Payment.objects.count() == 1


def test_a_repeat_after_the_draft_was_thrown_away_is_still_the_same_receipt(
    cast: Cast, stage: Stage, client_of: ClientOf
) -> None:
    client = client_of(cast.owner)
    _review, fields = checked(client, stage, (stage.first, "due", ""))
    first = client.post("/payments/submit/", fields)["Location"]
    with tenant(cast.lender.pk):
        PaymentDraft.objects.all().delete()
    assert client.post("/payments/submit/", fields)["Location"] == first


def test_change_keeps_the_entries(cast: Cast, stage: Stage, client_of: ClientOf) -> None:
    client = client_of(cast.owner)
    review, fields = checked(client, stage, (stage.second, "amount", "12.34"), (stage.first, "payoff", ""))
    html = client.get(f"/payments/new/?draft={fields['token']}").content.decode()
    assert 'value="12.34"' in html
    assert html.count("checked") >= 2
    changed = client.post(
        f"/payments/new/?draft={fields['token']}", chosen(stage, (stage.second, "amount", "20.00"))
    )
    assert changed["Location"] == review
    assert "Pay $20.00" in client.get(review).content.decode()
    # What the first tab still shows is not sent any more.
    assert client.post("/payments/submit/", fields).status_code == 409
    nothing_paid(cast)


def test_an_amount_that_changed_is_shown_again_and_not_sent(
    cast: Cast, stage: Stage, client_of: ClientOf
) -> None:
    client = client_of(cast.owner)
    _review, fields = checked(client, stage, (stage.first, "due", ""))
    with tenant(cast.lender.pk):
        make_due(stage.first, "15.00", stage.today, "later")
    answer = client.post("/payments/submit/", fields)
    assert answer.status_code == 409
    html = answer.content.decode()
    assert "<title>Error:" in html
    assert "is now $95.00, it was $80.00" in html
    assert "Pay $95.00" in html
    nothing_paid(cast)
    assert client.post("/payments/submit/", hidden_fields(answer)).status_code == 302


BAD_AMOUNTS = [
    "0", "-5", "0.001", "1,5", "1.234", "abc", "NaN", "Infinity", "1e3", "\u0661\u0662", "€5", "12 34", "", "  ",
    "99999999999999999999", "20,000,000.00", "=1+1", "1\x00", "<b>1</b>", "0.00",
]  # fmt: skip


@pytest.mark.parametrize("text", BAD_AMOUNTS)
def test_amounts_that_cannot_be_paid_are_refused_in_words_and_kept(
    cast: Cast, stage: Stage, client_of: ClientOf, text: str
) -> None:
    client = client_of(cast.owner)
    answer = client.post("/payments/new/", chosen(stage, (stage.second, "amount", text)))
    if answer.status_code == 302:
        # More than is owed is known once it is reckoned: the check page says so and offers no button.
        html = client.get(answer["Location"]).content.decode()
        assert "You can pay at most" in html
        assert "Pay $" not in html
        assert client.post(
            "/payments/submit/", hidden_fields(client.get(answer["Location"]))
        ).status_code in {400, 422}
    else:
        assert answer.status_code == 400
        html = answer.content.decode()
        assert "There is a problem" in html
        assert "<title>Error:" in html
        assert "checked" in html
    nothing_paid(cast)


def test_bad_choices_are_refused_in_words(cast: Cast, stage: Stage, client_of: ClientOf) -> None:
    client = client_of(cast.owner)
    with tenant(cast.lender.pk):
        foreign = make_method(cast.stranger_dealership, "000999888777")
    for fields in (
        {},
        {"method": str(stage.method.public_id)},
        chosen(stage, (stage.first, "due", "")) | {"method": ""},
        chosen(stage, (stage.first, "due", "")) | {"method": str(foreign.public_id)},
        chosen(stage, (stage.first, "due", "")) | {"method": "x" * 5000},
        chosen(stage, (stage.first, "due", "")) | {"account": [str(uuid4())]},
        chosen(stage, (stage.first, "due", "")) | {"account": ["nonsense", "1", "\x00"]},
        chosen(stage, (stage.first, "theft", "")),
    ):
        answer = client.post("/payments/new/", fields)
        assert answer.status_code == 400
        assert "There is a problem" in answer.content.decode()
    with tenant(cast.lender.pk):
        assert PaymentDraft.objects.count() == 0


def test_a_broken_submission_is_refused_in_words(cast: Cast, stage: Stage, client_of: ClientOf) -> None:
    client = client_of(cast.owner)
    _review, fields = checked(client, stage, (stage.first, "due", ""))
    key = f"shown_{stage.first.public_id}"
    for broken in (
        {},
        {name: value for name, value in fields.items() if name != "token"},
        fields | {"token": "x"},
        fields | {"method": "x"},
        {name: value for name, value in fields.items() if name != "method"},
        fields | {"token": ""},
        {name: value for name, value in fields.items() if name != key},
        fields | {key: "NaN"},
        fields | {key: "Infinity"},
        fields | {key: "1e999"},
        fields | {key: "-80.00"},
        fields | {key: "0"},
        fields | {key: "9" * 5000},
        fields | {key: "80,00"},
        fields | {key: ""},
        fields | {"shown_nobody": "1.00"},
        fields | {"value_date": "tomorrow"},
        {name: value for name, value in fields.items() if name != "value_date"},
    ):
        answer = client.post("/payments/submit/", broken)
        assert answer.status_code == 400, broken
        assert "Nothing was sent" in answer.content.decode()
    for name in ("token", "method"):
        answer = client.post("/payments/submit/", fields | {name: str(uuid4())})
        assert answer.status_code == 404
        assert "Nothing was sent: Alder Motors has prepared no such payment." in answer.content.decode()
    for other in ("0.01", "1e-999", "99999999999.99"):
        assert client.post("/payments/submit/", fields | {key: other}).status_code == 409
    assert client.post("/payments/submit/", fields | {"value_date": "2020-01-01"}).status_code == 409
    assert client.get("/payments/submit/").status_code == 405
    nothing_paid(cast)


@pytest.mark.parametrize(
    "query",
    [
        "?unit=x", "?unit=", "?draft=nonsense", "?draft=00000000-0000-0000-0000-000000000000", "?show=x", "?due=x",
        "?unit=%00", "?pay=x&unit=00000000-0000-0000-0000-000000000000",
    ],
)  # fmt: skip
def test_strange_addresses_of_the_choose_page_are_read_as_if_nothing_was_named(
    cast: Cast, stage: Stage, client_of: ClientOf, query: str
) -> None:
    answer = client_of(cast.owner).get(f"/payments/new/{query}")
    assert answer.status_code == 200
    assert "2023 Honda Accord 1" in answer.content.decode()


def test_links_choose_units_and_everything_due(cast: Cast, stage: Stage, client_of: ClientOf) -> None:
    client = client_of(cast.owner)
    html = client.get(f"/payments/new/?unit={stage.second.public_id}&pay=payoff").content.decode()
    assert "Accord 2" in html
    assert "Accord 1" not in html
    assert re.search(r'<option value="payoff"[^>]* selected', html)
    html = client.get("/payments/new/?due=all").content.decode()
    assert "Accord 1" in html
    assert "Accord 2" not in html


def test_who_may_pay_and_who_may_look(cast: Cast, stage: Stage, client_of: ClientOf) -> None:
    owner = client_of(cast.owner)
    review, fields = checked(owner, stage, (stage.first, "due", ""))
    with tenant(cast.lender.pk):
        payment = pay(stage, cast.owner, uuid4(), payoff(stage.second))
        method = make_method(cast.stranger_dealership, "000999888777")
        other_unit = str(stage.second.public_id)
        assert method
    receipt = f"/payments/{payment.public_id}/"
    looks = [
        receipt,
        f"{receipt}progress/",
        f"{receipt}receipt.pdf",
        f"/payments/pending/{other_unit}/",
    ]
    for person in (cast.owner, cast.payer, cast.viewer):
        client = client_of(person)
        assert [
            client.get(path).status_code in {200, 302}
            for path in [*looks, "/payments/", "/payments/export.csv"]
        ]
        assert all(
            client.get(path).status_code in {200, 302}
            for path in [*looks, "/payments/", "/payments/export.csv"]
        )
    viewer = client_of(cast.viewer)
    assert viewer.get("/payments/new/").status_code == 403
    assert viewer.post("/payments/new/", chosen(stage, (stage.first, "due", ""))).status_code == 403
    assert viewer.get(review).status_code == 403
    assert viewer.post("/payments/submit/", fields).status_code == 403
    assert viewer.post(f"{receipt}cancel/").status_code == 403
    # A colleague's draft is the colleague's; a receipt is the dealership's.
    payer = client_of(cast.payer)
    assert payer.get(review).status_code == 404
    assert payer.post("/payments/submit/", fields).status_code == 404
    for person in (cast.stranger, cast.other_owner):
        client = client_of(person)
        for path in [*looks, review]:
            assert client.get(path).status_code == 404, path
            assert client.get(path.replace(str(payment.public_id), str(uuid4()))).status_code == 404
        assert client.post("/payments/submit/", fields).status_code == 404
        assert client.post(f"{receipt}cancel/").status_code == 404
        assert payment.number not in client.get("/payments/").content.decode()
        assert payment.number not in client.get("/payments/export.csv").content.decode()
        assert "Accord" not in client.get("/payments/new/").content.decode()
    for person in (cast.finance, cast.support):
        client = client_of(person)
        for path in [*looks, "/payments/", "/payments/export.csv", "/payments/new/", review]:
            assert client.get(path).status_code == 404, path
        assert client.post("/payments/submit/", fields).status_code == 404
    stranger = anonymous(cast.lender)
    for path in [*looks, "/payments/", "/payments/export.csv", "/payments/new/", review]:
        answer = stranger.get(path)
        assert answer.status_code == 302
        assert "sign-in" in answer["Location"] or "login" in answer["Location"]
    assert stranger.post("/payments/submit/", fields).status_code == 302
    with tenant(cast.lender.pk):
        assert Payment.objects.count() == 1
        assert Payment.objects.get().state == "submitted"


def test_a_payment_above_the_limit_is_shown_but_has_no_button(
    cast: Cast, stage: Stage, client_of: ClientOf
) -> None:
    with tenant(cast.lender.pk):
        Membership.objects.filter(user=cast.payer).update(payment_limit=Decimal("50.00"))
    client = client_of(cast.payer)
    answer = client.post("/payments/new/", chosen(stage, (stage.first, "due", "")))
    page = client.get(answer["Location"])
    assert "You may pay up to $50.00 at once" in page.content.decode()
    assert "Pay $80.00" not in page.content.decode()
    assert client.post("/payments/submit/", hidden_fields(page)).status_code == 422
    nothing_paid(cast)


def test_cancelling_from_the_receipt(cast: Cast, stage: Stage, client_of: ClientOf) -> None:
    with tenant(cast.lender.pk):
        payment = pay(stage, cast.owner, uuid4(), due(stage.first))
    client = client_of(cast.payer)
    assert "Cancel this payment" in client.get(f"/payments/{payment.public_id}/").content.decode()
    assert client.get(f"/payments/{payment.public_id}/cancel/").status_code == 405
    answer = client.post(f"/payments/{payment.public_id}/cancel/", follow=True)
    html = answer.content.decode()
    assert "is cancelled. No money moves." in html
    assert "by Paula" in html
    assert "Cancel this payment" not in html


def test_a_returned_payment_says_why_what_it_cost_and_what_to_do(
    cast: Cast, stage: Stage, client_of: ClientOf
) -> None:
    with tenant(cast.lender.pk):
        payment = pay(stage, cast.owner, uuid4(), due(stage.first))
        settle_payment(payment_id=payment.pk, now=timezone.now())
        return_payment(payment_id=payment.pk, code="R01", now=timezone.now())
    html = client_of(cast.viewer).get(f"/payments/{payment.public_id}/").content.decode()
    assert "There was not enough money in the account." in html
    assert "(R01)" in html
    assert "The fee for a returned payment is $25.00." in html
    assert "Make sure the account is covered, then pay again." in html


def test_the_receipts_pdf_is_printed_by_the_worker_and_served_to_the_dealership(
    cast: Cast, stage: Stage, client_of: ClientOf
) -> None:
    from pypdf import PdfReader

    client = client_of(cast.owner)
    with tenant(cast.lender.pk):
        payment = pay(stage, cast.owner, uuid4(), due(stage.first), payoff(stage.second))
        receipt = PaymentReceipt.objects.get()
    path = f"/payments/{payment.public_id}/"
    assert client.get(f"{path}receipt.pdf")["Location"] == path
    page = client.get(path).content.decode()
    assert "The PDF is being made" in page
    poll = re.search(r'hx-get="([^"]+)"', page)
    assert poll
    assert client.get(poll[1].replace("&amp;", "&")).status_code == 204
    assert print_receipt(cast.lender.pk, receipt.pk)
    assert not print_receipt(cast.lender.pk, receipt.pk)
    fresh = client.get(poll[1].replace("&amp;", "&"))
    assert fresh.status_code == 200
    assert "Download as PDF" in fresh.content.decode()
    pdf = client.get(f"{path}receipt.pdf")
    assert pdf["Content-Type"] == "application/pdf"
    assert pdf["Content-Disposition"] == f'attachment; filename="{payment.number}-submitted.pdf"'
    assert "no-store" in pdf["Cache-Control"]
    document = PdfReader(io.BytesIO(pdf.content))
    text = "".join(part.extract_text() for part in document.pages)
    assert payment.number in text
    assert "not booked yet" in text
    assert document.trailer["/Root"]["/MarkInfo"]["/Marked"]
    with tenant(cast.lender.pk):
        stored = PaymentReceipt.objects.get()
        assert stored.file.name.startswith(f"receipts/{cast.lender.pk}/")
        assert claim_receipt(receipt_id=stored.pk, now=timezone.now()) is None


def test_what_is_on_its_way_is_a_part_of_the_units_page(
    cast: Cast, stage: Stage, client_of: ClientOf
) -> None:
    client = client_of(cast.viewer)
    path = f"/payments/pending/{stage.first.public_id}/"
    assert "On its way" not in client.get(path).content.decode()
    with tenant(cast.lender.pk):
        payment = pay(stage, cast.owner, uuid4(), due(stage.first))
    html = client.get(path).content.decode()
    assert payment.number in html
    assert "$80.00" in html


def test_a_dealership_without_an_account_to_pay_from_is_told_what_to_do(
    cast: Cast, stage: Stage, client_of: ClientOf
) -> None:
    with tenant(cast.lender.pk):
        stage.method.state = "suspended"
        stage.method.save()
    html = client_of(cast.owner).get("/payments/new/").content.decode()
    assert "No account to pay from" in html
    assert "+1 303 555 0100" in html
