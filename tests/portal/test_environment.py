"""What the environment says is read loudly: missing, empty or odd, the start stops with a sentence."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from portal.settings.environment import text, words

ROOT = Path(__file__).resolve().parent.parent.parent

PRODUCTION = {
    "DJANGO_SETTINGS_MODULE": "portal.settings.base",
    "SECRET_KEY": "one long random text for this test alone",
    "FORECOURT_FIELD_KEYS": "another long random text for this test",
    "DATABASE_URL": "postgresql://portal_app:none@127.0.0.1:1/none",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "FORECOURT_TRUSTED_PROXY_COUNT": "1",
}


def started(code: str, **changed: str | None) -> subprocess.CompletedProcess[str]:
    """A process of its own with production's settings."""
    values = {key: value for key, value in {**PRODUCTION, **changed}.items() if value is not None}
    return subprocess.run(
        [sys.executable, "-c", f"import django\ndjango.setup()\n{code}"],
        cwd=ROOT,
        env=values,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("name", sorted(PRODUCTION.keys() - {"DJANGO_SETTINGS_MODULE"}))
def test_production_does_not_start_without_what_it_needs(name: str) -> None:
    ended = started("", **{name: None})
    assert ended.returncode != 0
    assert f"Set the environment variable {name}" in ended.stderr


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("FORECOURT_FIELD_KEYS", " , ", "FORECOURT_FIELD_KEYS is empty"),
        ("FORECOURT_TRUSTED_PROXY_COUNT", "-1", "0 or more"),
        ("FORECOURT_TRUSTED_PROXY_COUNT", "one", "0 or more"),
        ("FORECOURT_TLS_REDIRECT", "perhaps", "yes or no"),
    ],
)
def test_an_odd_value_is_named(name: str, value: str, says: str) -> None:
    ended = started("", **{name: value})
    assert ended.returncode != 0
    assert says in ended.stderr


def test_production_has_none_of_the_demos_pages() -> None:
    ended = started(
        "from django.urls import resolve, Resolver404\n"
        "for path in ('/demo/mailbox/', '/demo/logins/', '/components/', '/components/progress/'):\n"
        "    try:\n"
        "        print(resolve(path))\n"
        "    except Resolver404:\n"
        "        pass\n"
        "from django.conf import settings\n"
        "print(settings.DEMO, settings.DEBUG, settings.MAILBOX_DIR)\n"
    )
    assert ended.stdout.split() == ["False", "False", "None"], ended.stdout + ended.stderr


def test_a_secret_may_come_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_text("from the file\n")
    monkeypatch.setenv("PROBE_FILE", str(tmp_path / "key"))
    assert text("PROBE") == "from the file"
    monkeypatch.setenv("PROBE", "from the environment")
    assert text("PROBE") == "from the environment"


def test_a_list_drops_what_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROBE", " one, ,two ,")
    assert words("PROBE") == ["one", "two"]
    monkeypatch.setenv("PROBE", "")
    assert words("PROBE", "") == []
    with pytest.raises(ImproperlyConfigured, match="PROBE is empty"):
        words("PROBE")
