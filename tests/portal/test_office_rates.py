"""Indices, fixings and rate plans in the finance office."""

from decimal import Decimal

import pytest
from django.urls import reverse

from accounts.models import AuditEntry
from accounts.tenancy import tenant
from finance.models import (
    IndexFixing,
    RateIndex,
    RatePlan,
)
from tests.portal.office import Office, text_of
from tests.portal.office_steps import form


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
