"""What the demo is filled with: four lenders, their sizes, real vehicles, the published prime rate."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from decimal import Decimal
from random import Random

import pytest

from accounts.models import Dealership
from finance.models import Loan
from finance.vin import check_digit, is_valid_vin
from payments.models import PaymentMethod
from portal.demo import cast, floor_plan, paying, prime, term_loans
from portal.demo.floor_plan import EMPTY_SITE, LIVE_UNITS, PAST_DUE_SITE

DAYS = [date(2026, 1, 1), date(2026, 2, 28), date(2026, 11, 21), date(2028, 2, 29)]
LARGE_SITE = "20012"

PUBLISHED = """
2020-03-16 3.25
2022-03-17 3.50
2022-05-05 4.00
2022-06-16 4.75
2022-07-28 5.50
2022-09-22 6.25
2022-11-03 7.00
2022-12-15 7.50
2023-02-02 7.75
2023-03-23 8.00
2023-05-04 8.25
2023-07-27 8.50
2024-09-19 8.00
2024-11-08 7.75
2024-12-19 7.50
2025-09-18 7.25
2025-10-30 7.00
2025-12-11 6.75
"""


def test_the_prime_rate_follows_the_published_changes() -> None:
    rows = [line.split() for line in PUBLISHED.strip().splitlines()]
    assert list(prime.FIXINGS) == [(date.fromisoformat(day), Decimal(rate) / 100) for day, rate in rows]


def test_each_lender_has_its_own_currency_clock_and_language() -> None:
    assert [(one.name, one.currency, one.time_zone, one.locale) for one in cast.LENDERS] == [
        ("Summit Dealer Capital", "USD", "America/Denver", "en_US"),
        ("Front Range Dealer Programs", "USD", "America/Denver", "en_US"),
        ("Lumière Auto Finance", "EUR", "Europe/Paris", "fr_FR"),
        ("Albion Motor Finance", "GBP", "Europe/London", "en_GB"),
    ]
    assert all(one.host.endswith(".localhost") for one in cast.LENDERS)


def test_one_person_has_a_login_at_two_lenders_with_different_passwords() -> None:
    logins = [
        (person.full_name, person.username, person.password) for one in cast.LENDERS for person in one.people
    ]
    names = Counter(name for name, _username, _password in logins)
    (twice,) = [name for name, count in names.items() if count > 1]
    assert len({password for name, _username, password in logins if name == twice}) == 2


@pytest.mark.parametrize("today", DAYS)
def test_summits_plan_has_twelve_dealerships_one_large_one_empty(today: date) -> None:
    assert len(cast.SUMMIT.sites) == 12
    assert {site.number for site in cast.SUMMIT.sites} == set(LIVE_UNITS)
    plans = floor_plan._plan_units(
        Random(1), today=today, start=floor_plan._months_before(today, floor_plan.HISTORY_MONTHS)
    )
    live = Counter(plan.site for plan in plans if plan.paid_off_on is None)
    assert live[LARGE_SITE] == 400
    assert live[EMPTY_SITE] == 0
    assert live[PAST_DUE_SITE] > 10
    assert all(count > 10 for site, count in live.items() if site != EMPTY_SITE), "enough rows for paging"
    assert all(plan.funded_on <= today for plan in plans)
    assert all(plan.funded_on < plan.paid_off_on <= today for plan in plans if plan.paid_off_on)


@pytest.mark.parametrize("today", DAYS)
def test_every_vehicle_has_a_vin_of_its_own_with_the_right_check_digit(today: date) -> None:
    start = floor_plan._months_before(today, floor_plan.HISTORY_MONTHS)
    vins = [plan.vehicle.vin for plan in floor_plan._plan_units(Random(1), today=today, start=start)]
    for demo in (cast.LUMIERE, cast.ALBION):
        vins += [contract.vehicle for contract in term_loans._contracts(demo, Random(demo.slug), today)]
    assert all(is_valid_vin(vin) and check_digit(vin) == vin[8] for vin in vins)
    assert len(set(vins)) == len(vins) > 900


@pytest.mark.parametrize("today", DAYS)
def test_lumiere_has_a_customer_of_sixty_contracts_and_a_private_borrower(today: date) -> None:
    contracts = term_loans._contracts(cast.LUMIERE, Random(cast.LUMIERE.slug), today)
    by_site = Counter(contract.site for contract in contracts)
    kinds = {site.number: site.kind for site in cast.LUMIERE.sites}
    assert [count for site, count in by_site.items() if kinds[site] == Dealership.Kind.BUSINESS] == [60]
    assert [count for site, count in by_site.items() if kinds[site] == Dealership.Kind.PRIVATE] == [1]
    assert {contract.purpose for contract in contracts} == {Loan.Purpose.RETAIL, Loan.Purpose.FLEET}
    assert all(contract.funded_on < today for contract in contracts)


def test_albions_customers_sign_in_by_number_and_pay_by_debit_and_card() -> None:
    numbers = {person.customer_number for person in cast.ALBION.people if person.customer_number}
    assert {"751001", "751003"} <= numbers
    kind, sort_code, number = paying._ACCOUNTS[cast.ALBION.currency]
    assert kind == PaymentMethod.Kind.BACS_DEBIT
    assert re.fullmatch(r"[0-9]{2}-[0-9]{2}-[0-9]{2}", sort_code)
    assert re.fullmatch(r"[0-9]{8}", number.format(1001))
    assert cast.ALBION.slug in paying._TAKES_CARDS
