"""The fixed cast: the people who meet every view.

Summit is the lender of the story. Alder Motors is the dealership; Owen owns it, Paula pays, Vera only looks. Birch Cars
is a stranger at the same lender, with Sam as owner. Fiona is finance staff, Ursula a support agent. Coast is another
lender, where Otto owns Cedar Autos; user name, e-mail and customer number of Owen exist there too, with another
password.
"""

from dataclasses import dataclass
from datetime import time
from functools import cache

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.hashers import make_password
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client
from django.utils import timezone
from django_otp import DEVICE_ID_SESSION_KEY

from accounts.models import (
    AuthenticatorFactor,
    Dealership,
    EmailCodeFactor,
    Lender,
    LenderHost,
    Membership,
    User,
)
from accounts.permissions import PROOF_SHOWN_AT
from accounts.tenancy import platform, tenant

PASSWORD = "quiet harbour lantern 7"
OTHER_PASSWORD = "green orchard window 9"


@dataclass(frozen=True)
class Cast:
    lender: Lender
    dealership: Dealership
    owner: User
    payer: User
    viewer: User
    stranger_dealership: Dealership
    stranger: User
    finance: User
    support: User
    other_lender: Lender
    other_dealership: Dealership
    other_owner: User
    other_finance: User


@cache
def _hash(password: str) -> str:
    return make_password(password)


def make_lender(slug: str, **fields: object) -> Lender:
    """A lender reached at `<slug>.testserver`."""
    values: dict[str, object] = {
        "name": f"{slug.title()} Dealer Capital",
        "currency": "USD",
        "locale": "en_US",
        "time_zone": "America/Denver",
        "calendar": Lender.Calendar.FEDERAL_RESERVE,
        "payment_cut_off": time(17, 0),
        "accent_colour": "#1f5c4d",
        "support_phone": "+1 303 555 0100",
        "support_email": f"help@{slug}.example",
        "support_hours": "Monday to Friday 8:00 to 18:00",
        "mail_sender": f"portal@{slug}.example",
    }
    values.update(fields)
    with platform():
        lender = Lender.objects.create(slug=slug, **values)
        LenderHost.objects.create(host=f"{slug}.testserver", lender=lender, is_primary=True)
    return lender


def make_dealership(name: str, number: str) -> Dealership:
    """A dealership of the running block's lender."""
    return Dealership.objects.create(name=name, number=number, town="Denver", country="US")


def make_person(
    username: str,
    *,
    kind: str = User.Kind.DEALER,
    dealership: Dealership | None = None,
    role: str = Membership.Role.OWNER,
    password: str = PASSWORD,
    customer_number: str | None = None,
) -> User:
    """A person of the running block's lender with a mailed code as second factor."""
    person = User(
        username=username,
        email=f"{username}@people.example",
        full_name=username.title(),
        kind=kind,
        customer_number=customer_number,
        contact_changed_at=timezone.now() - timezone.timedelta(days=90),
    )
    person.password = _hash(password)
    person.save()
    EmailCodeFactor.objects.create(user=person, name="E-mail", confirmed=True)
    if dealership is not None:
        Membership.objects.create(user=person, dealership=dealership, role=role)
    return person


def make_cast() -> Cast:
    """Two lenders with everybody in them."""
    summit = make_lender("summit")
    with tenant(summit.pk):
        alder = make_dealership("Alder Motors", "10001")
        birch = make_dealership("Birch Cars", "10002")
        owen = make_person("owen", dealership=alder, customer_number="70001")
        paula = make_person("paula", dealership=alder, role=Membership.Role.PAYER)
        vera = make_person("vera", dealership=alder, role=Membership.Role.VIEWER)
        sam = make_person("sam", dealership=birch)
        fiona = make_person("fiona", kind=User.Kind.FINANCE)
        ursula = make_person("ursula", kind=User.Kind.SUPPORT)
    coast = make_lender("coast", accent_colour="#274690")
    with tenant(coast.pk):
        cedar = make_dealership("Cedar Autos", "10001")
        otto = make_person("owen", dealership=cedar, password=OTHER_PASSWORD, customer_number="70001")
        frida = make_person("frida", kind=User.Kind.FINANCE)
    return Cast(
        lender=summit,
        dealership=alder,
        owner=owen,
        payer=paula,
        viewer=vera,
        stranger_dealership=birch,
        stranger=sam,
        finance=fiona,
        support=ursula,
        other_lender=coast,
        other_dealership=cedar,
        other_owner=otto,
        other_finance=frida,
    )


def host_of(lender_id: int) -> str:
    """The host under which the lender's pages are asked for."""
    return LenderHost.objects.get(lender_id=lender_id, is_primary=True).host


def anonymous(lender: Lender) -> Client:
    """A browser on the lender's host, not signed in."""
    return Client(HTTP_HOST=host_of(lender.pk))


def sign_in(person: User) -> Client:
    """A browser on the person's host, signed in with a second factor shown."""
    with tenant(person.lender_id, login=True):
        factor = (
            AuthenticatorFactor.objects.filter(user=person, confirmed=True).first()
            or EmailCodeFactor.objects.filter(user=person, confirmed=True).first()
        )
    client = Client(HTTP_HOST=host_of(person.lender_id))
    session = SessionStore()
    session[SESSION_KEY] = str(person.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    if factor is not None:
        session[DEVICE_ID_SESSION_KEY] = factor.persistent_id
        session[PROOF_SHOWN_AT] = int(timezone.now().timestamp())
    session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = session.session_key
    return client
