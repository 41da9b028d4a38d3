"""What the launcher remembers between starts: ports, passwords, processes. One JSON file that only its owner reads."""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from portal.ground.messages import GroundError

FILE_NAME = "state.json"


@dataclass
class State:
    """The content of the state file; unknown sections are kept as they are."""

    path: Path
    sections: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def load(cls, data: Path, name: str = FILE_NAME) -> "State":
        """Read the state of a data folder; an absent file is an empty state, a broken one an error with the way out."""
        path = data / name
        try:
            sections = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return cls(path)
        except ValueError:
            raise GroundError(f"{path} is damaged. Start over with: make demo RESET=1") from None
        return cls(path, sections)

    def section(self, name: str) -> dict[str, Any]:
        """The named part, created empty when absent; change it, then `save`."""
        return self.sections.setdefault(name, {})

    def secret(self, section: str, name: str) -> str:
        """A random password kept under `section`.`name`, made on first use; safe inside a URL and inside SQL quotes."""
        part = self.section(section)
        if name not in part:
            part[name] = secrets.token_hex(20)
        return str(part[name])

    def save(self) -> None:
        """Write the file whole or not at all, with mode 0600 from its first byte."""
        self.path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        unfinished = self.path.with_suffix(f".{os.getpid()}.unfinished")
        unfinished.unlink(missing_ok=True)
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(self.sections, file, indent=2, sort_keys=True)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(self.path)


@contextmanager
def exclusive(path: Path) -> Iterator[bool]:
    """Hold the lock file `path`; yields False at once when another process holds it.

    The kernel frees the lock when its holder dies, however it dies, so no stale lock can block a start.
    """
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
