"""The finance office: who gets in, what every page shows, and that nothing there saves or deletes."""

from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import AuditEntry, EmailCodeFactor, Membership, RowChange, User
from accounts.tenancy import tenant
from finance.models import Account, AccountPosition, DueItem, JournalEntry, JournalLine, Unit
from payments.models import GatewayEvent, Payment
from tests.cast import Cast, anonymous, make_person, sign_in
from tests.finance.stock import open_stock, today_of
from tests.portal.office import Office, furnish, offices, text_of


@pytest.fixture
def office(cast: Cast) -> Office:
    return Office(cast, furnish(cast), sign_in(cast.finance))


def names() -> list[str]:
    return [f"{model._meta.app_label}_{model._meta.model_name}" for model, _office in offices()]


# --- who gets in ------------------------------------------------------------------------------------------------------


def test_nobody_meets_a_password_field_at_the_admins_own_login(cast: Cast) -> None:
    with tenant(cast.lender.pk):
        unproven = make_person("felix", kind=User.Kind.FINANCE)
        EmailCodeFactor.objects.filter(user=unproven).delete()
    expected = [
        (anonymous(cast.lender), 302, reverse("account_login")),
        (sign_in(unproven), 302, reverse("accounts:factor-enrol")),
        (sign_in(cast.owner), 404, ""),
        (sign_in(cast.support), 404, ""),
        (sign_in(cast.finance), 302, reverse("admin:index")),
    ]
    for client, status, target in expected:
        for address in (reverse("admin:login"), reverse("admin:login") + "?next=/admin/finance/unit/"):
            answer = client.get(address)
            assert answer.status_code == status
            assert b'type="password"' not in answer.content
            if target and "next" not in address:
                assert answer["Location"].startswith(target)
        posted = client.post(
            reverse("admin:login"), {"username": "fiona", "password": "quiet harbour lantern 7"}
        )
        assert posted.status_code == status
        assert b'type="password"' not in posted.content


def test_the_admins_login_leads_back_to_the_page_that_was_asked_for_and_nowhere_else(cast: Cast) -> None:
    client = sign_in(cast.finance)
    wanted = reverse("admin:finance_unit_changelist")
    assert client.get(reverse("admin:login"), {"next": wanted})["Location"] == wanted
    for elsewhere in (
        "https://evil.example/",
        "//evil.example/",
        "javascript:alert(1)",
        reverse("admin:login"),
    ):
        assert client.get(reverse("admin:login"), {"next": elsewhere})["Location"] == reverse("admin:index")


@pytest.mark.parametrize("page", ["admin:index", "admin:finance_unit_changelist", "admin:finance_unit_add"])
def test_only_finance_staff_with_a_second_step_get_in(cast: Cast, page: str) -> None:
    with tenant(cast.lender.pk):
        unproven = make_person("felix", kind=User.Kind.FINANCE)
        EmailCodeFactor.objects.filter(user=unproven).delete()
    address = reverse(page)
    asked = anonymous(cast.lender).get(address)
    assert asked.status_code == 302
    assert asked["Location"].startswith(reverse("account_login"))
    with tenant(cast.lender.pk):
        operator = make_person("opal", kind=User.Kind.OPERATOR)
    for person in (
        cast.owner,
        cast.payer,
        cast.viewer,
        cast.stranger,
        cast.support,
        cast.other_owner,
        operator,
    ):
        assert sign_in(person).get(address).status_code == 404
        assert sign_in(person).post(address).status_code == 404
    assert sign_in(unproven).get(address)["Location"] == reverse("accounts:factor-enrol")
    assert sign_in(cast.finance).get(address).status_code == 200


def test_the_library_pages_of_the_admin_are_not_there(cast: Cast) -> None:
    client = sign_in(cast.finance)
    assert client.get("/admin/r/1/1/").status_code == 404
    assert client.get("/admin/auth/group/").status_code == 404
    assert client.get("/admin/account/emailaddress/").status_code == 404
    assert client.get(reverse("admin:password_change"))["Location"] == reverse("account_change_password")
    assert client.post(reverse("admin:logout"))["Location"] == reverse("account_logout")


# --- what is there ----------------------------------------------------------------------------------------------------


def test_every_list_page_and_history_opens_under_the_content_policy(office: Office) -> None:
    for model, shown in offices():
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        with tenant(office.lender.pk):
            row = model._default_manager.order_by("-pk").first()
        assert row is not None, f"nothing in {name}"
        pages = [office.get(f"{name}_changelist"), office.get(f"{name}_change", row.pk)]
        pages.append(office.get(f"{name}_history", row.pk))
        if shown.adding:
            pages.append(office.get(f"{name}_add"))
        for page in pages:
            assert page.status_code == 200, name
            policy = page["Content-Security-Policy"]
            assert "script-src 'self'" in policy
            assert "unsafe-inline" not in policy
            body = page.content.decode()
            assert "<style" not in body, name
            assert " style=" not in body, name
            assert " onclick=" not in body, name


def test_every_table_of_the_office_stands_in_a_named_group(office: Office) -> None:
    page = text_of(office.get("index"))
    for heading in ("Customers", "Credit", "Money", "Rates and rules", "Statements and end of day", "Trail"):
        assert heading in page
    assert "Other" not in page


def test_the_first_page_adds_up_to_the_lists_that_it_leads_to(office: Office) -> None:
    page = office.get("index")
    figures = {str(figure.label): figure for figure in page.context["figures"]}
    with tenant(office.lender.pk):
        positions = list(AccountPosition.objects.filter(account__state=Account.State.OPEN))
        late = list(DueItem.objects.filter(due_on__lt=office.stock.today))
        sold = list(Unit.objects.filter(state=Unit.State.SOLD).values_list("pk", flat=True))
        sold_principal = sum(row.principal for row in AccountPosition.objects.filter(account_id__in=sold))
    owed = sum(row.principal + row.billed_interest + row.fees - row.credit for row in positions)
    overdue = sum(
        item.outstanding_principal + item.outstanding_interest + item.outstanding_fees for item in late
    )
    assert owed > 0
    assert overdue > 0
    assert figures["Owed by all, as posted"].amount == owed
    assert figures["Past due"].amount == overdue
    assert figures["Sold and unpaid, principal"].amount == sold_principal
    assert figures["Advances to decide"].amount == Decimal("12000.00")
    assert figures["Advances to pay out"].amount == Decimal("9500.50")
    assert figures["Payments being checked"].amount == Decimal("500.00")
    assert figures["Messages given up"].text == "1"
    assert figures["Messages of banks that did not fit"].text == "1"
    assert figures["Last day closed"].tone == "bad"
    for figure in figures.values():
        assert office.client.get(figure.url).status_code == 200, figure.label
    listed = office.client.get(figures["Past due"].url)
    totals = {str(label): amount for label, amount in listed.context["list_totals"]}
    assert totals["Open"] == overdue
    listed = office.client.get(figures["Owed by all, as posted"].url)
    totals = {str(label): amount for label, amount in listed.context["list_totals"]}
    assert totals["Principal"] + totals["Billed interest"] + totals["Fees"] - totals["Credit"] == owed


def test_a_message_that_did_not_fit_waits_for_people(office: Office) -> None:
    with tenant(office.lender.pk):
        GatewayEvent.objects.create(
            gateway="bank-debit", event_id="evt_2", kind="debit.settled", payload=["odd"], problem=""
        )
        odd = GatewayEvent.objects.get(event_id="evt_2")
    listed = text_of(office.get("payments_gatewayevent_changelist", fit="does-not-fit"))
    assert "The bank says 500.01 USD, the payment is 500.00 USD." in listed
    assert listed.count("debit.settled") == 1
    assert "500.01" not in text_of(office.get("payments_gatewayevent_changelist", fit="fits"))
    assert "500.01" in text_of(office.get("payments_gatewayevent_changelist", q=" evt_1 "))
    assert "500.01" not in text_of(office.get("payments_gatewayevent_changelist", q="evt_2"))
    assert office.get("payments_gatewayevent_change", odd.pk).status_code == 200


def test_an_account_page_shows_its_position_and_events(office: Office) -> None:
    with tenant(office.lender.pk):
        unit = Unit.objects.filter(state=Unit.State.FUNDED).select_related("account").first()
        position = AccountPosition.objects.get(account_id=unit.pk)
    page = text_of(office.get("finance_account_change", unit.pk))
    assert unit.account.number in page
    assert f"${position.principal:,.2f}" in page
    assert "Curtailment" in page
    assert "Advance" in page


# --- nothing saves, nothing is deleted --------------------------------------------------------------------------------


def _everything() -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table of the office, for comparison. Inside the lender."""
    return {
        model._meta.db_table: list(model._default_manager.order_by("pk").values_list())
        for model, _office in offices()
    }


def test_a_crafted_post_to_a_change_or_delete_page_changes_nothing(office: Office) -> None:
    with tenant(office.lender.pk):
        before = _everything()
    for model, _shown in offices():
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        with tenant(office.lender.pk):
            row = model._default_manager.order_by("-pk").first()
        forged = {
            field.name: "1" for field in model._meta.concrete_fields if field.name not in {"id", "lender"}
        } | {"_save": "Save", "post": "yes", "amount": "0.01", "debit": "0.01"}
        assert office.post(f"{name}_change", row.pk, **forged).status_code == 403, name
        assert office.post(f"{name}_delete", row.pk, **forged).status_code == 403, name
        assert office.get(f"{name}_delete", row.pk).status_code == 403, name
        listed = office.post(
            f"{name}_changelist", action="delete_selected", _selected_action=row.pk, index=0, post="yes"
        )
        assert listed.status_code in {200, 302}, name
    with tenant(office.lender.pk):
        assert _everything() == before


def test_the_admins_own_log_is_never_touched(office: Office) -> None:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        office.get("index")
        office.get("finance_unit_changelist")
        office.post(
            "support_announcement_add",
            title="Holiday",
            body="Closed.",
            shown_from=office.stock.today.isoformat(),
            shown_until=office.stock.today.isoformat(),
            token="5b0f3c2e-53a5-4c5d-8d5c-1f3f4c3a2b10",
        )
    assert not any(LogEntry._meta.db_table in query["sql"] for query in queries)
    with tenant(office.lender.pk):
        assert AuditEntry.objects.filter(code="announcement.published").count() == 1


def test_another_lenders_row_does_not_exist(office: Office) -> None:
    cast = office.cast
    with tenant(cast.other_lender.pk):
        stock = open_stock(cast.other_dealership, today_of(cast.other_lender))
        unit = stock.fund(days_ago=3)
        entry = JournalEntry.objects.first()
        assert entry is not None
        theirs = {
            "finance_unit": unit.pk,
            "finance_account": unit.pk,
            "finance_journalentry": entry.pk,
            "finance_creditline": stock.line.pk,
            "accounts_user": cast.other_owner.pk,
            "accounts_dealership": cast.other_dealership.pk,
            "accounts_membership": Membership.objects.get(user=cast.other_owner).pk,
        }
        changes = RowChange.objects.count()
    for name, key in theirs.items():
        for page in ("change", "history"):
            answer = office.get(f"{name}_{page}", key)
            missing = office.get(f"{name}_{page}", 987654321)
            assert answer.status_code == missing.status_code == 404, name
            assert "Cedar" not in text_of(answer)
        listed = office.get(f"{name}_changelist")
        assert "Cedar" not in text_of(listed)
    acted = office.post("finance_unit_act", "fund", _selected_action=unit.pk)
    assert acted.status_code == 404
    formed = office.post("finance_creditline_form", stock.line.pk, "limit", limit="1.00", reason="x")
    assert formed.status_code == 404
    with tenant(cast.other_lender.pk):
        assert RowChange.objects.count() == changes


def test_a_nonsense_key_is_no_page(office: Office) -> None:
    for key in ("abc", "0", "99999999999999999999999", "1%00", "-1", "1/../2"):
        for name in ("finance_unit", "accounts_user", "finance_journalentry"):
            base = reverse(f"admin:{name}_changelist")
            for tail in ("", "change/", "history/", "form/limit/"):
                assert office.client.get(f"{base}{key}/{tail}").status_code == 404, (key, name, tail)


@pytest.mark.parametrize("column", ["", "nonsense", "number", "lender", "\x00"])
def test_a_row_is_looked_up_by_its_key_alone(office: Office, column: str) -> None:
    with tenant(office.lender.pk):
        payment = Payment.objects.order_by("-pk")[0]
        change = RowChange.objects.order_by("-pk")[0]
    for name, row in (("payments_payment", payment), ("accounts_rowchange", change)):
        for page in ("change", "history", "delete"):
            for key in (row.pk, row.pk + 1_000_000):
                assert office.get(f"{name}_{page}", key, _to_field=column).status_code in {
                    200,
                    302,
                    400,
                    403,
                    404,
                }


def test_a_nonsense_question_to_a_list_is_answered(office: Office) -> None:
    questions = (
        "q=%00",
        "q=" + "x" * 3000,
        "p=-1",
        "p=abc",
        "o=99.-99.x",
        "state__exact=nonsense",
        "dealership__id__exact=abc",
        "when=nonsense",
        "e=1",
        "_popup=1",
        "business_date__year=abc",
    )
    for query in questions:
        for name in names():
            answer = office.client.get(f"{reverse(f'admin:{name}_changelist')}?{query}")
            assert answer.status_code in {200, 302, 400}, (name, query)


# --- lists ------------------------------------------------------------------------------------------------------------


def _queries(office: Office, address: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert office.client.get(address).status_code == 200
    return len(queries)


def test_each_list_asks_the_database_as_often_for_fifty_rows_as_for_one(cast: Cast) -> None:
    with tenant(cast.lender.pk):
        stock = open_stock(cast.dealership, today_of(cast.lender))
        unit = stock.fund(days_ago=40)
    office = Office(cast, stock, sign_in(cast.finance))
    tables = (
        "finance_unit",
        "finance_account",
        "finance_dueitem",
        "accounts_rowchange",
        "accounts_auditentry",
    )
    office.get("index")
    before = {name: _queries(office, reverse(f"admin:{name}_changelist")) for name in tables}
    index = _queries(office, reverse("admin:index"))
    with tenant(cast.lender.pk):
        stock.copies(unit, 60)
        for number in range(60):
            AuditEntry.objects.create(
                code="test.act", actor_name=f"{number}", entrance="web", dealership=cast.dealership
            )
    assert {name: _queries(office, reverse(f"admin:{name}_changelist")) for name in tables} == before
    assert _queries(office, reverse("admin:index")) == index


def test_the_other_lists_do_not_ask_for_each_row_either(cast: Cast) -> None:
    with tenant(cast.lender.pk):
        stock = open_stock(cast.dealership, today_of(cast.lender))
        stock.fund(days_ago=40)
    office = Office(cast, stock, sign_in(cast.finance))
    tables = (
        "finance_journalentry",
        "finance_journalline",
        "accounts_user",
        "accounts_membership",
        "accounts_dealership",
    )
    office.get("index")
    before = {name: _queries(office, reverse(f"admin:{name}_changelist")) for name in tables}
    with tenant(cast.lender.pk):
        for _number in range(6):
            stock.fund(days_ago=20)
        for number in range(20):
            make_person(f"person{number}", dealership=cast.dealership)
    assert {name: _queries(office, reverse(f"admin:{name}_changelist")) for name in tables} == before


def test_a_unit_is_found_by_vin_last_six_stock_number_and_number(office: Office) -> None:
    with tenant(office.lender.pk):
        unit = Unit.objects.select_related("account").order_by("pk")[2]
    for words in (
        unit.vin,
        unit.vin.lower(),
        f" {unit.vin} ",
        unit.vin[-6:],
        unit.stock_number,
        unit.account.number,
    ):
        listed = office.get("finance_unit_changelist", q=words)
        assert [row.pk for row in listed.context["cl"].result_list] == [unit.pk], words
    for words in (unit.vin[:-1], "ZZZZZZ", "%", "' OR 1=1 --"):
        assert not office.get("finance_unit_changelist", q=words).context["cl"].result_list


def test_people_payments_and_entries_are_found_by_what_people_quote(office: Office) -> None:
    with tenant(office.lender.pk):
        payment = Payment.objects.get()
        entry = JournalEntry.objects.order_by("pk")[1]
        account = Account.objects.order_by("pk")[1]
    found = [
        ("accounts_user", "70001", "Owen"),
        ("accounts_user", "OWEN@people.example", "Owen"),
        ("accounts_user", "fion", "Fiona"),
        ("payments_payment", payment.number.lower(), payment.number),
        ("finance_journalentry", str(entry.pk), entry.description),
        ("finance_journalentry", entry.key, entry.description),
        ("finance_account", account.number.lower(), account.number),
        ("finance_journalline", account.number, account.number),
        ("finance_dueitem", account.number, account.number),
        ("accounts_auditentry", "fiona", "test.act"),
        ("accounts_auditentry", "test.act", "test.act"),
        ("accounts_outgoingmessage", "owen@people.example", "Security notice"),
    ]
    for name, words, expected in found:
        listed = office.get(f"{name}_changelist", q=words)
        assert expected in text_of(listed), (name, words)
        assert listed.context["cl"].result_count >= 1
        assert not office.get(f"{name}_changelist", q="nobody-has-this").context["cl"].result_list


def test_a_narrowed_list_says_what_it_adds_up_to(office: Office) -> None:
    listed = office.get("finance_journalline_changelist", q="U-100001")
    totals = {str(label): amount for label, amount in listed.context["list_totals"]}
    with tenant(office.lender.pk):
        account = Account.objects.get(number="U-100001")
        lines = list(JournalLine.objects.filter(account=account))
    assert totals["Debit"] == sum(line.debit for line in lines)
    assert totals["Credit"] == sum(line.credit for line in lines)
    assert "list_totals" not in office.get("finance_journalline_changelist").context
