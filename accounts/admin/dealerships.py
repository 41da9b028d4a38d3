"""Dealerships in the finance office."""

from collections.abc import Sequence
from typing import Any, cast

from django.contrib import admin
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from accounts.actions.dealerships import change_dealership, create_dealership
from accounts.actions.people import add_membership
from accounts.admin.acts import Entry, Sent
from accounts.admin.columns import choice, day, link, moment, money, text, yes
from accounts.admin.office import OfficeAdmin, Table
from accounts.forms.dealerships import DealershipChangeForm, DealershipForm
from accounts.forms.people import MembershipForm
from accounts.models import Dealership, Membership

#: Lists of other apps that are about one dealership, if they are there: address name and words.
_ABOUT = (
    ("admin:finance_creditline_changelist", _("Credit lines")),
    ("admin:finance_unit_changelist", _("Units")),
    ("admin:finance_loan_changelist", _("Term loans")),
    ("admin:payments_payment_changelist", _("Payments")),
    ("admin:finance_statement_changelist", _("Statements")),
    ("admin:finance_journalentry_changelist", _("Journal")),
    ("admin:accounts_auditentry_changelist", _("Audit trail")),
)


def _create(row: None, sent: Sent) -> Dealership:
    values = dict(sent.values)
    return create_dealership(
        actor=sent.actor, number=values.pop("number"), name=values.pop("name"), fields=values
    )


def _change(row: Dealership, sent: Sent) -> Dealership:
    return change_dealership(actor=sent.actor, dealership=row, fields=sent.values, reason=sent.reason)


def _add_person(row: Dealership, sent: Sent) -> Dealership:
    add_membership(
        actor=sent.actor,
        person=sent.values["user"],
        dealership=row,
        role=Membership.Role(sent.values["role"]),
        payment_limit=sent.values["payment_limit"],
        expires_on=sent.values["expires_on"],
    )
    return row


@admin.register(Dealership)
class DealershipAdmin(OfficeAdmin):
    """The lender's customers."""

    columns = (
        text("name", _("Name"), order="name"),
        text("number", _("Number"), order="number"),
        choice("kind", _("Kind")),
        text("town", _("Town"), order="town"),
        yes("is_active", _("Active")),
    )
    facts = (
        text("number", _("Customer number")),
        choice("kind", _("Kind")),
        text("street", _("Street")),
        text(
            "town",
            _("Town"),
            lambda row: " ".join(filter(None, (row.postal_code, row.town, row.region, row.country))),
        ),
        text("phone", _("Phone")),
        text("email", _("E-mail")),
        yes("is_active", _("Active")),
        moment("created_at", _("Customer here since")),
    )
    list_filter = ("kind", "is_active")
    search_fields = ("name", "number", "town")
    search_help_text = _("Name, number or town")
    ordering = ("name", "pk")
    adding = Entry(
        name="add",
        label=_("New dealership"),
        title=_("New dealership"),
        button=_("Take on"),
        done=_("The dealership is taken on."),
        form_class=DealershipForm,
        save=_create,
    )
    entries = (
        Entry(
            name="change",
            label=_("Change"),
            title=_("Change name and address"),
            button=_("Change"),
            done=_("Changed."),
            form_class=DealershipChangeForm,
            save=_change,
        ),
        Entry(
            name="add-person",
            label=_("Add a person"),
            title=_("Let a person work for this dealership"),
            button=_("Add"),
            done=_("The person is added."),
            form_class=MembershipForm,
            save=_add_person,
        ),
    )

    def tables(self, request: HttpRequest, row: Any) -> Sequence[Table]:
        """Its people."""
        people = (
            Membership.objects.filter(dealership=row).select_related("user").order_by("user__full_name", "pk")
        )
        return [
            Table(
                title=_("People"),
                columns=(
                    link("user", _("Name")),
                    text("username", _("User name"), "user.username"),
                    choice("role", _("Role")),
                    money("payment_limit", _("Payment limit")),
                    day("expires_on", _("Last day")),
                    yes("is_active", _("Login works"), "user.is_active"),
                ),
                rows=people,
                empty=_("Nobody works for this dealership in the portal yet."),
            )
        ]

    def links(self, request: HttpRequest, row: Any) -> Sequence[tuple[str, str]]:
        """What it owes and what it did, as lists."""
        ways = []
        for name, words in _ABOUT:
            try:
                ways.append((str(words), f"{reverse(name)}?dealership__id__exact={row.pk}"))
            except NoReverseMatch:
                continue
        return ways

    def history_rows(self, row: Any) -> dict[Any, list[int]]:
        """The dealership and its memberships."""
        members = Membership.objects.filter(dealership=row).values_list("pk", flat=True)
        return {Dealership: [row.pk], Membership: list(members)}

    def history_subjects(self, row: Any) -> list[str]:
        return [f"dealership:{cast(Dealership, row).number}"]
