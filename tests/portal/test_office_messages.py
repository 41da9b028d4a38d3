"""Messages, news and the machinery in the finance office: sent again, run again, withdrawn."""

from datetime import timedelta

from django.utils import timezone

from accounts.models import AuditEntry, OutgoingMessage
from accounts.tenancy import tenant
from finance.models import (
    Account,
    DayStep,
    Statement,
    Unit,
)
from support.models import Announcement
from tests.cast import Cast, sign_in
from tests.portal.office import Office, furnish, text_of
from tests.portal.office_steps import act, form

State = Unit.State


def test_given_up_messages_go_again_but_secret_ones_do_not(cast: Cast) -> None:
    office = Office(cast, furnish(cast), sign_in(cast.finance))
    with tenant(cast.lender.pk):
        given_up = OutgoingMessage.objects.get(key="office-test")
        secret = OutgoingMessage.objects.create(
            key="secret",
            template="password-reset",
            recipient="x@people.example",
            is_secret=True,
            state=OutgoingMessage.State.FAILED,
            next_attempt_at=timezone.now(),
        )
    answer = act(
        office, "accounts_outgoingmessage", "send-again", [given_up, secret], reason="Mailbox was full."
    )
    outcome = text_of(office.client.get(answer["Location"]))
    assert "Done for 1 of 2 rows." in outcome
    assert "has been erased" in outcome
    with tenant(cast.lender.pk):
        given_up.refresh_from_db()
        secret.refresh_from_db()
        assert given_up.state == OutgoingMessage.State.WAITING
        assert secret.state == OutgoingMessage.State.FAILED


def test_failed_statements_and_steps_are_run_again(cast: Cast) -> None:
    office = Office(cast, furnish(cast), sign_in(cast.finance))
    with tenant(cast.lender.pk):
        statement, step = Statement.objects.get(), DayStep.objects.get()
    for table, name, row in (
        ("finance_statement", "retry", statement),
        ("finance_daystep", "run-again", step),
    ):
        answer = act(office, table, name, [row], reason="Put right.")
        assert "Done for 1 of 1 row." in text_of(office.client.get(answer["Location"]))
    with tenant(cast.lender.pk):
        statement.refresh_from_db()
        assert statement.state == Statement.State.WAITING
        step.refresh_from_db()
        assert step.finished_at is None
        assert AuditEntry.objects.get(code="day.step-run-again").reason == "Put right."


def test_news_is_published_changed_and_withdrawn(office: Office) -> None:
    today = office.stock.today
    fields = {
        "title": "Closed on Friday",
        "body": "We are closed.",
        "shown_from": today.isoformat(),
        "shown_until": (today + timedelta(days=5)).isoformat(),
    }
    wrong = form(
        office,
        "support_announcement_add",
        **{**fields, "shown_until": (today - timedelta(days=1)).isoformat()},
    )
    assert "The last day lies before the first." in text_of(wrong)
    form(office, "support_announcement_add", **fields)
    with tenant(office.lender.pk):
        news = Announcement.objects.get()
    form(
        office,
        "support_announcement_form",
        news.pk,
        "change",
        **{**fields, "title": "Closed on Monday"},
        reason="Typo.",
    )
    history = office.get("support_announcement_history", news.pk).content.decode()
    assert "<del>Closed on Friday</del>" in history
    act(office, "support_announcement", "withdraw", [news], reason="Open after all.")
    with tenant(office.lender.pk):
        news.refresh_from_db()
        assert news.shown_until < today
        assert Account.objects.count() == 0
