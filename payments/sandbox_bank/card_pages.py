"""The card processor's pages: the form that takes a card, what came of it, and the list of sessions."""

from html import escape

from payments.sandbox_bank.cards import TEST_CARDS, CardBook, Session
from payments.sandbox_bank.pages import frame, moment_text

_STATES = {
    "open": "Open",
    "accepted": "Taken",
    "settled": "Settled",
    "declined": "Declined",
    "returned": "Taken back",
}
_OUTCOMES = {
    "open": "The page is open.",
    "accepted": "Thank you, the card was accepted.",
    "settled": "Thank you, the payment is made.",
    "declined": "The card was not charged.",
    "returned": "The payment was taken back.",
}


def form_page(session: Session, *, problem: str = "") -> str:
    """The page on which the payer enters a card. What was typed is not shown again."""
    error = f'<p class="problem" role="alert">{escape(problem)}</p>' if problem else ""
    path = f"/cards/{escape(session.token)}"
    fields = "".join(
        f'<p><label for="{name}">{label}</label><input id="{name}" name="{name}" inputmode="numeric" '
        f'autocomplete="{hint}" maxlength="{longest}" required></p>'
        for name, label, hint, longest in (
            ("number", "Card number", "cc-number", 23),
            ("expiry", "Valid until (MM/YY)", "cc-exp", 7),
            ("security_code", "Security code", "cc-csc", 4),
        )
    )
    numbers = "".join(
        f"<tr><th scope=row>{_grouped(card.number)}</th><td>{escape(card.words)}</td></tr>"
        for card in TEST_CARDS
    )
    return frame(
        f"Pay {session.amount} {session.currency}",
        f"<p class=lead>{escape(session.client)}, payment {escape(session.number)}. No money moves here.</p>{error}"
        f'<form class=card method="post" action="{path}" novalidate>{fields}'
        f"<button>Pay {escape(session.amount)} {escape(session.currency)}</button></form>"
        f'<form method="post" action="{path}/leave"><button>Go back without paying</button></form>'
        "<section><h2>Test cards</h2><p class=lead>Any date to come, any security code. Other numbers are paid.</p>"
        f"<table><caption class=hidden>Test cards</caption><tbody>{numbers}</tbody></table></section>",
        home="Sandbox card processor",
    )


def outcome_page(session: Session) -> str:
    """What came of it, and the way back, which the browser takes by itself after a moment."""
    way_back, onward = "", ""
    if session.return_url.startswith(("http://", "https://")):
        address = escape(session.return_url)
        way_back = f'<p><a href="{address}">Back to {escape(session.client)}</a></p>'
        onward = f'<meta http-equiv="refresh" content="2;url={address}">'
    return frame(
        _OUTCOMES[session.state],
        f"<p class=lead>{escape(session.client)}, payment {escape(session.number)}, "
        f"{escape(session.amount)} {escape(session.currency)}.</p>{way_back}",
        home="Sandbox card processor",
        head=onward,
    )


def sessions_page(book: CardBook) -> str:
    """Every session, for whoever looks after the sandbox."""
    rows = "".join(
        f"<tr><th scope=row>{escape(one.reference)}</th><td>{escape(one.number)}</td>"
        f"<td>{'····' + escape(one.last_four) if one.last_four else ''}</td>"
        f"<td class=amount>{escape(one.amount)} {escape(one.currency)}</td><td>{moment_text(one.opened_at)}</td>"
        f'<td><span class="state {escape(one.state)}">{escape(_state_words(one))}</span></td></tr>'
        for one in book.newest_first()
    )
    table = (
        '<table><caption>Card payments</caption><thead><tr><th scope="col">Reference</th>'
        '<th scope="col">Payment</th><th scope="col">Card</th><th scope="col" class="amount">Amount</th>'
        f'<th scope="col">Opened</th><th scope="col">State</th></tr></thead><tbody>{rows}</tbody></table>'
    )
    empty = '<p class="empty">No card payments yet. Pay by card in the portal and it appears here.</p>'
    return frame("Card payments", f'<p><a href="/">Debits</a></p>{table if rows else empty}')


def _state_words(session: Session) -> str:
    return _STATES[session.state] + (f", {session.code}" if session.code else "")


def _grouped(number: str) -> str:
    return " ".join(number[place : place + 4] for place in range(0, len(number), 4))
