"""Numbers that people quote."""

from django.db import connection

from accounts.models import NumberSequence
from accounts.tenancy import current_lender_id


def next_number(kind: NumberSequence.Kind, *, prefix: str) -> str:
    """The lender's next number of that kind, such as `P-100042`.

    The counter's row is locked until the transaction ends, so a rolled-back act leaves no gap.
    """
    return next_numbers(kind, prefix=prefix, count=1)[0]


def next_numbers(kind: NumberSequence.Kind, *, prefix: str, count: int) -> list[str]:
    """The lender's next `count` (at least one) numbers of that kind, in one round trip."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_numbersequence (lender_id, kind, last) VALUES (%s, %s, 100000 + %s) "
            "ON CONFLICT (lender_id, kind) DO UPDATE SET last = accounts_numbersequence.last + %s RETURNING last",
            [current_lender_id(), kind.value, count, count],
        )
        last = cursor.fetchone()[0]
    return [f"{prefix}-{number}" for number in range(last - count + 1, last + 1)]
