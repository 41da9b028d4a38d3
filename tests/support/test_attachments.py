"""What may come in, how it is kept, and who gets it back."""

import io
import socketserver
import struct
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from accounts.models import AuditEntry
from accounts.tenancy import tenant
from support.actions.attachments import keep_files, record_scan
from support.gateways.scanner import ScannerUnavailableError, scan
from support.models import Attachment, Ticket, TicketMessage
from support.queries.file_contents import FileRefusedError, check_upload, clean_name
from support.tasks import scan_attachment, scan_waiting_attachments
from tests.cast import anonymous
from tests.support.staging import a_file, a_note, a_png, a_ticket, an_upload

PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
GIF = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff"
    b"!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)
JPEG = (
    b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
    b"\xff\xc0\x00\x0b\x08\x00\x02\x00\x02\x01\x01\x11\x00\xff\xda\x00\x08\x01\x01\x00\x00?\x00\xd2\xcf\xff\xd9"
)
WEBP = b"RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00/\x00\x00\x00\x10\x07\x10\x11\x11\x88\x88\xfe\x07\x00"
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
ZIP = b"PK\x05\x06" + b"\0" * 18


def checked(name: str, content: bytes):
    return check_upload(SimpleUploadedFile(name, content, content_type="image/png"))


@pytest.mark.parametrize(
    ("name", "content", "content_type", "kept_name"),
    [
        ("screen.png", a_png(), "image/png", "screen.png"),
        ("photo.JPG", JPEG, "image/jpeg", "photo.JPG"),
        # A telephone's picture with the film that it appends.
        ("motion.jpg", JPEG + b"\0\0\0\x18ftypmp42" + b"\0" * 64, "image/jpeg", "motion.jpg"),
        ("anim.gif", GIF, "image/gif", "anim.gif"),
        ("photo.webp", WEBP, "image/webp", "photo.webp"),
        ("bill.pdf", PDF, "application/pdf", "bill.pdf"),
        ("list.csv", b"VIN;amount\n1FTFW1E86NFA20318;=1+1\n", "text/csv", "list.csv"),
        ("note.txt", "BMW 320d, Straße 5\r\n".encode(), "text/plain", "note.txt"),
        ("alt.txt", "Müller".encode("cp1252"), "text/plain", "alt.txt"),
        ("page", b"just words", "text/plain", "page.txt"),
        # One picture under another's ending gets its own.
        ("photo.png", JPEG, "image/jpeg", "photo.jpg"),
        ("bill.png", PDF, "application/pdf", "bill.pdf"),
        ("../../etc/passwd.txt", b"words", "text/plain", "passwd.txt"),
        ("C:\\Users\\x\\bill.txt", b"words", "text/plain", "bill.txt"),
        ("bill\u202etxt.pdf", PDF, "application/pdf", "billtxt.pdf"),
    ],
)
def test_what_may_come_in(settings, name, content, content_type, kept_name) -> None:
    upload = SimpleUploadedFile("x", content, content_type="text/html")
    # The class would cut the path off; a hostile browser sends it whole.
    upload._name = name
    file = check_upload(upload)
    assert (file.content_type, file.name, file.size) == (content_type, kept_name, len(content))
    assert len(file.sha256) == 64


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("evil.html", b"<html><script>alert(1)</script>", "cannot be attached"),
        ("evil.svg", SVG, "cannot be attached"),
        ("evil.exe", b"MZ\x90\x00", "cannot be attached"),
        ("evil.zip", ZIP, "cannot be attached"),
        ("evil.docm", b"PK\x03\x04" + b"\0" * 40 + ZIP, "cannot be attached"),
        ("evil.png.html", a_png(), "cannot be attached"),
        ("evil.htm", a_png(), "cannot be attached"),
        # Under a harmless name.
        ("evil.png", b"<html><script>alert(1)</script>", "web page"),
        ("evil.png", SVG, "web page"),
        ("evil.txt", b"\xef\xbb\xbf  <!DOCTYPE html>", "web page"),
        ("evil.txt", b"words and then <script src=//x>", "web page"),
        ("evil.csv", b"a;b\n<iframe src=x>;1", "web page"),
        ("evil.txt", b"<?php system($_GET[0]);", "web page"),
        ("evil.png", b"MZ\x90\x00\x03\x00", "cannot be attached"),
        ("evil.png", ZIP, "cannot be attached"),
        ("evil.txt", b"\x7fELF\x02\x01\x01\x00", "cannot be attached"),
        ("evil.tiff", b"II*\x00" + b"\0" * 20, "cannot be attached"),
        # Two formats in one.
        ("evil.png", a_png() + b"<script>alert(1)</script>", "something else"),
        ("evil.png", a_png() + ZIP, "something else"),
        ("evil.gif", GIF + ZIP, "something else"),
        ("evil.jpg", JPEG + b"PK\x03\x04evil" + ZIP, "something else"),
        ("evil.jpg", JPEG[:20] + b"\xff\xfe\x00\x12<svg onload=x()>" + JPEG[20:], "something else"),
        ("evil.gif", b"GIF89a" + PDF, "something else"),
        ("evil.pdf", PDF + ZIP, "something else"),
        ("evil.pdf", b"%PDF-1.7\n<html><body>" + PDF, "something else"),
        # A signature and nothing behind it.
        ("evil.gif", b"GIF89a/*" + b"x" * 30 + b"*/=1;alert(1)", "not a whole GIF image"),
        ("evil.png", a_png()[:-6], "not a whole PNG image"),
        ("evil.png", a_png() + b"tail", "not a whole PNG image"),
        ("evil.png", b"\x89PNG\r\n\x1a\n", "not a whole PNG image"),
        ("evil.png", a_png().replace(b"\x10\x20", b"\x10\x21")[:40] + b"\0" * 30, "not a whole PNG image"),
        ("evil.jpg", JPEG[:-2], "not a whole JPEG image"),
        ("evil.jpg", b"\xff\xd8\xff\xe0" + b"x" * 40, "not a whole JPEG image"),
        ("evil.webp", WEBP[:-4], "not a whole WebP image"),
        ("evil.webp", b"RIFF\x04\x00\x00\x00WEBP", "cannot be attached"),
        ("evil.pdf", b"%PDF-1.7\nwords", "not a whole PDF"),
        ("evil.pdf", PDF.replace(b"/Type", b"/OpenAction<</S/JavaScript/JS(x)>>/Type"), "script"),
        ("evil.pdf", PDF.replace(b"/Type", b"/OpenAction<</S/Launch>>/Type"), "script"),
        ("bomb.png", a_png(65_000, 65_000), "too many pixels"),
        ("none.png", a_png(0, 10), "too many pixels"),
        ("empty.txt", b"", "is empty"),
        ("large.txt", b"x" * (10 * 1024 * 1024 + 1), "too large"),
    ],
)
def test_what_may_not_come_in(name, content, said) -> None:
    with pytest.raises(FileRefusedError, match=said) as refusal:
        checked(name, content)
    assert f"“{name}”" in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("", "file"),
        ("...", "file"),
        ("a\x00b\r\n.png", "ab.png"),
        ("<b>x</b>.png", "b_.png"),
        ("x" * 300 + ".png", "x" * 116 + ".png"),
        ("con\ud800cert.png", "concert.png"),
    ],
)
def test_a_name_cannot_mislead(name, kept) -> None:
    assert clean_name(name) == kept


def test_a_refused_file_leaves_no_ticket_and_every_refusal_is_named(cast, client_of) -> None:
    form = {
        "token": str(uuid.uuid4()),
        "topic": "other",
        "subject": "Files",
        "message": "See these.",
        "attachments": [an_upload("a.html", b"<html>"), an_upload(), an_upload("b.png", SVG)],
    }
    page = client_of(cast.owner).post(reverse("support:ticket-new"), form).content.decode()
    assert "“a.html” cannot be attached" in page
    assert "“b.png” is a web page" in page
    assert "screen.png" not in page
    with tenant(cast.lender.pk):
        assert not Ticket.objects.exists()
        assert not Attachment.objects.exists()


# --- keeping and giving back -----------------------------------------------------------------------------------------


def url_of(attachment: Attachment) -> str:
    return reverse("support:attachment", args=[attachment.public_id])


def test_a_file_is_kept_under_a_name_that_nobody_can_guess(cast, settings) -> None:
    a_ticket(cast, files=(a_file("salary.png"), a_file("salary.png")))
    with tenant(cast.lender.pk):
        first, second = Attachment.objects.order_by("pk")
    assert first.file.name != second.file.name
    assert "salary" not in first.file.name
    assert "." not in Path(first.file.name).name
    assert len(Path(first.file.name).name) >= 40
    assert Path(first.file.path).is_relative_to(settings.MEDIA_ROOT)
    assert first.sha256 == second.sha256


def test_a_file_comes_back_as_a_download_that_no_browser_runs(cast, client_of) -> None:
    a_ticket(cast, files=(a_file('bill "1".txt', b"words"),))
    with tenant(cast.lender.pk):
        attachment = Attachment.objects.get()
    answer = client_of(cast.viewer).get(url_of(attachment))
    assert answer.status_code == 200
    assert answer.content == b"words"
    assert answer["Content-Type"] == "text/plain"
    assert answer["Content-Disposition"] == 'attachment; filename="bill _1_.txt"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cache-Control"] == "no-store"
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert client_of(cast.support).get(url_of(attachment)).status_code == 200


def test_nobody_else_gets_a_file(cast, client_of) -> None:
    a_ticket(cast, files=(a_file(),))
    with tenant(cast.lender.pk):
        attachment = Attachment.objects.get()
    for person in (cast.stranger, cast.finance, cast.other_owner, cast.other_finance):
        assert client_of(person).get(url_of(attachment)).status_code == 404, person
    visitor = anonymous(cast.lender).get(url_of(attachment))
    assert visitor.status_code == 302
    assert reverse("account_login") in visitor["Location"]
    assert client_of(cast.owner).post(url_of(attachment)).status_code == 405


@pytest.mark.parametrize("prefix", ["/media/", "/files/", "/static/", "/attachments/", "/"])
def test_no_path_leads_to_the_stored_file(cast, client_of, prefix) -> None:
    a_ticket(cast, files=(a_file(),))
    with tenant(cast.lender.pk):
        name = Attachment.objects.get().file.name
    assert client_of(cast.owner).get(f"{prefix}{name}").status_code == 404


def test_a_file_of_a_note_is_for_agents(cast, client_of) -> None:
    a_note(cast, a_ticket(cast), files=(a_file("evidence.png"),))
    with tenant(cast.lender.pk):
        attachment = Attachment.objects.get()
    assert client_of(cast.owner).get(url_of(attachment)).status_code == 404
    assert client_of(cast.support).get(url_of(attachment)).status_code == 200


@pytest.mark.parametrize("key", [uuid.UUID(int=0), "x", "1"])
def test_a_made_up_file_is_not_found(cast, client_of, key) -> None:
    assert client_of(cast.owner).get(f"/support/attachments/{key}/").status_code == 404


def test_a_file_lost_on_the_disk_is_not_found_and_no_crash(cast, client_of) -> None:
    a_ticket(cast, files=(a_file(),))
    with tenant(cast.lender.pk):
        attachment = Attachment.objects.get()
    Path(attachment.file.path).unlink()
    assert client_of(cast.owner).get(url_of(attachment)).status_code == 404


def test_a_rolled_back_message_leaves_no_file_behind(cast, settings) -> None:
    ticket = a_ticket(cast)
    before = {path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()}
    with tenant(cast.lender.pk):
        message = TicketMessage.objects.get(ticket=ticket)
        broken = a_file()
        broken.content.close()
        with pytest.raises(ValueError, match="closed file"):
            keep_files(message=message, files=[a_file(), broken])
    assert {path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()} == before


def test_the_action_refuses_a_fourth_file(cast) -> None:
    ticket = a_ticket(cast)
    with tenant(cast.lender.pk):
        message = TicketMessage.objects.get(ticket=ticket)
        with pytest.raises(ValueError, match="up to 3"):
            keep_files(message=message, files=[a_file() for _n in range(4)])
        assert not Attachment.objects.exists()


# --- the scanner -----------------------------------------------------------------------------------------------------

EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


class _Clamd(socketserver.StreamRequestHandler):
    """Speaks INSTREAM as clamd does."""

    def handle(self) -> None:
        assert self.rfile.read(10) == b"zINSTREAM\0"
        content = b""
        while length := struct.unpack(">I", self.rfile.read(4))[0]:
            content += self.rfile.read(length)
        self.server.seen.append(content)
        if content == b"unreadable":
            self.wfile.write(b"INSTREAM size limit exceeded. ERROR\0")
            return
        if self.server.answer is not None:
            self.wfile.write(self.server.answer)
        elif EICAR in content:
            self.wfile.write(b"stream: Win.Test.EICAR_HDB-1 FOUND\0")
        else:
            self.wfile.write(b"stream: OK\0")


@pytest.fixture
def clamd(settings) -> Iterator[socketserver.ThreadingTCPServer]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Clamd) as server:
        server.daemon_threads = True
        server.seen = []
        server.answer = None
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        settings.SCANNER_ADDRESS = f"127.0.0.1:{server.server_address[1]}"
        settings.SCANNER_REQUIRED = True
        yield server
        server.shutdown()
        thread.join()


def test_the_scanner_reads_every_byte(clamd, settings) -> None:
    content = bytes(range(256)) * 1000
    assert scan(io.BytesIO(content), settings.SCANNER_ADDRESS).is_clean
    assert clamd.seen == [content]
    found = scan(io.BytesIO(EICAR), settings.SCANNER_ADDRESS)
    assert (found.is_clean, found.finding) == (False, "Win.Test.EICAR_HDB-1")


@pytest.mark.parametrize(
    "answer", [b"", b"\0", b"INSTREAM size limit exceeded. ERROR\0", b"stream: OKAY\0", b"OK\0", b"x" * 9000]
)
def test_an_unclear_answer_of_the_scanner_is_no_release(clamd, settings, answer) -> None:
    clamd.answer = answer
    with pytest.raises(ScannerUnavailableError):
        scan(io.BytesIO(b"words"), settings.SCANNER_ADDRESS)


@pytest.mark.parametrize(
    "address", ["127.0.0.1:1", "nowhere.invalid:3310", "no-port", "", "127.0.0.1:99999999"]
)
def test_a_scanner_that_is_not_there_is_no_release(address) -> None:
    with pytest.raises(ScannerUnavailableError):
        scan(io.BytesIO(b"words"), address)


def a_waiting_file(cast, content: bytes = b"words") -> Attachment:
    a_ticket(cast, files=(a_file("note.txt", content),))
    with tenant(cast.lender.pk):
        attachment = Attachment.objects.latest("pk")
    assert attachment.scan == Attachment.Scan.WAITING
    return attachment


def after(cast, attachment: Attachment) -> str:
    with tenant(cast.lender.pk):
        attachment.refresh_from_db()
    return attachment.scan


def test_a_clean_file_is_released(cast, client_of, clamd) -> None:
    attachment = a_waiting_file(cast)
    assert client_of(cast.owner).get(url_of(attachment)).status_code == 404
    scan_attachment(cast.lender.pk, attachment.pk)
    assert after(cast, attachment) == Attachment.Scan.CLEAN
    assert client_of(cast.owner).get(url_of(attachment)).status_code == 200
    # Again, and by the sweep: nothing more to do.
    scan_attachment(cast.lender.pk, attachment.pk)
    scan_waiting_attachments(cast.lender.pk)
    assert clamd.seen == [b"words"]


def test_a_harmful_file_is_refused_and_deleted(
    cast, client_of, clamd, django_capture_on_commit_callbacks
) -> None:
    attachment = a_waiting_file(cast, EICAR)
    path = Path(attachment.file.path)
    with django_capture_on_commit_callbacks(execute=True):
        scan_attachment(cast.lender.pk, attachment.pk)
    assert after(cast, attachment) == Attachment.Scan.REFUSED
    assert not path.exists()
    for person in (cast.owner, cast.support):
        assert client_of(person).get(url_of(attachment)).status_code == 404
    with tenant(cast.lender.pk):
        entry = AuditEntry.objects.get(code="attachment.refused")
        assert entry.reason == "Win.Test.EICAR_HDB-1"
        ticket = Ticket.objects.get()
    page = (
        client_of(cast.owner).get(reverse("support:ticket-detail", args=[ticket.public_id])).content.decode()
    )
    assert "found something harmful" in page
    assert url_of(attachment) not in page


def test_without_a_scanner_a_file_waits_and_says_so(cast, client_of, settings) -> None:
    settings.SCANNER_REQUIRED = True
    attachment = a_waiting_file(cast)
    scan_attachment(cast.lender.pk, attachment.pk)
    scan_waiting_attachments(cast.lender.pk)
    assert after(cast, attachment) == Attachment.Scan.WAITING
    for person in (cast.owner, cast.support):
        assert client_of(person).get(url_of(attachment)).status_code == 404
    with tenant(cast.lender.pk):
        ticket = Ticket.objects.get()
    page = (
        client_of(cast.owner).get(reverse("support:ticket-detail", args=[ticket.public_id])).content.decode()
    )
    assert "Being checked" in page
    assert url_of(attachment) not in page


def test_a_silent_scanner_keeps_the_file_until_it_answers(cast, clamd, settings) -> None:
    attachment = a_waiting_file(cast)
    address, settings.SCANNER_ADDRESS = settings.SCANNER_ADDRESS, "127.0.0.1:1"
    scan_attachment(cast.lender.pk, attachment.pk)
    scan_waiting_attachments(cast.lender.pk)
    assert after(cast, attachment) == Attachment.Scan.WAITING
    settings.SCANNER_ADDRESS = address
    scan_waiting_attachments(cast.lender.pk)
    assert after(cast, attachment) == Attachment.Scan.CLEAN


def test_a_file_that_the_scanner_cannot_read_holds_up_no_other(cast, clamd) -> None:
    unreadable, sound = a_waiting_file(cast, b"unreadable"), a_waiting_file(cast)
    scan_waiting_attachments(cast.lender.pk)
    assert after(cast, unreadable) == Attachment.Scan.WAITING
    assert after(cast, sound) == Attachment.Scan.CLEAN


def test_a_round_ends_when_the_scanner_stays_silent(cast, clamd) -> None:
    for _n in range(5):
        a_waiting_file(cast, b"unreadable")
    scan_waiting_attachments(cast.lender.pk)
    assert len(clamd.seen) == 3


def test_a_configured_scanner_counts_even_where_none_is_required(cast, clamd, settings) -> None:
    settings.SCANNER_REQUIRED = False
    assert after(cast, a_waiting_file(cast)) == Attachment.Scan.WAITING


def test_a_verdict_is_recorded_once_and_for_the_own_lender_only(cast, clamd) -> None:
    attachment = a_waiting_file(cast)
    with tenant(cast.other_lender.pk):
        assert record_scan(attachment_id=attachment.pk, is_clean=True) is None
    assert after(cast, attachment) == Attachment.Scan.WAITING
    with tenant(cast.lender.pk):
        assert record_scan(attachment_id=attachment.pk, is_clean=False, finding="x") is not None
        assert record_scan(attachment_id=attachment.pk, is_clean=True) is None
    assert after(cast, attachment) == Attachment.Scan.REFUSED
