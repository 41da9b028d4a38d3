"""What the launcher remembers: private, whole or not at all, and guarded by locks that a kill cannot leave behind."""

import os
import stat
import subprocess
import sys

import pytest

from portal.ground import places
from portal.ground.messages import GroundError
from portal.ground.state import State, exclusive


def test_a_secret_is_made_once_and_found_again(tmp_path) -> None:
    first = State.load(tmp_path)
    secret = first.secret("postgres", "app_password")
    first.save()
    assert len(secret) >= 32
    assert State.load(tmp_path).secret("postgres", "app_password") == secret
    assert State.load(tmp_path).secret("postgres", "owner_password") != secret


def test_only_the_owner_reads_the_state(tmp_path) -> None:
    state = State.load(tmp_path)
    state.secret("valkey", "password")
    before = os.umask(0)
    try:
        state.save()
        state.save()
    finally:
        os.umask(before)
    assert stat.S_IMODE(state.path.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]


def test_a_damaged_state_says_how_to_start_over_and_stays_as_it_is(tmp_path) -> None:
    path = tmp_path / "state.json"
    path.write_text('{"postgres": {', encoding="utf-8")
    with pytest.raises(GroundError, match="RESET=1"):
        State.load(tmp_path)
    assert path.read_text(encoding="utf-8") == '{"postgres": {'


def test_a_lock_is_refused_while_held_and_free_after_its_holder_was_killed(tmp_path) -> None:
    lock = tmp_path / "services.lock"
    code = (
        "import sys, time; from pathlib import Path; from portal.ground.state import exclusive\n"
        "with exclusive(Path(sys.argv[1])) as free: print(free, flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, lock], stdout=subprocess.PIPE, cwd=places.CHECKOUT)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"True\n"
        with exclusive(lock) as free:
            assert not free
    finally:
        holder.kill()
        holder.communicate()
    with exclusive(lock) as free:
        assert free
