"""Dealerships, logins and memberships in the finance office."""

from decimal import Decimal

from accounts.models import AuditEntry, Dealership, Membership, OutgoingMessage, User
from accounts.tenancy import tenant
from tests.cast import sign_in
from tests.portal.office import Office, text_of
from tests.portal.office_steps import act, form


def test_a_dealership_is_taken_on_and_changed(office: Office) -> None:
    form(
        office,
        "accounts_dealership_add",
        number="20001",
        name="Dogwood Autos",
        kind="dealership",
        country="us",
    )
    with tenant(office.lender.pk):
        dealership = Dealership.objects.get(number="20001")
        assert dealership.country == "US"
    again = form(
        office, "accounts_dealership_add", number="20001", name="Other", kind="dealership", country="US"
    )
    assert "dealership with this number already" in text_of(again)
    form(
        office,
        "accounts_dealership_form",
        dealership.pk,
        "change",
        name="Dogwood Motors",
        kind="dealership",
        country="US",
        is_active="on",
        reason="Renamed.",
    )
    history = office.get("accounts_dealership_history", dealership.pk).content.decode()
    assert "<del>Dogwood Autos</del>" in history
    assert "<ins>Dogwood Motors</ins>" in history
    assert "Renamed." in history


def test_a_person_is_created_without_a_password_and_gets_a_link(office: Office) -> None:
    opened = office.get("accounts_user_add")
    assert b'type="password"' not in opened.content
    fields = {
        "kind": "dealer",
        "full_name": "Dora Dogwood",
        "username": "dora",
        "email": "Dora@dogwood.example",
        "dealership": office.cast.dealership.pk,
        "role": "payer",
    }
    missing = form(office, "accounts_user_add", **{**fields, "role": "", "dealership": ""})
    assert "Choose the dealership" in text_of(missing)
    taken = form(office, "accounts_user_add", **{**fields, "username": "owen"})
    assert "already has this user name" in text_of(taken)
    form(office, "accounts_user_add", **fields)
    with tenant(office.lender.pk):
        dora = User.objects.get(username="dora")
        assert dora.email == "dora@dogwood.example"
        assert not dora.has_usable_password()
        assert Membership.objects.get(user=dora).role == Membership.Role.PAYER
        assert AuditEntry.objects.get(code="user.created").actor == office.cast.finance
    act(office, "accounts_user", "send-link", [dora], reason="New bookkeeper.")
    with tenant(office.lender.pk):
        mail = OutgoingMessage.objects.get(template="password-reset")
        assert (mail.recipient, mail.is_secret) == ("dora@dogwood.example", True)
        entry = AuditEntry.objects.get(code="password.reset_requested")
        assert (entry.actor, entry.reason) == (office.cast.finance, "New bookkeeper.")
    assert "uidb36" not in text_of(office.get("accounts_outgoingmessage_change", mail.pk))
    assert (
        mail.context["action_path"]
        not in office.get("accounts_outgoingmessage_change", mail.pk).content.decode()
    )


def test_a_new_address_is_told_to_the_old_one_and_ages_anew(office: Office) -> None:
    owen = office.cast.owner
    before = owen.contact_changed_at
    refused = form(
        office,
        "accounts_user_form",
        owen.pk,
        "contact",
        full_name="Owen",
        email="vera@people.example",
        reason="x",
    )
    assert "already has this e-mail address" in text_of(refused)
    form(
        office,
        "accounts_user_form",
        owen.pk,
        "contact",
        full_name="Owen Alder",
        email="owen@alder.example",
        phone="",
        reason="Asked at the counter.",
    )
    with tenant(office.lender.pk):
        owen.refresh_from_db()
        assert (owen.full_name, owen.email) == ("Owen Alder", "owen@alder.example")
        assert owen.contact_changed_at > before
        told = set(
            OutgoingMessage.objects.filter(template="contact-changed").values_list("recipient", flat=True)
        )
    assert told == {"owen@people.example", "owen@alder.example"}
    own = form(
        office,
        "accounts_user_form",
        office.cast.finance.pk,
        "contact",
        full_name="Fiona",
        email="else@people.example",
        reason="x",
    )
    assert "nobody changes their own contact" in text_of(own)


def test_a_login_is_switched_off_and_its_session_ends(office: Office) -> None:
    vera = office.cast.viewer
    browser = sign_in(vera)
    assert browser.get("/units/").status_code == 200
    act(office, "accounts_user", "switch-off", [vera, office.cast.finance], reason="Left the company.")
    with tenant(office.lender.pk):
        assert not User.objects.get(pk=vera.pk).is_active
        assert User.objects.get(pk=office.cast.finance.pk).is_active
    assert browser.get("/units/").status_code == 302
    act(office, "accounts_user", "switch-on", [vera], reason="Back again.")
    with tenant(office.lender.pk):
        assert User.objects.get(pk=vera.pk).is_active


def test_a_membership_is_added_changed_and_ended(office: Office) -> None:
    sam, alder = office.cast.stranger, office.cast.dealership
    form(office, "accounts_user_form", sam.pk, "add-dealership", dealership=alder.pk, role="viewer")
    with tenant(office.lender.pk):
        membership = Membership.objects.get(user=sam, dealership=alder)
    form(
        office,
        "accounts_membership_form",
        membership.pk,
        "change",
        role="payer",
        payment_limit="5000.00",
        expires_on="",
        reason="Pays now.",
    )
    with tenant(office.lender.pk):
        membership.refresh_from_db()
        assert (membership.role, membership.payment_limit) == ("payer", Decimal("5000.00"))
    unsaid = act(office, "accounts_membership", "end", [membership], reason="")
    assert unsaid.status_code == 200
    act(office, "accounts_membership", "end", [membership], reason="No longer there.")
    with tenant(office.lender.pk):
        assert not Membership.objects.filter(pk=membership.pk).exists()
        assert AuditEntry.objects.get(code="membership.ended").reason == "No longer there."
    history = office.get("accounts_user_history", sam.pk).content.decode()
    assert "No longer there." in history


def test_staff_get_no_membership(office: Office) -> None:
    answer = form(
        office,
        "accounts_membership_add",
        user=office.cast.support.pk,
        dealership=office.cast.dealership.pk,
        role="owner",
    )
    assert "Staff do not belong to dealerships." in text_of(answer)
    theirs = form(
        office,
        "accounts_membership_add",
        user=office.cast.other_owner.pk,
        dealership=office.cast.dealership.pk,
        role="owner",
    )
    assert theirs.status_code == 200
    with tenant(office.lender.pk):
        assert not Membership.objects.filter(user=office.cast.support).exists()
        assert not Membership.objects.filter(user_id=office.cast.other_owner.pk).exists()
