"""The finance office of one lender, opened by its staff."""

import pytest

from accounts.tenancy import tenant
from tests.cast import Cast, sign_in
from tests.finance.stock import open_stock, today_of
from tests.portal.office import Office


@pytest.fixture
def office(cast: Cast) -> Office:
    with tenant(cast.lender.pk):
        stock = open_stock(cast.dealership, today_of(cast.lender))
    return Office(cast, stock, sign_in(cast.finance))
