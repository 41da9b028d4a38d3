"""Floor-planned units: requested, approved, funded, sold."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.actions.numbers import next_number
from accounts.audit import record as record_act
from accounts.models import Lender, NumberSequence, User
from accounts.tenancy import current_lender_id
from finance import vin as vehicle_numbers
from finance.actions.posting import Posting, post
from finance.actions.refusals import RefusedError
from finance.actions.room import check_room, locked_line, terms_or_refusal
from finance.actions.titles import await_title
from finance.calendars import calendar_named
from finance.curtailment import FullPayoffAtAge, Programme, SameDay, schedule
from finance.interest import Event
from finance.models import Account, AccountPosition, CreditLine, DueItem, JournalEntry, LineTerms, Unit
from finance.money import is_whole
from finance.queries.availability import terms_on
from finance.queries.cards import Card, Item, know_days, load_cards, next_payment_day
from finance.queries.programmes import due_rule_of, programme_of
from finance.queries.reckoning import record, spread


@transaction.atomic
def request_advance(
    *,
    line: CreditLine,
    vin: str,
    model_year: int,
    make: str,
    model: str,
    advance_amount: Decimal,
    requested_at: datetime,
    cost: Decimal | None = None,
    stock_number: str = "",
    colour: str = "",
    condition: str = Unit.Condition.USED,
    actor: User | None,
) -> Unit:
    """Ask for an advance on a vehicle; nothing is owed until it is funded."""
    number = vehicle_numbers.normalise_vin(vin)
    if vehicle_numbers.vin_problem(number) is not None:
        raise RefusedError(_("%(vin)s is not a valid VIN: check its 17 characters.") % {"vin": vin})
    if line.state != CreditLine.State.OPEN or line.kind != CreditLine.Kind.FLOOR_PLAN:
        raise RefusedError(_("Line %(line)s takes no advances.") % {"line": line.number})
    if advance_amount <= 0 or not is_whole(advance_amount, line.currency):
        raise RefusedError(_("The advance must be a positive amount in whole cents."))
    asked_on = _local_date(requested_at)
    terms = terms_or_refusal(line, asked_on)
    if cost is not None and advance_amount > terms.advance_rate * cost:
        raise RefusedError(_("The advance is more than the line lends on this cost."))
    try:
        with transaction.atomic():
            account = Account.objects.create(
                dealership_id=line.dealership_id,
                line=line,
                rate_plan_id=terms.rate_plan_id,
                kind=Account.Kind.UNIT,
                number=next_number(NumberSequence.Kind.UNIT, prefix="U"),
                title=f"{model_year} {make} {model}"[:120],
                currency=line.currency,
            )
            unit = Unit.objects.create(
                account=account,
                dealership_id=line.dealership_id,
                vin=number,
                stock_number=stock_number,
                model_year=model_year,
                make=make,
                model=model,
                colour=colour,
                condition=condition,
                cost=cost,
                advance_amount=advance_amount,
                requested_at=requested_at,
            )
    except IntegrityError as error:
        raise RefusedError(_("VIN %(vin)s is on a line already.") % {"vin": number}) from error
    AccountPosition.objects.create(account=account, dealership_id=line.dealership_id)
    _note("unit.requested", unit, actor, amount=str(advance_amount))
    return unit


@transaction.atomic
def approve_advance(*, unit: Unit, approved_at: datetime, reason: str = "", actor: User | None) -> Unit:
    """Promise the advance; it takes room on the line from now on. Above a soft limit a reason is needed."""
    line = _line_of(unit)
    locked = _locked(unit, Unit.State.REQUESTED, _("Only a requested advance can be approved."))
    check_room(line, locked.advance_amount, reason, on=_local_date(approved_at))
    locked.state = Unit.State.APPROVED
    locked.approved_at = approved_at
    locked.save(update_fields=["state", "approved_at"])
    _note("unit.approved", locked, actor, reason=reason)
    return locked


@transaction.atomic
def refuse_advance(*, unit: Unit, reason: str, actor: User | None) -> Unit:
    """Refuse a requested or approved advance, with a reason the dealer is told."""
    if not reason.strip():
        raise RefusedError(_("Say why the advance is refused."))
    locked = Unit.objects.select_for_update(of=("self",)).select_related("account").get(pk=unit.pk)
    if locked.state not in {Unit.State.REQUESTED, Unit.State.APPROVED}:
        raise RefusedError(_("Only an advance that is not yet funded can be refused."))
    locked.state = Unit.State.REFUSED
    locked.save(update_fields=["state"])
    locked.account.state = Account.State.CANCELLED
    locked.account.save(update_fields=["state"])
    _note("unit.refused", locked, actor, reason=reason)
    return locked


@transaction.atomic
def fund_advance(
    *,
    unit: Unit,
    funded_on: date,
    business_date: date,
    interest_from: date | None = None,
    wholesale_value: Decimal | None = None,
    reason: str = "",
    actor: User | None,
) -> JournalEntry:
    """Pay out an approved advance: principal and document fee are owed, curtailments and maturity get their dates.

    Interest runs from `interest_from`, before the money left or after free days, or else from `funded_on`. Above a hard
    limit it is refused; above a soft one it needs a reason.
    """
    line = _line_of(unit)
    locked = _locked(unit, Unit.State.APPROVED, _("Only an approved advance can be funded."))
    terms = terms_or_refusal(line, funded_on)
    check_room(line, locked.advance_amount, reason, on=business_date, held=locked.advance_amount)
    first_day = interest_from or funded_on
    account = locked.account
    account.state = Account.State.OPEN
    account.opened_on = first_day
    account.rate_plan_id = terms.rate_plan_id
    account.save(update_fields=["state", "opened_on", "rate_plan_id"])
    card = load_cards([account.pk], funded_on, lock=True).by_account[account.pk]
    know_days(card, [first_day])
    _plan_curtailments(card, locked, terms, funded_on, wholesale_value)
    counts_from = min(first_day, funded_on)
    events = [Event.advance(1, counts_from, locked.advance_amount)]
    if terms.document_fee:
        events.append(Event.fee_assessed(2, funded_on, terms.document_fee))
        fee = Item(None, DueItem.Kind.FEE, 2, next_payment_day(card, funded_on), billed_on=funded_on)
        fee.fees, fee.rule = terms.document_fee, "Document fee"
        card.items.append(fee)
    record(card, events)
    spread(card, posted_on=business_date)
    posted = post(
        Posting(
            source="advance",
            key=str(account.public_id),
            business_date=business_date,
            effective_on=counts_from,
            description=f"Advance {account.number} {account.title}",
            actor=actor,
            dealership_id=account.dealership_id,
            cards=(card,),
        )
    )
    locked.state = Unit.State.FUNDED
    locked.funded_on = funded_on
    whole = [item.due_on for item in card.items if item.kind == DueItem.Kind.MATURITY]
    locked.maturity_on = max(whole, default=None)
    locked.save(update_fields=["state", "funded_on", "maturity_on"])
    await_title(locked, since=funded_on)
    _note("unit.funded", locked, actor, reason=reason, amount=str(locked.advance_amount))
    return posted.entry


@transaction.atomic
def report_unit_sold(
    *, unit: Unit, sold_at: datetime, reported_on: date, business_date: date | None = None, actor: User | None
) -> DueItem:
    """Report a sale: the payoff clock starts, and what was to fall due later is due with the payoff.

    The clock's hours come from the line's terms on the day of the sale; `sold_at` is aware.
    """
    # The position before the unit, as a payoff takes them: the two never wait for each other in a ring.
    load_cards([unit.pk], reported_on, lock=True)
    locked = _locked(unit, Unit.State.FUNDED, _("Only a unit that is floored can be reported as sold."))
    account = locked.account
    sold_on = _local_date(sold_at)
    if locked.funded_on is not None and sold_on < locked.funded_on:
        raise RefusedError(_("The sale cannot lie before the day on which the unit was floored."))
    if sold_on > reported_on:
        raise RefusedError(_("The sale cannot lie in the future."))
    terms = terms_on(account.line_id, max(sold_on, locked.funded_on or sold_on))
    due_at = sold_at + timedelta(hours=terms.payoff_hours_after_sale)
    due_on = _local_date(due_at)
    later = [
        item
        for item in DueItem.objects.filter(account_id=account.pk, due_on__gt=due_on)
        if item.principal > 0 and item.kind in {DueItem.Kind.CURTAILMENT, DueItem.Kind.MATURITY}
    ]
    payoff = DueItem(
        dealership_id=account.dealership_id,
        account_id=account.pk,
        kind=DueItem.Kind.PAYOFF,
        number=DueItem.objects.filter(account_id=account.pk, kind=DueItem.Kind.PAYOFF).count() + 1,
        billed_on=business_date or reported_on,
        due_on=due_on,
        principal=sum((item.principal for item in later), Decimal(0)),
        outstanding_principal=sum((item.outstanding_principal for item in later), Decimal(0)),
        rule=f"Payoff within {terms.payoff_hours_after_sale} hours of the sale on {sold_on:%Y-%m-%d}",
    )
    payoff.save()
    for item in later:
        item.principal = item.outstanding_principal = Decimal(0)
    DueItem.objects.bulk_update(later, ["principal", "outstanding_principal"])
    _add_unscheduled(locked, payoff)
    locked.state = Unit.State.SOLD
    locked.sold_on = sold_on
    locked.payoff_due_at = due_at
    locked.save(update_fields=["state", "sold_on", "payoff_due_at"])
    _note("unit.sold", locked, actor, sold_on=sold_on.isoformat(), payoff_due_at=due_at.isoformat())
    return payoff


def _add_unscheduled(unit: Unit, payoff: DueItem) -> None:
    """Principal that no due item held, since the programme stops before everything is paid, is due with the payoff."""
    position = AccountPosition.objects.get(account_id=unit.pk)
    items = list(DueItem.objects.filter(account_id=unit.pk))
    rest = position.principal - sum((item.outstanding_principal for item in items), Decimal(0))
    if rest > 0:
        payoff.principal += rest
        payoff.outstanding_principal += rest
        payoff.save(update_fields=["principal", "outstanding_principal"])


def _plan_curtailments(
    card: Card, unit: Unit, terms: LineTerms, funded_on: date, wholesale_value: Decimal | None
) -> None:
    """The required payments of the unit, as due items."""
    lender = Lender.objects.get(pk=current_lender_id())
    maturity = FullPayoffAtAge(days=terms.term_days) if terms.term_days else None
    programme = terms.programme
    shape = programme.shape if programme else {}
    curtailments: Programme | None = programme_of(shape) if programme else maturity
    if curtailments is None:
        return
    rows = schedule(
        curtailments,
        principal=unit.advance_amount,
        funded_on=funded_on,
        currency=card.currency,
        wholesale_value=wholesale_value,
        calendar=calendar_named(lender.calendar),
        due_rule=due_rule_of(shape) if programme else SameDay(),
        grace_days=programme.grace_days if programme else 0,
        maturity=maturity,
    )
    for row in rows:
        whole = row.fraction is None
        item = Item(
            None,
            DueItem.Kind.MATURITY if whole else DueItem.Kind.CURTAILMENT,
            row.number,
            row.due_on,
            principal=row.amount,
            open_principal=row.amount,
            grace_until=row.grace_until,
            rule=row.rule[0].upper() + row.rule[1:],
        )
        card.items.append(item)
        card.scheduled += row.amount


def _line_of(unit: Unit) -> CreditLine:
    return locked_line(Account.objects.values_list("line_id", flat=True).get(pk=unit.pk))


def _locked(unit: Unit, state: str, otherwise: str) -> Unit:
    locked = Unit.objects.select_for_update(of=("self",)).select_related("account").get(pk=unit.pk)
    if locked.state != state:
        raise RefusedError(otherwise)
    return locked


def _local_date(moment: datetime) -> date:
    return Lender.objects.get(pk=current_lender_id()).business_date(moment)


def _note(code: str, unit: Unit, actor: User | None, *, reason: str = "", **details: str) -> None:
    record_act(
        code,
        actor=actor,
        subject=f"{unit.account.number} {unit.vin}",
        dealership=unit.dealership_id,
        reason=reason,
        details=details,
    )
