"""Money: exact amounts with a currency, the one rounding function, and splits that lose no cent.

Amounts are ``Decimal`` in major units (dollars, euros, pounds). Floats are refused everywhere: a float has already lost
the cent that somebody will look for. Nothing is rounded before it is posted; posting rounds with :func:`round_money`,
half up to the currency's minor unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from typing import Final

__all__ = [
    "CurrencyMismatchError",
    "Money",
    "UnknownCurrencyError",
    "exact",
    "is_whole",
    "minor_unit",
    "round_money",
    "split_proportionally",
]

#: Wide enough that no sum or product of amounts and rates is ever cut; divisions are the only inexact step.
WIDE: Final = Context(prec=120, rounding=ROUND_HALF_UP)

#: Decimals of each active currency of ISO 4217 that has not two.
_OTHER_DECIMALS: Final = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
_TWO_DECIMALS: Final = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD "
    "CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD "
    "HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD "
    "MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON "
    "RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD "
    "TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG"
)
_MINOR_UNITS: Final[dict[str, Decimal]] = {
    **{code: Decimal("0.01") for code in _TWO_DECIMALS.split()},
    **{
        code: Decimal(1).scaleb(-decimals)
        for decimals, codes in _OTHER_DECIMALS.items()
        for code in codes.split()
    },
}


class UnknownCurrencyError(ValueError):
    """The code is not an active currency of ISO 4217 (three upper-case letters)."""


class CurrencyMismatchError(ValueError):
    """Two amounts of different currencies were added, subtracted or compared."""


def exact(value: object) -> Decimal:
    """Return ``value`` when it is a finite Decimal.

    Raises ``TypeError`` for every other type (int, float, str) and ``ValueError`` for NaN and infinities.
    """
    if not isinstance(value, Decimal):
        raise TypeError(f"An amount must be a Decimal, not {type(value).__name__}: {value!r}")
    if not value.is_finite():
        raise ValueError(f"An amount must be a finite number, not {value}")
    return value


def minor_unit(currency: str) -> Decimal:
    """Return the smallest amount that can be paid: 0.01 for USD, 1 for JPY, 0.001 for KWD (ISO 4217)."""
    try:
        return _MINOR_UNITS[currency]
    except KeyError:
        raise UnknownCurrencyError(
            f"{currency!r} is not an active ISO 4217 currency code, for example USD"
        ) from None


def round_money(amount: Decimal, currency: str, rounding: str = ROUND_HALF_UP) -> Decimal:
    """Round ``amount`` to the minor unit of ``currency``: the one rounding function of the portal.

    Half up means away from zero at a tie (0.125 -> 0.13, -0.125 -> -0.13), as PostgreSQL's ``round(numeric, n)`` does.
    ``rounding`` takes any mode of :mod:`decimal`, for lenders whose contracts say otherwise (half even).
    """
    with localcontext(WIDE):
        rounded = exact(amount).quantize(minor_unit(currency), rounding=rounding)
    # A minus before nothing (-0.00) would be printed.
    return rounded or rounded.copy_abs()


def is_whole(amount: Decimal, currency: str) -> bool:
    """Say whether ``amount`` can be posted as it stands, that is, has no fraction of a minor unit."""
    return round_money(amount, currency) == amount


def split_proportionally(total: Decimal, weights: Sequence[Decimal], currency: str) -> list[Decimal]:
    """Split ``total`` in proportion to ``weights`` so that the parts add up to it exactly.

    Each part is first cut towards zero to the minor unit; the units left over go one each to the parts that lost most
    (largest remainder), and among equals to the earlier one, so the same call always gives the same split.

    Raises ``ValueError`` when ``total`` is not whole minor units, a weight is negative, or no weight is positive while
    there is something to split.
    """
    unit = minor_unit(currency)
    if not is_whole(total, currency):
        raise ValueError(f"{total} {currency} cannot be split: it is not a whole number of {unit}")
    if any(exact(weight) < 0 for weight in weights):
        raise ValueError("Weights must not be negative")
    with localcontext(WIDE):
        weight_sum = sum(weights, Decimal(0))
        if weight_sum == 0:
            if total != 0:
                raise ValueError(f"{total} {currency} cannot be split: no weight is positive")
            return [Decimal(0) * unit for _ in weights]
        sign = -1 if total < 0 else 1
        units = int(abs(total) / unit)
        # Compared as whole numbers over one common denominator: no division decides who gets the last cent.
        exponent = min(0, *(int(weight.as_tuple().exponent) for weight in weights))
        whole_weights = [int(weight.scaleb(-exponent)) for weight in weights]
        divisor = sum(whole_weights)
        shares = [units * weight // divisor for weight in whole_weights]
        remainders = [units * weight % divisor for weight in whole_weights]
        by_loss = sorted(range(len(weights)), key=lambda index: (-remainders[index], index))
        for index in by_loss[: units - sum(shares)]:
            shares[index] += 1
        return [sign * share * unit for share in shares]


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount of one currency. Immutable; never mixes currencies; never meets a float.

    The amount may carry more digits than can be paid (accrued interest); :meth:`rounded` gives what can be posted.
    """

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        exact(self.amount)
        minor_unit(self.currency)

    @classmethod
    def zero(cls, currency: str) -> Money:
        """Return nothing, in ``currency``: the start value for ``sum``."""
        return cls(Decimal(0) * minor_unit(currency), currency)

    def rounded(self, rounding: str = ROUND_HALF_UP) -> Money:
        """Return the amount as it would be posted."""
        return Money(round_money(self.amount, self.currency, rounding), self.currency)

    def _amount_of(self, other: object) -> Decimal:
        if not isinstance(other, Money):
            raise TypeError(f"Money can only meet Money, not {type(other).__name__}: {other!r}")
        if other.currency != self.currency:
            raise CurrencyMismatchError(f"{self} and {other} are amounts of different currencies")
        return other.amount

    def __add__(self, other: Money) -> Money:
        with localcontext(WIDE):
            return Money(self.amount + self._amount_of(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        with localcontext(WIDE):
            return Money(self.amount - self._amount_of(other), self.currency)

    def __mul__(self, factor: Decimal | int) -> Money:
        if isinstance(factor, bool) or not isinstance(factor, Decimal | int):
            raise TypeError(f"Money is multiplied by a Decimal or an int, not {type(factor).__name__}")
        with localcontext(WIDE):
            return Money(self.amount * factor, self.currency)

    __rmul__ = __mul__

    def __neg__(self) -> Money:
        return Money(self.amount.copy_negate() if self.amount else self.amount, self.currency)

    def __abs__(self) -> Money:
        return Money(self.amount.copy_abs(), self.currency)

    def __bool__(self) -> bool:
        return self.amount != 0

    def __lt__(self, other: Money) -> bool:
        return self.amount < self._amount_of(other)

    def __le__(self, other: Money) -> bool:
        return self.amount <= self._amount_of(other)

    def __gt__(self, other: Money) -> bool:
        return self.amount > self._amount_of(other)

    def __ge__(self, other: Money) -> bool:
        return self.amount >= self._amount_of(other)

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"
