"""A card payment from the check page to the books, and what becomes of it when nobody answers."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.test import override_settings

from accounts.emails import write_mail
from accounts.models import AuditEntry, OutgoingMessage
from accounts.tenancy import tenant
from finance.models import JournalEntry
from payments.gateways import gateway_named
from payments.models import Payment, PaymentStep
from payments.queries.offered import CARD_PAGE
from payments.sandbox_bank.cards import TEST_CARDS
from tests.cast import Cast, anonymous
from tests.payments.cards.acts import (
    ClientOf,
    Processor,
    began,
    deliver,
    event,
    fees,
    fresh,
    post,
    states,
    step,
    take_in,
)
from tests.payments.screens import checked
from tests.payments.staging import Stage, due, pay


def test_a_card_payment_from_the_check_page_to_the_books(
    cast: Cast, stage: Stage, processor: Processor, client_of: ClientOf
) -> None:
    client = client_of(cast.owner)
    review, fields = checked(client, stage, (stage.first, "due", ""))
    html = client.get(review).content.decode()
    assert "Continue to card page – $80.00" in html
    assert "We never see your card" in html
    answer = client.post("/payments/submit/", fields)
    receipt = answer["Location"]
    with tenant(cast.lender.pk):
        payment = Payment.objects.get()
    assert "We are asking the card processor for its page" in client.get(receipt).content.decode()
    assert step(cast, payment) == "submitted"
    opened = fresh(cast, payment)
    assert opened.processor_page.startswith(f"{processor.url}/cards/")
    html = client.get(receipt).content.decode()
    assert f'<a class="button" href="{opened.processor_page}" rel="noreferrer">' in html
    assert "Nothing is paid yet." in html
    assert fees(cast, stage) == Decimal("80.00")
    # At the processor.
    status, form = processor.browse(opened.processor_page)
    assert status == 200
    assert "Pay 80.00 USD" in form
    status, done = processor.enter(opened.processor_page)
    assert status == 200
    back = f"http://summit.testserver{receipt}"
    assert back in done
    assert deliver(processor, anonymous(cast.lender)) == [202]
    assert take_in(cast) == [""]
    assert fresh(cast, payment).state == "processing"
    processor.cards.settle(str(payment.public_id))
    deliver(processor, anonymous(cast.lender))
    assert take_in(cast) == [""]
    settled = fresh(cast, payment)
    assert (settled.state, settled.card_last_four) == ("settled", "4242")
    assert settled.value_date == stage.today
    assert states(cast, payment) == ["submitted", "submitted", "processing", "settled"]
    assert fees(cast, stage) == 0
    with tenant(cast.lender.pk):
        assert JournalEntry.objects.get(source="payment") == settled.entry
    html = client.get(receipt).content.decode()
    assert "Card ending in 4242" in html
    assert settled.processor_page not in html


def test_the_receipt_is_mailed_when_the_card_was_used_and_not_before(
    cast: Cast, stage: Stage, payment: Payment, processor: Processor
) -> None:
    with tenant(cast.lender.pk):
        begun = write_mail(OutgoingMessage.objects.get(template="payment-receipt"))
    assert begun.subject == f"Payment {payment.number} of $80.00: your card is still to be entered"
    step(cast, payment)
    with tenant(cast.lender.pk):
        assert not OutgoingMessage.objects.filter(template="payment-card-receipt").exists()
    processor.enter(fresh(cast, payment).processor_page)
    deliver(processor, anonymous(cast.lender))
    take_in(cast)
    processor.cards.settle(str(payment.public_id))
    deliver(processor, anonymous(cast.lender))
    take_in(cast)
    step(cast, payment)
    assert fresh(cast, payment).state == "settled"
    with tenant(cast.lender.pk):
        mail = write_mail(OutgoingMessage.objects.get(template="payment-card-receipt"))
    assert mail.subject == f"Receipt for your payment {payment.number} of $80.00"
    for text in (str(mail.body), str(mail.alternatives[0][0])):
        assert "your card has been used" in text
        assert "card ending in 4242" in text
        assert "2023 Honda Accord 1" in text
        assert "still to be entered" not in text


def test_a_card_that_was_taken_back_unheard_of_gets_no_receipt(
    cast: Cast, stage: Stage, payment: Payment, processor: Processor
) -> None:
    step(cast, payment)
    assert post(anonymous(cast.lender), event(payment, "returned")) == 202
    assert take_in(cast) == [""]
    with tenant(cast.lender.pk):
        assert not OutgoingMessage.objects.filter(template="payment-card-receipt").exists()
        assert OutgoingMessage.objects.filter(template="payment-returned").exists()


def test_the_look_up_alone_settles_as_well(
    cast: Cast, stage: Stage, payment: Payment, processor: Processor
) -> None:
    step(cast, payment)
    quiet = next(card.number for card in TEST_CARDS if card.end == "quiet")
    processor.enter(fresh(cast, payment).processor_page, quiet)
    assert processor.cards.due_messages() == []
    assert step(cast, payment) == "processing"
    processor.cards.settle(str(payment.public_id))
    assert step(cast, payment) == "settled"
    assert fresh(cast, payment).card_last_four == "0341"
    assert fees(cast, stage) == 0


@pytest.mark.parametrize(
    ("number", "code", "words"),
    [
        ("4000000000009995", "insufficient_funds", "not enough money or credit on the card"),
        ("4000000000000069", "expired_card", "The card has expired."),
        ("4000000000000127", "incorrect_cvc", "security code"),
        ("4000000000000002", "generic_decline", "does not tell us why"),
        # What a thief must not learn.
        ("4000000000009987", "generic_decline", "does not tell us why"),
    ],
)
def test_a_declined_card_says_why_and_changes_nothing(
    *,
    cast: Cast,
    stage: Stage,
    payment: Payment,
    processor: Processor,
    client_of: ClientOf,
    number: str,
    code: str,
    words: str,
) -> None:
    step(cast, payment)
    status, page = processor.enter(fresh(cast, payment).processor_page, number)
    assert status == 200
    assert "The card was not charged." in page
    deliver(processor, anonymous(cast.lender))
    assert take_in(cast) == [""]
    declined = fresh(cast, payment)
    assert (declined.state, declined.return_code) == ("declined", code)
    assert fees(cast, stage) == Decimal("80.00")
    html = client_of(cast.owner).get(f"/payments/{payment.public_id}/").content.decode()
    assert "The card was not charged" in html
    assert words in html.replace("&#x27;", "'")
    assert "lost" not in html.partition("<main")[2].partition("What it pays")[0]
    with tenant(cast.lender.pk):
        mail = OutgoingMessage.objects.get(template="payment-declined")
        assert mail.context["code"] == code
        true = next(card.code for card in TEST_CARDS if card.number == number)
        assert AuditEntry.objects.get(code="payment.declined").details["code"] == true
    # What is owed may be paid anew.
    with tenant(cast.lender.pk):
        assert pay(stage, cast.owner, uuid4(), due(stage.first)).amount == Decimal("80.00")


def test_a_disputed_card_reverses(cast: Cast, stage: Stage, payment: Payment, processor: Processor) -> None:
    step(cast, payment)
    processor.enter(fresh(cast, payment).processor_page, "4000000000000259")
    processor.cards.settle(str(payment.public_id))
    assert step(cast, payment) == "settled"
    processor.ahead[0] = 60.0
    processor.cards.move_on()
    deliver(processor, anonymous(cast.lender))
    take_in(cast)
    returned = fresh(cast, payment)
    assert (returned.state, returned.return_code) == ("returned", "fraudulent_dispute")
    assert fees(cast, stage) == Decimal("80.00") + Decimal("25.00")


def test_leaving_the_page_declines_at_once(
    cast: Cast, stage: Stage, payment: Payment, processor: Processor
) -> None:
    step(cast, payment)
    page = fresh(cast, payment).processor_page
    status, html = processor.browse(f"{page}/leave", {})
    assert status == 200
    assert "The card was not charged." in html
    assert step(cast, payment) == "declined"
    assert fresh(cast, payment).return_code == "abandoned"
    assert processor.enter(page)[0] == 409


def test_an_abandoned_page_is_declined_after_half_an_hour_in_words(
    cast: Cast, stage: Stage, payment: Payment, processor: Processor, client_of: ClientOf
) -> None:
    step(cast, payment)
    assert step(cast, payment) == "submitted"
    page = fresh(cast, payment).processor_page
    closes = datetime.fromtimestamp(processor.session(payment).closes_at, tz=UTC)
    assert abs(closes - payment.submitted_at - timedelta(minutes=30)) < timedelta(seconds=1)
    processor.ahead[0] = 1801.0
    # Too late for a card, and the next look-up says so.
    assert processor.enter(page)[0] == 409
    assert step(cast, payment) == "declined"
    html = client_of(cast.owner).get(f"/payments/{payment.public_id}/").content.decode()
    assert "its 30 minutes were over" in html
    assert fees(cast, stage) == Decimal("80.00")
    assert states(cast, payment) == ["submitted", "submitted", "declined"]


def test_a_page_that_could_never_be_opened_is_given_up_with_its_time(cast: Cast, payment: Payment) -> None:
    with override_settings(CARD_GATEWAY_URL="http://127.0.0.1:9"):
        assert step(cast, payment) == "submitted"
        began(cast, payment, timedelta(minutes=29))
        assert step(cast, payment) == "submitted"
        began(cast, payment, timedelta(minutes=31))
        assert step(cast, payment) == "nothing to do"
    assert fresh(cast, payment).state == "declined"
    with tenant(cast.lender.pk):
        notes = [row.note for row in PaymentStep.objects.filter(payment=payment)]
    assert notes[1] == "The card processor cannot be reached just now. We keep trying."


@pytest.mark.usefixtures("hurried")
def test_an_opening_without_answer_is_checked_then_opened_then_settled(
    cast: Cast, stage: Stage, payment: Payment, processor: Processor
) -> None:
    processor.bank.switch("silent", True)
    assert step(cast, payment) == "checking"
    assert fresh(cast, payment).processor_page == ""
    processor.bank.switch("silent", False)
    # It had been opened after all: the same page, not a second one.
    assert step(cast, payment) == "submitted"
    page = fresh(cast, payment).processor_page
    assert len(processor.cards.sessions) == 1
    processor.enter(page)
    processor.cards.settle(str(payment.public_id))
    assert step(cast, payment) == "settled"
    assert states(cast, payment) == ["submitted", "checking", "submitted", "processing", "settled"]
    assert fees(cast, stage) == 0


def test_a_taken_card_of_which_nothing_is_heard_is_checked_then_settled(
    cast: Cast, stage: Stage, payment: Payment, processor: Processor
) -> None:
    step(cast, payment)
    processor.enter(fresh(cast, payment).processor_page)
    processor.bank.switch("down", True)
    # While the page is open, no answer says nothing.
    assert step(cast, payment) == "submitted"
    began(cast, payment, timedelta(minutes=33))
    assert step(cast, payment) == "checking"
    assert fees(cast, stage) == Decimal("80.00")
    processor.bank.switch("down", False)
    processor.cards.settle(str(payment.public_id))
    assert step(cast, payment) == "settled"
    assert fees(cast, stage) == 0
    with tenant(cast.lender.pk):
        assert JournalEntry.objects.filter(source="payment").count() == 1


def test_a_forgotten_session_is_opened_again_in_time_and_given_up_afterwards(
    cast: Cast, payment: Payment, processor: Processor
) -> None:
    processor.bank.switch("broken", True)
    assert step(cast, payment) == "checking"
    processor.bank.switch("broken", False)
    assert step(cast, payment) == "submitted"
    assert step(cast, payment) == "submitted"
    assert fresh(cast, payment).processor_page
    processor.cards.sessions.clear()
    assert step(cast, payment) == "submitted"
    began(cast, payment, timedelta(minutes=33))
    assert step(cast, payment) == "declined"
    assert fresh(cast, payment).return_code == "abandoned"


def test_a_taken_card_that_the_processor_forgot_is_not_declined(
    cast: Cast, payment: Payment, processor: Processor
) -> None:
    step(cast, payment)
    processor.enter(fresh(cast, payment).processor_page)
    assert step(cast, payment) == "processing"
    processor.cards.sessions.clear()
    began(cast, payment, timedelta(minutes=33))
    assert step(cast, payment) == "processing"


def test_a_session_of_another_amount_is_never_booked(
    cast: Cast, stage: Stage, payment: Payment, processor: Processor
) -> None:
    step(cast, payment)
    processor.enter(fresh(cast, payment).processor_page)
    processor.session(payment).amount = "0.80"
    processor.cards.settle(str(payment.public_id))
    assert step(cast, payment) == "submitted"
    deliver(processor, anonymous(cast.lender))
    assert all("The bank says 0.80" in problem for problem in take_in(cast)[1:])
    assert fees(cast, stage) == Decimal("80.00")
    with tenant(cast.lender.pk):
        assert AuditEntry.objects.filter(code="payment.bank-disagrees").count() == 1


def test_twenty_submissions_and_steps_are_one_session(
    cast: Cast, stage: Stage, processor: Processor, client_of: ClientOf
) -> None:
    client = client_of(cast.owner)
    _review, fields = checked(client, stage, (stage.first, "due", ""), (stage.second, "payoff", ""))
    answers = {client.post("/payments/submit/", fields)["Location"] for _time in range(20)}
    assert len(answers) == 1
    with tenant(cast.lender.pk):
        payment = Payment.objects.get()
    for _time in range(20):
        step(cast, payment)
    assert len(processor.cards.sessions) == 1
    assert processor.session(payment).amount == str(payment.amount)
    page = fresh(cast, payment).processor_page
    gateway = gateway_named(CARD_PAGE)
    with tenant(cast.lender.pk):
        from payments.queries.debits import debit_order

        order = debit_order(Payment.objects.select_related("method", "lender").get(pk=payment.pk))
    assert {gateway.send(order).page for _time in range(20)} == {page}
    assert len(processor.cards.sessions) == 1
