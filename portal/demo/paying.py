"""Payments of the demo's history, entered as already settled, and a few that are still on their way."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from uuid import NAMESPACE_URL, uuid5

from django.db import connection
from django.utils import timezone

from accounts.actions.numbers import next_number
from accounts.models import Dealership, Lender, Membership, NumberSequence, OutgoingMessage, User
from finance.actions.receipts import Share, post_payment, reverse_payment
from finance.models import Account
from payments.actions.methods import allow_cards, register_method
from payments.actions.steps import order_receipt
from payments.actions.submit import submit_payment
from payments.models import Payment, PaymentMethod, PaymentShare
from payments.queries.choices import Choice
from payments.queries.offered import BANK_DEBIT, SCHEMES
from payments.queries.plans import plan_payment
from payments.queries.return_reasons import return_reason
from payments.queries.timing import timing_of

# Invented account numbers in the shape of each scheme; bank codes with right check digits.
_ACCOUNTS = {
    "USD": (PaymentMethod.Kind.ACH_DEBIT, "102000021", "48{:06d}71"),
    "EUR": (PaymentMethod.Kind.SEPA_DEBIT, "", "FR1420041010050500013M02606"),
    "GBP": (PaymentMethod.Kind.BACS_DEBIT, "20-00-00", "5577{:04d}"),
}
_TAKES_CARDS = {"albion"}
_RECEIPTS_DAYS = 60


class Payer:
    """Pays for the dealerships of one lender, day by day."""

    def __init__(self, lender: Lender, *, finance: User) -> None:
        self.lender = lender
        self.finance = finance
        self.today = lender.business_date(timezone.now())
        self.methods: dict[int, PaymentMethod] = {}
        owners = Membership.objects.filter(role=Membership.Role.OWNER).select_related("user").order_by("pk")
        self.owners: dict[int, User] = {}
        for membership in owners:
            self.owners.setdefault(membership.dealership_id, membership.user)

    def method_of(self, site: Dealership) -> PaymentMethod:
        """The bank account of a dealership, registered on first use."""
        if site.pk not in self.methods:
            kind, bank_code, number = _ACCOUNTS[self.lender.currency]
            self.methods[site.pk] = register_method(
                dealership=site,
                kind=kind,
                label="Operating account",
                holder=site.name,
                bank_code=bank_code,
                account_number=number.format(int(site.number[-4:])),
                actor=self.finance,
                mandate_reference=f"M-{site.number}",
                mandate_signed_on=self.today - timedelta(days=400),
            )
            if self.lender.slug in _TAKES_CARDS:
                allow_cards(dealership=site, actor=self.finance)
        return self.methods[site.pk]

    def pay(self, site: Dealership, shares: Sequence[Share], day: date) -> Payment:
        """A payment that was submitted on `day`, counted on it and settled on the next."""
        total = sum((share.amount for share in shares), Decimal("0.00"))
        submitted = datetime.combine(day, time(11, 20), tzinfo=self.lender.zone)
        settled = submitted + timedelta(hours=22)
        number = next_number(NumberSequence.Kind.PAYMENT, prefix="P")
        maker = self.owners.get(site.pk, self.finance)
        posted = post_payment(
            key=number,
            shares=shares,
            value_date=day,
            business_date=day,
            description=f"Payment {number}",
            actor=maker,
        )
        payment = Payment.objects.create(
            token=uuid5(NAMESPACE_URL, f"{self.lender.slug}:{number}"),
            number=number,
            dealership=site,
            method=self.method_of(site),
            currency=self.lender.currency,
            amount=total,
            state=Payment.State.SETTLED,
            value_date=day,
            expected_on=settled.date(),
            made_by=maker,
            made_by_name=maker.get_full_name(),
            submitted_at=submitted,
            settled_at=min(settled, timezone.now()),
            gateway=BANK_DEBIT,
            gateway_reference=f"SB-{number}",
            next_step_at=settled,
            entry=posted.entry,
        )
        PaymentShare.objects.bulk_create(
            PaymentShare(
                payment=payment,
                dealership=site,
                account_id=share.account_id,
                purpose=share.purpose,
                amount=share.amount,
                principal=posted.splits[share.account_id].principal,
                interest=posted.splits[share.account_id].interest,
                fees=posted.splits[share.account_id].fees,
            )
            for share in shares
        )
        self._write_steps(
            payment, [("submitted", submitted), ("processing", submitted), ("settled", settled)]
        )
        self._note_receipt(payment, maker)
        if site.pk in self.owners and day > self.today - timedelta(days=_RECEIPTS_DAYS):
            order_receipt(payment, now=timezone.now())
        return payment

    def _write_steps(self, payment: Payment, steps: list[tuple[str, datetime]]) -> None:
        # The times belong to the past, which the model's own column would not take.
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO payments_paymentstep (lender_id, payment_id, dealership_id, state, recorded_at, note) "
                "VALUES (%s, %s, %s, %s, %s, '')",
                [
                    (self.lender.pk, payment.pk, payment.dealership_id, state, moment)
                    for state, moment in steps
                ],
            )

    def _note_receipt(self, payment: Payment, maker: User) -> None:
        """The mail that went out at the time."""
        OutgoingMessage.objects.create(
            key=f"payment-receipt:{payment.number}",
            template="payment-receipt",
            recipient=maker.email,
            user=maker,
            dealership_id=payment.dealership_id,
            state=OutgoingMessage.State.SENT,
            attempts=1,
            next_attempt_at=payment.submitted_at,
            sent_at=payment.submitted_at,
        )

    def return_last(self, site: Dealership) -> Payment | None:
        """Let the dealership's newest payment come back for want of funds."""
        payment = Payment.objects.filter(dealership=site, state=Payment.State.SETTLED).order_by("-pk").first()
        if payment is None or payment.entry is None:
            return None
        code = {"USD": "R01", "EUR": "AM04", "GBP": "0"}[self.lender.currency]
        words = str(return_reason(SCHEMES[PaymentMethod.Kind(payment.method.kind)], code).words)
        payment.return_entry = reverse_payment(
            entry=payment.entry,
            business_date=self.today,
            reason=words,
            actor=None,
            fee=Decimal("35.00"),
        )
        payment.state = Payment.State.RETURNED
        payment.returned_at = timezone.now()
        payment.return_code = code
        payment.return_reason = words
        payment.save()
        self._write_steps(payment, [("returned", timezone.now())])
        return payment

    def leave_some_open(self, site: Dealership, *, now: datetime) -> None:
        """Submit one payment that the demo's worker will take to the sandbox bank."""
        maker = self.owners.get(site.pk)
        account = (
            Account.objects.filter(dealership=site, state=Account.State.OPEN)
            .order_by("opened_on", "pk")
            .first()
        )
        if maker is None or account is None:
            return
        timing = timing_of(self.lender, self.method_of(site).kind, now)
        choices = [Choice(account.public_id, PaymentShare.Purpose.AMOUNT, Decimal("1500.00"))]
        plan = plan_payment(
            lender=self.lender,
            dealership_id=site.pk,
            choices=choices,
            value_date=timing.value_date,
            business_date=timing.today,
        )
        if plan.problems:
            return
        submit_payment(
            token=uuid5(NAMESPACE_URL, f"{self.lender.slug}:open:{site.number}:{now.date()}"),
            dealership=site,
            method=self.method_of(site),
            choices=choices,
            shown_amounts={share.account.public_id: share.amount for share in plan.shares},
            shown_value_date=timing.value_date,
            actor=maker,
            now=now,
        )
