"""What a set of choices comes to: the page before paying, and the action that pays, read the same plan."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from accounts.models import Lender
from finance.formatting import format_money
from finance.models import Account
from finance.money import is_whole
from payments.queries.choices import Choice, Purpose
from payments.queries.identities import identity_of
from payments.queries.owing import Owing, Portions, owing_on

ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class PlannedShare:
    """What goes to one account, and what it pays there."""

    owing: Owing
    purpose: Purpose
    split: Portions

    @property
    def account(self) -> Account:
        """The unit or loan."""
        return self.owing.account

    @property
    def purpose_words(self) -> Promise:
        """The purpose in words."""
        return self.purpose.label

    @property
    def identity(self) -> str:
        """What the dealer calls the account beside its title."""
        return identity_of(self.account)

    @property
    def amount(self) -> Decimal:
        """The whole share."""
        return self.split.total

    @property
    def left(self) -> Decimal:
        """What would still be owed on the value date after this share and all that is on its way."""
        return self.owing.payoff.total - self.amount


@dataclass(frozen=True, slots=True)
class ChoiceProblem:
    """Why one choice cannot be paid; `account` is None where the account is not this dealership's."""

    account: UUID | None
    code: str
    message: str
    payment_public_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class PaymentPlan:
    """The shares of a payment, or what is wrong with the choices."""

    shares: tuple[PlannedShare, ...]
    problems: tuple[ChoiceProblem, ...]

    @property
    def total(self) -> Decimal:
        """The amount of the whole payment."""
        return sum((share.amount for share in self.shares), ZERO)

    @property
    def split(self) -> Portions:
        """The whole payment by what it pays."""
        return Portions(
            principal=sum((share.split.principal for share in self.shares), ZERO),
            interest=sum((share.split.interest for share in self.shares), ZERO),
            fees=sum((share.split.fees for share in self.shares), ZERO),
        )


def plan_payment(
    *, lender: Lender, dealership_id: int, choices: Sequence[Choice], value_date: date, business_date: date
) -> PaymentPlan:
    """What the choices come to on that value date, what is on its way taken into account.

    A problem is said in words for each choice that cannot be paid; nothing is rounded, cut down or left out silently.
    """
    wanted = {choice.account: choice for choice in choices}
    problems = []
    if not choices:
        problems.append(ChoiceProblem(None, "nothing", _("Choose at least one unit or loan to pay.")))
    elif len(wanted) < len(choices):
        problems.append(ChoiceProblem(None, "twice", _("One unit or loan was chosen twice. Choose again.")))
    accounts = {
        account.public_id: account
        for account in Account.objects.filter(
            dealership_id=dealership_id, public_id__in=wanted
        ).select_related("line", "rate_plan", "unit")
    }
    open_accounts = [account for account in accounts.values() if account.state == Account.State.OPEN]
    owing = owing_on(open_accounts, value_date, business_date=business_date)
    shares = []
    for public_id, choice in wanted.items():
        account = accounts.get(public_id)
        if account is None:
            message = _("One of the units or loans you chose is not on this account. Choose again.")
            problems.append(ChoiceProblem(None, "unknown", message))
            continue
        one = owing.get(account.pk)
        problem = _problem_of(choice, account, one, lender)
        if problem is not None or one is None:
            problems.append(problem or _nothing_owed(account))
        else:
            shares.append(_planned(choice, one))
    return PaymentPlan(shares=tuple(shares), problems=tuple(problems))


def _planned(choice: Choice, one: Owing) -> PlannedShare:
    amount = choice.amount if choice.purpose == Purpose.AMOUNT else one.payable_due
    if choice.purpose == Purpose.PAYOFF or amount is None or amount >= one.payoff.total:
        # All that is owed closes the account, whichever way it was chosen.
        return PlannedShare(one, Purpose.PAYOFF, one.payoff)
    split = one.split_of(amount, "due" if choice.purpose == Purpose.DUE else "amount")
    return PlannedShare(one, choice.purpose, Portions(split.principal, split.interest, split.fees))


def _problem_of(choice: Choice, account: Account, one: Owing | None, lender: Lender) -> ChoiceProblem | None:
    if one is None or (one.payoff.total <= ZERO and not one.pending.shares):
        return _nothing_owed(account)
    words = {"title": account.title}
    if one.pending.shares:
        words["number"] = one.pending.shares[-1].payment_number
        words["pending"] = format_money(one.pending.amount, account.currency, lender.locale)
    standing = one.pending.shares[-1].payment_public_id if one.pending.shares else None

    def problem(code: str, message: str) -> ChoiceProblem:
        return ChoiceProblem(account.public_id, code, message % words, standing)

    if one.payoff.total <= ZERO:
        return problem("on_its_way", _("%(title)s is already being paid: payment %(number)s is on its way."))
    if choice.purpose == Purpose.AMOUNT:
        words["most"] = format_money(one.payoff.total, account.currency, lender.locale)
        wrong = _wrong_amount(choice.amount, one)
        return problem(*wrong) if wrong else None
    if choice.purpose == Purpose.DUE and one.payable_due <= ZERO:
        if standing:
            return problem(
                "on_its_way", _("What is due on %(title)s is already being paid by payment %(number)s.")
            )
        return problem("not_due", _("Nothing is due on %(title)s. Pay it off, or enter an amount."))
    return None


def _wrong_amount(amount: Decimal | None, one: Owing) -> tuple[str, str] | None:
    """Why a typed amount cannot be paid: a code, and a sentence with places for words."""
    if amount is None:
        return "no_amount", _("Enter the amount to pay on %(title)s.")
    if not amount.is_finite() or amount <= 0 or not is_whole(amount, one.account.currency):
        return "bad_amount", _("Enter an amount above zero, in whole cents, to pay on %(title)s.")
    if amount > one.payoff.total:
        if one.pending.shares:
            return "too_much", _(
                "You can pay at most %(most)s on %(title)s, which pays it off; %(pending)s is already on its way."
            )
        return "too_much", _("You can pay at most %(most)s on %(title)s, which pays it off.")
    return None


def _nothing_owed(account: Account) -> ChoiceProblem:
    return ChoiceProblem(
        account.public_id, "nothing_owed", _("Nothing is owed on %(title)s.") % {"title": account.title}
    )
