"""Steps that the tests of signing in take, as a person in a browser would."""

import hmac
import re
import struct
from datetime import datetime
from typing import Any

from django.conf import settings
from django.test import Client
from django.urls import reverse

from accounts.actions.authenticators import STEP_SECONDS
from accounts.encryption import decrypt, encrypt
from accounts.models import AuthenticatorFactor, EmailCodeFactor, Lender, OutgoingMessage, User
from accounts.tenancy import tenant
from tests.cast import OTHER_PASSWORD, PASSWORD, host_of

KEY = b"12345678901234567890"


def browser(lender: Lender, **extra: str) -> Client:
    """A browser on the lender's host, with an address of its own so that no brake per address is shared."""
    return Client(HTTP_HOST=host_of(lender.pk), REMOTE_ADDR=extra.pop("address", "198.51.100.7"), **extra)


def type_password(client: Client, name: str, password: str = PASSWORD, **extra: str) -> Any:
    """Post the sign-in form."""
    form = {"login": name, "password": password, "next": reverse("accounts:security"), **extra}
    return client.post(reverse("account_login"), form)


def show_code(client: Client, factor: object, code: str, **extra: str) -> Any:
    """Post a code for one factor."""
    public_id = str(getattr(factor, "public_id", factor))
    return client.post(reverse("accounts:factor-verify"), {"factor": public_id, "code": code, **extra})


def mailed_code(person: User) -> str:
    """The code in the latest mail ordered for a person."""
    with tenant(person.lender_id):
        message = OutgoingMessage.objects.filter(user=person, template="factor-code").order_by("-pk").first()
        return str(message.context["code"])


def authenticator_of(person: User, *, last_step: int = -1) -> AuthenticatorFactor:
    """A confirmed authenticator with a key that the tests know."""
    with tenant(person.lender_id, login=True):
        return AuthenticatorFactor.objects.create(
            user=person, name="Work phone", confirmed=True, encrypted_key=encrypt(KEY), last_step=last_step
        )


def app_code(factor: AuthenticatorFactor, moment: datetime) -> str:
    """What the app shows at `moment`, computed independently of the portal (RFC 4226 with SHA-1)."""
    counter = struct.pack(">Q", int(moment.timestamp()) // STEP_SECONDS)
    digest = hmac.new(decrypt(factor.encrypted_key), counter, "sha1").digest()
    offset = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[offset : offset + 4])[0] & 0x7FFFFFFF) % 10**6:06d}"


def is_signed_in(client: Client) -> bool:
    """Whether this browser gets a page that needs a signed-in person with a second factor."""
    return client.get(reverse("accounts:security")).status_code == 200


def session_key(client: Client) -> str:
    """The session cookie's value."""
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def without_noise(response: Any, *typed: str) -> str:
    """A page without what differs in every answer: the form token, the reference, and what was typed."""
    text = response.content.decode()
    text = re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "TOKEN", text)
    text = re.sub(r'"X-CSRFToken": "[^"]+"', "TOKEN", text)
    text = re.sub(r"[2-9A-Z]{4}-[2-9A-Z]{4}", "REFERENCE", text)
    for word in typed:
        text = text.replace(f'value="{word}"', "TYPED")
    return text


def sign_in_fully(person: User, **extra: str) -> Client:
    """A browser that went through the pages: password, then the mailed code."""
    host = host_of(person.lender_id)
    client = Client(HTTP_HOST=host, REMOTE_ADDR=extra.pop("address", "198.51.100.7"), **extra)
    type_password(client, person.username, OTHER_PASSWORD if host.startswith("coast") else PASSWORD)
    with tenant(person.lender_id, login=True):
        factor = EmailCodeFactor.objects.get(user=person)
    answer = show_code(client, factor, mailed_code(person))
    assert answer.status_code == 302, answer.content.decode()
    return client
