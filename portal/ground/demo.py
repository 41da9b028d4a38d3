"""`make demo`: the whole portal on one machine, from an empty checkout to printed addresses, and down again."""

import hashlib
import os
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from portal.ground import environment, places, ports, processes
from portal.ground.messages import GroundError, note, step
from portal.ground.postgres import DATABASE_NAME
from portal.ground.services import Services, end_leftovers, services_lock
from portal.ground.state import State, exclusive

SETTINGS = "portal.settings.demo"
HEARTBEAT_TASK = "portal.tasks.note_heartbeat"
FIRST_WEB_PORT = 8000
FIRST_BANK_PORT = 8010
_HEALTHY_SECONDS = 90
_RESTARTS_PER_MINUTE = 3
_DISPOSABLE = (
    *(
        "postgresql",
        "valkey",
        "binaries",
        "state.json",
        "demo.json",
        "files",
        "mailbox",
        "static",
        "logs",
        "beat",
    ),
)


class Interrupted(Exception):  # noqa: N818 - a wish, not an error
    """A person or the system asked the demo to end."""


@dataclass
class Demo:
    """The processes of one running demo and the environment they share."""

    data: Path
    services: Services
    owns_services: bool
    variables: dict[str, str] = field(default_factory=dict)
    children: dict[str, processes.Child] = field(default_factory=dict)
    commands: dict[str, list[str]] = field(default_factory=dict)

    def manage(self, *arguments: str, as_owner: bool = False) -> subprocess.CompletedProcess[bytes]:
        """Run one management command to its end with its output shown; as the role that migrates when asked to."""
        return subprocess.run(self._manage_command(*arguments), check=False, **self._surroundings(as_owner))

    def manage_or_fail(self, *arguments: str, as_owner: bool = False) -> None:
        """Run one management command; a failure ends the demo with its name."""
        if self.manage(*arguments, as_owner=as_owner).returncode:
            raise GroundError(f"manage.py {arguments[0]} failed; its own message is above.")

    def manage_side_by_side(self, *commands: tuple[str, ...]) -> None:
        """Run management commands beside each other to their ends, their outputs mixed; the first failure ends all."""
        running = {
            command: subprocess.Popen(self._manage_command(*command), **self._surroundings(as_owner=False))
            for command in commands
        }
        failed: list[tuple[str, ...]] = []
        waiting = True
        try:
            while waiting and not failed:
                time.sleep(0.1)
                waiting = any(process.poll() is None for process in running.values())
                failed = [command for command, process in running.items() if process.poll()]
        finally:
            for process in running.values():
                if process.poll() is None:
                    processes.kill_group(process.pid)
                    process.wait()
        if failed:
            raise GroundError(f"manage.py {' '.join(failed[0])} failed; its own message is above.")

    def manage_in_background(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start one management command beside others; its output is kept for `finish`."""
        return subprocess.Popen(
            self._manage_command(*arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            **self._surroundings(as_owner=False),
        )

    def start_process(self, name: str) -> None:
        """Start (again) the process `name` of `commands`."""
        self.children[name] = processes.start(
            name,
            self.commands[name],
            environment=os.environ | self.variables,
            log=self.data / "logs" / f"{name}.log",
            directory=places.CHECKOUT,
        )
        self.remember()

    def remember(self) -> None:
        """Write down addresses and processes, for `make demo-info` and for the next start after a kill."""
        memory = State(self.data / "demo.json")
        memory.section("environment").update(self.variables)
        for name, child in self.children.items():
            memory.section("processes")[name] = child.identity()
        memory.save()

    def stop(self) -> None:
        """Stop every process that was started, the servers last."""
        for child in self.children.values():
            child.ask_to_stop()
        deadline = time.monotonic() + 20
        for child in self.children.values():
            if not child.wait_stopped(max(deadline - time.monotonic(), 0.5)):
                note(f"{child.name} did not stop in time and was killed")
        if self.owns_services:
            self.services.stop()

    def _manage_command(self, *arguments: str) -> list[str]:
        return [str(places.environment_python()), "manage.py", *arguments]

    def _surroundings(self, as_owner: bool) -> dict[str, Any]:
        variables = os.environ | self.variables
        if as_owner:
            variables = variables | {"DATABASE_URL": self.variables["DATABASE_OWNER_URL"]}
        return {
            "cwd": places.CHECKOUT,
            "env": variables,
            "stdin": subprocess.DEVNULL,
            "process_group": 0,
            "preexec_fn": lambda: processes.die_with_parent(signal.SIGTERM),
        }


def run(data: Path) -> int:
    """Run the demo until Ctrl-C or until it fails; every process it started is gone when this returns."""
    refuse_production()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    processes.end_with_make()
    with ExitStack() as stack:
        if not stack.enter_context(exclusive(data / "demo.lock")):
            raise GroundError("The demo of this folder runs already; see: make demo-info")
        environment.ensure_environment("demo")
        environment.ensure_pdf_libraries(required=False)
        owns_services = stack.enter_context(exclusive(services_lock(data)))
        _end_old_processes(data)
        if wants_reset() and owns_services:
            wipe(data)
        services = Services(data)
        demo = Demo(data, services, owns_services)
        try:
            _bring_up(demo)
            _watch(demo)
        except Interrupted:
            print(flush=True)
            step("Stopping")
        finally:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            demo.stop()
        note("every process has ended")
    return 0


def information(data: Path, *, as_json: bool) -> int:
    """Print the addresses and logins of the demo, running or not; as JSON for programs."""
    variables = os.environ | remembered_environment(data)
    command = [str(places.environment_python()), "manage.py", "demo_info", *(["--json"] if as_json else [])]
    return subprocess.run(command, cwd=places.CHECKOUT, env=variables, check=False).returncode


def remembered_environment(data: Path) -> dict[str, str]:
    """The variables of the last demo of this folder: its addresses, and how its processes reach the servers."""
    variables = State.load(data, "demo.json").section("environment")
    if not variables:
        raise GroundError("There is no demo here yet. Start it with: make demo")
    return {name: str(value) for name, value in variables.items()}


def reset(data: Path) -> int:
    """Throw the demo's data away without starting it."""
    refuse_production()
    with ExitStack() as stack:
        if not stack.enter_context(exclusive(data / "demo.lock")):
            raise GroundError("The demo is running. Stop it with Ctrl-C first.")
        if stack.enter_context(exclusive(services_lock(data))):
            _end_old_processes(data)
            wipe(data)
        else:
            empty(Services(data))
    note("The demo's data is gone; make demo fills it anew.")
    return 0


def refuse_production() -> None:
    """The demo fills in invented people with known passwords, so it never runs on a real installation."""
    settings = os.environ.get("DJANGO_SETTINGS_MODULE", SETTINGS)
    if settings == "portal.settings.base" or os.environ.get("FORECOURT_ENVIRONMENT", "demo") == "production":
        raise GroundError(
            "The demo refuses to run with production settings."
            " Unset DJANGO_SETTINGS_MODULE and FORECOURT_ENVIRONMENT first."
        )


def wants_reset() -> bool:
    """Whether RESET=1 asked for a fresh start."""
    return os.environ.get("RESET", "") not in {"", "0", "no"}


def wipe(data: Path) -> None:
    """Delete what the demo wrote into its folder, and only that; the servers must be down."""
    step("Deleting the data of the last demo")
    pointer = data / "servers"
    homes = [data, *([pointer.resolve()] if pointer.is_symlink() else [])]
    for home in homes:
        for name in _DISPOSABLE:
            path = home / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def empty(services: Services) -> None:
    """Drop the demo's database and empty its queue while the servers stay up."""
    if not (services.postgres and services.valkey):
        raise GroundError("RESET=1 touches only the demo's own servers; empty your own database yourself.")
    step("Emptying the demo's database and queue")
    services.postgres.query(f"DROP DATABASE IF EXISTS {DATABASE_NAME} WITH (FORCE)")
    services.postgres.prepare()
    services.valkey.command("FLUSHALL")
    for name in ("files", "mailbox", "beat"):
        shutil.rmtree(services.data / name, ignore_errors=True)


def _bring_up(demo: Demo) -> None:
    if demo.owns_services:
        step("Starting PostgreSQL and Valkey")
        end_leftovers(demo.services)
        demo.services.start()
        demo.services.announce("demo")
    else:
        step("Using the PostgreSQL and Valkey that run already")
        if wants_reset():
            empty(demo.services)
    _choose_addresses(demo)
    demo.remember()

    step("Migrating the database as its owner")
    demo.manage_or_fail("migrate", "--verbosity", "0", as_owner=True)
    fingerprint = _static_fingerprint()
    stamp = demo.data / "static" / ".fingerprint"
    static = None
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != fingerprint:
        static = demo.manage_in_background("collectstatic", "--noinput", "--verbosity", "0")
    step("Filling four lenders with data of today (the first time takes a minute or two)")
    # The first lender is as much work as the others together.
    demo.manage_side_by_side(("fill_demo", "--first"), ("fill_demo", "--others"))
    if static is not None:
        output, _ = static.communicate()
        if static.returncode:
            raise GroundError(f"collectstatic failed:\n{output.decode(errors='replace')}")
        stamp.write_text(fingerprint, encoding="utf-8")

    step("Starting web, worker, beat and the sandbox bank")
    (demo.data / "beat").mkdir(exist_ok=True)
    demo.commands = _commands(demo)
    for name in demo.commands:
        (demo.data / "logs" / f"{name}.log").unlink(missing_ok=True)
        demo.start_process(name)
    _wait_healthy(demo)
    step("Ready. Ctrl-C stops everything; the logs are in " + str(demo.data / "logs"))
    print(flush=True)
    demo.manage_or_fail("demo_info")


def _static_fingerprint() -> str:
    """What the collected files are made of: the repository's own and the packages that bring some."""
    digest = hashlib.sha256()
    files = [
        places.CHECKOUT / "requirements" / "demo.txt",
        places.CHECKOUT / "portal" / "settings" / "base.py",
    ]
    files += sorted(path for path in (places.CHECKOUT / "static").rglob("*") if path.is_file())
    for path in files:
        digest.update(str(path.relative_to(places.CHECKOUT)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _choose_addresses(demo: Demo) -> None:
    wanted = int(os.environ.get("PORT") or FIRST_WEB_PORT)
    web = ports.wanted_or_next(wanted)
    if web != wanted:
        note(f"port {wanted} is in use by another program, so the portal takes {web}; PORT=n chooses another")
    bank = ports.wanted_or_next(FIRST_BANK_PORT, taken=frozenset({web}))
    if bank != FIRST_BANK_PORT:
        note(f"port {FIRST_BANK_PORT} is in use by another program, so the sandbox bank takes {bank}")
    demo.variables = demo.services.environment() | {
        "DJANGO_SETTINGS_MODULE": SETTINGS,
        "FORECOURT_ENVIRONMENT": "demo",
        "FORECOURT_PUBLIC_SCHEME": "http",
        "FORECOURT_PUBLIC_PORT": str(web),
        "BANK_GATEWAY_URL": f"http://{ports.LOOPBACK}:{bank}",
        "CARD_GATEWAY_URL": f"http://{ports.LOOPBACK}:{bank}",
        "PYTHONUNBUFFERED": "1",
    }


def _commands(demo: Demo) -> dict[str, list[str]]:
    python = str(places.environment_python())
    web_port = demo.variables["FORECOURT_PUBLIC_PORT"]
    bank_port = demo.variables["BANK_GATEWAY_URL"].rpartition(":")[2]
    celery = [python, "-m", "celery", "--app", "portal.celery"]
    schedule = str(demo.data / "beat" / "schedule")
    return {
        "bank": [python, "manage.py", "run_sandbox_bank", "--port", bank_port],
        "web": [
            *(python, "-m", "granian", "--interface", "wsgi", "--host", ports.LOOPBACK, "--port", web_port),
            *("--workers", "2", "--blocking-threads", "4", "--workers-kill-timeout", "5"),
            "portal.wsgi:application",
        ],
        "worker": [
            *celery,
            "worker",
            "--concurrency",
            "2",
            "--without-gossip",
            "--without-mingle",
            "--loglevel",
            "INFO",
        ],
        "beat": [*celery, "beat", "--schedule", schedule, "--pidfile", "", "--loglevel", "INFO"],
    }


def _wait_healthy(demo: Demo) -> None:
    port = demo.variables["FORECOURT_PUBLIC_PORT"]
    deadline = time.monotonic() + _HEALTHY_SECONDS
    checks: dict[str, Callable[[], bool]] = {
        "worker": lambda: _worker_answers(demo),
        "web": lambda: _web_answers(port),
    }
    while checks:
        for name, child in demo.children.items():
            if not child.is_running():
                raise GroundError(f"{name} ended at once. Its log ends:\n{_log_end(demo, name)}")
        for name in [name for name, check in checks.items() if check()]:
            note(f"{name} is healthy")
            del checks[name]
        if checks and time.monotonic() > deadline:
            name = next(iter(checks))
            raise GroundError(
                f"{name} was not healthy in {_HEALTHY_SECONDS} s. Its log ends:\n{_log_end(demo, name)}"
            )
        time.sleep(0.2)


def _web_answers(port: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{ports.LOOPBACK}:{port}/health/ready/", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _worker_answers(demo: Demo) -> bool:
    """Ask the worker over the broker, and once it answers have it note the heartbeat that the health page reads.

    Without that the page would wait for the next turn of beat.
    """
    if b"pong" not in _celery(demo, "inspect", "ping", "--timeout", "1", "--json"):
        return False
    _celery(demo, "call", HEARTBEAT_TASK)
    return True


def _celery(demo: Demo, *arguments: str) -> bytes:
    """Run the plain Celery program, which need not load the portal, and return what it prints."""
    broker = demo.variables["REDIS_URL"]
    answer = subprocess.run(
        [str(places.environment_python()), "-m", "celery", *arguments],
        cwd=demo.data,
        env=os.environ | {"CELERY_BROKER_URL": broker, "CELERY_BROKER_READ_URL": broker},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    return answer.stdout if answer.returncode == 0 else b""


def _watch(demo: Demo) -> None:
    """Start again what ends unasked; give up when it keeps ending."""
    restarts: list[float] = []
    while True:
        time.sleep(0.5)
        ended = [name for name, child in demo.children.items() if not child.is_running()]
        for name in ended:
            note(f"{name} ended unasked and is started again; its log ends:\n{_log_end(demo, name, 5)}")
            demo.children[name].wait_stopped(1)
            demo.start_process(name)
        if demo.owns_services and (server := demo.services.restart_what_ended()):
            note(f"{server} ended unasked and was started again")
            ended.append(server)
        now = time.monotonic()
        restarts = [moment for moment in restarts if moment > now - 60] + [now] * len(ended)
        if len(restarts) > _RESTARTS_PER_MINUTE:
            raise GroundError(f"{ended[-1]} ends again and again; the logs are in {demo.data / 'logs'}.")


def _end_old_processes(data: Path) -> None:
    """End what a killed demo left behind. The kernel has asked these to stop already; here they are waited for."""
    memory = State.load(data, "demo.json")
    for name, identity in memory.section("processes").items():
        if processes.end_leftover(identity) or processes.end_orphans(identity.get("pid", 0), places.CHECKOUT):
            note(f"ended the {name} of an earlier start")


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise Interrupted


def _log_end(demo: Demo, name: str, lines: int = 15) -> str:
    return processes.last_lines(demo.data / "logs" / f"{name}.log", lines)
