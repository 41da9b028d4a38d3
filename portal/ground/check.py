"""`make test`: every check of the repository, on servers of its own, ending with one closing line."""

import os
import secrets
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from portal.ground import browser, environment, places, pooler, processes
from portal.ground.messages import GroundError, note, step
from portal.ground.services import Services, end_leftovers, services_lock
from portal.ground.state import exclusive

SETTINGS = "portal.settings.test"
_BROWSER_TESTS = "tests/browser"
_CONCURRENCY_TESTS = "tests/concurrency"
_TENANCY_TESTS = "tests/tenancy"
_COUNTED = ("failed", "errors", "passed", "skipped")
_NO_TESTS_COLLECTED = 5
_TYPES = "Types (mypy)"
_TEMPLATE = "Migrated database that the tests copy"
# A file of tests stays in one process, which has a database, a live server and a browser of its own.
_TWO_AT_A_TIME = ("-n", "2", "--dist", "loadfile")


def run(data: Path, chosen: str = "") -> int:
    """Run all checks, or with `chosen` only those tests (`path`, `path::name`, several with blanks between)."""
    began = time.monotonic()
    processes.end_with_make()
    environment.ensure_environment("dev")
    environment.ensure_pdf_libraries(required=True)
    with test_services(data) as variables:
        if _needs_browser(chosen):
            variables["FORECOURT_CHROMIUM"] = browser.ensure_chromium()
        if not chosen or _TENANCY_TESTS in chosen:
            variables["FORECOURT_PGBOUNCER"] = pooler.ensure_pooler()
        failed: list[str] = []
        if not chosen:
            variables["FORECOURT_TEST_TEMPLATE"] = _template_name(variables)
            # The types take longest, so they begin.
            checks = sorted(static_checks(variables), key=lambda check: check[0] != _TYPES)
            checks.insert(1, (_TEMPLATE, _template_command("make"), {}))
            step("Static checks, side by side; each shows when it ends")
            failed += _run_side_by_side(checks, variables)
            if _TEMPLATE in failed:
                del variables["FORECOURT_TEST_TEMPLATE"]
        results: Counter[str] = Counter()
        for name, arguments, extra in _test_runs(chosen):
            step(name)
            counted, code = _run_tests(data, arguments, variables | extra)
            results += counted
            if code not in {0, _NO_TESTS_COLLECTED}:
                failed.append(name)
        if "FORECOURT_TEST_TEMPLATE" in variables:
            _run(_template_command("drop"), variables)
    if chosen:
        # One call of pytest has spoken for itself.
        return 0 if results and not failed else 1
    for name in failed:
        print(f"FAILED: {name}")
    print(closing_line(results, len(failed), time.monotonic() - began), flush=True)
    return 1 if failed else 0


def run_static(data: Path, names: tuple[str, ...]) -> int:
    """Run only the static checks whose names begin with one of `names`; `make lint` and `make types`."""
    del data
    environment.ensure_environment("dev")
    variables = _placeholder_servers()
    code = 0
    for name, command, extra in static_checks(variables):
        if name.startswith(names):
            step(name)
            code = _run(command, variables | extra) or code
    return code


def closing_line(results: Counter[str], failed_parts: int, seconds: float) -> str:
    """One line in pytest's form that sums all its calls; a failed part that is no test is counted in words."""
    words = [f"{results[name]} {name}" for name in _COUNTED if results[name] or name == "passed"]
    if not results["failed"] and not results["errors"] and failed_parts:
        words.insert(0, f"{failed_parts} failed")
    return f" {', '.join(words)} in {seconds:.2f}s ".center(80, "=")


@contextmanager
def test_services(data: Path) -> Iterator[dict[str, str]]:
    """Servers for the tests alone, in a folder below `data` that no other run uses; yields their variables.

    With DATABASE_URL and REDIS_URL of one's own nothing is started, and pytest makes its `test_` databases there.
    """
    for number in range(1, 20):
        folder = data / ("test" if number == 1 else f"test-{number}")
        with exclusive(services_lock(folder)) as free:
            if not free:
                continue
            step("Starting PostgreSQL and Valkey for the tests")
            services = Services(folder, Services(data).given)
            if services.postgres:
                services.postgres.flushes = False
            try:
                end_leftovers(services)
                services.start()
                yield services.environment() | {"DJANGO_SETTINGS_MODULE": SETTINGS}
            finally:
                services.stop()
            return
    raise GroundError(f"Nineteen other test runs use {data}; wait for one to end.")


def static_checks(variables: dict[str, str]) -> list[tuple[str, list[str], dict[str, str]]]:
    """Every check that is no test: its name, command, and variables of its own."""
    python = str(places.environment_python())
    scripts = places.VIRTUAL_ENVIRONMENT / "bin"
    production = {
        "DJANGO_SETTINGS_MODULE": "portal.settings.base",
        "FORECOURT_ENVIRONMENT": "production",
        "SECRET_KEY": secrets.token_urlsafe(60),
        "FORECOURT_FIELD_KEYS": "ZGVtby1vbmx5LWZpZWxkLWtleS0tbm90LXNlY3JldC0=",
        "FORECOURT_TRUSTED_PROXY_COUNT": "1",
        "DATABASE_URL": variables["DATABASE_URL"],
        "REDIS_URL": variables["REDIS_URL"],
    }
    return [
        ("Lint (ruff check)", [str(scripts / "ruff"), "check", "."], {}),
        ("Format (ruff format)", [str(scripts / "ruff"), "format", "--check", "."], {}),
        ("Import contracts (lint-imports)", [str(scripts / "lint-imports"), "--no-logo"], {}),
        (_TYPES, [python, "-m", "mypy"], {}),
        ("Missing migrations", [python, "manage.py", "makemigrations", "--check", "--dry-run"], {}),
        (
            "Deployment check",
            [python, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
            production,
        ),
    ]


def _test_runs(chosen: str) -> list[tuple[str, list[str], dict[str, str]]]:
    # Playwright keeps an event loop in the thread, which Django's guard takes for asynchronous code; only these tests
    # may switch the guard off.
    beside_a_loop = {"DJANGO_ALLOW_ASYNC_UNSAFE": "1"}
    if chosen:
        return [("Tests", chosen.split(), beside_a_loop if _needs_browser(chosen) else {})]
    runs: list[tuple[str, list[str], dict[str, str]]] = [
        (
            "Unit, tenancy and page tests, two at a time",
            [*_TWO_AT_A_TIME, f"--ignore={_BROWSER_TESTS}", f"--ignore={_CONCURRENCY_TESTS}"],
            {},
        )
    ]
    if (places.CHECKOUT / _CONCURRENCY_TESTS).is_dir():
        runs.append(("Concurrency tests", [*_TWO_AT_A_TIME, _CONCURRENCY_TESTS], {}))
    if (places.CHECKOUT / _BROWSER_TESTS).is_dir():
        arguments = [*_TWO_AT_A_TIME, _BROWSER_TESTS]
        runs.append(("Browser tests (headless Chromium)", arguments, beside_a_loop))
    return runs


def _needs_browser(chosen: str) -> bool:
    return _BROWSER_TESTS in chosen if chosen else (places.CHECKOUT / _BROWSER_TESTS).is_dir()


def _run_tests(data: Path, arguments: list[str], variables: dict[str, str]) -> tuple[Counter[str], int]:
    report = data / f"test-report-{os.getpid()}.xml"
    command = [str(places.environment_python()), "-m", "pytest", *arguments, f"--junit-xml={report}"]
    code = _run(command, variables)
    counted: Counter[str] = Counter()
    if report.exists():
        for suite in ET.parse(report).getroot().iter("testsuite"):  # noqa: S314 - pytest wrote it just now
            numbers = {name: int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")}
            counted["failed"] += numbers["failures"]
            counted["errors"] += numbers["errors"]
            counted["skipped"] += numbers["skipped"]
            counted["passed"] += (
                numbers["tests"] - numbers["failures"] - numbers["errors"] - numbers["skipped"]
            )
        report.unlink()
    return counted, code


def _template_name(variables: dict[str, str]) -> str:
    return f"test_{urlsplit(variables['DATABASE_URL']).path.lstrip('/')}_template"


def _template_command(act: str) -> list[str]:
    return [str(places.environment_python()), "-m", "tests.template", act]


def _run_side_by_side(
    checks: Sequence[tuple[str, list[str], dict[str, str]]], variables: dict[str, str]
) -> list[str]:
    """Run the checks in their order, one for each processor at a time; return the names of those that failed.

    What a check prints is kept until it ends, so that no two mix.
    """
    waiting = deque(checks)
    running: list[tuple[str, subprocess.Popen[bytes], IO[bytes]]] = []
    failed: list[str] = []
    while waiting or running:
        while waiting and len(running) < max(2, os.cpu_count() or 1):
            name, command, extra = waiting.popleft()
            output: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - read and closed when its process has ended
            running.append((name, _start(command, variables | extra, output), output))
        for check in [check for check in running if check[1].poll() is not None]:
            running.remove(check)
            name, process, output = check
            step(name)
            with output:
                output.seek(0)
                sys.stdout.buffer.write(output.read())
                sys.stdout.flush()
            if process.returncode:
                failed.append(name)
        time.sleep(0.05)
    return failed


def _run(command: list[str], variables: dict[str, str]) -> int:
    process = _start(command, variables)
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.wait(30)
        note("interrupted")
        raise


def _start(
    command: list[str], variables: dict[str, str], output: IO[bytes] | None = None
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        cwd=places.CHECKOUT,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=None if output is None else subprocess.STDOUT,
        preexec_fn=lambda: processes.die_with_parent(15),
    )


def _placeholder_servers() -> dict[str, str]:
    """Addresses for checks that load the settings but connect to nothing."""
    return {
        "DJANGO_SETTINGS_MODULE": SETTINGS,
        "DATABASE_URL": "postgresql://portal_app@127.0.0.1:1/none",
        "DATABASE_OWNER_URL": "postgresql://portal_owner@127.0.0.1:1/none",
        "REDIS_URL": "redis://127.0.0.1:1/0",
    }
