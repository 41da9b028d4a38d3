"""Finds the Chromium that browser tests and screenshots drive, and installs it where it may."""

import os
import shutil
import subprocess
from pathlib import Path

from portal.ground import environment, places
from portal.ground.messages import GroundError, note, step

# Debian's shell without a window first: the same engine for about half the work. Then its chromium; Ubuntu's package
# of that name only points to a snap, so Playwright's own comes after it.
_NAMES = ("chromium-headless-shell", "chromium", "google-chrome", "google-chrome-stable", "chromium-browser")


def find_chromium() -> str | None:
    """`FORECOURT_CHROMIUM`, or a Chromium on PATH, or the one that Playwright downloaded; None when there is none."""
    wanted = os.environ.get("FORECOURT_CHROMIUM")
    if wanted:
        if not _runs(wanted):
            raise GroundError(f"FORECOURT_CHROMIUM names {wanted}, which does not run.")
        return wanted
    found = [path for name in _NAMES if (path := shutil.which(name))]
    cache = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache/ms-playwright")
    for pattern in ("chromium-*/chrome-linux*/chrome", "chromium_headless_shell-*/chrome-*/*headless*shell"):
        found += [str(path) for path in sorted(cache.glob(pattern), reverse=True)]
    return next((path for path in found if _runs(path)), None)


def ensure_chromium() -> str:
    """A Chromium that runs, installed first when this may be done; otherwise an error with the line to run."""
    found = find_chromium()
    if found:
        return found
    step("Installing Chromium for the browser tests")
    if environment.may_install():
        for package in ("chromium-headless-shell", "chromium"):
            environment.install_packages([package])
            if found := find_chromium():
                return found
    note("trying Playwright's own download")
    command = [str(places.environment_python()), "-m", "playwright", "install"]
    subprocess.run(
        [*command, *(["--with-deps"] if environment.may_install() else []), "chromium"], check=False
    )
    if found := find_chromium():
        return found
    raise GroundError(
        "The browser tests need Chromium. Run: sudo apt-get install chromium (on Ubuntu: .venv/bin/playwright install"
        " --with-deps chromium), or set FORECOURT_CHROMIUM to the program."
    )


def _runs(program: str) -> bool:
    try:
        answer = subprocess.run([program, "--version"], capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0 and b"hrom" in answer.stdout
