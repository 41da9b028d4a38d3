"""The migrated database that one run of all tests copies for each process, so that it migrates once.

`python -m tests.template make` creates the database that FORECOURT_TEST_TEMPLATE names, anew when one is left;
`drop` removes it. A copy has the template's tables, policies and grants; roles belong to the whole server.
"""

import os
import sys
from typing import Any

import dj_database_url
import django
from django.db import connection


def become_owner() -> dict[str, Any]:
    """Connect from now on as the owner, whom no time limit stops from making a database; gives what stood before."""
    connection.close()
    before = {**connection.settings_dict, "OPTIONS": {**connection.settings_dict["OPTIONS"]}}
    owner = dj_database_url.parse(os.environ["DATABASE_OWNER_URL"])
    connection.settings_dict.update(USER=owner["USER"], PASSWORD=owner["PASSWORD"])
    connection.settings_dict["OPTIONS"].pop("options", None)
    return before


def become_again(before: dict[str, Any]) -> None:
    """Connect from now on as before `become_owner`, to whichever database is in use now."""
    connection.close()
    connection.settings_dict.update({name: before[name] for name in ("USER", "PASSWORD", "OPTIONS")})


def copy_template() -> None:
    """Have the test database made as a copy, when this run has a template."""
    if name := os.environ.get("FORECOURT_TEST_TEMPLATE"):
        connection.settings_dict["TEST"]["TEMPLATE"] = name


def main(act: str) -> None:
    django.setup()
    name = os.environ["FORECOURT_TEST_TEMPLATE"]
    become_owner()
    if act == "make":
        connection.settings_dict["TEST"]["NAME"] = name
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
        connection.close()
    else:
        connection.creation._destroy_test_db(name, verbosity=0)


if __name__ == "__main__":
    main(sys.argv[1])
