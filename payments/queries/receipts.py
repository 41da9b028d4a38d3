"""Everything that stands on a receipt, for the page, its print view and the PDF alike."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Sum
from django.utils.functional import Promise

from accounts.models import Dealership, Lender
from finance.models import Account, AccountEvent, LineTerms
from payments.models import Payment, PaymentReceipt, PaymentShare, PaymentStep
from payments.queries.debits import page_closes_at
from payments.queries.identities import identity_of
from payments.queries.offered import CARD_PAGE, SCHEMES
from payments.queries.owing import Portions
from payments.queries.pending import PENDING_STATES
from payments.queries.return_reasons import ReturnReason, return_reason

ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class ReceiptLine:
    """What of the payment goes to one account. `credit` is what the payment brought beyond all that was owed."""

    account: Account
    purpose: str
    amount: Decimal
    split: Portions
    credit: Decimal

    @property
    def identity(self) -> str:
        """What the dealer calls the account beside its title."""
        return identity_of(self.account)

    @property
    def purpose_words(self) -> str | Promise:
        """The purpose in words."""
        return PaymentShare.Purpose(self.purpose).label


@dataclass(frozen=True, slots=True)
class ReceiptStep:
    """One step of the payment's life."""

    state: str
    recorded_at: datetime
    note: str


@dataclass(frozen=True, slots=True)
class CreditEffect:
    """What the payment does to the free credit of one line, and when: at once, or when it has settled."""

    line_number: str
    line_name: str
    amount: Decimal
    at_once: bool


@dataclass(frozen=True, slots=True)
class ReceiptPage:
    """A payment as its receipt shows it, in `state`."""

    payment: Payment
    lender: Lender
    dealership: Dealership
    state: str
    lines: tuple[ReceiptLine, ...]
    steps: tuple[ReceiptStep, ...]
    credit_effects: tuple[CreditEffect, ...]
    reason: ReturnReason | None
    fee: Decimal
    entry_id: int | None
    return_entry_id: int | None

    @property
    def split(self) -> Portions:
        """The whole payment by what it pays."""
        return Portions(
            principal=sum((line.split.principal for line in self.lines), ZERO),
            interest=sum((line.split.interest for line in self.lines), ZERO),
            fees=sum((line.split.fees for line in self.lines), ZERO),
        )

    @property
    def credit(self) -> Decimal:
        """What the payment brought beyond all that was owed."""
        return sum((line.credit for line in self.lines), ZERO)

    @property
    def is_open(self) -> bool:
        """Whether the money is still on its way."""
        return self.state in PENDING_STATES

    @property
    def by_card(self) -> bool:
        """Whether it is paid on the card processor's page."""
        return self.payment.gateway == CARD_PAGE

    @property
    def card_closes_at(self) -> datetime | None:
        """Until when the card can be entered."""
        return page_closes_at(self.payment)

    @property
    def is_posted(self) -> bool:
        """Whether the payment stands in the books."""
        return self.entry_id is not None


def receipt_page(payment: Payment, *, as_of_state: str | None = None) -> ReceiptPage:
    """The receipt of `payment`, as it is now or as it was when it reached `as_of_state`. Seven queries at most.

    Before it is posted the split is the one that was checked and submitted; afterwards it is what the books hold.
    """
    known = Payment.objects.select_related("lender", "dealership", "method").get(pk=payment.pk)
    steps = [
        ReceiptStep(step.state, step.recorded_at, step.note)
        for step in PaymentStep.objects.filter(payment=known)
    ]
    state = as_of_state or known.state
    if as_of_state is not None:
        reached = next(
            (place for place, step in enumerate(steps) if step.state == as_of_state), len(steps) - 1
        )
        steps = steps[: reached + 1]
    is_posted = state in {Payment.State.SETTLED, Payment.State.RETURNED} and known.entry_id is not None
    is_returned = state in {Payment.State.DECLINED, Payment.State.RETURNED}
    shares = list(
        PaymentShare.objects.filter(payment=known)
        .select_related("account", "account__line", "account__unit")
        .order_by("pk")
    )
    posted = _posted(known.entry_id) if is_posted else {}
    return ReceiptPage(
        payment=known,
        lender=known.lender,
        dealership=known.dealership,
        state=state,
        lines=tuple(_line(share, posted) for share in shares),
        steps=tuple(steps),
        credit_effects=_credit_effects(known, shares),
        reason=return_reason(SCHEMES[known.method.kind], known.return_code) if is_returned else None,
        fee=_return_fee(known) if state == Payment.State.RETURNED else ZERO,
        entry_id=known.entry_id if is_posted else None,
        return_entry_id=known.return_entry_id if state == Payment.State.RETURNED else None,
    )


def _return_fee(payment: Payment) -> Decimal:
    """The fee that was charged for the return, by the books; zero where none was."""
    # The keys under which a return charges it: with the reversal of a posting, or alone.
    keys = [f"returned:{payment.number}", f"return:{payment.entry_id}"]
    charged: Decimal | None = AccountEvent.objects.filter(
        entry__source="fee", entry__key__in=keys, account__dealership=payment.dealership_id
    ).aggregate(fee=Sum("fees"))["fee"]
    return charged or ZERO


def newest_receipt(payment: Payment) -> PaymentReceipt | None:
    """The last receipt that was ordered for the payment, whether printed yet or not."""
    return PaymentReceipt.objects.filter(payment=payment).order_by("-pk").first()


def _posted(entry_id: int | None) -> dict[int, tuple[Portions, Decimal]]:
    """What the entry's events took off each account, by portion, and what became credit."""
    rows = (
        AccountEvent.objects.filter(entry_id=entry_id)
        .values("account_id")
        .annotate(
            principal_sum=Sum("principal"),
            interest_sum=Sum("interest"),
            fees_sum=Sum("fees"),
            credit_sum=Sum("credit"),
        )
    )
    return {
        row["account_id"]: (
            Portions(principal=-row["principal_sum"], interest=-row["interest_sum"], fees=-row["fees_sum"]),
            row["credit_sum"],
        )
        for row in rows
    }


def _line(share: PaymentShare, posted: dict[int, tuple[Portions, Decimal]]) -> ReceiptLine:
    planned = Portions(principal=share.principal, interest=share.interest, fees=share.fees)
    split, credit = posted.get(share.account_id, (planned, ZERO))
    return ReceiptLine(share.account, share.purpose, share.amount, split, credit)


def _credit_effects(payment: Payment, shares: list[PaymentShare]) -> tuple[CreditEffect, ...]:
    """Principal frees credit on revolving lines; the line's terms of the day of submission say when."""
    freed: dict[int, Decimal] = {}
    lines = {}
    for share in shares:
        line = share.account.line
        if line.kind == line.Kind.FLOOR_PLAN and share.principal:
            lines[line.pk] = line
            freed[line.pk] = freed.get(line.pk, ZERO) + share.principal
    is_unpaid_card = payment.gateway == CARD_PAGE and payment.state == Payment.State.SUBMITTED
    submitted_on = payment.lender.business_date(payment.submitted_at)
    at_once = releases_at_submission(list(lines), submitted_on) if lines and not is_unpaid_card else set()
    return tuple(
        CreditEffect(line.number, line.name, freed[line.pk], line.pk in at_once) for line in lines.values()
    )


def releases_at_submission(line_ids: list[int], day: date) -> set[int]:
    """The lines whose credit is free again as soon as a payment is submitted. One query."""
    found = {}
    rows = LineTerms.objects.filter(line_id__in=line_ids, effective_from__lte=day).order_by("effective_from")
    for terms in rows:
        found[terms.line_id] = terms.releases_credit_at
    return {line_id for line_id, rule in found.items() if rule == "submission"}
