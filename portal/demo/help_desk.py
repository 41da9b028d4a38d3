"""Tickets and announcements of the demo."""

from datetime import datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

from accounts.models import Dealership, Lender, User
from accounts.tenancy import tenant
from portal.demo.cast import DemoLender
from support.actions.tickets import answer_as_agent, open_ticket
from support.models import Announcement, Ticket

_QUESTIONS: dict[str, tuple[tuple[str, str, str, str], ...]] = {
    "en": (
        (
            Ticket.Topic.BALANCE,
            "Interest on a unit we paid off",
            "We paid the truck off last week. Does interest run up to the day of payment, or is that day free?",
            (
                "Interest runs from the day of the advance up to, but not including, the value date of your payment. "
                "The unit's page shows each segment with its rate."
            ),
        ),
        (
            Ticket.Topic.STATEMENT,
            "Statement for our accountant",
            "Our accountant asks for last month's statement as a spreadsheet. Where do we find it?",
            "Open Statements: each month has a CSV beside the PDF, with the same numbers.",
        ),
        (
            Ticket.Topic.PAYMENT,
            "New bank account",
            "We are moving to another bank next month. What do you need from us?",
            "",
        ),
    ),
    "fr": (
        (
            Ticket.Topic.BALANCE,
            "Remboursement anticipé d'un véhicule",
            "Nous voulons solder un contrat avant son terme. Y a-t-il une indemnité ?",
            "Non. La page du contrat montre ce qu'un paiement aujourd'hui change : intérêts et date de fin.",
        ),
        (
            Ticket.Topic.STATEMENT,
            "Relevé pour notre comptable",
            "Où trouver le relevé du mois dernier au format tableur ?",
            "",
        ),
    ),
}

_NEWS: dict[str, tuple[tuple[str, str], ...]] = {
    "summit": (
        (
            "Cut-off on the day before a bank holiday",
            (
                "Payments sent by 5:00 PM Denver time count the same business day. On bank holidays no debits are "
                "collected; the next business day counts."
            ),
        ),
        (
            "Statements now print their own proof",
            "Opening plus charges less payments equals closing, for each unit and in total.",
        ),
    ),
    "frontrange": (
        (
            "Lighting programme open until year end",
            "Applications for LED lot lighting reach us through your programme contact; loans start within ten days.",
        ),
    ),
    "lumiere": (
        (
            "Prélèvements de fin d'année",
            "Les prélèvements prévus un jour de fermeture TARGET sont présentés le jour ouvré suivant.",
        ),
    ),
    "albion": (
        (
            "Direct Debit dates around bank holidays",
            "A debit that falls on a bank holiday is collected on the next working day.",
        ),
    ),
}


def fill(lender: Lender, demo: DemoLender, *, now: datetime) -> None:
    """Two or three tickets of the first dealership, most of them answered, and the lender's news."""
    today = lender.business_date(now)
    with tenant(lender.pk):
        for place, (title, body) in enumerate(_NEWS[demo.slug]):
            Announcement.objects.create(
                title=title,
                body=body,
                shown_from=today - timedelta(days=6 + 9 * place),
                shown_until=today + timedelta(days=40),
            )
        agent = User.objects.get(kind=User.Kind.SUPPORT)
        site = Dealership.objects.get(number=demo.sites[0].number)
        owner = User.objects.filter(memberships__dealership=site).order_by("pk")[0]
        language = demo.locale.split("_", maxsplit=1)[0]
        for place, (topic, subject, question, answer) in enumerate(_QUESTIONS[language]):
            asked = now - timedelta(days=9 - 3 * place, hours=2)
            posted = open_ticket(
                actor=owner,
                dealership=site,
                lender=lender,
                token=uuid5(NAMESPACE_URL, f"{demo.slug}:question:{place}"),
                topic=topic,
                subject=subject,
                body=question,
                now=asked,
            )
            if answer:
                answer_as_agent(
                    actor=agent,
                    ticket=posted.ticket,
                    lender=lender,
                    token=uuid5(NAMESPACE_URL, f"{demo.slug}:answer:{place}"),
                    body=answer,
                    now=asked + timedelta(hours=3),
                )
