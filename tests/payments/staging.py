"""What the tests of paying start from: a line with floored units, a bank account, and a real sandbox bank."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.test import Client, override_settings
from django.utils import timezone

from accounts.models import Dealership, Lender, User
from finance.actions.chart import open_chart
from finance.actions.fees import assess_fee
from finance.actions.lines import open_line, set_line_terms
from finance.actions.rates import create_rate_plan
from finance.actions.units import approve_advance, fund_advance, request_advance
from finance.models import Account, AccountPosition, CreditLine, RatePlan
from finance.vin import make_vin
from payments.actions.methods import register_method
from payments.actions.submit import submit_payment
from payments.models import Payment, PaymentMethod
from payments.queries.choices import Choice, Purpose
from payments.queries.plans import plan_payment
from payments.queries.timing import timing_of
from payments.sandbox_bank.book import Book
from payments.sandbox_bank.messages import signature
from payments.sandbox_bank.server import BankServer

RETURN_FEE = Decimal("25.00")


def lender_today(lender: Lender) -> date:
    """The lender's day now."""
    return lender.business_date(timezone.now())


def make_plan(today: date) -> RatePlan:
    """9.50 % a year on actual days over 360, known long enough before and after today."""
    return create_rate_plan(
        code="prime-plus",
        name="Prime plus 2.00",
        margin=Decimal("0.095"),
        day_count="actual/360",
        starts_on=today - timedelta(days=400),
        through=today + timedelta(days=90),
        actor=None,
    )


def make_line(dealership: Dealership, today: date, *, plan: RatePlan, **terms: object) -> CreditLine:
    """A floor-plan line of 500,000 with a returned-payment fee."""
    line = open_line(
        dealership=dealership,
        name="Floor plan",
        kind="floor_plan",
        limit=Decimal(500000),
        opened_on=today - timedelta(days=399),
        actor=None,
    )
    set_line_terms(
        line=line,
        effective_from=today - timedelta(days=399),
        rate_plan=plan,
        return_fee=RETURN_FEE,
        actor=None,
        **terms,
    )
    return line


def floor_unit(line: CreditLine, number: int, amount: str, *, funded_on: date) -> Account:
    """A unit that was floored on a day."""
    moment = timezone.now()
    unit = request_advance(
        line=line,
        vin=make_vin("1HG", "CM826", "3", "A", f"{number:06d}"),
        model_year=2023,
        make="Honda",
        model=f"Accord {number}",
        advance_amount=Decimal(amount),
        stock_number=f"S{number:04d}",
        requested_at=moment,
        actor=None,
    )
    approve_advance(unit=unit, approved_at=moment, actor=None)
    unit.refresh_from_db()
    fund_advance(unit=unit, funded_on=funded_on, business_date=funded_on, actor=None)
    return Account.objects.get(pk=unit.pk)


def make_due(account: Account, amount: str, today: date, key: str) -> None:
    """A fee on the account that is due today."""
    assess_fee(
        account=account,
        amount=Decimal(amount),
        name="Lot check",
        effective_on=today,
        business_date=today,
        key=key,
        due_on=today,
        actor=None,
    )


def make_method(dealership: Dealership, number: str = "000123456789", **fields: object) -> PaymentMethod:
    """A bank account that may be debited; the number's end decides how the sandbox bank behaves."""
    values: dict[str, object] = {
        "kind": PaymentMethod.Kind.ACH_DEBIT,
        "label": "Operating account",
        "holder": dealership.name,
        "bank_code": "111000025",
        "account_number": number,
        "actor": None,
    }
    values.update(fields)
    return register_method(dealership=dealership, **values)  # type: ignore[arg-type]


@dataclass
class Stage:
    """One dealership that may pay: two floored units, the first with 80.00 due today, and a bank account."""

    lender: Lender
    dealership: Dealership
    today: date
    line: CreditLine
    first: Account
    second: Account
    method: PaymentMethod


def make_stage(lender: Lender, dealership: Dealership, *, account_number: str = "000123456789") -> Stage:
    """Inside the lender, as its staff."""
    today = lender_today(lender)
    open_chart()
    line = make_line(dealership, today, plan=make_plan(today))
    first = floor_unit(line, 1, "20000.00", funded_on=today - timedelta(days=40))
    second = floor_unit(line, 2, "12000.00", funded_on=today - timedelta(days=10))
    make_due(first, "80.00", today, "first")
    return Stage(lender, dealership, today, line, first, second, make_method(dealership, account_number))


def position(account: Account) -> AccountPosition:
    """The account's stored position."""
    return AccountPosition.objects.get(account=account)


def shown(stage: Stage, choices: list[Choice], now: datetime) -> tuple[dict[UUID, Decimal], date]:
    """What the check page would show of these choices at that moment."""
    timing = timing_of(stage.lender, stage.method.kind, now)
    plan = plan_payment(
        lender=stage.lender,
        dealership_id=stage.dealership.pk,
        choices=choices,
        value_date=timing.value_date,
        business_date=timing.today,
    )
    assert not plan.problems, plan.problems
    return {share.account.public_id: share.amount for share in plan.shares}, timing.value_date


def pay(stage: Stage, actor: User, token: UUID, *choices: Choice, now: datetime | None = None) -> Payment:
    """Submit as the pages do: looked at, then sent at the same moment."""
    moment = now or timezone.now()
    amounts, value_date = shown(stage, list(choices), moment)
    return submit_payment(
        token=token,
        dealership=stage.dealership,
        method=stage.method,
        choices=list(choices),
        shown_amounts=amounts,
        shown_value_date=value_date,
        actor=actor,
        now=moment,
    )


def due(account: Account) -> Choice:
    """What is due on the account."""
    return Choice(account.public_id, Purpose.DUE)


def payoff(account: Account) -> Choice:
    """All of it."""
    return Choice(account.public_id, Purpose.PAYOFF)


def amount(account: Account, text: str) -> Choice:
    """A chosen amount."""
    return Choice(account.public_id, Purpose.AMOUNT, Decimal(text))


@dataclass
class Bank:
    """A sandbox bank that answers over HTTP in a thread; its clock stands still until a test moves it on."""

    book: Book
    server: BankServer

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.server.server_port}"

    def deliver(self, client: Client) -> list[int]:
        """Hand every waiting message to the portal; the answers' states."""
        answers = []
        for message in self.book.due_messages():
            answers.append(post_event(client, message.url.partition("testserver")[2], message.body.encode()))
            self.book.note_attempt(message, delivered=True)
        return answers


def post_event(client: Client, path: str, body: bytes, *, header: str | None = None) -> int:
    """A message as the bank sends it; the answer's state."""
    signed = (
        header
        if header is not None
        else signature(settings.BANK_GATEWAY_SECRET, int(timezone.now().timestamp()), body)
    )
    answer = client.post(path, data=body, content_type="application/json", headers={"Bank-Signature": signed})
    return answer.status_code


@contextmanager
def running_bank(folder: Path, *, settle_after: float = 3600.0) -> Iterator[Bank]:
    """A bank on a free port, which the portal's settings name while the block runs."""
    book = Book(folder / "bank.json", settle_after=settle_after)
    server = BankServer(0, book, settings.BANK_GATEWAY_SECRET)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        with override_settings(BANK_GATEWAY_URL=f"http://127.0.0.1:{server.server_port}"):
            yield Bank(book, server)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
