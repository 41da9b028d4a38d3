"""An act of the finance office: a page that shows the rows and asks why, done once, and what came of it."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.urls import reverse

from accounts.models import AuditEntry, RowChange
from accounts.tenancy import tenant
from finance.models import (
    Unit,
)
from tests.cast import sign_in
from tests.portal.office import Office, text_of, token_of
from tests.portal.office_steps import act, five, states

State = Unit.State


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
