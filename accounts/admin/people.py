"""People and what they may do, in the finance office."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from accounts.actions.contacts import change_contact, switch_login
from accounts.actions.memberships import change_membership, end_membership
from accounts.actions.passwords import order_password_reset
from accounts.actions.people import add_membership, create_user
from accounts.admin.acts import Act, Entry, Sent
from accounts.admin.columns import choice, day, link, moment, money, text, yes
from accounts.admin.office import OfficeAdmin, Table
from accounts.forms.people import ContactForm, MembershipChangeForm, MembershipForm, PersonForm
from accounts.models import Membership, SignInAttempt, User
from accounts.queries.people import normalised


def _create(row: None, sent: Sent) -> User:
    values = sent.values
    person = create_user(
        actor=sent.actor,
        username=values["username"],
        email=values["email"],
        full_name=values["full_name"],
        kind=User.Kind(values["kind"]),
        customer_number=values["customer_number"] or None,
        phone=values["phone"],
    )
    if values["dealership"] is not None:
        add_membership(
            actor=sent.actor,
            person=person,
            dealership=values["dealership"],
            role=Membership.Role(values["role"]),
        )
    return person


def _change_contact(row: User, sent: Sent) -> User:
    values = sent.values
    return change_contact(
        actor=sent.actor,
        person=row,
        full_name=values["full_name"],
        email=values["email"],
        phone=values["phone"],
        reason=sent.reason,
    )


def _add_dealership(row: User, sent: Sent) -> User:
    _join(row, sent.values["dealership"], sent)
    return row


def _create_membership(row: None, sent: Sent) -> Membership:
    return _join(sent.values["user"], sent.values["dealership"], sent)


def _join(person: User, dealership: Any, sent: Sent) -> Membership:
    return add_membership(
        actor=sent.actor,
        person=person,
        dealership=dealership,
        role=Membership.Role(sent.values["role"]),
        payment_limit=sent.values["payment_limit"],
        expires_on=sent.values["expires_on"],
    )


def _change_membership(row: Membership, sent: Sent) -> Membership:
    return change_membership(
        actor=sent.actor,
        membership=row,
        role=Membership.Role(sent.values["role"]),
        payment_limit=sent.values["payment_limit"],
        expires_on=sent.values["expires_on"],
        reason=sent.reason,
    )


def _end_membership(row: Membership, sent: Sent) -> str:
    end_membership(actor=sent.actor, membership=row, reason=sent.reason)
    return _now("Ended.")


def _send_link(row: User, sent: Sent) -> str:
    order_password_reset(person=row, actor=sent.actor, reason=sent.reason)
    return _now("A link to a new password is on its way to %(address)s.") % {"address": row.email}


def _switch_off(row: User, sent: Sent) -> str:
    switch_login(actor=sent.actor, person=row, works=False, reason=sent.reason)
    return _now("The login is off and every session has ended.")


def _switch_on(row: User, sent: Sent) -> str:
    switch_login(actor=sent.actor, person=row, works=True, reason=sent.reason)
    return _now("The login works.")


def _is_off(row: User) -> str:
    return "" if row.is_active else _now("The login is off.")


def _is_on(row: User) -> str:
    return _now("The login works already.") if row.is_active else ""


@admin.register(User)
class UserAdmin(OfficeAdmin):
    """Everybody with a login at the lender. No page here shows or takes a password."""

    plural = _("People")
    columns = (
        text("full_name", _("Name"), order="full_name"),
        text("username", _("User name"), order="username"),
        choice("kind", _("Kind")),
        text("email", _("E-mail")),
        yes("is_active", _("Login works")),
        moment("last_login", _("Last sign-in")),
    )
    facts = (
        choice("kind", _("Kind")),
        text("username", _("User name")),
        text("email", _("E-mail")),
        text("phone", _("Mobile phone")),
        text("customer_number", _("Customer number")),
        yes("is_active", _("Login works")),
        moment("contact_changed_at", _("Contact last changed")),
        moment("last_login", _("Last sign-in")),
        moment("created_at", _("Created")),
    )
    list_filter = ("kind", "is_active")
    search_fields = ("full_name",)
    search_help_text = _("Name, user name, e-mail or customer number")
    ordering = ("full_name", "pk")
    adding = Entry(
        name="add",
        label=_("New person"),
        title=_("New person"),
        lead=_(
            "The person chooses a password by a mailed link and sets up a second step at the first sign-in. "
            "Send the link from the person's page."
        ),
        button=_("Create"),
        done=_("Created. Send the link to a password when the person is to begin."),
        form_class=PersonForm,
        save=_create,
    )
    entries = (
        Entry(
            name="contact",
            label=_("Change contact"),
            title=_("Change name and contact"),
            button=_("Change"),
            done=_("Changed."),
            form_class=ContactForm,
            save=_change_contact,
        ),
        Entry(
            name="add-dealership",
            label=_("Add a dealership"),
            title=_("Let this person work for a dealership"),
            button=_("Add"),
            done=_("Added."),
            form_class=MembershipForm,
            save=_add_dealership,
            fits=lambda row: row.kind == User.Kind.DEALER,
        ),
    )
    acts = (
        Act(
            name="send-link",
            label=_("Send a link to a new password"),
            question=_("Send a link to a new password?"),
            effect=_(
                "Each person gets a mail with a link that works once, for an hour. The old password stays until then."
            ),
            button=_("Send"),
            perform=_send_link,
            why_not=_is_off,
        ),
        Act(
            name="switch-off",
            label=_("Switch logins off"),
            question=_("Switch these logins off?"),
            effect=_(
                "Nobody can sign in with them, and every session ends at once. What the people did stays."
            ),
            button=_("Switch off"),
            perform=_switch_off,
            why_not=_is_off,
            is_grave=True,
        ),
        Act(
            name="switch-on",
            label=_("Switch logins on"),
            question=_("Switch these logins on?"),
            effect=_("The people can sign in again, with the password and second step that they had."),
            button=_("Switch on"),
            perform=_switch_on,
            why_not=_is_on,
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Everybody but operators of the installation, who belong to no lender's office."""
        return super().get_queryset(request).exclude(kind=User.Kind.OPERATOR)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By the whole identifier, or part of the name."""
        term = normalised(search_term)
        if not term:
            return queryset, False
        exact = Q(username=term) | Q(email=term) | Q(customer_number=term)
        return queryset.filter(exact | Q(full_name__icontains=search_term.strip())), False

    def tables(self, request: HttpRequest, row: Any) -> Sequence[Table]:
        """Where the person works, and the last sign-ins."""
        shown = []
        if row.kind == User.Kind.DEALER:
            shown.append(
                Table(
                    title=_("Dealerships"),
                    columns=(
                        link("dealership", _("Dealership")),
                        link("role", _("Role"), lambda member: (member, member.get_role_display())),
                        money("payment_limit", _("Payment limit")),
                        day("expires_on", _("Last day")),
                    ),
                    rows=Membership.objects.filter(user=row)
                    .select_related("user", "dealership")
                    .order_by("dealership__name", "pk"),
                    empty=_("This person works for no dealership and sees nothing."),
                )
            )
        shown.append(
            Table(
                title=_("Recent sign-ins"),
                columns=(
                    moment("recorded_at", _("When")),
                    choice("outcome", _("What")),
                    text("address", _("From")),
                    text("user_agent", _("Browser")),
                ),
                rows=SignInAttempt.objects.filter(user=row).order_by("-recorded_at")[:10],
                empty=_("Nobody has tried to sign in as this person."),
            )
        )
        return shown

    def history_rows(self, row: Any) -> dict[Any, list[int]]:
        """The person and the memberships."""
        members = Membership.objects.filter(user=row).values_list("pk", flat=True)
        return {User: [row.pk], Membership: list(members)}

    def history_subjects(self, row: Any) -> list[str]:
        return [f"user:{row.username}"]


@admin.register(Membership)
class MembershipAdmin(OfficeAdmin):
    """Who may do what for which dealership."""

    columns = (
        text("person", _("Person"), "user", order="user__full_name"),
        link("dealership", _("Dealership"), order="dealership__name"),
        choice("role", _("Role")),
        money("payment_limit", _("Payment limit")),
        day("expires_on", _("Last day"), order="expires_on"),
    )
    facts = (
        link("user", _("Person")),
        link("dealership", _("Dealership")),
        choice("role", _("Role")),
        money("payment_limit", _("Payment limit")),
        day("expires_on", _("Last day")),
        moment("created_at", _("Since")),
    )
    list_filter = ("role",)
    list_select_related = ("user", "dealership")
    page_related = ("user", "dealership")
    search_fields = ("user__full_name", "dealership__name")
    search_help_text = _("Name of the person or the dealership")
    adding = Entry(
        name="add",
        label=_("New membership"),
        title=_("Let a person work for a dealership"),
        button=_("Add"),
        done=_("Added."),
        form_class=MembershipForm,
        save=_create_membership,
    )
    entries = (
        Entry(
            name="change",
            label=_("Change"),
            title=_("Change what this person may do"),
            button=_("Change"),
            done=_("Changed. It counts from the person's next page on."),
            form_class=MembershipChangeForm,
            save=_change_membership,
        ),
    )
    acts = (
        Act(
            name="end",
            label=_("End memberships"),
            question=_("End these memberships?"),
            effect=_(
                "The people no longer see the dealership, from their next page on. What they did stays."
            ),
            button=_("End"),
            perform=_end_membership,
            is_grave=True,
        ),
    )

    def name_of(self, row: Any) -> str:
        """Person, dealership and role."""
        return f"{row.user}, {row.dealership}: {row.get_role_display()}"

    def history_subjects(self, row: Any) -> list[str]:
        return [f"user:{row.user.username}"]
