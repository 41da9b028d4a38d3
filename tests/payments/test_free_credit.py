"""When credit is free again: at submission or at settlement, by the line's terms, at each state of a payment.

Every figure is read where people and the funding read it: dashboard, credit lines, finance office, approval, payment.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from accounts.tenancy import tenant
from finance.actions.lines import change_limit, set_line_terms
from finance.actions.receipts import Share, post_payment
from finance.actions.refusals import OverLimitError
from finance.actions.units import approve_advance, fund_advance, request_advance
from finance.models import Account, ExpectedPrincipal, LineTerms, Unit
from finance.queries.availability import line_availability
from finance.queries.lines import lines_of
from finance.queries.payoff import payoffs_on
from finance.vin import make_vin
from payments.actions.methods import allow_cards
from payments.actions.states import (
    accept_payment,
    cancel_payment,
    decline_payment,
    return_payment,
    settle_payment,
)
from payments.models import Payment, PaymentMethod, PaymentShare
from payments.queries.pending import PENDING_STATES
from payments.queries.receipts import receipt_page
from tests.cast import Cast, sign_in
from tests.finance.reading import text_of
from tests.payments.staging import Stage, amount, make_stage, pay, payoff

D = Decimal
OWED = D("32000.00")
LIMIT = D("40000.00")
ROOM = LIMIT - OWED


@dataclass
class Line:
    """The stage, on a line of 40,000.00 with two units that owe 32,000.00 of principal."""

    stage: Stage
    cast: Cast

    def send(self) -> Payment:
        """Pay the second unit off: 12,000.00 of principal, with its interest."""
        with tenant(self.cast.lender.pk, dealerships=[self.stage.dealership.pk], user_id=self.cast.owner.pk):
            return pay(self.stage, self.cast.owner, uuid4(), payoff(self.stage.second))

    @contextmanager
    def staff(self) -> Iterator[None]:
        with tenant(self.cast.lender.pk):
            yield

    def free(self) -> Decimal:
        """What is free, which everybody must read alike."""
        with self.staff():
            figure = line_availability(self.stage.line, as_of=self.stage.today).available
        written = f"${figure:,.2f}"
        owner = sign_in(self.cast.owner)
        assert f"{written} free" in text_of(owner.get("/"))
        assert f"Free {written}" in text_of(owner.get(f"/lines/{self.stage.line.public_id}/"))
        assert re.search(rf"Floor plan .*{re.escape(written)}", text_of(owner.get("/lines/")))
        office = text_of(
            sign_in(self.cast.finance).get(f"/admin/finance/creditline/{self.stage.line.pk}/change/")
        )
        assert f"Free {written}" in office
        with self.staff(), transaction.atomic():
            # Not a cent more, and exactly this much.
            with pytest.raises(OverLimitError):
                self._draw(figure + D("0.01"), 1)
            unit = self._draw(figure, 2)
            fund_advance(unit=unit, funded_on=self.stage.today, business_date=self.stage.today, actor=None)
            transaction.set_rollback(True)
        return figure

    def _draw(self, size: Decimal, number: int) -> Unit:
        with transaction.atomic():
            unit = request_advance(
                line=self.stage.line,
                vin=make_vin("1FT", "EW1E5", "N", "F", f"{number:06d}"),
                model_year=2024,
                make="Ford",
                model="F-150",
                advance_amount=size,
                requested_at=timezone.now(),
                actor=None,
            )
            return approve_advance(unit=unit, approved_at=timezone.now(), actor=None)


def line_with(cast: Cast, rule: str) -> Line:
    with tenant(cast.lender.pk):
        stage = make_stage(cast.lender, cast.dealership)
        LineTerms.objects.filter(line=stage.line).update(releases_credit_at=rule)
        change_limit(line=stage.line, limit=LIMIT, reason="Small", actor=None)
    return Line(stage, cast)


@pytest.fixture
def early(cast: Cast) -> Line:
    return line_with(cast, "submission")


@pytest.fixture
def late(cast: Cast) -> Line:
    return line_with(cast, "settlement")


FREED = ROOM + D("12000.00")


@pytest.mark.django_db
@pytest.mark.parametrize(("rule", "on_its_way"), [("submission", FREED), ("settlement", ROOM)])
def test_credit_is_free_when_the_terms_say_so_and_gone_when_the_payment_comes_back(
    cast: Cast, rule: str, on_its_way: Decimal
) -> None:
    line = line_with(cast, rule)
    assert line.free() == ROOM
    payment = line.send()
    assert line.free() == on_its_way
    with line.staff():
        assert receipt_page(payment).credit_effects[0].at_once == (rule == "submission")
        accept_payment(payment_id=payment.pk, reference="B-1", now=timezone.now())
    assert line.free() == on_its_way
    with line.staff():
        Payment.objects.filter(pk=payment.pk).update(state=Payment.State.CHECKING)
    assert line.free() == on_its_way
    with line.staff():
        settle_payment(payment_id=payment.pk, now=timezone.now())
    assert line.free() == FREED
    with line.staff():
        return_payment(payment_id=payment.pk, code="R01", now=timezone.now())
    assert line.free() == ROOM


@pytest.mark.django_db
@pytest.mark.parametrize("end", ["returned", "declined", "cancelled"])
def test_what_never_settles_takes_its_credit_back_at_once(early: Line, end: str) -> None:
    payment = early.send()
    assert early.free() == FREED
    with early.staff():
        if end == "cancelled":
            with tenant(
                early.cast.lender.pk, dealerships=[early.stage.dealership.pk], user_id=early.cast.owner.pk
            ):
                cancel_payment(payment=payment, actor=early.cast.owner, now=timezone.now())
        elif end == "declined":
            decline_payment(payment_id=payment.pk, code="R03", now=timezone.now())
        else:
            accept_payment(payment_id=payment.pk, reference="B-1", now=timezone.now())
            return_payment(payment_id=payment.pk, code="R01", now=timezone.now())
        payment.refresh_from_db()
        assert payment.state == end
        assert ExpectedPrincipal.objects.count() == 0
    assert early.free() == ROOM


@pytest.mark.django_db
def test_an_open_card_page_frees_nothing_and_a_taken_card_does(early: Line) -> None:
    with early.staff():
        allow_cards(dealership=early.stage.dealership, actor=None)
        early.stage.method = PaymentMethod.objects.get(kind="card")
    payment = early.send()
    assert early.free() == ROOM
    with early.staff():
        assert not receipt_page(payment).credit_effects[0].at_once
        accept_payment(payment_id=payment.pk, reference="C-1", now=timezone.now())
    assert early.free() == FREED
    with early.staff():
        settle_payment(payment_id=payment.pk, now=timezone.now())
    assert early.free() == FREED


@pytest.mark.django_db
def test_the_terms_of_the_day_decide(early: Line) -> None:
    early.send()
    stage = early.stage
    with early.staff():
        (terms,) = LineTerms.objects.filter(line=stage.line)
        set_line_terms(
            line=stage.line,
            effective_from=stage.today + timedelta(days=1),
            rate_plan=terms.rate_plan,
            releases_credit_at="settlement",
            actor=None,
        )
        assert line_availability(stage.line, as_of=stage.today).available == FREED
        assert line_availability(stage.line, as_of=stage.today + timedelta(days=1)).available == ROOM
        assert line_availability(stage.line, as_of=stage.today - timedelta(days=900)).available == ROOM
    assert early.free() == FREED


@pytest.mark.django_db
def test_no_more_is_freed_than_the_account_still_owes(early: Line) -> None:
    early.send()
    stage = early.stage
    with early.staff():
        # The office books a payment of its own for the unit meanwhile.
        post_payment(
            key="by-hand",
            shares=[
                Share(stage.second.pk, "payoff", payoffs_on([stage.second.pk], stage.today)[stage.second.pk])
            ],
            value_date=stage.today,
            business_date=stage.today,
            description="Cheque",
            actor=None,
        )
        room = line_availability(stage.line, as_of=stage.today)
        assert (room.expected, room.available) == (0, FREED)
    assert early.free() == FREED


@pytest.mark.django_db
def test_interest_and_fees_free_nothing(early: Line) -> None:
    with early.staff():
        payment = pay(early.stage, early.cast.owner, uuid4(), amount(early.stage.first, "80.00"))
        assert PaymentShare.objects.get(payment=payment).principal == 0
        assert ExpectedPrincipal.objects.count() == 0
    assert early.free() == ROOM


@pytest.mark.django_db
def test_what_is_expected_is_what_is_on_its_way(early: Line) -> None:
    stage = early.stage
    with early.staff():
        payments = [
            pay(stage, early.cast.owner, uuid4(), amount(stage.first, "1080.00"), amount(stage.second, text))
            for text in ("100.00", "200.00", "300.00")
        ]
        for number, payment in enumerate(payments[:2]):
            accept_payment(payment_id=payment.pk, reference=f"B-{number}", now=timezone.now())
        settle_payment(payment_id=payments[0].pk, now=timezone.now())
        shares = PaymentShare.objects.filter(payment__state__in=PENDING_STATES, principal__gt=0)
        wanted = sorted(shares.values_list("payment__number", "account_id", "principal"))
        kept = sorted(ExpectedPrincipal.objects.values_list("reference", "account_id", "principal"))
        assert kept == wanted
        assert len(kept) >= 3


@pytest.mark.django_db
def test_a_line_that_waits_for_settlement_says_what_is_coming(late: Line) -> None:
    late.send()
    owner = sign_in(late.cast.owner)
    page = text_of(owner.get(f"/lines/{late.stage.line.public_id}/"))
    assert "$12,000.00 of principal is on its way and is free when it has settled." in page
    assert "free already" not in page
    assert "$12,000.00 of principal is on its way" in text_of(owner.get("/lines/"))


@pytest.mark.django_db
def test_a_line_that_frees_at_once_shows_how_it_adds_up(early: Line) -> None:
    early.send()
    owner = sign_in(early.cast.owner)
    page = text_of(owner.get(f"/lines/{early.stage.line.public_id}/"))
    assert "Principal on its way, free already $12,000.00" in page
    assert "takes this credit back at once" in page
    assert "of $40,000.00, with $12,000.00 that is on its way" in text_of(owner.get("/"))
    with early.staff():
        (row,) = lines_of(early.stage.dealership.pk, as_of=early.stage.today)
        assert row.free == row.limit - row.used - row.approved + row.freed == FREED


@pytest.mark.django_db
def test_a_frozen_line_lends_nothing_whatever_is_on_its_way(early: Line) -> None:
    early.send()
    with early.staff():
        early.stage.line.state = "frozen"
        early.stage.line.save(update_fields=["state"])
        (row,) = lines_of(early.stage.dealership.pk, as_of=early.stage.today)
        assert (row.free, row.freed) == (0, D("12000.00"))
    page = text_of(sign_in(early.cast.owner).get(f"/lines/{early.stage.line.public_id}/"))
    assert "Free $0.00" in page


@pytest.mark.django_db
def test_nobody_writes_expected_principal_by_hand(early: Line) -> None:
    early.send()
    account: Account = early.stage.first
    for dealerships in (None, [early.stage.dealership.pk]):
        with tenant(early.cast.lender.pk, dealerships=dealerships):
            with pytest.raises(DatabaseError, match="not written by hand"), transaction.atomic():
                ExpectedPrincipal.objects.create(
                    dealership_id=account.dealership_id,
                    account=account,
                    reference="X",
                    principal=D("9000.00"),
                )
            with pytest.raises(DatabaseError, match="not written by hand"), transaction.atomic():
                ExpectedPrincipal.objects.all().delete()
            with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("UPDATE finance_expectedprincipal SET principal = 9000")
    assert early.free() == FREED


@pytest.mark.django_db
def test_a_stranger_s_money_on_its_way_frees_nothing_here(early: Line) -> None:
    early.send()
    with tenant(early.cast.lender.pk, dealerships=[early.cast.stranger_dealership.pk]):
        assert ExpectedPrincipal.objects.count() == 0
    with tenant(early.cast.other_lender.pk):
        assert ExpectedPrincipal.objects.count() == 0
