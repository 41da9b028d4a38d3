"""Starts and stops child processes so that none outlives the launcher, however the launcher ends."""

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from portal.ground.places import ServerAccount

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent(signal_number: int, parent: int | None = None) -> None:
    """Ask the kernel to send `signal_number` to this process when its parent ends, a kill -9 of the parent included.

    With `parent`, ends at once when that process is gone already. Called in the child, after any change of user.
    """
    _libc.prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
    if parent is not None and os.getppid() != parent:
        os.kill(os.getpid(), signal_number)


def end_with_make() -> None:
    """When `make` started this process, end with it: a kill -9 of `make` leaves nobody to press Ctrl-C."""
    parent = os.getppid()
    try:
        name = Path(f"/proc/{parent}/comm").read_text(encoding="utf-8").strip()
    except OSError:
        return
    if name in {"make", "gmake"}:
        die_with_parent(signal.SIGTERM, parent)


def started_at(pid: int) -> int | None:
    """The kernel's start time of a live process in clock ticks, which with the pid identifies it; None when it is gone.

    A zombie (ended, not yet collected by the first process of a container) counts as gone.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in {"Z", "X"} else int(fields[19])


@dataclass
class Child:
    """A running child process, leader of a process group of its own."""

    name: str
    process: subprocess.Popen[bytes]
    stop_signal: int = signal.SIGTERM

    @property
    def pid(self) -> int:
        return self.process.pid

    def is_running(self) -> bool:
        return self.process.poll() is None

    def identity(self) -> dict[str, int]:
        """What a later start needs to recognise a left-over of this process."""
        return {"pid": self.pid, "started_at": started_at(self.pid) or 0}

    def ask_to_stop(self) -> None:
        """Send the stop signal to the leader, which ends its own children in order."""
        if self.is_running():
            self.process.send_signal(self.stop_signal)

    def wait_stopped(self, seconds: float) -> bool:
        """Wait for the end; after `seconds` kill what is left of the group. True when it went by itself."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            kill_group(self.pid)
            self.process.wait(10)
            return False
        kill_group(self.pid)
        return True


def start(
    name: str,
    command: Sequence[str | os.PathLike[str]],
    *,
    environment: Mapping[str, str],
    log: Path,
    directory: Path,
    stop_signal: int = signal.SIGTERM,
    account: ServerAccount | None = None,
) -> Child:
    """Start a child in its own process group with its output appended to `log`.

    Call it from the main thread: the kernel's parent-death signal follows the thread that started the child.
    """
    parent = os.getpid()
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=directory,
            env=dict(environment),
            process_group=0,
            preexec_fn=lambda: die_with_parent(stop_signal, parent),
            **(account.popen_arguments() if account else {}),
        )
    return Child(name, process, stop_signal)


def kill_group(group: int) -> None:
    """Kill every process of a group that this launcher started; nothing happens when none is left."""
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def end_leftover(identity: Mapping[str, int], stop_signal: int = signal.SIGTERM, seconds: float = 15) -> bool:
    """End the process of an earlier start when it is still the same one; True when there was something to end."""
    pid = identity.get("pid", 0)
    if not pid or started_at(pid) != identity.get("started_at"):
        return False
    os.kill(pid, stop_signal)
    if not wait_until(lambda: started_at(pid) != identity.get("started_at"), seconds):
        kill_group(pid)
    return True


def end_orphans(group: int, directory: Path) -> int:
    """Kill the members of a process group whose leader is gone, if they work in `directory`; returns how many."""
    if not group or started_at(group) is not None:
        return 0
    ended = 0
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if os.getpgid(int(entry.name)) == group and (entry / "cwd").readlink() == directory:
                os.kill(int(entry.name), signal.SIGKILL)
                ended += 1
        except (ProcessLookupError, PermissionError, FileNotFoundError):
            continue
    return ended


def wait_until(condition: Callable[[], bool], seconds: float, pause: float = 0.1) -> bool:
    """Ask `condition` until it is true or `seconds` have passed; returns its last answer."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True


def last_lines(log: Path, count: int = 15) -> str:
    """The end of a log file, for an error message."""
    try:
        return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-count:])
    except FileNotFoundError:
        return ""
