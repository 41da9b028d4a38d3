"""Lines, advances, loans and programmes in the finance office."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import AuditEntry
from accounts.tenancy import tenant
from finance.models import (
    CreditLine,
    CurtailmentProgramme,
    JournalEntry,
    LineTerms,
    Loan,
    RatePlan,
    Unit,
)
from finance.vin import make_vin
from tests.finance.stock import add_loans, more_stock
from tests.portal.office import Office, line_of, text_of, token_of
from tests.portal.office_steps import act, form, states

State = Unit.State


def test_paying_out_posts_and_leaves_what_the_line_has_no_room_for(office: Office) -> None:
    with tenant(office.lender.pk):
        small = more_stock(
            office.cast.stranger_dealership, office.stock.today, office.stock.plan, office.stock.programme
        )
        units = [office.stock.approve("40000.00"), small.approve("50000.00"), office.stock.request("1000.00")]
        CreditLine.objects.filter(pk=small.line.pk).update(limit=Decimal("45000.00"))
        posted = JournalEntry.objects.count()
    today = office.stock.today
    answer = act(office, "finance_unit", "fund", units, reason="As agreed.", funded_on=today.isoformat())
    outcome = text_of(office.client.get(answer["Location"]))
    assert "Done for 1 of 3 rows." in outcome
    assert "Paid out, journal entry" in outcome
    assert "only an approved advance can be paid out" in outcome
    assert "Line 10002-1 has 45000.00 USD free; 50000.00 is more." in outcome
    assert states(office, units) == [State.FUNDED, State.APPROVED, State.REQUESTED]
    with tenant(office.lender.pk):
        assert JournalEntry.objects.count() == posted + 1
        entry = JournalEntry.objects.order_by("-pk")[0]
        assert entry.actor == office.cast.finance
        assert entry.effective_on == today


def test_a_unit_is_refused_and_another_reported_sold(office: Office) -> None:
    with tenant(office.lender.pk):
        asked = office.stock.request("8000.00")
        floored = office.stock.fund(days_ago=20)
    act(office, "finance_unit", "refuse", [asked], reason="Title missing.")
    sold_at = timezone.localtime(timezone.now(), office.lender.zone) - timedelta(hours=2)
    answer = act(
        office,
        "finance_unit",
        "sold",
        [floored],
        reason="Told by phone.",
        sold_at=sold_at.strftime("%Y-%m-%dT%H:%M"),
    )
    assert "Done for 1 of 1 row." in text_of(office.client.get(answer["Location"]))
    assert states(office, [asked, floored]) == [State.REFUSED, State.SOLD]


def test_a_line_with_terms_a_unit_and_its_way_to_the_floor(office: Office) -> None:
    made = form(
        office,
        "finance_creditline_add",
        dealership=office.cast.stranger_dealership.pk,
        name="Used floor",
        kind="floor_plan",
        limit="150,000.00",
        limit_is_hard="on",
        opened_on=office.stock.today.isoformat(),
        number="",
    )
    with tenant(office.lender.pk):
        line = CreditLine.objects.get(name="Used floor")
    assert made["Location"].endswith(f"/{line.pk}/change/")
    assert line.limit == Decimal("150000.00")
    assert line.number == "10002-1"
    assert "no terms yet" in text_of(office.client.get(made["Location"]))
    with tenant(office.lender.pk):
        plan, programme = RatePlan.objects.get(), CurtailmentProgramme.objects.get()
    terms = {
        "effective_from": office.stock.today.isoformat(),
        "rate_plan": plan.pk,
        "programme": programme.pk,
        "advance_rate": "100",
        "term_days": "180",
        "payment_day": "15",
        "grace_days": "0",
        "payoff_hours_after_sale": "24",
        "document_fee": "25.00",
        "return_fee": "40",
        "allocation_order": "fees,interest,principal",
        "releases_credit_at": "settlement",
    }
    form(office, "finance_creditline_form", line.pk, "terms", **terms)
    with tenant(office.lender.pk):
        row = LineTerms.objects.get(line=line)
        assert (row.payment_day, row.document_fee, row.return_fee) == (15, Decimal(25), Decimal(40))
    twice = form(office, "finance_creditline_form", line.pk, "terms", **terms)
    assert "already has terms from" in text_of(twice)
    form(
        office,
        "finance_unit_add",
        line=line.pk,
        vin=make_vin("1HG", "CV1F3", "S", "A", "900001").lower(),
        model_year="2022",
        make="Honda",
        model="Accord",
        condition="used",
        advance_amount="18500",
        stock_number="B77",
        cost="",
        colour="",
    )
    with tenant(office.lender.pk):
        unit = Unit.objects.get(stock_number="B77")
        assert (unit.state, unit.dealership_id) == (State.REQUESTED, office.cast.stranger_dealership.pk)
    act(office, "finance_unit", "approve", [unit], reason="Good.")
    act(office, "finance_unit", "fund", [unit], reason="Good.", funded_on=office.stock.today.isoformat())
    page = text_of(office.get("finance_unit_change", unit.pk))
    assert "$18,500.00" in page
    assert "Payoff today $18,525.00" in page


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("vin", "1HGCV1F33SA90000", "not a valid VIN"),
        ("vin", "IOQ" + "1" * 14, "not a valid VIN"),
        ("model_year", "1900", "greater than or equal"),
        ("model_year", "2999", "not come yet"),
        ("advance_amount", "0", "or more"),
        ("advance_amount", "1.234,56", "two ways"),
        ("advance_amount", "12.345", ""),
        ("line", "abc", ""),
        ("line", "99999999", ""),
    ],
)
def test_a_wrong_advance_is_refused_and_kept_on_the_page(
    office: Office, field: str, typed: str, said: str
) -> None:
    fields = {
        "line": office.stock.line.pk,
        "vin": make_vin("1HG", "CV1F3", "S", "A", "900001"),
        "model_year": "2022",
        "make": "Honda",
        "model": "Accord",
        "condition": "used",
        "advance_amount": "18500",
        field: typed,
    }
    answer = form(office, "finance_unit_add", **fields)
    assert answer.status_code == 200
    words = text_of(answer)
    assert "Nothing was changed." in words
    assert said in words or field == "advance_amount"
    assert "Honda" in answer.content.decode()
    with tenant(office.lender.pk):
        assert not Unit.objects.exists()


def test_a_loan_is_opened_and_its_double_click_is_one_loan(office: Office) -> None:
    with tenant(office.lender.pk):
        add_loans(office.stock, seed=1)
        line = CreditLine.objects.get(kind=CreditLine.Kind.TERM)
        count = Loan.objects.count()
    token = token_of(office.get("finance_loan_add"))
    fields = {
        "token": token,
        "line": line.pk,
        "title": "Lift",
        "purpose": "equipment",
        "method": "equal_instalment",
        "amount": "12,000.00",
        "instalment_count": "12",
        "instalment": "",
        "funded_on": office.stock.today.isoformat(),
        "first_due_on": (office.stock.today + timedelta(days=31)).isoformat(),
    }
    first = office.post("finance_loan_add", **fields)
    second = office.post("finance_loan_add", **fields)
    assert first.status_code == second.status_code == 302
    assert first["Location"] == second["Location"]
    with tenant(office.lender.pk):
        assert Loan.objects.count() == count + 1
        loan = Loan.objects.select_related("account").order_by("-pk")[0]
        assert loan.account.title == "Lift"
        opened = AuditEntry.objects.filter(subject=loan.account.number)
        assert [entry.actor for entry in opened] == [office.cast.finance]
    assert "$12,000.00" in text_of(office.client.get(first["Location"]))


def test_a_limit_changes_with_a_reason_and_history_shows_old_and_new(office: Office) -> None:
    line = office.stock.line
    refused = form(office, "finance_creditline_form", line.pk, "limit", limit="2,500,000.00", reason="")
    assert refused.status_code == 200
    with tenant(office.lender.pk):
        assert line_of(office.stock).limit == Decimal("2000000.00")
    form(
        office, "finance_creditline_form", line.pk, "limit", limit="2,500,000.00", reason="Board of 3 March."
    )
    with tenant(office.lender.pk):
        assert line_of(office.stock).limit == Decimal("2500000.00")
    history = office.get("finance_creditline_history", line.pk)
    assert "<del>2000000.00</del>" in history.content.decode()
    assert "<ins>2500000.00</ins>" in history.content.decode()
    words = text_of(history)
    assert "Fiona" in words
    assert "Board of 3 March." in words
    assert "Line: limit changed" in words


@pytest.mark.parametrize(
    ("fields", "shape"),
    [
        (
            {
                "kind": "interval",
                "days": "60",
                "share": "10",
                "base": "original",
                "times": "3",
                "due_rule": "same_day",
            },
            {
                "kind": "interval",
                "days": 60,
                "fraction": "0.1",
                "base": "original",
                "times": 3,
                "due_rule": {"kind": "same_day"},
            },
        ),
        (
            {
                "kind": "age_monthly",
                "from_age": "120",
                "share": "10",
                "stop_original": "50",
                "due_rule": "following_month",
                "due_day": "15",
            },
            {
                "kind": "age_monthly",
                "from_age": 120,
                "fraction": "0.1",
                "stop_original": "0.5",
                "due_rule": {"kind": "following_month", "day": 15},
            },
        ),
        (
            {"kind": "full_payoff", "months": "11", "due_rule": "next_business_day"},
            {"kind": "full_payoff", "months": 11, "due_rule": {"kind": "next_business_day"}},
        ),
        (
            {"kind": "steps", "table": "270 5\n365, 5 %\n", "due_rule": "same_day"},
            {"kind": "steps", "table": [[270, "0.05"], [365, "0.05"]], "due_rule": {"kind": "same_day"}},
        ),
    ],
)
def test_each_shape_of_a_programme_is_written_in_fields(office: Office, fields: Any, shape: Any) -> None:
    answer = form(
        office, "finance_curtailmentprogramme_add", code="new", name="New one", grace_days="0", **fields
    )
    assert answer.status_code == 302, text_of(answer)
    with tenant(office.lender.pk):
        assert CurtailmentProgramme.objects.get(code="new").shape == shape


def test_a_programme_that_lacks_what_its_shape_needs_is_refused(office: Office) -> None:
    for fields in (
        {"kind": "interval", "share": "10"},
        {"kind": "full_payoff"},
        {"kind": "full_payoff", "days": "90", "months": "3"},
        {"kind": "steps", "table": "often"},
        {"kind": "interval", "days": "30", "share": "10", "due_rule": "following_month"},
    ):
        answer = form(
            office,
            "finance_curtailmentprogramme_add",
            **{"code": "new", "name": "New", "grace_days": "0", "due_rule": "same_day", **fields},
        )
        assert answer.status_code == 200, fields
    with tenant(office.lender.pk):
        assert not CurtailmentProgramme.objects.filter(code="new").exists()
