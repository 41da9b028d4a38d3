"""Numbers that people quote."""

from django.db import connection

from accounts.models import NumberSequence
from accounts.tenancy import current_lender_id


def next_number(kind: NumberSequence.Kind, *, prefix: str) -> str:
    """The lender's next number of that kind, such as `P-100042`.

    The counter's row is locked until the transaction ends, so a rolled-back act leaves no gap.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_numbersequence (lender_id, kind, last) VALUES (%s, %s, 100001) "
            "ON CONFLICT (lender_id, kind) DO UPDATE SET last = accounts_numbersequence.last + 1 RETURNING last",
            [current_lender_id(), kind.value],
        )
        return f"{prefix}-{cursor.fetchone()[0]}"
