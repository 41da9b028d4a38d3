"""Registering the bank accounts from which a dealership pays, and whether it may pay by card."""

import re
from datetime import date

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _
from stdnum import bic, iban
from stdnum.us import rtn

from accounts import audit
from accounts.encryption import encrypt
from accounts.models import Dealership, User
from payments.models import PaymentMethod

_BY_MANDATE = frozenset({PaymentMethod.Kind.SEPA_DEBIT, PaymentMethod.Kind.BACS_DEBIT})
_NOT_PART_OF_IT = re.compile(r"[\s.\-/]")


def checked_bank_account(kind: str, bank_code: str, account_number: str) -> tuple[str, str]:
    """The bank code and account number as banks write them; ValidationError by field when they cannot be right.

    ACH: a routing number with its check digit and 4 to 17 digits. SEPA: an IBAN with its check digits, the BIC may be
    left out. Bacs: a sort code of six digits and an account number of six to eight, filled to eight with zeros.
    """
    code = _NOT_PART_OF_IT.sub("", bank_code).upper()
    number = _NOT_PART_OF_IT.sub("", account_number).upper()
    if kind == PaymentMethod.Kind.ACH_DEBIT:
        if not (code.isascii() and rtn.is_valid(code)):
            raise _wrong(
                "bank_code", _("This is no routing number. It has nine digits; look at the foot of a check.")
            )
        if not re.fullmatch(r"[0-9]{4,17}", number):
            raise _wrong("account_number", _("Enter the account number, 4 to 17 digits."))
    elif kind == PaymentMethod.Kind.SEPA_DEBIT:
        if code and not bic.is_valid(code):
            raise _wrong(
                "bank_code", _("This is no BIC. It has 8 or 11 letters and digits; it may be left out.")
            )
        if not (number.isascii() and iban.is_valid(number)):
            raise _wrong(
                "account_number", _("This is no IBAN. Check it for a mistyped or missing character.")
            )
    elif kind == PaymentMethod.Kind.BACS_DEBIT:
        if not re.fullmatch(r"[0-9]{6}", code):
            raise _wrong("bank_code", _("Enter the sort code, six digits like 12-34-56."))
        if not re.fullmatch(r"[0-9]{6,8}", number):
            raise _wrong("account_number", _("Enter the account number, six to eight digits."))
        number = number.zfill(8)
    else:
        raise _wrong("kind", _("This kind of account cannot be registered here."))
    return code, number


@transaction.atomic
def register_method(
    *,
    dealership: Dealership,
    kind: str,
    label: str,
    holder: str,
    bank_code: str,
    account_number: str,
    actor: User | None,
    mandate_reference: str = "",
    mandate_signed_on: date | None = None,
) -> PaymentMethod:
    """Let `dealership` pay from a bank account; the number is stored encrypted, people see its last four characters.

    Raises ValidationError by field. Staff scope: dealers do not add accounts by themselves. SEPA and Bacs allow no
    debit without the payer's signed mandate, so an account is not registered without it.
    """
    code, number = checked_bank_account(kind, bank_code, account_number)
    if kind in _BY_MANDATE and not (mandate_reference and mandate_signed_on):
        raise _wrong(
            "mandate_reference",
            _("A debit of this kind needs a mandate. Enter its reference and the day it was signed."),
        )
    method = PaymentMethod.objects.create(
        dealership=dealership,
        kind=kind,
        label=label,
        holder=holder,
        bank_code=code,
        encrypted_number=encrypt(number.encode()),
        last_four=number[-4:],
        mandate_reference=mandate_reference,
        mandate_signed_on=mandate_signed_on,
    )
    audit.record(
        "payment-method.registered",
        actor=actor,
        subject=f"payment-method:{method.public_id}",
        dealership=dealership,
        details={"kind": kind, "label": label, "last_four": method.last_four},
    )
    return method


@transaction.atomic
def allow_cards(*, dealership: Dealership, actor: User | None) -> PaymentMethod:
    """Let `dealership` pay by card on the processor's page; the one standing method, made on the first call.

    It holds no card: each payment brings its own, which the processor alone sees. A method that was suspended works
    again. Staff scope.
    """
    method, is_new = PaymentMethod.objects.get_or_create(
        lender_id=dealership.lender_id,
        dealership=dealership,
        kind=PaymentMethod.Kind.CARD,
        defaults={
            "label": _("Card on the processor's page"),
            "holder": dealership.name,
            "encrypted_number": b"",
        },
    )
    if not is_new and method.state == PaymentMethod.State.ACTIVE:
        return method
    method.state = PaymentMethod.State.ACTIVE
    method.save(update_fields=["state"])
    audit.record(
        "payment-method.cards-allowed",
        actor=actor,
        subject=f"payment-method:{method.public_id}",
        dealership=dealership,
    )
    return method


def _wrong(field: str, message: str) -> ValidationError:
    return ValidationError({field: ValidationError(message, code="invalid")})
