"""A log line carries what is needed to find an event, and nothing that must not lie in a log."""

import json
import logging

import pytest

from portal.logging import JsonFormatter


def test_a_traceback_in_the_log_names_no_values() -> None:
    def sign_in(password: str) -> None:
        raise RuntimeError("the database went away")

    with pytest.raises(RuntimeError) as caught:
        sign_in("quiet harbour lantern 7")
    fault = (RuntimeError, caught.value, caught.value.__traceback__)
    record = logging.LogRecord("portal", logging.ERROR, __file__, 1, "failed", None, fault)
    line = JsonFormatter().format(record)
    assert json.loads(line)["exception"][0]["exc_value"] == "the database went away"
    assert "quiet harbour" not in line
