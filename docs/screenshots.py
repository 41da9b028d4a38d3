#!/usr/bin/env python3
"""Takes the pictures of the documents from the running demo: `make demo`, then `make screenshots` beside it.

Signs in as a newcomer does, with the code from the demo's mailbox. A test renders nothing of this; whoever changes a
page that is pictured takes the pictures anew.
"""

import os
import re
import sys
import time
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

IMAGES = Path(__file__).resolve().parent / "images"
PORT = os.environ["FORECOURT_PUBLIC_PORT"]
PASSWORD = "quiet harbour lantern"  # noqa: S105 (the demo prints it)
WIDE = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
# A code stands alone in its line; numbers of payments and tickets do not.
_CODE = re.compile(r"^\s*([0-9]{6})\s*$", re.MULTILINE)
_MAIL_SECONDS = 60
_STATEMENT_SECONDS = 300


def main() -> int:
    """Take every picture; the exit code."""
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ["FORECOURT_CHROMIUM"],
            args=["--no-sandbox", "--disable-gpu", "--font-render-hinting=none"],
        )
        finance = signed_in(browser, "summit", "faye")
        order_statements(finance)
        show(finance, "office", "/admin/")
        lock(browser, "summit", "vic")
        agent = signed_in(browser, "summit", "sam")
        show(
            agent,
            "unlock",
            first_link(agent, "/support/unlock/?q=tran", r"/support/unlock/[0-9a-f-]{36}/$"),
        )
        dealer = signed_in(browser, "summit", "dana")
        show(dealer, "dashboard", "/")
        show(
            dealer,
            "unit",
            first_link(dealer, "/units/?sort=-days", r"/units/[0-9a-f-]{36}/$") + "#calculation",
        )
        pay(dealer)
        show(dealer, "statement", first_link(dealer, "/statements/", r"/statements/[0-9a-f-]{36}/$"))
        dealer.set_viewport_size(PHONE)  # type: ignore[arg-type]
        show(dealer, "phone", "/")
        browser.close()
    return 0


def signed_in(browser: Browser, lender: str, name: str) -> Page:
    """A browser in which a person of the demo has signed in."""
    context = browser.new_context(
        viewport=WIDE,  # type: ignore[arg-type]
        locale="en-US",
        base_url=f"http://{lender}.localhost:{PORT}",
        reduced_motion="reduce",
    )
    page, mailbox = context.new_page(), context.new_page()
    known = codes_of(mailbox, name)
    page.goto("/account/sign-in/")
    page.fill("[name=login]", name)
    page.fill("[name=password]", PASSWORD)
    page.click("form.form button.button")
    until = time.monotonic() + _MAIL_SECONDS
    while not (fresh := [code for code in codes_of(mailbox, name) if code not in known]):
        if time.monotonic() > until:
            raise SystemExit(
                f"No code for {name} came in {_MAIL_SECONDS} seconds; is the demo's worker well?"
            )
        time.sleep(1)
    page.fill("[name=code]", fresh[0])
    page.click("form.form button.button")
    page.wait_for_url(lambda address: "/account/" not in address)
    mailbox.close()
    return page


def lock(browser: Browser, lender: str, name: str) -> None:
    """Try wrong passwords until a person of the demo is locked out, for a quarter of an hour."""
    context = browser.new_context(base_url=f"http://{lender}.localhost:{PORT}")
    page = context.new_page()
    for _try in range(5):
        page.goto("/account/sign-in/")
        page.fill("[name=login]", name)
        page.fill("[name=password]", "not the password at all")
        page.click("form.form button.button")
    context.close()


def codes_of(mailbox: Page, name: str) -> list[str]:
    """The codes in a person's mails, newest first."""
    mailbox.goto("/demo/mailbox/")
    mails = mailbox.locator("section.section").all_inner_texts()
    return [code for mail in mails if f"to {name}@" in mail for code in _CODE.findall(mail)]


def first_link(page: Page, path: str, pattern: str) -> str:
    """The first address on a page that looks like `pattern`."""
    page.goto(path)
    for link in page.locator("main a").all():
        address = str(link.get_attribute("href"))
        if re.search(pattern, address):
            return address
    raise SystemExit(f"Nothing on {path} leads on.")


def order_statements(page: Page) -> None:
    """Have the last month's statements made, where they are not, and wait until none is waiting."""
    page.goto("/statements/months/")
    start = page.locator("tbody tr").first.locator("a[href*='month=']")
    if start.count():
        start.click()
        page.locator("form button.button").last.click()
    until = time.monotonic() + _STATEMENT_SECONDS
    while page.goto("/statements/months/") and "Being made" in page.locator("tbody tr").first.inner_text():
        if time.monotonic() > until:
            raise SystemExit(f"The statements were not made in {_STATEMENT_SECONDS} seconds.")
        time.sleep(2)


def pay(page: Page) -> None:
    """Choose the first three rows and stop at the check page: nothing is sent."""
    page.goto("/payments/new/?show=all")
    for box in page.locator("tbody input[name=account]:enabled").all()[:3]:
        box.check()
    page.locator("button.button", has_text="Check").click()
    page.wait_for_url("**/payments/review/**")
    take(page, "pay")


def show(page: Page, picture: str, path: str) -> None:
    """Open a page and take its picture."""
    page.goto(path)
    take(page, picture)


def take(page: Page, picture: str) -> None:
    """A picture of what is on the screen, fonts and charts included."""
    page.wait_for_load_state("networkidle")
    page.evaluate("document.fonts.ready")
    page.screenshot(path=IMAGES / f"{picture}.png")
    sys.stdout.write(f"docs/images/{picture}.png\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
