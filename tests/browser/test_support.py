"""Tickets and the unlock desk in a real browser: for all eyes, on a phone, by one path from question to answer."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import OutgoingMessage, SignInAttempt
from accounts.tenancy import tenant
from support.models import Announcement, Ticket
from tests.browser.conftest import Visitor
from tests.cast import Cast
from tests.support.staging import a_note, a_png, a_ticket, an_answer, lock

pytestmark = pytest.mark.browser


@pytest.fixture
def stage(cast: Cast) -> Cast:
    """Some questions in every state, an announcement, a locked payer."""
    now = timezone.now()
    a_ticket(cast, subject="Curtailment of the Silverado was charged twice", now=now - timedelta(days=4))
    a_ticket(cast, actor=cast.payer, subject="New bank account from December")
    solved = a_ticket(cast, subject="Statement of October")
    an_answer(cast, solved, body="It is in your list now.", then="solved")
    with tenant(cast.lender.pk):
        today = cast.lender.business_date(now)
        Announcement.objects.create(
            title="Thanksgiving hours",
            body="We are closed on Thursday. Payments made after 5 PM on Wednesday count from Friday.",
            shown_from=today,
            shown_until=today,
        )
        for outcome in ("signed_in", "signed_out", *["wrong_password"] * 5, "locked"):
            SignInAttempt.objects.create(
                key="x", user=cast.payer, outcome=outcome, address="203.0.113.9", user_agent="Firefox"
            )
    lock(cast.payer)
    return cast


def settle(visitor: Visitor, name: str) -> None:
    """No page may scroll sideways, complain, or keep somebody out."""
    visitor.picture(name)
    assert not visitor.overflows(), name
    assert visitor.barriers() == [], name
    assert visitor.complaints == [], name


@pytest.mark.parametrize("narrow", [False, True], ids=["wide", "phone"])
def test_a_question_and_its_answer(stage: Cast, visitor_of: Callable[..., Visitor], narrow: bool) -> None:
    size = "phone" if narrow else "wide"
    dealer = visitor_of(stage.owner, narrow=narrow)
    page = dealer.open("/support/tickets/")
    settle(dealer, f"tickets-{size}")

    page.get_by_role("link", name="Open a ticket").click()
    settle(dealer, f"ticket-new-{size}")
    page.get_by_label("Subject").fill("Payoff of T2044")
    page.get_by_role("button", name="Send to support").click()
    settle(dealer, f"ticket-new-wrong-{size}")
    assert page.evaluate("document.activeElement.matches('[data-error-summary]')")
    assert page.get_by_label("Subject").input_value() == "Payoff of T2044"

    page.get_by_label("Topic").select_option("balance")
    page.get_by_label("Message").fill("The payoff shows $12,340.00.\n\nIs the document fee in it?")
    page.get_by_label("Files").set_input_files(
        files=[{"name": "screen.png", "mimeType": "image/png", "buffer": a_png()}]
    )
    page.get_by_role("button", name="Send to support").click()
    page.get_by_role("heading", name="Ticket T-100004 is open").wait_for()
    settle(dealer, f"ticket-opened-{size}")

    with tenant(stage.lender.pk):
        ticket = Ticket.objects.get(number="T-100004")
    a_note(stage, ticket, body="Check with accounting whether the fee was waived.")

    agent = visitor_of(stage.support, narrow=narrow)
    work = agent.open("/support/queue/")
    settle(agent, f"queue-{size}")
    work.get_by_role("link", name="Payoff of T2044").click()
    work.get_by_role("button", name="Take this ticket").click()
    work.get_by_label("Answer to the dealer").fill(
        "Yes: $12,290.00 principal and interest, $50.00 document fee."
    )
    work.get_by_role("button", name="Send to the dealer").click()
    work.get_by_text("The answer is sent.").wait_for()
    work.get_by_text("Write an internal note").click()
    settle(agent, f"queue-ticket-{size}")

    page = dealer.open(f"/support/tickets/{ticket.public_id}/")
    page.get_by_text("Yes: $12,290.00").wait_for()
    assert page.get_by_text("waived").count() == 0
    settle(dealer, f"ticket-{size}")
    with page.expect_download() as download:
        page.get_by_role("link", name="screen.png").click()
    assert download.value.suggested_filename == "screen.png"
    dealer.open("/support/announcements/")
    settle(dealer, f"news-{size}")


@pytest.mark.parametrize("narrow", [False, True], ids=["wide", "phone"])
def test_a_caller_is_unlocked(stage: Cast, visitor_of: Callable[..., Visitor], narrow: bool) -> None:
    size = "phone" if narrow else "wide"
    agent = visitor_of(stage.support, narrow=narrow)
    page = agent.open("/support/unlock/")
    settle(agent, f"unlock-start-{size}")
    desk = page.get_by_role("main")
    desk.get_by_role("searchbox").fill("alder")
    desk.get_by_role("button", name="Find").click()
    settle(agent, f"unlock-found-{size}")
    page.get_by_role("link", name="Paula").click()
    page.get_by_role("button", name="Send code").wait_for()
    settle(agent, f"unlock-person-{size}")
    page.get_by_role("button", name="Send code").click()
    page.get_by_label("Code that the caller reads to you").fill("0000 0000")
    page.get_by_role("button", name="Check the code").click()
    page.get_by_text("The code is wrong.").wait_for()
    settle(agent, f"unlock-wrong-{size}")
    with tenant(stage.lender.pk):
        code = OutgoingMessage.objects.get(template="identity-code").context["code"]
    page.get_by_label("Code that the caller reads to you").fill(code)
    page.get_by_role("button", name="Check the code").click()
    page.get_by_label("Reason").fill("Called from the desk phone, mistyped the new password")
    settle(agent, f"unlock-checked-{size}")
    page.get_by_role("button", name="Unlock account").click()
    page.get_by_text("Paula can sign in again.").wait_for()
    settle(agent, f"unlock-done-{size}")
