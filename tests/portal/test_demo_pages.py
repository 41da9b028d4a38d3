"""The demo's own pages: the mailbox in which its mails and texts land, the logins, and the way to both."""

import json
import os
import time
from pathlib import Path

import pytest
from django.core.mail import EmailMultiAlternatives
from django.core.management import CommandError, call_command
from django.urls import reverse

from accounts.gateways.text_messages import FolderTextSender, TextMessage
from portal.demo.cast import LENDERS
from portal.views.demo import _SHOWN
from tests.accounts.browsing import browser, type_password
from tests.cast import Cast, anonymous

pytestmark = pytest.mark.django_db

MAILBOX = "/demo/mailbox/"


@pytest.fixture
def folder(tmp_path: Path, settings: pytest.FixtureRequest) -> Path:
    """A mailbox of its own, into which mail goes as in the demo."""
    settings.MAILBOX_DIR = tmp_path / "mailbox"  # type: ignore[attr-defined]
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"  # type: ignore[attr-defined]
    settings.EMAIL_FILE_PATH = tmp_path / "mailbox"  # type: ignore[attr-defined]
    return tmp_path / "mailbox"


def send(subject: str, sender: str = "portal@summit.example", text: str = "Your code is 123456.") -> None:
    mail = EmailMultiAlternatives(subject, text, f'"Some lender" <{sender}>', ["owen@people.example"])
    mail.attach_alternative(f"<p>{text}</p>", "text/html")
    mail.send()


def text_to_owen(folder: Path, *, key: str, body: str) -> None:
    FolderTextSender(folder).send(
        TextMessage(
            key=key,
            recipient="+13035550142",
            sender="Summit",
            mail_sender="portal@summit.example",
            body=body,
        )
    )


def test_mails_and_texts_of_the_own_lender_are_shown_newest_first(cast: Cast, folder: Path) -> None:
    send("The first")
    for file in folder.iterdir():
        os.utime(file, (time.time() - 60, time.time() - 60))
    send("Of the other lender", sender="portal@coast.example", text="Their code is 999999.")
    text_to_owen(folder, key="k1", body="A code by text: 4455 6677")
    page = anonymous(cast.lender).get(MAILBOX)
    text = page.content.decode()
    assert page.status_code == 200
    assert "Your code is 123456." in text
    assert text.index("A code by text: 4455 6677") < text.index("The first")
    assert "999999" not in text
    other = anonymous(cast.other_lender).get(MAILBOX).content.decode()
    assert "Their code is 999999." in other
    assert "123456" not in other


def test_what_a_mail_says_is_text_and_its_links_lead_on(cast: Cast, folder: Path) -> None:
    send("<script>alert(1)</script>", text="Go to http://summit.testserver/account/ <b>now</b>")
    text = anonymous(cast.lender).get(MAILBOX).content.decode()
    assert "<script>alert" not in text
    assert "&lt;b&gt;now" in text
    assert 'href="http://summit.testserver/account/"' in text


def test_an_empty_mailbox_says_what_will_be_there(cast: Cast, folder: Path) -> None:
    assert "No mail yet" in anonymous(cast.lender).get(MAILBOX).content.decode()
    folder.mkdir()
    assert "No mail yet" in anonymous(cast.lender).get(MAILBOX).content.decode()


def test_a_full_mailbox_shows_the_latest(cast: Cast, folder: Path) -> None:
    for number in range(_SHOWN + 5):
        text_to_owen(folder, key=f"k{number}", body=f"Number {number:02}")
        # File times are coarse; the order must not depend on the speed of the disk.
        os.utime(folder / f"text-k{number}.eml", (1_800_000_000 + number, 1_800_000_000 + number))
    text = anonymous(cast.lender).get(MAILBOX).content.decode()
    assert text.count("<h2>") == _SHOWN
    assert "Number 34" in text
    assert "Number 04" not in text


def test_every_page_of_signing_in_leads_to_the_mailbox(cast: Cast) -> None:
    client = browser(cast.lender)
    pages = [client.get(reverse("account_login")), client.get(reverse("account_reset_password"))]
    type_password(client, "owen")
    pages.append(client.get(reverse("accounts:factor-verify")))
    for page in pages:
        assert page.status_code == 200
        assert f'href="{MAILBOX}"' in page.content.decode()


def test_the_logins_page_shows_the_people_of_the_own_lender(cast: Cast) -> None:
    summit = next(lender for lender in LENDERS if lender.slug == "summit")
    others = {
        person.full_name for lender in LENDERS if lender.slug != "summit" for person in lender.people
    } - {person.full_name for person in summit.people}
    text = anonymous(cast.lender).get("/demo/logins/").content.decode()
    for person in summit.people:
        assert f"<code>{person.username}</code>" in text
        assert person.password in text
    assert not [name for name in others if name in text]


def test_addresses_logins_and_roles_are_told_to_programs(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("demo_info", "--json")
    told = json.loads(capsys.readouterr().out)
    assert [lender["slug"] for lender in told["lenders"]] == [lender.slug for lender in LENDERS]
    for lender in told["lenders"]:
        assert lender["address"].startswith("http://")
        assert lender["mailbox"] == f"{lender['address']}demo/mailbox/"
        assert {"dealer", "finance", "support"} <= {person["kind"] for person in lender["people"]}
        assert all(person["username"] and person["password"] for person in lender["people"])
    summit = told["lenders"][0]
    assert {"owner", "payer", "viewer"} <= {person["role"] for person in summit["people"]}
    call_command("demo_info")
    plain = capsys.readouterr().out
    assert all(lender["address"] in plain for lender in told["lenders"])


def test_where_there_is_no_demo_nothing_is_told(settings: pytest.FixtureRequest) -> None:
    settings.DEMO = False  # type: ignore[attr-defined]
    for command in ("demo_info", "fill_demo"):
        with pytest.raises(CommandError, match="demo"):
            call_command(command)


@pytest.mark.parametrize("path", [MAILBOX, "/demo/logins/"])
def test_nothing_is_sent_to_these_pages(cast: Cast, path: str) -> None:
    assert anonymous(cast.lender).post(path).status_code == 405
