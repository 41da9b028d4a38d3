"""PostgreSQL and Valkey together: started here, or named by DATABASE_URL and REDIS_URL and then left alone."""

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

from portal.ground import places, processes
from portal.ground.messages import GroundError, note, step
from portal.ground.postgres import Postgres
from portal.ground.state import State, exclusive
from portal.ground.valkey import Valkey

_READY_SECONDS = 60
_RESTARTS_PER_MINUTE = 5


class Services:
    """The two servers of one data folder.

    A server whose address the environment already gives is not started: `DATABASE_URL` (with `DATABASE_OWNER_URL` for
    migrations) and `REDIS_URL` each stand for a server of one's own.
    """

    def __init__(self, data: Path, given: Mapping[str, str] = os.environ) -> None:
        self.data = data
        self.state = State.load(data)
        self.given = {
            name: given[name]
            for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL")
            if given.get(name) and not self._is_own(given[name])
        }
        if "DATABASE_URL" in self.given and "DATABASE_OWNER_URL" not in self.given:
            raise GroundError(
                "DATABASE_URL names a server of your own, so DATABASE_OWNER_URL is needed too: the same database as the"
                " role portal_owner, which migrates. portal/ground/roles.sql creates the roles."
            )
        if "DATABASE_OWNER_URL" in self.given and "DATABASE_URL" not in self.given:
            raise GroundError("DATABASE_OWNER_URL is set without DATABASE_URL; set both or neither.")
        self.postgres = None if "DATABASE_URL" in self.given else Postgres.below(data, self.state)
        self.valkey = None if "REDIS_URL" in self.given else Valkey.below(data, self.state)

    def start(self) -> None:
        """Start what is ours and prepare roles and database; returns when both answer."""
        if self.valkey:
            self.valkey.start()
        if self.postgres:
            self.postgres.start()
            self.postgres.prepare()

    def stop(self) -> None:
        """Stop what was started, the database last; each goes down in order and writes its data out."""
        for server in (self.valkey, self.postgres):
            if server and server.child:
                server.child.ask_to_stop()
        for server in (self.valkey, self.postgres):
            if server and server.child:
                server.child.wait_stopped(20)
        if self.state.sections.pop("services", None):
            self.state.save()

    def announce(self, runner: str) -> None:
        """Note that the servers are up and that this process, as `runner` ("background" or "demo"), keeps them."""
        self.state.section("services").update(
            {"pid": os.getpid(), "started_at": processes.started_at(os.getpid()), "runner": runner}
        )
        self.state.save()

    def restart_what_ended(self) -> str | None:
        """Start again whichever of our servers has ended; its name, or None when all is well."""
        if self.valkey and self.valkey.child and not self.valkey.child.is_running():
            self.valkey.start()
            return "valkey"
        if self.postgres and self.postgres.child and not self.postgres.child.is_running():
            self.postgres.start()
            return "postgresql"
        return None

    def environment(self) -> dict[str, str]:
        """The variables under which the portal finds its servers."""
        found = dict(self.given)
        if self.postgres:
            found["DATABASE_URL"] = self.postgres.url("app")
            found["DATABASE_OWNER_URL"] = self.postgres.url("owner")
        if self.valkey:
            found["REDIS_URL"] = self.valkey.url
        found["FORECOURT_DATA_DIR"] = str(self.data)
        return found

    def _is_own(self, url: str) -> bool:
        """Whether a URL of the environment is one that this launcher printed before: it has one of our passwords."""
        secrets = {
            str(value)
            for name in ("postgres", "valkey")
            for key, value in self.state.section(name).items()
            if key.endswith("password")
        }
        return urlsplit(url).password in secrets


def services_lock(data: Path) -> Path:
    """Held by whoever runs the servers of a data folder."""
    return data / "services.lock"


def run_in_foreground(data: Path) -> int:
    """Run the servers until a signal comes, starting again what ends unasked."""
    with ExitStack() as stack:
        if not stack.enter_context(exclusive(services_lock(data))):
            raise GroundError("The services of this folder are running already.")
        stopping = False

        def stop(_signal: int, _frame: FrameType | None) -> None:
            nonlocal stopping
            stopping = True

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, stop)
        services = Services(data)
        stack.callback(services.stop)
        end_leftovers(services)
        services.start()
        services.announce("background")
        note("services are ready")
        restarts: list[float] = []
        while not stopping:
            time.sleep(0.3)
            if name := services.restart_what_ended():
                note(f"{name} had ended and was started again")
                restarts = [moment for moment in restarts if moment > time.monotonic() - 60] + [
                    time.monotonic()
                ]
                if len(restarts) > _RESTARTS_PER_MINUTE:
                    raise GroundError(f"{name} ends again and again; see the logs in {data / 'logs'}.")
    return 0


def end_leftovers(services: Services) -> None:
    """End servers that a killed launcher left; the kernel asks them to stop already, so this only waits for the end."""
    for section, stop_signal in (("postgres", signal.SIGINT), ("valkey", signal.SIGTERM)):
        processes.end_leftover(services.state.section(section), stop_signal)


def run_in_background(data: Path) -> int:
    """Start the servers detached and return when they answer; says so when they run already."""
    if not are_running(data):
        step("Starting PostgreSQL and Valkey in the background")
        log = data / "logs" / "services.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, str(places.CHECKOUT / "portal/ground/run.py"), "services", "--foreground"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=places.CHECKOUT,
                env=os.environ | {"FORECOURT_DATA_DIR": str(data)},
                start_new_session=True,
            )
        if not processes.wait_until(
            lambda: are_running(data) or process.poll() is not None, _READY_SECONDS
        ) or (process.poll() is not None):
            raise GroundError(f"The services did not start. The end of {log}:\n{processes.last_lines(log)}")
    note("PostgreSQL and Valkey answer. Stop them with: make stop")
    note(f'To use them in a shell: eval "$(python3 {Path("portal/ground/run.py")} env)"')
    return 0


def are_running(data: Path) -> bool:
    """Whether the servers of this folder are up and ready, in the background or below a demo."""
    section = State.load(data).sections.get("services", {})
    pid = section.get("pid", 0)
    return bool(pid) and processes.started_at(pid) == section.get("started_at")


def stop_background(data: Path) -> int:
    """Stop the background services and wait for their end."""
    if not are_running(data):
        note("No services run in the background.")
        return 0
    if State.load(data).section("services")["runner"] == "demo":
        raise GroundError("These services belong to the running demo; stop that with Ctrl-C.")
    step("Stopping PostgreSQL and Valkey")
    processes.end_leftover(State.load(data).section("services"), signal.SIGTERM, seconds=45)
    return 0


def print_exports(data: Path) -> int:
    """Print the variables as lines for a shell's `eval`."""
    with exclusive(services_lock(data)) as free:
        if free:
            raise GroundError("No services run for this folder. Start them with: make services")
    for name, value in Services(data).environment().items():
        print(f"export {name}={shlex.quote(value)}")
    return 0
