"""The virtual environment from the hashed lock files, and the system libraries that no wheel carries."""

import ctypes
import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from portal.ground import places
from portal.ground.messages import GroundError, note, step

# What each command needs, smallest first; every lock contains the one before it, at the same versions.
LEVELS = ("demo", "dev")
_PDF_LIBRARIES = (
    "libgobject-2.0.so.0",
    "libpango-1.0.so.0",
    "libpangoft2-1.0.so.0",
    "libfontconfig.so.1",
    "libharfbuzz.so.0",
    "libharfbuzz-subset.so.0",
)
PDF_PACKAGES = ("libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0")


def ensure_environment(level: str) -> None:
    """Make the virtual environment hold what `level` needs; nothing happens when it already does.

    Installs by plain pip, which every Python brings and which follows the user's own configuration, and refuses
    whatever does not match its hash.
    """
    lock_file = places.CHECKOUT / ".data" / "environment.lock"
    lock_file.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    with lock_file.open("a", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _is_current(level):
            return
        python = places.environment_python()
        if not _works(python):
            step(f"Creating the virtual environment {places.VIRTUAL_ENVIRONMENT.name}")
            _create_environment()
        step(f"Installing the packages of requirements/{level}.txt (by hash; a few minutes at most)")
        outcome = subprocess.run(
            [
                *(python, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-input"),
                *("--require-hashes", "--only-binary", ":all:", "-r", _requirements(level)),
            ],
            cwd=places.CHECKOUT,
            env=os.environ | {"PIP_REQUIRE_VIRTUALENV": "0"},
            check=False,
        )
        if outcome.returncode:
            raise GroundError("pip could not install the packages; its own message is above.")
        _stamp().write_text(json.dumps({level: _fingerprint(level)}), encoding="utf-8")


def ensure_pdf_libraries(*, required: bool) -> None:
    """Install what WeasyPrint loads from the system, or say the line to run; an error only when `required`."""
    if not _missing_libraries():
        return
    line = f"apt-get install {' '.join(PDF_PACKAGES)}"
    if may_install():
        step("Installing the system libraries for PDF")
        install_packages(PDF_PACKAGES)
        if not _missing_libraries():
            return
    text = f"PDF documents need system libraries ({', '.join(_missing_libraries())}). Run: sudo {line}"
    if required:
        raise GroundError(text)
    note(f"{text}. Until then the portal shows statements and receipts as pages only.")


def may_install() -> bool:
    """Whether this process may install system packages: root on a system with apt."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install_packages(names: tuple[str, ...] | list[str]) -> None:
    """Install Debian packages quietly; a failure shows apt's own words and is left to the caller's next check."""
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "-y", "--no-install-recommends", *names]):
        outcome = subprocess.run(
            ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=120", *command],
            env=quiet,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        if outcome.returncode:
            note(f"apt-get {command[0]}: {outcome.stdout.decode(errors='replace').strip()[-600:]}")


def _missing_libraries() -> list[str]:
    missing = []
    for name in _PDF_LIBRARIES:
        try:
            ctypes.CDLL(name)
        except OSError:
            missing.append(name)
    return missing


def _create_environment() -> None:
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        if may_install():
            install_packages([package])
            importlib.invalidate_caches()
        if importlib.util.find_spec("ensurepip") is None:
            raise GroundError(f"Python's venv module is missing. Run: sudo apt-get install {package}")
    outcome = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", places.VIRTUAL_ENVIRONMENT], check=False
    )
    if outcome.returncode:
        raise GroundError("The virtual environment could not be created; Python's own message is above.")


def _works(python: Path) -> bool:
    """Whether the environment's interpreter runs and is of this interpreter's version."""
    if not python.exists():
        return False
    question = "import sys, pip; print(sys.version)"
    answer = subprocess.run([python, "-c", question], capture_output=True, text=True, check=False)
    return answer.returncode == 0 and answer.stdout.strip() == sys.version.strip()


def _is_current(level: str) -> bool:
    try:
        installed = json.loads(_stamp().read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return False
    enough = LEVELS[LEVELS.index(level) :]
    return (
        any(installed.get(name) == _fingerprint(name) for name in enough)
        and places.environment_python().exists()
    )


def _fingerprint(level: str) -> str:
    """Changes with the lock file, the Python version and the place of the environment (its scripts hold its path)."""
    parts = [
        _requirements(level).read_bytes(),
        sys.version.encode(),
        str(places.VIRTUAL_ENVIRONMENT).encode(),
    ]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _requirements(level: str) -> Path:
    return places.CHECKOUT / "requirements" / f"{level}.txt"


def _stamp() -> Path:
    return places.VIRTUAL_ENVIRONMENT / "installed.json"
