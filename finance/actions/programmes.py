"""Curtailment programmes."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from accounts.audit import record
from accounts.models import User
from finance.actions.refusals import RefusedError
from finance.models import CurtailmentProgramme
from finance.queries.programmes import due_rule_of, programme_of


def create_programme(
    *, code: str, name: str, shape: Mapping[str, Any], grace_days: int = 0, actor: User | None
) -> CurtailmentProgramme:
    """Create a programme from its shape (see `finance.queries.programmes`); refused when it describes none."""
    if CurtailmentProgramme.objects.filter(code=code).exists():
        raise RefusedError(_("There is a programme with the code %(code)s already.") % {"code": code})
    try:
        programme_of(shape)
        due_rule_of(shape)
    except ValueError as error:
        raise RefusedError(str(error)) from error
    programme = CurtailmentProgramme.objects.create(
        code=code, name=name, shape=dict(shape), grace_days=grace_days
    )
    record("programme.created", actor=actor, subject=name, details={"code": code, "shape": dict(shape)})
    return programme
