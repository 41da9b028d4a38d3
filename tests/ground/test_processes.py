"""No child outlives the launcher, however the launcher ends; and nothing else is ever ended."""

import os
import signal
import subprocess
import sys

from portal.ground import places, processes


def sleeper(tmp_path) -> processes.Child:
    return processes.start(
        "sleeper", ["/bin/sleep", "60"], environment={}, log=tmp_path / "sleeper.log", directory=tmp_path
    )


def test_a_child_stops_when_asked(tmp_path) -> None:
    child = sleeper(tmp_path)
    assert child.is_running()
    child.ask_to_stop()
    assert child.wait_stopped(5)
    assert processes.started_at(child.pid) is None


def test_a_child_that_ignores_the_signal_is_killed_with_its_own_children(tmp_path) -> None:
    script = "trap '' TERM; sleep 60 & echo $!; wait; sleep 60"
    log = tmp_path / "stubborn.log"
    child = processes.start(
        "stubborn", ["/bin/sh", "-c", script], environment={}, log=log, directory=tmp_path
    )
    assert processes.wait_until(lambda: log.read_bytes().endswith(b"\n"), 5)
    grandchild = int(log.read_text(encoding="ascii"))
    child.ask_to_stop()
    assert not child.wait_stopped(0.3)
    assert processes.wait_until(lambda: processes.started_at(grandchild) is None, 5)


def test_a_child_ends_when_its_launcher_is_killed(tmp_path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from portal.ground import processes\n"
        "here = Path(sys.argv[1])\n"
        "child = processes.start('s', ['/bin/sleep', '60'], environment={}, log=here / 'log', directory=here)\n"
        "print(child.pid, flush=True); time.sleep(60)"
    )
    launcher = subprocess.Popen(
        [sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE, cwd=places.CHECKOUT
    )
    assert launcher.stdout is not None
    child = int(launcher.stdout.readline())
    assert processes.started_at(child)
    launcher.kill()
    launcher.communicate()
    assert processes.wait_until(lambda: processes.started_at(child) is None, 5)


def test_the_leftover_of_an_earlier_start_is_ended(tmp_path) -> None:
    child = sleeper(tmp_path)
    identity = child.identity()
    assert processes.end_leftover(identity, signal.SIGTERM, seconds=5)
    assert child.process.wait(5) == -signal.SIGTERM
    assert not processes.end_leftover(identity)


def test_a_stranger_with_the_remembered_number_is_left_alone() -> None:
    started = processes.started_at(os.getpid())
    assert started is not None
    assert not processes.end_leftover({"pid": os.getpid(), "started_at": started - 1}, signal.SIGKILL)


def test_the_orphans_of_a_killed_leader_are_ended_but_only_where_they_work(tmp_path) -> None:
    log = tmp_path / "leader.log"
    script = "sleep 60 & echo $!; wait"
    leader = processes.start("leader", ["/bin/sh", "-c", script], environment={}, log=log, directory=tmp_path)
    assert processes.wait_until(lambda: log.read_bytes().endswith(b"\n"), 5)
    orphan = int(log.read_text(encoding="ascii"))
    assert processes.end_orphans(leader.pid, tmp_path) == 0, "its leader lives"
    leader.process.kill()
    leader.process.wait(5)
    assert processes.end_orphans(leader.pid, tmp_path / "elsewhere") == 0
    assert processes.started_at(orphan)
    assert processes.end_orphans(leader.pid, tmp_path) == 1
    assert processes.wait_until(lambda: processes.started_at(orphan) is None, 5)
