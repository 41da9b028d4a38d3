"""Acts and forms of the finance office: a page that shows the rows and asks why, and what comes of it."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEntry, Dealership, Membership, OutgoingMessage, RowChange, User
from accounts.tenancy import tenant
from finance.models import (
    Account,
    CreditLine,
    CurtailmentProgramme,
    DayStep,
    IndexFixing,
    JournalEntry,
    LineTerms,
    Loan,
    RateIndex,
    RatePlan,
    Statement,
    Unit,
)
from finance.vin import make_vin
from payments.actions.states import accept_payment, settle_payment
from payments.models import Payment
from support.models import Announcement
from tests.cast import Cast, sign_in
from tests.finance.stock import add_loans, more_stock, open_stock, today_of
from tests.portal.office import Office, furnish, line_of, make_payment, text_of, token_of

State = Unit.State


@pytest.fixture
def office(cast: Cast) -> Office:
    with tenant(cast.lender.pk):
        stock = open_stock(cast.dealership, today_of(cast.lender))
    return Office(cast, stock, sign_in(cast.finance))


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


# --- acts on rows -----------------------------------------------------------------------------------------------------


def test_the_page_of_an_act_shows_rows_total_effect_and_who_cannot(office: Office) -> None:
    units = five(office)
    page = office.post("finance_unit_act", "approve", _selected_action=[unit.pk for unit in units])
    words = text_of(page)
    assert "Approve these advances?" in words
    assert "Chosen 5" in words
    assert "Can be done 3" in words
    assert "$30,000.00" in words
    assert "takes room on its line" in words
    assert words.count("only a requested advance can be approved") == 2
    for unit in units:
        assert unit.vin in words
    assert states(office, units) == [State.REQUESTED] * 3 + [State.APPROVED, State.REFUSED]


def test_the_list_leads_to_the_page_of_the_act(office: Office) -> None:
    units = five(office)
    page = office.post(
        "finance_unit_changelist", action="approve", index=0, _selected_action=[unit.pk for unit in units]
    )
    assert page.status_code == 200
    assert "Approve these advances?" in text_of(page)
    everything = office.post(
        "finance_unit_changelist", action="approve", index=0, select_across=1, _selected_action=units[0].pk
    )
    assert "Chosen 5" in text_of(everything)
    assert states(office, units) == [State.REQUESTED] * 3 + [State.APPROVED, State.REFUSED]


def test_three_of_five_are_approved_and_each_refusal_says_why(office: Office) -> None:
    units = five(office)
    answer = act(office, "finance_unit", "approve", units, reason="Checked with the auction.")
    assert answer.status_code == 302
    outcome = text_of(office.client.get(answer["Location"]))
    assert "Done for 3 of 5 rows." in outcome
    assert outcome.count("Approved.") == 3
    assert "It is “Approved”; only a requested advance can be approved." in outcome
    assert "It is “Refused”; only a requested advance can be approved." in outcome
    assert "Checked with the auction." in outcome
    assert states(office, units) == [State.APPROVED] * 4 + [State.REFUSED]
    with tenant(office.lender.pk):
        approved = AuditEntry.objects.filter(code="unit.approved", actor=office.cast.finance)
        assert approved.count() == 3
        assert {entry.reason for entry in approved} == {"Checked with the auction."}
        assert {entry.entrance for entry in approved} == {"admin"}


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


@pytest.mark.parametrize("reason", ["", "   "])
def test_without_a_reason_nothing_is_done(office: Office, reason: str) -> None:
    units = five(office)
    answer = act(office, "finance_unit", "approve", units, reason=reason)
    assert answer.status_code == 200
    assert "Say why. It is kept in the audit trail." in text_of(answer)
    assert answer.context["title"] == "Approve these advances?"
    assert states(office, units) == [State.REQUESTED] * 3 + [State.APPROVED, State.REFUSED]


def test_what_was_typed_stays_when_the_page_is_refused(office: Office) -> None:
    with tenant(office.lender.pk):
        unit = office.stock.approve("9000.00")
    late = (office.stock.today + timedelta(days=3)).isoformat()
    answer = act(office, "finance_unit", "fund", [unit], reason="Ready to go.", funded_on=late)
    assert answer.status_code == 200
    assert "Ready to go." in answer.content.decode()
    assert late in answer.content.decode()
    assert states(office, [unit]) == [State.APPROVED]


def test_sending_the_page_twice_does_it_once_and_shows_the_same_outcome(office: Office) -> None:
    units = five(office)
    keys = [unit.pk for unit in units]
    token = token_of(office.post("finance_unit_act", "approve", _selected_action=keys))
    sent = {"_selected_action": keys, "confirmed": "yes", "token": token, "reason": "Once."}
    first = office.post("finance_unit_act", "approve", **sent)
    with tenant(office.lender.pk):
        entries = AuditEntry.objects.count()
        changes = RowChange.objects.count()
    second = office.post("finance_unit_act", "approve", **sent)
    assert first["Location"] == second["Location"]
    assert "Done for 3 of 5 rows." in text_of(office.client.get(second["Location"]))
    with tenant(office.lender.pk):
        assert AuditEntry.objects.count() == entries
        assert RowChange.objects.count() == changes


def test_an_act_is_never_done_by_a_get(office: Office) -> None:
    units = five(office)
    address = reverse("admin:finance_unit_act", args=["approve"])
    answer = office.client.get(address, {"_selected_action": units[0].pk, "confirmed": "yes", "reason": "x"})
    assert answer.status_code == 405
    assert states(office, units)[0] == State.REQUESTED


def test_nonsense_keys_and_acts_do_nothing(office: Office) -> None:
    units = five(office)
    for keys in ([], ["abc"], ["-1"], ["9" * 30]):
        answer = office.post(
            "finance_unit_act", "approve", _selected_action=keys, confirmed="yes", reason="x"
        )
        assert answer.status_code == 302
        listed = office.post("finance_unit_changelist", action="approve", index=0, _selected_action=keys)
        assert listed.status_code == 302
    assert office.post("finance_unit_act", "approve", _selected_action=987654).status_code == 404
    assert office.post("finance_unit_act", "destroy", _selected_action=units[0].pk).status_code == 404
    mixed = office.post(
        "finance_unit_changelist", action="approve", index=0, _selected_action=[units[0].pk, "x"]
    )
    assert mixed.status_code == 302
    bad_token = office.post(
        "finance_unit_act", "approve", _selected_action=units[0].pk, confirmed="yes", token="no", reason="x"
    )
    assert bad_token.status_code == 200
    assert office.get("finance_unit_outcome", uuid4()).status_code == 404
    assert states(office, units) == [State.REQUESTED] * 3 + [State.APPROVED, State.REFUSED]


def test_too_many_rows_at_once_are_refused(office: Office) -> None:
    with tenant(office.lender.pk):
        unit = office.stock.fund(days_ago=3)
        office.stock.copies(unit, 120)
    answer = office.post(
        "finance_unit_changelist", action="sold", index=0, select_across=1, _selected_action=unit.pk
    )
    assert answer.status_code == 302
    listed = office.client.get(answer["Location"])
    assert "Choose at most 100 rows at once." in text_of(listed)


def test_people_of_other_kinds_cannot_act(office: Office) -> None:
    units = five(office)
    for person in (office.cast.owner, office.cast.support, office.cast.other_finance):
        client = sign_in(person)
        answer = client.post(
            reverse("admin:finance_unit_act", args=["approve"]),
            {"_selected_action": units[0].pk, "confirmed": "yes", "reason": "x", "token": str(uuid4())},
        )
        assert answer.status_code == 404
    assert states(office, units) == [State.REQUESTED] * 3 + [State.APPROVED, State.REFUSED]


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


# --- payments ---------------------------------------------------------------------------------------------------------


def test_a_settled_payment_is_taken_back_by_a_linked_reversal(office: Office) -> None:
    with tenant(office.lender.pk):
        unit = office.stock.fund(days_ago=30)
        payment = make_payment(office.cast, office.stock, unit)
        accept_payment(payment_id=payment.pk, reference="B-1", now=timezone.now())
        settle_payment(payment_id=payment.pk, now=timezone.now())
        other = make_payment(office.cast, office.stock, unit)
        payment.refresh_from_db()
    answer = act(
        office,
        "payments_payment",
        "return",
        [payment, other],
        reason="Letter of the bank.",
        code="r01",
        charge_fee="on",
    )
    outcome = text_of(office.client.get(answer["Location"]))
    assert "Done for 1 of 2 rows." in outcome
    assert "Reversed by journal entry" in outcome
    assert "only a settled payment can be taken back" in outcome
    with tenant(office.lender.pk):
        payment.refresh_from_db()
        assert payment.state == Payment.State.RETURNED
        assert payment.return_code == "R01"
        assert payment.return_entry.reverses_id == payment.entry_id
        assert payment.return_entry.effective_on == payment.entry.effective_on
        entry = AuditEntry.objects.get(code="payment.returned")
        assert (entry.actor, entry.reason) == (office.cast.finance, "Letter of the bank.")
        assert "Letter of the bank." not in str(
            list(OutgoingMessage.objects.values_list("context", flat=True))
        )
        reversals = JournalEntry.objects.filter(reverses=payment.entry_id).count()
    page = office.post("payments_payment_act", "return", _selected_action=payment.pk)
    assert "None of them can be done" in text_of(page)
    assert reversals == 1
    shown = text_of(office.get("finance_journalentry_change", payment.entry_id))
    assert "Reversed by entry" in shown


def test_the_bank_is_asked_again_about_a_payment_that_is_being_checked(office: Office) -> None:
    with tenant(office.lender.pk):
        unit = office.stock.fund(days_ago=30)
        checked = make_payment(office.cast, office.stock, unit, Payment.State.CHECKING)
        fresh = make_payment(office.cast, office.stock, unit)
        Payment.objects.filter(pk=checked.pk).update(
            next_step_at=timezone.now() + timedelta(days=9), lookups=4
        )
    answer = act(office, "payments_payment", "ask-again", [checked, fresh], reason="The dealer asks.")
    assert "Done for 1 of 2 rows." in text_of(office.client.get(answer["Location"]))
    with tenant(office.lender.pk):
        checked.refresh_from_db()
        fresh.refresh_from_db()
        assert checked.state == Payment.State.CHECKING
        assert checked.lookups == 0
        assert checked.next_step_at <= timezone.now()
        assert fresh.state == Payment.State.SUBMITTED
        assert AuditEntry.objects.get(code="payment.asked-again").reason == "The dealer asks."


# --- forms ------------------------------------------------------------------------------------------------------------


def test_an_index_a_fixing_and_a_plan_are_made_in_the_office(office: Office) -> None:
    made = form(office, "finance_rateindex_add", code="sofr", name="SOFR")
    with tenant(office.lender.pk):
        index = RateIndex.objects.get(code="sofr")
    assert made["Location"] == reverse("admin:finance_rateindex_change", args=[index.pk])
    day = office.stock.today.replace(day=1)
    form(
        office,
        "finance_rateindex_form",
        index.pk,
        "fixing",
        effective_from=day.isoformat(),
        annual_rate="4.25 %",
        source="Central bank, table 1",
    )
    with tenant(office.lender.pk):
        fixing = IndexFixing.objects.get(index=index)
        assert (fixing.effective_from, fixing.annual_rate) == (day, Decimal("0.042500"))
        entry = AuditEntry.objects.get(code="rate.fixing-recorded", details__source="Central bank, table 1")
        assert entry.actor == office.cast.finance
    form(
        office,
        "finance_rateplan_add",
        code="sofr-plus",
        name="SOFR + 3",
        index=index.pk,
        margin="3",
        floor="",
        ceiling="12,5" if office.lender.locale.startswith("fr") else "12.5",
        day_count="actual/360",
        compounding="simple",
        starts_on=day.isoformat(),
    )
    with tenant(office.lender.pk):
        plan = RatePlan.objects.get(code="sofr-plus")
        assert plan.ceiling == Decimal("0.125")
        assert plan.days.get(day=office.stock.today).annual_rate == Decimal("0.0725")
    shown = text_of(office.get("finance_rateindex_change", index.pk))
    assert "4.250%" in shown
    assert "SOFR + 3" in shown


def test_a_second_fixing_for_a_day_is_refused_in_words_and_changes_nothing(office: Office) -> None:
    with tenant(office.lender.pk):
        index = RateIndex.objects.get()
        fixing = index.fixings.first()
        count = IndexFixing.objects.count()
    answer = form(
        office,
        "finance_indexfixing_add",
        index=index.pk,
        effective_from=fixing.effective_from.isoformat(),
        annual_rate="1",
        source="Mistaken",
    )
    assert answer.status_code == 200
    assert "already has a fixing from" in text_of(answer)
    assert "Mistaken" in answer.content.decode()
    with tenant(office.lender.pk):
        assert IndexFixing.objects.count() == count


@pytest.mark.parametrize("typed", ["", "abc", "8.123456", "1e3", "NaN", "101", "-11", "٣"])
def test_a_wrong_rate_is_refused(office: Office, typed: str) -> None:
    with tenant(office.lender.pk):
        index = RateIndex.objects.get()
        count = IndexFixing.objects.count()
    answer = form(
        office,
        "finance_indexfixing_add",
        index=index.pk,
        effective_from=office.stock.today.isoformat(),
        annual_rate=typed,
        source="x",
    )
    assert answer.status_code == 200
    assert "Nothing was changed." in text_of(answer)
    with tenant(office.lender.pk):
        assert IndexFixing.objects.count() == count


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


# --- customers and people ---------------------------------------------------------------------------------------------


def test_a_dealership_is_taken_on_and_changed(office: Office) -> None:
    form(
        office,
        "accounts_dealership_add",
        number="20001",
        name="Dogwood Autos",
        kind="dealership",
        country="us",
    )
    with tenant(office.lender.pk):
        dealership = Dealership.objects.get(number="20001")
        assert dealership.country == "US"
    again = form(
        office, "accounts_dealership_add", number="20001", name="Other", kind="dealership", country="US"
    )
    assert "dealership with this number already" in text_of(again)
    form(
        office,
        "accounts_dealership_form",
        dealership.pk,
        "change",
        name="Dogwood Motors",
        kind="dealership",
        country="US",
        is_active="on",
        reason="Renamed.",
    )
    history = office.get("accounts_dealership_history", dealership.pk).content.decode()
    assert "<del>Dogwood Autos</del>" in history
    assert "<ins>Dogwood Motors</ins>" in history
    assert "Renamed." in history


def test_a_person_is_created_without_a_password_and_gets_a_link(office: Office) -> None:
    opened = office.get("accounts_user_add")
    assert b'type="password"' not in opened.content
    fields = {
        "kind": "dealer",
        "full_name": "Dora Dogwood",
        "username": "dora",
        "email": "Dora@dogwood.example",
        "dealership": office.cast.dealership.pk,
        "role": "payer",
    }
    missing = form(office, "accounts_user_add", **{**fields, "role": "", "dealership": ""})
    assert "Choose the dealership" in text_of(missing)
    taken = form(office, "accounts_user_add", **{**fields, "username": "owen"})
    assert "already has this user name" in text_of(taken)
    form(office, "accounts_user_add", **fields)
    with tenant(office.lender.pk):
        dora = User.objects.get(username="dora")
        assert dora.email == "dora@dogwood.example"
        assert not dora.has_usable_password()
        assert Membership.objects.get(user=dora).role == Membership.Role.PAYER
        assert AuditEntry.objects.get(code="user.created").actor == office.cast.finance
    act(office, "accounts_user", "send-link", [dora], reason="New bookkeeper.")
    with tenant(office.lender.pk):
        mail = OutgoingMessage.objects.get(template="password-reset")
        assert (mail.recipient, mail.is_secret) == ("dora@dogwood.example", True)
    assert "uidb36" not in text_of(office.get("accounts_outgoingmessage_change", mail.pk))
    assert (
        mail.context["action_path"]
        not in office.get("accounts_outgoingmessage_change", mail.pk).content.decode()
    )


def test_a_new_address_is_told_to_the_old_one_and_ages_anew(office: Office) -> None:
    owen = office.cast.owner
    before = owen.contact_changed_at
    refused = form(
        office,
        "accounts_user_form",
        owen.pk,
        "contact",
        full_name="Owen",
        email="vera@people.example",
        reason="x",
    )
    assert "already has this e-mail address" in text_of(refused)
    form(
        office,
        "accounts_user_form",
        owen.pk,
        "contact",
        full_name="Owen Alder",
        email="owen@alder.example",
        phone="",
        reason="Asked at the counter.",
    )
    with tenant(office.lender.pk):
        owen.refresh_from_db()
        assert (owen.full_name, owen.email) == ("Owen Alder", "owen@alder.example")
        assert owen.contact_changed_at > before
        told = set(
            OutgoingMessage.objects.filter(template="contact-changed").values_list("recipient", flat=True)
        )
    assert told == {"owen@people.example", "owen@alder.example"}
    own = form(
        office,
        "accounts_user_form",
        office.cast.finance.pk,
        "contact",
        full_name="Fiona",
        email="else@people.example",
        reason="x",
    )
    assert "nobody changes their own contact" in text_of(own)


def test_a_login_is_switched_off_and_its_session_ends(office: Office) -> None:
    vera = office.cast.viewer
    browser = sign_in(vera)
    assert browser.get("/units/").status_code == 200
    act(office, "accounts_user", "switch-off", [vera, office.cast.finance], reason="Left the company.")
    with tenant(office.lender.pk):
        assert not User.objects.get(pk=vera.pk).is_active
        assert User.objects.get(pk=office.cast.finance.pk).is_active
    assert browser.get("/units/").status_code == 302
    act(office, "accounts_user", "switch-on", [vera], reason="Back again.")
    with tenant(office.lender.pk):
        assert User.objects.get(pk=vera.pk).is_active


def test_a_membership_is_added_changed_and_ended(office: Office) -> None:
    sam, alder = office.cast.stranger, office.cast.dealership
    form(office, "accounts_user_form", sam.pk, "add-dealership", dealership=alder.pk, role="viewer")
    with tenant(office.lender.pk):
        membership = Membership.objects.get(user=sam, dealership=alder)
    form(
        office,
        "accounts_membership_form",
        membership.pk,
        "change",
        role="payer",
        payment_limit="5000.00",
        expires_on="",
        reason="Pays now.",
    )
    with tenant(office.lender.pk):
        membership.refresh_from_db()
        assert (membership.role, membership.payment_limit) == ("payer", Decimal("5000.00"))
    unsaid = act(office, "accounts_membership", "end", [membership], reason="")
    assert unsaid.status_code == 200
    act(office, "accounts_membership", "end", [membership], reason="No longer there.")
    with tenant(office.lender.pk):
        assert not Membership.objects.filter(pk=membership.pk).exists()
        assert AuditEntry.objects.get(code="membership.ended").reason == "No longer there."
    history = office.get("accounts_user_history", sam.pk).content.decode()
    assert "No longer there." in history


def test_staff_get_no_membership(office: Office) -> None:
    answer = form(
        office,
        "accounts_membership_add",
        user=office.cast.support.pk,
        dealership=office.cast.dealership.pk,
        role="owner",
    )
    assert "Staff do not belong to dealerships." in text_of(answer)
    theirs = form(
        office,
        "accounts_membership_add",
        user=office.cast.other_owner.pk,
        dealership=office.cast.dealership.pk,
        role="owner",
    )
    assert theirs.status_code == 200
    with tenant(office.lender.pk):
        assert not Membership.objects.filter(user=office.cast.support).exists()
        assert not Membership.objects.filter(user_id=office.cast.other_owner.pk).exists()


# --- messages, news, machinery ----------------------------------------------------------------------------------------


def test_given_up_messages_go_again_but_secret_ones_do_not(cast: Cast) -> None:
    office = Office(cast, furnish(cast), sign_in(cast.finance))
    with tenant(cast.lender.pk):
        given_up = OutgoingMessage.objects.get(key="office-test")
        secret = OutgoingMessage.objects.create(
            key="secret",
            template="password-reset",
            recipient="x@people.example",
            is_secret=True,
            state=OutgoingMessage.State.FAILED,
            next_attempt_at=timezone.now(),
        )
    answer = act(
        office, "accounts_outgoingmessage", "send-again", [given_up, secret], reason="Mailbox was full."
    )
    outcome = text_of(office.client.get(answer["Location"]))
    assert "Done for 1 of 2 rows." in outcome
    assert "has been erased" in outcome
    with tenant(cast.lender.pk):
        given_up.refresh_from_db()
        secret.refresh_from_db()
        assert given_up.state == OutgoingMessage.State.WAITING
        assert secret.state == OutgoingMessage.State.FAILED


def test_failed_statements_and_steps_are_run_again(cast: Cast) -> None:
    office = Office(cast, furnish(cast), sign_in(cast.finance))
    with tenant(cast.lender.pk):
        statement, step = Statement.objects.get(), DayStep.objects.get()
    for table, name, row in (
        ("finance_statement", "retry", statement),
        ("finance_daystep", "run-again", step),
    ):
        answer = act(office, table, name, [row], reason="Put right.")
        assert "Done for 1 of 1 row." in text_of(office.client.get(answer["Location"]))
    with tenant(cast.lender.pk):
        statement.refresh_from_db()
        assert statement.state == Statement.State.WAITING
        step.refresh_from_db()
        assert step.finished_at is None
        assert AuditEntry.objects.get(code="day.step-run-again").reason == "Put right."


def test_news_is_published_changed_and_withdrawn(office: Office) -> None:
    today = office.stock.today
    fields = {
        "title": "Closed on Friday",
        "body": "We are closed.",
        "shown_from": today.isoformat(),
        "shown_until": (today + timedelta(days=5)).isoformat(),
    }
    wrong = form(
        office,
        "support_announcement_add",
        **{**fields, "shown_until": (today - timedelta(days=1)).isoformat()},
    )
    assert "The last day lies before the first." in text_of(wrong)
    form(office, "support_announcement_add", **fields)
    with tenant(office.lender.pk):
        news = Announcement.objects.get()
    form(
        office,
        "support_announcement_form",
        news.pk,
        "change",
        **{**fields, "title": "Closed on Monday"},
        reason="Typo.",
    )
    history = office.get("support_announcement_history", news.pk).content.decode()
    assert "<del>Closed on Friday</del>" in history
    act(office, "support_announcement", "withdraw", [news], reason="Open after all.")
    with tenant(office.lender.pk):
        news.refresh_from_db()
        assert news.shown_until < today
        assert Account.objects.count() == 0
