"""Reads one setting from the environment, loudly.

Every value may come from `NAME` or, for secrets kept in files, from `NAME_FILE`. A missing required value stops
the start with a sentence that names it.
"""

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

_MISSING = object()


def text(name: str, default: object = _MISSING) -> str:
    """The value of `name` (or the content of the file named by `name`_FILE); raises when missing without default."""
    if name in os.environ:
        return os.environ[name]
    if f"{name}_FILE" in os.environ:
        return Path(os.environ[f"{name}_FILE"]).read_text(encoding="utf-8").strip()
    if default is _MISSING:
        raise ImproperlyConfigured(
            f"Set the environment variable {name} (or {name}_FILE); see docs/operators/settings.md."
        )
    return str(default)


def flag(name: str, default: bool) -> bool:
    """A yes/no value: 1, true, yes, on or 0, false, no, off."""
    value = text(name, "yes" if default else "no").lower()
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off", ""}:
        return False
    raise ImproperlyConfigured(f"{name} must be yes or no, not {value!r}.")


def number(name: str, default: object = _MISSING) -> int:
    """A whole number, 0 or more."""
    value = text(name, default)
    if not (value.isascii() and value.isdigit()):
        raise ImproperlyConfigured(f"{name} must be a whole number, 0 or more, not {value!r}.")
    return int(value)


def words(name: str, default: object = _MISSING) -> list[str]:
    """A comma-separated list; empty entries are dropped. Required without a default, and then never empty."""
    found = [word.strip() for word in text(name, default).split(",") if word.strip()]
    if not found and default is _MISSING:
        raise ImproperlyConfigured(f"{name} is empty; see docs/operators/settings.md.")
    return found
