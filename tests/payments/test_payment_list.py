"""The list of payments: filters, export, and queries that do not grow with it."""

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from uuid import UUID, uuid4

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from accounts.tenancy import tenant
from finance.models import Account
from payments.actions.states import settle_payment
from payments.models import PaymentShare
from tests.cast import Cast
from tests.payments.screens import checked
from tests.payments.staging import Stage, amount, due, floor_unit, make_due, make_method, pay, payoff

ClientOf = Callable[[User], Client]


def test_the_list_filters_by_state_person_method_unit_and_number(
    cast: Cast, stage: Stage, client_of: ClientOf
) -> None:
    with tenant(cast.lender.pk):
        second_method = make_method(cast.dealership, "000555444333", label="Payroll account")
        one = pay(stage, cast.owner, uuid4(), due(stage.first))
        stage.method, first_method = second_method, stage.method
        two = pay(stage, cast.payer, uuid4(), amount(stage.second, "10.00"))
        stage.method = first_method
        settle_payment(payment_id=two.pk, now=timezone.now())
    client = client_of(cast.viewer)

    def found(query: str) -> set[str]:
        rows = client.get(f"/payments/{query}").content.decode()
        return {number for number in (one.number, two.number) if f">{number}</a>" in rows}

    both = {one.number, two.number}
    assert found("") == both
    assert found("?state=open") == {one.number}
    assert found("?state=settled") == {two.number}
    assert found("?state=nonsense") == both
    assert found(f"?person={cast.payer.pk}") == {two.number}
    assert found("?person=x") == both
    assert found("?person=99999999999999999999") == both
    assert found(f"?method={first_method.public_id}") == {one.number}
    assert found(f"?method={uuid4()}") == set()
    assert found(f"?q={one.number.lower()}") == {one.number}
    assert found("?q=S0002") == {two.number}
    assert found("?q=accord") == both
    assert found("?q=000001") == {one.number}
    assert found("?q=%00") == both
    assert found("?page=99&per=25") == both
    assert found("?page=-1&per=x") == both


def test_the_export_is_safe_to_open_and_adds_up(cast: Cast, stage: Stage, client_of: ClientOf) -> None:
    with tenant(cast.lender.pk):
        Account.objects.filter(pk=stage.second.pk).update(title='=HYPERLINK("http://x")')
        payment = pay(stage, cast.owner, uuid4(), due(stage.first), payoff(stage.second))
    answer = client_of(cast.viewer).get("/payments/export.csv")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    head, lines = rows[0], rows[1:]
    assert sum(Decimal(line[head.index("Amount")]) for line in lines) == payment.amount
    assert lines[1][head.index("Unit or loan")].startswith("'=HYPERLINK")
    assert lines[0][head.index("Counts on")] == payment.value_date.isoformat()


def queries_of(client: Client, path: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert client.get(path).status_code == 200
    return len(queries)


def test_the_number_of_queries_does_not_grow(cast: Cast, stage: Stage, client_of: ClientOf) -> None:
    client = client_of(cast.owner)
    review, _fields = checked(client, stage, (stage.first, "due", ""), (stage.second, "amount", "10.00"))
    with tenant(cast.lender.pk):
        small = pay(stage, cast.owner, uuid4(), amount(stage.second, "1.00"))
    pages = ["/payments/new/?show=all", "/payments/", f"/payments/{small.public_id}/", review]
    for path in pages:
        client.get(path)
    few = [queries_of(client, path) for path in pages]
    with tenant(cast.lender.pk):
        units = [
            floor_unit(stage.line, number, "1000.00", funded_on=stage.today - timedelta(days=20))
            for number in range(10, 40)
        ]
        for unit in units[:15]:
            make_due(unit, "5.00", stage.today, str(unit.pk))
        large = pay(stage, cast.owner, uuid4(), *(amount(unit, "1.00") for unit in units[:20]))
        for unit in units[20:26]:
            pay(stage, cast.owner, uuid4(), amount(unit, "1.00"))
        assert PaymentShare.objects.filter(payment=large).count() == 20
    rows: list[tuple[Account, str, str]] = [(unit, "amount", "2.00") for unit in units]
    many_review, _fields = checked(client, stage, *rows)
    many_pages = [pages[0], pages[1], f"/payments/{large.public_id}/", many_review]
    assert [queries_of(client, path) for path in many_pages] == few
    assert max(few) <= 40
    assert UUID(many_review.split("/")[-2])
