"""Who meets the link to the card page, and that no card ever comes near the portal."""

import re
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.test import override_settings
from django.utils import timezone

from accounts.models import AuditEntry
from accounts.tenancy import tenant
from payments.actions.methods import allow_cards
from payments.models import Payment, PaymentMethod, PaymentReceipt
from payments.queries.offered import methods_of
from payments.queries.receipts import receipt_page
from payments.queries.return_reasons import _CARD_TABLE, _WORDS, return_reason
from payments.queries.timing import timing_of
from payments.tasks import print_receipt
from tests.cast import Cast, anonymous
from tests.payments.cards.acts import (
    ClientOf,
    Processor,
    deliver,
    fresh,
    step,
    take_in,
)
from tests.payments.staging import Stage


def test_only_who_may_pay_here_meets_the_link(
    cast: Cast, payment: Payment, processor: Processor, client_of: ClientOf
) -> None:
    step(cast, payment)
    page = fresh(cast, payment).processor_page
    address = f"/payments/{payment.public_id}/"
    for path in (address, f"{address}progress/"):
        assert page in client_of(cast.owner).get(path).content.decode()
        assert page in client_of(cast.payer).get(path).content.decode()
        seen = client_of(cast.viewer).get(path)
        assert seen.status_code == 200
        assert page not in seen.content.decode()
        assert client_of(cast.stranger).get(path).status_code == 404
        assert client_of(cast.other_owner).get(path).status_code == 404
        answer = anonymous(cast.lender).get(path)
        assert answer.status_code == 302
        assert page not in answer.content.decode()


def test_the_page_tells_its_own_part_when_the_link_is_there(
    cast: Cast, payment: Payment, processor: Processor, client_of: ClientOf
) -> None:
    client = client_of(cast.owner)
    address = f"/payments/{payment.public_id}/progress/"
    seen = re.search(r"seen=([^\"]+)", client.get(address).content.decode())
    assert seen is not None
    assert client.get(f"{address}?seen={seen[1]}").status_code == 204
    step(cast, payment)
    assert client.get(f"{address}?seen={seen[1]}").status_code == 200


def test_a_payment_by_card_cannot_be_cancelled_once_its_page_is_open(
    cast: Cast, payment: Payment, processor: Processor, client_of: ClientOf
) -> None:
    step(cast, payment)
    client = client_of(cast.owner)
    assert "Cancel this payment" not in client.get(f"/payments/{payment.public_id}/").content.decode()
    client.post(f"/payments/{payment.public_id}/cancel/")
    assert fresh(cast, payment).state == "submitted"


def test_no_field_of_ours_asks_for_a_card() -> None:
    root = Path(settings.BASE_DIR)
    asks = re.compile(
        r"cc-(?:number|exp|csc|name)|name=\"[^\"]*(?:card|cvc|cvv|pan|expiry|security_code)[^\"]*\"|<iframe",
        re.IGNORECASE,
    )
    files = [*root.glob("templates/**/*.html"), *root.glob("*/forms/**/*.py"), *root.glob("static/*/*.js")]
    assert len(files) > 100
    found = [
        f"{path.relative_to(root)}: {match.group(0)}"
        for path in files
        for match in asks.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []
    fields = re.compile(r"^\s+\w*(?:card|cvc|cvv|expiry)\w* = (?:forms|MoneyField)", re.MULTILINE)
    assert [path for path in files if path.suffix == ".py" and fields.search(path.read_text())] == []


def test_the_card_number_is_nowhere_but_at_the_payers_fingers(
    cast: Cast, payment: Payment, processor: Processor
) -> None:
    step(cast, payment)
    processor.enter(fresh(cast, payment).processor_page)
    deliver(processor, anonymous(cast.lender))
    take_in(cast)
    assert "42424242" not in processor.cards.path.read_text().replace(" ", "")
    with tenant(cast.lender.pk), connection.cursor() as cursor:
        for table in (
            "payments_payment",
            "payments_paymentmethod",
            "payments_gatewayevent",
            "accounts_auditentry",
        ):
            cursor.execute(f"SELECT coalesce(string_agg(to_jsonb(t)::text, ' '), '') FROM {table} t")
            assert "42424242" not in cursor.fetchone()[0].replace(" ", "")


def test_the_policy_of_our_pages_stays_closed_to_forms_that_lead_elsewhere(
    cast: Cast, payment: Payment, processor: Processor, client_of: ClientOf
) -> None:
    step(cast, payment)
    answer = client_of(cast.owner).get(f"/payments/{payment.public_id}/")
    assert "form-action 'self'" in answer["Content-Security-Policy"]
    forms = re.findall(r"<form[^>]*action=\"([^\"]*)\"", answer.content.decode())
    assert all(action.startswith("/") for action in forms)


def test_the_standing_method_is_one_for_each_dealership_and_offered_last(cast: Cast, stage: Stage) -> None:
    with tenant(cast.lender.pk):
        again = allow_cards(dealership=cast.dealership, actor=cast.finance)
        assert again.pk == stage.method.pk
        assert (again.last_four, bytes(again.encrypted_number)) == ("", b"")
        assert str(again) == "Card on the processor's page"
        assert [method.kind for method in methods_of(cast.dealership.pk)] == ["ach_debit", "card"]
        assert AuditEntry.objects.filter(code="payment-method.cards-allowed").count() == 1
        again.state = PaymentMethod.State.SUSPENDED
        again.save()
        assert [method.kind for method in methods_of(cast.dealership.pk)] == ["ach_debit"]
        allow_cards(dealership=cast.dealership, actor=cast.finance)
        with override_settings(CARD_GATEWAY_URL=""):
            assert [method.kind for method in methods_of(cast.dealership.pk)] == ["ach_debit"]
        assert len(methods_of(cast.dealership.pk)) == 2


def test_a_card_counts_today_after_the_cut_off_and_on_sundays_too(cast: Cast) -> None:
    for moment, day, expected in (
        (datetime(2026, 6, 12, 23, 30, tzinfo=cast.lender.zone), 12, 15),
        (datetime(2026, 6, 14, 9, 0, tzinfo=cast.lender.zone), 14, 15),
    ):
        timing = timing_of(cast.lender, "card", moment)
        assert (timing.value_date.day, timing.expected_on.day) == (day, expected)
        assert not timing.after_cut_off
        assert timing.cut_off_at > moment
        assert timing.cut_off_at - moment < timedelta(hours=24)


def test_every_published_decline_code_has_words() -> None:
    import csv

    with _CARD_TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 39
    assert all(row["source"] for row in rows)
    assert {row["cause"] for row in rows} <= set(_WORDS) | {"card_secret"}
    for row in rows:
        reason = return_reason("card", row["decline_code"])
        assert str(reason.words)
        for secret in ("lost", "stolen", "fraud", "pickup"):
            assert (
                row["cause"] != "card_secret" or secret not in f"{reason.code} {reason.words} {reason.title}"
            )
    assert "no reason that we know" in str(return_reason("card", "brand_new_code").words)
    assert return_reason("card", "brand_new_code").code == "brand_new_code"


def test_receipts_of_every_state_are_printed(
    cast: Cast, payment: Payment, processor: Processor, client_of: ClientOf
) -> None:
    step(cast, payment)
    processor.enter(fresh(cast, payment).processor_page)
    processor.cards.settle(str(payment.public_id))
    step(cast, payment)
    with tenant(cast.lender.pk):
        PaymentReceipt.objects.update(next_attempt_at=timezone.now())
        waiting = list(PaymentReceipt.objects.order_by("pk").values_list("pk", "payment_state"))
        assert receipt_page(payment).by_card
    assert [state for _key, state in waiting] == ["submitted", "settled"]
    assert all(print_receipt(cast.lender.pk, key) for key, _state in waiting)
