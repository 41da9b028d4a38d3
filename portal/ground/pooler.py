"""Finds the PgBouncer that the tenancy tests put before the database, and installs it where it may."""

import shutil
from pathlib import Path

from portal.ground import environment
from portal.ground.messages import GroundError, step

_SYSTEM_PROGRAM = "/usr/sbin/pgbouncer"


def find_pooler() -> str | None:
    """The program on PATH or in Debian's place, which a plain user's PATH lacks; None when there is none."""
    return shutil.which("pgbouncer") or (_SYSTEM_PROGRAM if Path(_SYSTEM_PROGRAM).exists() else None)


def ensure_pooler() -> str:
    """A PgBouncer, installed first when this may be done; otherwise an error with the line to run."""
    if found := find_pooler():
        return found
    step("Installing PgBouncer for the tenancy tests")
    if environment.may_install():
        environment.install_packages(["pgbouncer"])
    if found := find_pooler():
        return found
    raise GroundError("The tenancy tests need PgBouncer. Run: sudo apt-get install pgbouncer")
