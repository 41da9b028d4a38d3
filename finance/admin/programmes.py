"""Curtailment programmes in the finance office."""

import json
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.admin.acts import Entry, Sent
from accounts.admin.columns import count, text
from accounts.admin.office import OfficeAdmin
from finance.actions.programmes import create_programme
from finance.actions.refusals import RefusedError
from finance.forms.office.programmes import ProgrammeForm
from finance.models import CurtailmentProgramme


def _create(row: None, sent: Sent) -> CurtailmentProgramme:
    return create_programme(
        code=sent.values["code"],
        name=sent.values["name"],
        shape=sent.values["shape"],
        grace_days=sent.values["grace_days"],
        actor=sent.actor,
    )


@admin.register(CurtailmentProgramme)
class CurtailmentProgrammeAdmin(OfficeAdmin):
    """When principal of an unsold unit falls due."""

    columns = (
        text("name", _("Name"), order="name"),
        text("code", _("Code")),
        text("shape", _("Rule"), lambda row: in_words(row.shape)),
        count("grace_days", _("Grace days")),
    )
    facts = (
        text("code", _("Code")),
        text("rule", _("Rule"), lambda row: in_words(row.shape)),
        count("grace_days", _("Grace days")),
        text("shape", _("As data"), lambda row: json.dumps(row.shape)),
    )
    ordering = ("name", "pk")
    search_fields = ("name", "code")
    adding = Entry(
        name="add",
        label=_("New programme"),
        title=_("New curtailment programme"),
        lead=_("A programme is never changed: lines get new terms with another programme."),
        button=_("Create"),
        done=_("The programme is there."),
        form_class=ProgrammeForm,
        save=_create,
        refusals=(RefusedError, ValidationError),
    )

    def history_subjects(self, row: Any) -> list[str]:
        return [row.name]


def in_words(shape: dict[str, Any]) -> str:
    """A programme's shape as a sentence."""
    match shape.get("kind"):
        case "interval":
            often = (
                _(", %(times)s times, then the rest") % {"times": shape["times"]}
                if shape.get("times")
                else ""
            )
            return str(
                _("%(share)s every %(days)s days of %(base)s%(often)s")
                % {
                    "share": _share(shape["fraction"]),
                    "days": shape["days"],
                    "base": _("what is left") if shape.get("base") == "remaining" else _("the advance"),
                    "often": often,
                }
            )
        case "age_monthly":
            return str(
                _("%(share)s a month from day %(age)s on, down to %(stop)s of the advance")
                % {
                    "share": _share(shape["fraction"]),
                    "age": shape["from_age"],
                    "stop": _share(shape.get("stop_original", "0")),
                }
            )
        case "full_payoff":
            if shape.get("days"):
                return str(_("the whole on day %(age)s") % {"age": shape["days"]})
            return str(_("the whole after %(age)s months") % {"age": shape.get("months")})
        case "steps":
            return ", ".join(
                str(_("%(share)s on day %(age)s") % {"share": _share(share), "age": age})
                for age, share in shape["table"]
            )
    return json.dumps(shape)


def _share(fraction: str) -> str:
    return f"{(Decimal(fraction) * 100).normalize():f} %"
