"""The demo fills an empty database, its books add up, and filling again changes nothing."""

from __future__ import annotations

from collections import Counter
from datetime import date
from io import StringIO
from random import Random

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts.models import Dealership, Lender, Membership, User
from accounts.tenancy import platform, tenant
from finance.models import Account, CreditLine, DueItem, IndexFixing, LineTerms, Loan, Statement, Unit
from finance.queries.dashboard import holdings_of
from finance.queries.falling_due import dues_of
from finance.queries.proof import problems
from finance.vin import is_valid_vin
from payments.models import Payment, PaymentMethod
from portal.demo import floor_plan, prime, term_loans
from portal.demo.cast import DemoLender
from portal.demo.floor_plan import EMPTY_SITE, LIVE_UNITS, PAST_DUE_SITE
from portal.demo.term_loans import Contract
from tests.conftest import owner_connection

LARGE_SITE = "20012"
FEW = dict.fromkeys(LIVE_UNITS, 1) | {"20001": 6, PAST_DUE_SITE: 6, EMPTY_SITE: 0, LARGE_SITE: 6}


def _analyze() -> None:
    with owner_connection() as owner, owner.cursor() as cursor:
        cursor.execute("ANALYZE")
    owner.close()


@pytest.fixture
def filled(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole demo, with fewer units on Summit's lots and fewer contracts elsewhere."""
    contracts_of = term_loans._contracts

    def some(demo: DemoLender, random: Random, today: date) -> list[Contract]:
        contracts = contracts_of(demo, random, today)
        lonely = {site for site, count in Counter(one.site for one in contracts).items() if count == 1}
        return [one for place, one in enumerate(contracts) if place % 10 == 0 or one.site in lonely]

    monkeypatch.setattr(floor_plan, "LIVE_UNITS", FEW)
    monkeypatch.setattr(term_loans, "_contracts", some)
    for module in (floor_plan, term_loans):
        monkeypatch.setattr(module, "gather_statistics", _analyze)
    call_command("fill_demo", stdout=StringIO())


def test_the_demo_fills_an_empty_database_and_its_books_add_up(filled: None) -> None:
    with platform():
        lenders = {lender.slug: lender for lender in Lender.objects.filter(kind=Lender.Kind.LENDER)}
    assert set(lenders) == {"summit", "frontrange", "lumiere", "albion"}
    for lender in lenders.values():
        with tenant(lender.pk):
            assert problems() == []
            assert Statement.objects.exists()
    _summit(lenders["summit"])
    _term_loans(lenders)
    _albion(lenders["albion"])
    again = StringIO()
    call_command("fill_demo", stdout=again)
    assert again.getvalue().count("there already") == 4


def _summit(lender: Lender) -> None:
    today = lender.business_date(timezone.now())
    with tenant(lender.pk):
        sites = {site.number: site for site in Dealership.objects.all()}
        held = {number: holdings_of(site.pk, as_of=today) for number, site in sites.items()}
        live = {number: one.live for number, one in held.items()}
        # The payment that its bank sends back may have been a payoff, and then the unit is there again.
        assert live.pop(PAST_DUE_SITE) in {FEW[PAST_DUE_SITE], FEW[PAST_DUE_SITE] + 1}
        assert live == {number: count for number, count in FEW.items() if number != PAST_DUE_SITE}
        empty = sites[EMPTY_SITE]
        assert not Account.objects.filter(dealership=empty).exists()
        assert CreditLine.objects.filter(dealership=empty).exists()
        overdue = {number: dues_of(site.pk, as_of=today).overdue for number, site in sites.items()}
        assert overdue[PAST_DUE_SITE] > 1000
        assert Payment.objects.filter(dealership=sites[PAST_DUE_SITE], state="returned").exists()
        terms = LineTerms.objects.select_related("rate_plan__index", "programme")
        assert {one.payoff_hours_after_sale for one in terms} == {48}
        assert {(one.rate_plan.index.code, one.rate_plan.day_count) for one in terms} == {
            ("prime", "actual/360")
        }
        assert {one.programme.shape["kind"] for one in terms} == {"interval"}
        assert IndexFixing.objects.count() == len(prime.FIXINGS)
        assert all(is_valid_vin(vin) for vin in Unit.objects.values_list("vin", flat=True))
        assert DueItem.objects.filter(kind="curtailment").exists()
        assert set(Unit.objects.values_list("state", flat=True)) >= {
            "requested",
            "approved",
            "funded",
            "sold",
            "paid",
        }


def _term_loans(lenders: dict[str, Lender]) -> None:
    with tenant(lenders["frontrange"].pk):
        assert set(Loan.objects.values_list("purpose", flat=True)) == {Loan.Purpose.ENERGY}
    with tenant(lenders["lumiere"].pk):
        assert Loan.objects.filter(dealership__kind=Dealership.Kind.BUSINESS).count() == 6
        assert Loan.objects.filter(dealership__kind=Dealership.Kind.PRIVATE).count() == 1


def _albion(lender: Lender) -> None:
    with tenant(lender.pk):
        borrower = (
            Membership.objects.filter(user__customer_number="751003").select_related("dealership").get()
        )
        assert borrower.dealership.kind == Dealership.Kind.PRIVATE
        assert User.objects.filter(customer_number="751001").exists()
        kinds = set(PaymentMethod.objects.values_list("kind", flat=True))
        assert kinds == {PaymentMethod.Kind.BACS_DEBIT, PaymentMethod.Kind.CARD}
