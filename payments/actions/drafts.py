"""Keeping what a person is about to pay."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from accounts.models import Dealership, User
from payments.models import PaymentDraft, PaymentMethod
from payments.queries.choices import Choice

KEPT_FOR = timedelta(days=2)


@transaction.atomic
def save_draft(
    *,
    dealership: Dealership,
    method: PaymentMethod,
    choices: Sequence[Choice],
    actor: User,
    token: UUID | None = None,
) -> PaymentDraft:
    """Keep the choices of `actor`; with the `token` of an own draft that one is changed, else a new one is made."""
    draft = None
    if token is not None:
        draft = (
            PaymentDraft.objects.select_for_update()
            .filter(token=token, user=actor, dealership=dealership)
            .first()
        )
    if draft is None:
        draft = PaymentDraft(dealership=dealership, user=actor)
    draft.method = method
    draft.choices = [choice.as_json() for choice in choices]
    draft.save()
    return draft


def discard_old_drafts(*, now: datetime) -> int:
    """Delete drafts that nobody touched for two days; what was sent lives in its payment."""
    deleted, _ = PaymentDraft.objects.filter(changed_at__lt=now - KEPT_FOR).delete()
    return deleted
