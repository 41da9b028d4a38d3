"""Where things are: the checkout, its data folder, its virtual environment, and the home of the embedded servers."""

import hashlib
import os
import pwd
import shutil
import subprocess
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portal.ground.messages import GroundError

CHECKOUT = Path(__file__).resolve().parent.parent.parent
VIRTUAL_ENVIRONMENT = CHECKOUT / ".venv"
SERVER_USER = "nobody"


def data_directory() -> Path:
    """The folder that holds everything the demo writes: `FORECOURT_DATA_DIR`, or `.data` in the checkout."""
    return Path(os.environ.get("FORECOURT_DATA_DIR") or CHECKOUT / ".data").resolve()


def environment_python() -> Path:
    """The interpreter of the project's own virtual environment."""
    return VIRTUAL_ENVIRONMENT / "bin" / "python"


def site_packages() -> Path | None:
    """The virtual environment's package folder, or None while it does not exist."""
    version = f"python{sysconfig.get_python_version()}"
    candidates = [VIRTUAL_ENVIRONMENT / "lib" / version / "site-packages"]
    candidates += sorted(VIRTUAL_ENVIRONMENT.glob("lib/python3*/site-packages"))
    return next((path for path in candidates if path.is_dir()), None)


@dataclass(frozen=True)
class ServerAccount:
    """The operating-system user that PostgreSQL and Valkey run as; PostgreSQL refuses to run as root."""

    name: str
    uid: int
    gid: int
    changes_user: bool
    """True when the launcher runs as root and has to give its rights up for the servers."""

    def popen_arguments(self) -> dict[str, Any]:
        """The arguments that make `subprocess` start a child as this user."""
        if not self.changes_user:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def can_reach(self, path: Path) -> bool:
        """Whether this user can enter (a folder) or execute (a file) `path`."""
        if not self.changes_user:
            return os.access(path, os.X_OK)
        answer = subprocess.run(
            ["/bin/sh", "-c", 'test -x "$1"', "sh", str(path)], cwd="/", check=False, **self.popen_arguments()
        )
        return answer.returncode == 0

    def own(self, path: Path) -> None:
        """Make `path` belong to this user when the launcher runs as root."""
        if self.changes_user:
            os.chown(path, self.uid, self.gid)


def server_account() -> ServerAccount:
    """The invoking user, or `nobody` when that is root (a bare number without a passwd entry is refused by initdb)."""
    if os.geteuid() != 0:
        try:
            name = pwd.getpwuid(os.geteuid()).pw_name
        except KeyError:
            raise GroundError(
                f"The user id {os.geteuid()} has no entry in /etc/passwd, which PostgreSQL needs."
                " Run as a named user, or set DATABASE_URL and DATABASE_OWNER_URL to a server of your own."
            ) from None
        return ServerAccount(name, os.geteuid(), os.getegid(), changes_user=False)
    try:
        entry = pwd.getpwnam(SERVER_USER)
    except KeyError:
        raise GroundError(
            f"PostgreSQL cannot run as root and there is no user {SERVER_USER}; run as another user."
        ) from None
    return ServerAccount(entry.pw_name, entry.pw_uid, entry.pw_gid, changes_user=True)


def server_home(data: Path, account: ServerAccount) -> Path:
    """The folder below which the servers keep their data.

    That is `data` itself. When the servers run as another user who cannot reach it (a checkout below root's closed
    home), it is a folder of this checkout under /var/lib, and `data`/servers points there.
    """
    data.mkdir(mode=0o755, parents=True, exist_ok=True)
    if account.can_reach(data):
        return data
    name = hashlib.sha256(str(data).encode()).hexdigest()[:12]
    home = Path("/var/lib/forecourt") / name
    home.mkdir(mode=0o755, parents=True, exist_ok=True)
    pointer = data / "servers"
    if not pointer.is_symlink():
        pointer.symlink_to(home)
    return home


def reachable_copy(
    root: Path, parts: tuple[str, ...], home: Path, account: ServerAccount, probe: str
) -> Path:
    """`root`, or a copy of its `parts` below `home` when `account` cannot execute `root`/`probe`.

    The parts keep their places relative to each other, since programs find their libraries from where they lie.
    """
    if account.can_reach(root / probe):
        return root
    copy = home / "binaries" / _fingerprint(root / probe)
    if not copy.exists():
        unfinished = copy.with_name(copy.name + ".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        for part in parts:
            shutil.copytree(root / part, unfinished / part, symlinks=True)
        unfinished.rename(copy)
    if not account.can_reach(copy / probe):
        raise GroundError(
            f"The user {account.name} cannot execute {copy / probe}; is its file system mounted noexec?"
        )
    return copy


def _fingerprint(path: Path) -> str:
    status = path.stat()
    return path.name + "-" + hashlib.sha256(f"{status.st_size}:{status.st_mtime_ns}".encode()).hexdigest()[:8]
