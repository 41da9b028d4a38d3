"""Commands that the demo runs beside each other: both end, or neither goes on."""

import sys
import time
from pathlib import Path

import pytest

from portal.ground import processes
from portal.ground.demo import Demo
from portal.ground.messages import GroundError
from portal.ground.services import Services


class Scripted(Demo):
    """Runs the given Python text in place of a management command."""

    def _manage_command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-c", *arguments]


@pytest.fixture
def demo(tmp_path: Path) -> Scripted:
    return Scripted(tmp_path, Services(tmp_path), owns_services=False)


def test_both_run_to_their_ends_at_the_same_time(demo: Scripted, tmp_path: Path) -> None:
    # Each waits for the other's file, so one after the other would never end.
    meet = (
        "import sys, time; from pathlib import Path; here = Path(sys.argv[1]);"
        "(here / sys.argv[2]).touch()\n"
        "while not (here / sys.argv[3]).exists(): time.sleep(0.02)"
    )
    here = str(tmp_path)
    demo.manage_side_by_side((meet, here, "one", "two"), (meet, here, "two", "one"))
    assert {path.name for path in tmp_path.iterdir()} >= {"one", "two"}


def test_a_failure_ends_the_other_and_says_which_failed(demo: Scripted, tmp_path: Path) -> None:
    note = "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(60)"
    pid = tmp_path / "pid"
    fail = (
        "import sys, time; from pathlib import Path\n"
        "while not (Path(sys.argv[1]).exists() and Path(sys.argv[1]).read_text()): time.sleep(0.02)\n"
        "raise SystemExit(3)"
    )
    began = time.monotonic()
    with pytest.raises(GroundError, match="failed; its own message is above"):
        demo.manage_side_by_side((note, str(pid)), (fail, str(pid)))
    assert time.monotonic() - began < 30
    assert processes.started_at(int(pid.read_text(encoding="ascii"))) is None


def test_a_failure_in_the_last_moment_is_seen(demo: Scripted) -> None:
    with pytest.raises(GroundError):
        demo.manage_side_by_side(("raise SystemExit(1)",), ("pass",))
