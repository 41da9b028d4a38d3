"""What documents say about roles, money, payments, packages and the demo is what the code does."""

import importlib
import json
import re
import uuid
from datetime import date
from decimal import Decimal

import pytest

from accounts.models import Membership, User
from accounts.permissions import MATRIX
from finance.actions.chart import Code
from finance.interest import DayCount, Event, RateCurve, segments
from finance.money import round_money, split_proportionally
from payments.actions.events import _KINDS
from payments.gateways.bank_debit import BankDebitGateway
from payments.gateways.card_page import CardPageGateway
from payments.gateways.exchange import SignedGateway
from payments.gateways.signatures import is_authentic, signature_header
from payments.models import Payment
from payments.queries.debits import Answer, DebitOrder, Outcome
from portal.demo.cast import LENDERS
from tests.docs.paper import ROOT, blocks, code, rows, section, text_of

MONEY = "docs/developers/money.md"
PAYMENTS = "docs/developers/payments.md"
BANK = "docs/integrators/bank-debits.md"
CARDS = "docs/integrators/card-page.md"


def test_the_table_of_roles_is_the_matrix() -> None:
    who = [*(role.value for role in Membership.Role), User.Kind.FINANCE.value, User.Kind.SUPPORT.value]
    listed = {}
    for cells in rows(text_of("docs/staff/roles.md"), "Action"):
        (action,) = code(cells[0])
        assert len(cells) == len(who) + 1
        assert set(cells[1:]) <= {"yes", ""}
        listed[action] = {name for name, mark in zip(who, cells[1:], strict=True) if mark}
    assert listed == {action: set(people) for action, people in MATRIX.items()}


def test_the_columns_of_the_roles_stand_in_the_order_of_the_code() -> None:
    head = next(line for line in text_of("docs/staff/roles.md").splitlines() if line.startswith("| Action"))
    labels = [str(role.label) for role in Membership.Role]
    labels += [str(User.Kind.FINANCE.label), str(User.Kind.SUPPORT.label)]
    assert [cell.strip() for cell in head.strip("|").split("|")][1:] == labels


def test_the_packages_are_those_of_the_lists() -> None:
    for title, name in (
        ("Wherever the portal runs", "base"),
        ("Demo and tests", "demo"),
        ("Development", "dev"),
    ):
        wanted = re.findall(r"^([A-Za-z0-9][A-Za-z0-9-]*)", text_of(f"requirements/{name}.in"), re.MULTILINE)
        listed = [cells[0] for cells in rows(section("docs/dependencies.md", title), "Package")]
        assert listed == wanted, name


def test_every_package_says_what_it_saves() -> None:
    assert [cells[0] for cells in rows(text_of("docs/dependencies.md"), "Package") if not cells[1]] == []


def test_the_logins_of_the_readme_are_those_of_the_demo() -> None:
    listed: dict[str, set[str]] = {}
    addresses = {}
    lender = ""
    for cells in rows(text_of("README.md"), "Lender"):
        if cells[0]:
            lender = cells[0].partition(" (")[0]
            addresses[lender] = cells[1]
        listed.setdefault(lender, set()).update(code(cells[2]))
    assert listed == {one.name: {person.username for person in one.people} for one in LENDERS}
    assert addresses == {one.name: f"http://{one.host}:8000/" for one in LENDERS}


def test_the_readme_gives_the_passwords_and_numbers_of_the_demo() -> None:
    words = section("README.md", "Signing in to the demo")
    for password in {person.password for one in LENDERS for person in one.people}:
        assert f"`{password}`" in words
    numbers = {person.customer_number for one in LENDERS for person in one.people}
    assert set(re.findall(r"\b7[0-9]{5}\b", words)) <= numbers


def test_amounts_are_posted_as_the_table_says() -> None:
    for amount, currency, posted in rows(text_of(MONEY), "Amount"):
        assert str(round_money(Decimal(amount), currency)) == posted


def test_three_equal_parts_lose_no_cent() -> None:
    assert "10.00 in three equal parts is 3.34, 3.33, 3.33" in text_of(MONEY)
    assert split_proportionally(Decimal("10.00"), [Decimal(1)] * 3, "USD") == [
        Decimal("3.34"),
        Decimal("3.33"),
        Decimal("3.33"),
    ]


def test_interest_is_what_the_table_says() -> None:
    start, end = date(2025, 3, 1), date(2025, 4, 1)
    listed = rows(text_of(MONEY), "Day count")
    assert [cells[0] for cells in listed] == [count.value for count in DayCount]
    for name, days, interest, posted in listed:
        rates = RateCurve([(date(2025, 1, 1), Decimal("0.0950"))], day_count=DayCount(name))
        (segment,) = segments([Event.advance(1, start, Decimal("18000.00"))], rates, start, end)
        assert segment.days == int(days)
        assert f"{segment.interest:.6f}" == interest
        assert str(round_money(segment.interest, "USD")) == posted


def test_the_life_of_a_payment_is_the_one_that_the_database_allows() -> None:
    migration = importlib.import_module("payments.migrations.0002_walls")
    allowed = set(re.findall(r"\('(\w+)', '(\w+)'\)", migration.LIFE))
    listed = {(code(cells[0])[0], to) for cells in rows(text_of(PAYMENTS), "From") for to in code(cells[1])}
    assert listed == allowed
    assert set(Payment.State.values) <= set(re.findall(r"[a-z]+", section(PAYMENTS, "How a payment moves")))


def test_the_guide_names_every_state_as_the_pages_do() -> None:
    assert [cells[0] for cells in rows(text_of("docs/dealers/guide.md"), "State")] == [
        str(state.label) for state in Payment.State
    ]


def test_the_example_signature_is_right() -> None:
    body = next(block for block in blocks(text_of(BANK), "json") if "debit.settled" in block).encode()
    header = next(block for block in blocks(text_of(BANK), "") if block.startswith("t="))
    assert header == signature_header("secret", 1767225600, body)
    assert is_authentic(header, "secret", body, now=1767225600.0)


def sent_by(gateway: SignedGateway, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The fields of the order that a gateway sends, in their order."""
    sent: list[bytes] = []

    def ask(method: str, path: str, body: bytes, *, key: uuid.UUID) -> Answer:
        sent.append(body)
        return Answer(Outcome.UNCLEAR)

    monkeypatch.setattr(gateway, "ask", ask)
    gateway.send(
        DebitOrder(
            key=uuid.uuid4(),
            client="summit",
            number="P-1",
            amount=Decimal("1.00"),
            currency="USD",
            scheme="ach",
            collect_on=date(2025, 3, 3),
            holder="Alder Motors",
            bank_code="102000021",
            account_number="1",
            mandate="",
            notify_url="",
        )
    )
    return list(json.loads(sent[0]))


@pytest.mark.parametrize(
    ("page", "gateway"),
    [(BANK, BankDebitGateway), (CARDS, CardPageGateway)],
    ids=["bank", "cards"],
)
def test_the_order_that_a_gateway_sends_has_the_documented_fields(
    page: str, gateway: type[BankDebitGateway | CardPageGateway], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = section(page, "What the portal asks")
    listed = [name for cells in rows(asked, "Field") for name in code(cells[0])]
    assert listed == sent_by(gateway("http://bank.example", "secret"), monkeypatch)


@pytest.mark.parametrize(
    ("page", "gateway"),
    [(BANK, BankDebitGateway), (CARDS, CardPageGateway)],
    ids=["bank", "cards"],
)
def test_the_states_that_may_be_answered_are_documented(
    page: str, gateway: type[BankDebitGateway | CardPageGateway]
) -> None:
    assert set(gateway.states) <= set(code(section(page, "What the portal asks")))


@pytest.mark.parametrize("page", [BANK, CARDS])
def test_the_messages_that_may_come_are_documented(page: str) -> None:
    words = set(code(section(page, "What the bank tells" if page == BANK else "What the processor tells")))
    known = {kind for kind in _KINDS if kind.startswith("debit." if page == BANK else "session.")}
    assert known
    assert known <= words


def test_the_chart_of_the_views_page_is_the_chart() -> None:
    listed = re.findall(r"`([0-9]{4})`", text_of("docs/integrators/sql-views.md"))
    assert listed == [entry.value for entry in Code]


def test_the_version_has_its_changes() -> None:
    (version,) = re.findall(r'^version = "([0-9.]+)"$', text_of("pyproject.toml"), re.MULTILINE)
    assert re.search(rf"^## {re.escape(version)}\b", text_of("CHANGELOG.md"), re.MULTILINE)
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").lstrip().startswith("Apache License")
