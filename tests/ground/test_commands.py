"""The commands a person types: what they list, what they refuse, what they leave alone."""

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from portal.ground import check, demo, places

RUN = places.CHECKOUT / "portal/ground/run.py"


def launch(command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FORECOURT_")}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    return subprocess.run(
        [sys.executable, RUN, command],
        env=environment | variables,
        cwd="/",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    "variables",
    [{"DJANGO_SETTINGS_MODULE": "portal.settings.base"}, {"FORECOURT_ENVIRONMENT": "production"}],
    ids=["settings", "environment"],
)
@pytest.mark.parametrize("command", ["demo", "reset"])
def test_the_demo_refuses_production(tmp_path: Path, command: str, variables: dict[str, str]) -> None:
    kept = tmp_path / "files" / "statement.pdf"
    kept.parent.mkdir()
    kept.write_bytes(b"kept")
    answer = launch(command, FORECOURT_DATA_DIR=str(tmp_path), **variables)
    assert answer.returncode == 1
    assert "refuses to run with production settings" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["files"]
    assert kept.read_bytes() == b"kept"


def test_starting_over_deletes_only_what_the_demo_wrote(tmp_path: Path) -> None:
    for name in ("postgresql", "mailbox", "notes"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name, encoding="ascii")
    (tmp_path / "state.json").write_text("{", encoding="ascii")
    demo.wipe(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes"]
    assert (tmp_path / "notes" / "file").read_text(encoding="ascii") == "notes"


def test_exports_without_running_services_say_how_to_start_them(tmp_path: Path) -> None:
    answer = launch("env", FORECOURT_DATA_DIR=str(tmp_path))
    assert answer.returncode == 1
    assert "make services" in answer.stderr
    assert answer.stdout == ""


def test_information_about_a_demo_that_never_ran_says_so(tmp_path: Path) -> None:
    answer = launch("demo-info", FORECOURT_DATA_DIR=str(tmp_path))
    assert answer.returncode == 1
    assert "make demo" in answer.stderr


def test_an_unknown_command_points_to_the_help() -> None:
    answer = launch("fly")
    assert answer.returncode == 1
    assert "make help" in answer.stderr


def test_help_lists_every_command_with_a_line() -> None:
    makefile = (places.CHECKOUT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    phony = set(re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[1].split())
    output = subprocess.run(
        ["make", "--no-print-directory", "help"],
        cwd=places.CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    listed = dict(line.split(maxsplit=2)[1:] for line in output.splitlines())
    assert set(listed) == targets == phony
    assert {"demo", "demo-info", "test", "bench", "lint", "types", "migrate", "shell", "reset"} <= set(listed)


def test_the_launcher_needs_the_standard_library_alone() -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); before = set(sys.modules)\n"
        "from portal.ground import browser, check, demo, environment, services\n"
        "names = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "print(sorted(names - set(sys.stdlib_module_names) - {'portal'}))"
    )
    answer = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, places.CHECKOUT], capture_output=True, text=True, check=True
    )
    assert answer.stdout == "[]\n"


@pytest.mark.parametrize(
    ("results", "failed_parts", "line"),
    [
        (Counter(passed=12), 0, "12 passed in 3.50s"),
        (Counter(passed=12, failed=1, errors=2), 1, "1 failed, 2 errors, 12 passed in 3.50s"),
        (Counter(passed=12), 1, "1 failed, 12 passed in 3.50s"),
    ],
    ids=["all passed", "tests failed", "only a check failed"],
)
def test_the_closing_line_counts_every_part(results: Counter[str], failed_parts: int, line: str) -> None:
    assert check.closing_line(results, failed_parts, 3.5).strip("= ") == line


def test_checks_side_by_side_print_their_words_whole_and_are_named_when_they_fail(
    capfd: pytest.CaptureFixture[str],
) -> None:
    slow = "import time; print('slow begins', flush=True); time.sleep(1); print('slow ends')"
    broken = "import sys; print('broken begins', file=sys.stderr); print('broken ends'); sys.exit(3)"
    none: dict[str, str] = {}
    checks = [(name, [sys.executable, "-c", code], none) for name, code in (("One", slow), ("Two", broken))]
    assert check._run_side_by_side(checks, {}) == ["Two"]
    printed = capfd.readouterr().out
    assert re.findall(r"One|Two|slow \w+|broken \w+", printed) == [
        *("Two", "broken begins", "broken ends"),
        *("One", "slow begins", "slow ends"),
    ]


def test_the_compose_file_holds_no_secret() -> None:
    text = (places.CHECKOUT / "docker-compose.yml").read_text(encoding="utf-8")
    secret = re.compile(r"^\s+(\w*(?:PASSWORD|SECRET|SECRET_KEY|FIELD_KEYS)): (.+)$", re.MULTILINE)
    found = secret.findall(text)
    assert len(found) > 8
    assert [name for name, value in found if not re.fullmatch(r"\$\{\w+:[-?][^}]*\}", value)] == []
    assert re.findall(r"://[^@\s]*:(?!\$)[^@\s/]+@", text) == []


def test_nobody_is_turned_away_while_only_the_worker_is_missing() -> None:
    proxy = (places.CHECKOUT / "docker/proxy/Caddyfile").read_text(encoding="utf-8")
    stack = (places.CHECKOUT / "docker-compose.yml").read_text(encoding="utf-8")
    assert re.findall(r"/health/\w+/", proxy + stack) == ["/health/live/"] * 2
