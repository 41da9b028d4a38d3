"""Fixtures of paying."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from accounts.tenancy import tenant
from tests.cast import Cast
from tests.payments.staging import Bank, Stage, make_stage, running_bank


@pytest.fixture
def stage(cast: Cast) -> Stage:
    """Alder Motors may pay."""
    with tenant(cast.lender.pk):
        return make_stage(cast.lender, cast.dealership)


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[Bank]:
    """A sandbox bank over HTTP."""
    with running_bank(tmp_path) as running:
        yield running
