"""Bank accounts: what they must look like, and that nobody reads their numbers."""

from collections.abc import Callable
from datetime import date
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client

from accounts.encryption import decrypt
from accounts.models import AuditEntry, RowChange, User
from accounts.tenancy import tenant
from finance.pdf import render_html
from payments.actions.methods import checked_bank_account, register_method
from payments.models import PaymentMethod
from payments.queries.offered import methods_of
from payments.queries.receipts import receipt_page
from tests.cast import Cast
from tests.payments.staging import Stage, due, make_method, pay

Kind = PaymentMethod.Kind


@pytest.mark.parametrize(
    ("kind", "code", "number", "stored"),
    [
        (Kind.ACH_DEBIT, "111000025", "0001 2345-67", ("111000025", "0001234567")),
        (Kind.ACH_DEBIT, "0210 0002 1", "1234", ("021000021", "1234")),
        (Kind.SEPA_DEBIT, "", "fr76 3000 6000 0112 3456 7890 189", ("", "FR7630006000011234567890189")),
        (
            Kind.SEPA_DEBIT,
            "AGRIFRPP",
            "FR7630006000011234567890189",
            ("AGRIFRPP", "FR7630006000011234567890189"),
        ),
        (Kind.BACS_DEBIT, "12-34-56", "1234567", ("123456", "01234567")),
        (Kind.BACS_DEBIT, "123456", "12345678", ("123456", "12345678")),
    ],
)
def test_accounts_as_banks_write_them_are_accepted(
    kind: str, code: str, number: str, stored: tuple[str, str]
) -> None:
    assert checked_bank_account(kind, code, number) == stored


@pytest.mark.parametrize(
    ("kind", "code", "number", "field"),
    [
        (Kind.ACH_DEBIT, "111000026", "12345", "bank_code"),
        (Kind.ACH_DEBIT, "11100002", "12345", "bank_code"),
        (Kind.ACH_DEBIT, "١١١٠٠٠٠٢٥", "12345", "bank_code"),
        (Kind.ACH_DEBIT, "111000025", "123", "account_number"),
        (Kind.ACH_DEBIT, "111000025", "1" * 18, "account_number"),
        (Kind.ACH_DEBIT, "111000025", "12a45", "account_number"),
        (Kind.SEPA_DEBIT, "", "FR7630006000011234567890188", "account_number"),
        (Kind.SEPA_DEBIT, "", "", "account_number"),
        (Kind.SEPA_DEBIT, "NOBIC", "FR7630006000011234567890189", "bank_code"),
        (Kind.BACS_DEBIT, "12345", "12345678", "bank_code"),
        (Kind.BACS_DEBIT, "123456", "12345", "account_number"),
        (Kind.BACS_DEBIT, "123456", "123456789", "account_number"),
        (Kind.CARD, "", "4242424242424242", "kind"),
        ("nonsense", "", "1", "kind"),
    ],
)  # fmt: skip
def test_accounts_that_cannot_be_right_are_refused_at_their_field(
    kind: str, code: str, number: str, field: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        checked_bank_account(kind, code, number)
    assert list(refused.value.message_dict) == [field]


def test_the_number_is_stored_encrypted_and_shown_by_its_end(cast: Cast) -> None:
    with tenant(cast.lender.pk):
        method = make_method(cast.dealership, "000123456789")
        assert str(method) == "Operating account •••• 6789"
        assert decrypt(method.encrypted_number) == b"000123456789"
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT to_jsonb(m)::text FROM payments_paymentmethod m WHERE id = %s", [method.pk]
            )
            assert "123456789" not in cursor.fetchone()[0]
        assert "123456789" not in str(list(AuditEntry.objects.values_list("details", flat=True)))
        changes = list(
            RowChange.objects.filter(table_name="payments_paymentmethod").values_list("after", flat=True)
        )
        assert changes
        assert all("encrypted_number" not in change for change in changes)


def test_a_refused_account_leaves_nothing(cast: Cast) -> None:
    with tenant(cast.lender.pk):
        with pytest.raises(ValidationError):
            register_method(
                dealership=cast.dealership,
                kind=Kind.ACH_DEBIT,
                label="x",
                holder="x",
                bank_code="111000026",
                account_number="12345",
                actor=cast.finance,
            )
        assert PaymentMethod.objects.count() == 0
        assert AuditEntry.objects.filter(code="payment-method.registered").count() == 0


@pytest.mark.parametrize(
    ("kind", "code", "number"),
    [(Kind.SEPA_DEBIT, "", "FR7630006000011234567890189"), (Kind.BACS_DEBIT, "123456", "12345678")],
)
@pytest.mark.parametrize(
    "mandate",
    [{}, {"mandate_reference": "M-1"}, {"mandate_signed_on": date(2026, 1, 5)}],
    ids=["none", "no day", "no reference"],
)
def test_without_a_mandate_there_is_no_sepa_or_bacs_debit(
    cast: Cast, kind: str, code: str, number: str, mandate: dict[str, object]
) -> None:
    with tenant(cast.lender.pk):
        with pytest.raises(ValidationError) as refused:
            make_method(cast.dealership, number, kind=kind, bank_code=code, **mandate)
        assert list(refused.value.message_dict) == ["mandate_reference"]
        assert PaymentMethod.objects.count() == 0


def test_check_receipt_and_pdf_name_the_mandate(
    cast: Cast, stage: Stage, client_of: Callable[[User], Client]
) -> None:
    with tenant(cast.lender.pk):
        stage.method = make_method(
            cast.dealership,
            "12345678",
            kind=Kind.BACS_DEBIT,
            bank_code="12-34-56",
            mandate_reference="M-77001",
            mandate_signed_on=date(2026, 1, 5),
        )
    client = client_of(cast.owner)
    key = stage.first.public_id
    sent = {"account": str(key), f"way_{key.hex}": "due", "method": str(stage.method.public_id)}
    check = client.get(client.post("/payments/new/", sent)["Location"]).content.decode()
    with tenant(cast.lender.pk):
        payment = pay(stage, cast.owner, uuid4(), due(stage.first))
        printed = render_html(
            "payments/receipt_pdf.html",
            {"page": receipt_page(payment), "itemised": True},
            lender=payment.lender,
        )
    receipt = client.get(f"/payments/{payment.public_id}/").content.decode()
    for html in (check, receipt):
        assert "Mandate M-77001" in html
        assert "Jan 5, 2026" in html
        assert "12345678" not in html
    assert "mandate M-77001" in printed


def test_only_active_accounts_of_the_dealership_with_a_gateway_are_offered(
    cast: Cast, settings: pytest.FixtureRequest
) -> None:
    with tenant(cast.lender.pk):
        mine = make_method(cast.dealership, "000123456789")
        make_method(cast.stranger_dealership, "000123456780")
        PaymentMethod.objects.create(
            dealership=cast.dealership,
            kind=Kind.CARD,
            label="Card",
            holder="x",
            encrypted_number=b"",
        )
        off = make_method(cast.dealership, "000123456781", label="Old")
        off.state = PaymentMethod.State.SUSPENDED
        off.save()
        settings.CARD_GATEWAY_URL = ""  # type: ignore[attr-defined]
        assert methods_of(cast.dealership.pk) == [mine]
        settings.BANK_GATEWAY_URL = ""  # type: ignore[attr-defined]
        assert methods_of(cast.dealership.pk) == []
