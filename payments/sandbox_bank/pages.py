"""The bank's own pages: its debits, one debit with what may be done to it, its switches and test numbers."""

from datetime import UTC, datetime
from html import escape

from payments.sandbox_bank.behaviour import RETURN_CODES, TEST_NUMBERS, return_code
from payments.sandbox_bank.book import Book, Debit

_SWITCH_WORDS = {
    "slow": "Be slow: answer after six seconds",
    "silent": "Be silent: take the debit, never answer",
    "broken": "Be broken: answer with an error, take nothing",
    "down": "Be down: hang up on every request",
}
_STATES = {"accepted": "On its way", "settled": "Settled", "declined": "Declined", "returned": "Returned"}


def list_page(book: Book) -> str:
    """Every debit, the switches, the test numbers."""
    rows = "".join(_row(debit) for debit in book.newest_first())
    debits = (
        '<table><caption>Debits</caption><thead><tr><th scope="col">Reference</th><th scope="col">Payment</th>'
        '<th scope="col">From</th><th scope="col" class="amount">Amount</th><th scope="col">Taken</th>'
        f'<th scope="col">State</th></tr></thead><tbody>{rows}</tbody></table>'
        if rows
        else '<p class="empty">No debits yet. Pay something in the portal and it appears here.</p>'
    )
    switches = "".join(
        f'<li><form method="post" action="/switches/{name}"><input type="hidden" name="on" value="{"" if on else "1"}">'
        f'<span class="{"on" if on else "off"}">{escape(_SWITCH_WORDS[name])}</span>'
        f"<button>{'Stop' if on else 'Start'}</button></form></li>"
        for name, on in book.switches.items()
    )
    numbers = "".join(
        f"<tr><th scope=row>…{number.ending}</th><td>{escape(number.words)}</td></tr>"
        for number in TEST_NUMBERS
    )
    return frame(
        "Sandbox bank",
        f"<p class=lead>Debits settle by themselves after {book.settle_after:g} seconds. No money moves here."
        ' <a href="/cards/">Card payments</a></p>'
        f"{debits}<section><h2>Failures</h2><ul class=switches>{switches}</ul></section>"
        "<section><h2>Test numbers</h2><p class=lead>An account number that ends in one of these always behaves so:</p>"
        f"<table><caption class=hidden>Test numbers</caption><tbody>{numbers}"
        "<tr><th scope=row>any other</th><td>settles</td></tr></tbody></table></section>",
    )


def debit_page(debit: Debit) -> str:
    """One debit, its history, and what may be done to it now."""
    facts = "".join(
        f"<dt>{escape(label)}</dt><dd>{escape(value)}</dd>"
        for label, value in (
            ("Amount", f"{debit.amount} {debit.currency}"),
            ("State", _state_words(debit)),
            ("Payment", debit.number),
            ("Client", debit.client),
            ("From", f"{debit.holder}, {debit.bank_code} ····{debit.last_four}"),
            ("Scheme", debit.scheme.upper()),
            ("Collect on", debit.collect_on),
            ("Key", debit.key),
        )
    )
    steps = "".join(f"<li>{moment_text(when)} {escape(_STATES[state])}</li>" for when, state in debit.history)
    buttons = ""
    if debit.state == "accepted":
        buttons += _button(debit, "settle", "Settle now") + _button(debit, "decline", "Decline")
    if debit.state in {"accepted", "settled"}:
        buttons += "".join(
            _button(debit, "return", f"Return with {return_code(debit.scheme, why)}, {why}", why)
            for why in RETURN_CODES
        )
    return frame(
        f"Debit {debit.reference}",
        '<p><a href="/">All debits</a></p>'
        f"<dl>{facts}</dl><div class=buttons>{buttons}</div><h2>History</h2><ol>{steps}</ol>",
    )


def error_page(words: str) -> str:
    """A page for what cannot be done."""
    return frame("Not possible", f'<p>{escape(words)}</p><p><a href="/">All debits</a></p>')


def _row(debit: Debit) -> str:
    return (
        f'<tr><th scope=row><a href="/debits/{escape(debit.key)}">{escape(debit.reference)}</a></th>'
        f"<td>{escape(debit.number)}</td><td>{escape(debit.holder)} ····{escape(debit.last_four)}</td>"
        f"<td class=amount>{escape(debit.amount)} {escape(debit.currency)}</td><td>{moment_text(debit.taken_at)}</td>"
        f'<td><span class="state {escape(debit.state)}">{escape(_state_words(debit))}</span></td></tr>'
    )


def _state_words(debit: Debit) -> str:
    return _STATES[debit.state] + (f", {debit.code} {debit.reason}" if debit.code else "")


def _button(debit: Debit, act: str, label: str, why: str = "") -> str:
    return (
        f'<form method="post" action="/debits/{escape(debit.key)}/{act}">'
        f'<input type="hidden" name="why" value="{escape(why)}"><button>{escape(label)}</button></form>'
    )


def moment_text(seconds: float) -> str:
    """A moment as the bank's pages write it."""
    return datetime.fromtimestamp(seconds, tz=UTC).strftime("%d %b %Y, %H:%M:%S UTC")


def frame(title: str, content: str, *, home: str = "Sandbox bank", head: str = "") -> str:
    """A whole page: `content` and `head` are markup, `title` and `home` are text."""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)} - {escape(home)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">{head}'
        '<link rel="stylesheet" href="/style.css"></head><body><header>'
        f'<a href="/">{escape(home)}</a></header>'
        f"<main><h1>{escape(title)}</h1>{content}</main></body></html>"
    )
