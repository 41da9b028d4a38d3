"""Commands and jobs are documented as they are."""

import re
import subprocess
from datetime import timedelta

import pytest
from django.conf import settings
from django.core.management import load_command_class
from django.core.management.base import BaseCommand

from tests.docs.paper import ROOT, documents, rows, section, text_of, tracked

JOBS = "docs/operators/jobs.md"
TARGETS = re.findall(r"^([a-z-]+):.*## ", text_of("Makefile"), re.MULTILINE)
COMMANDS = {
    path.stem: path.relative_to(ROOT).parts[0]
    for path in tracked("*/management/commands/*.py")
    if path.stem != "__init__"
}


def test_every_target_of_make_is_in_its_help() -> None:
    phony = re.search(r"^\.PHONY: (.+)$", text_of("Makefile"), re.MULTILINE)
    assert phony
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert sorted(re.findall(r"^  make ([a-z-]+)", listed, re.MULTILINE)) == sorted(phony.group(1).split())


def test_every_target_of_make_is_documented() -> None:
    words = text_of("README.md") + text_of("CONTRIBUTING.md")
    assert [name for name in TARGETS if not re.search(rf"make {name}\b(?!-)", words)] == []


def test_documents_name_no_target_that_make_lacks() -> None:
    named = {
        (page.name, name)
        for page in documents()
        for name in re.findall(r"(?:`|^ {4})make ([a-z-]+)", text_of(page), re.MULTILINE)
    }
    assert [found for found in named if found[1] not in TARGETS] == []


def test_every_command_is_documented() -> None:
    assert {cells[0].strip("`") for cells in rows(text_of(JOBS), "Command")} == set(COMMANDS)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_command_is_documented_with_its_options(name: str) -> None:
    def options(command: BaseCommand) -> set[str]:
        parser = command.create_parser("manage.py", name)
        return {option for action in parser._actions for option in action.option_strings}

    own = options(load_command_class(COMMANDS[name], name)) - options(BaseCommand())
    listed = next(cells for cells in rows(text_of(JOBS), "Command") if cells[0] == f"`{name}`")
    assert set(re.findall(r"--[a-z-]+", listed[1])) == own


def test_documents_name_no_command_that_is_missing() -> None:
    named = {name for page in documents() for name in re.findall(r"manage\.py ([a-z_]+)", text_of(page))}
    django = {"migrate", "shell", "check", "collectstatic"}
    assert sorted(named - set(COMMANDS) - django) == []


def test_the_clock_is_documented_as_it_is_set() -> None:
    units = {"s": "seconds", "min": "minutes", "h": "hours"}
    listed = {}
    for cells in rows(section(JOBS, "By the clock"), "Task"):
        number, unit = cells[1].split()
        listed[cells[0].strip("`")] = timedelta(**{units[unit]: int(number)})
    assert listed == {entry["task"]: entry["schedule"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
