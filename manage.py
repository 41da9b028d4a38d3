#!/usr/bin/env python
"""Django's command line for the portal; the demo's settings apply unless the environment names others."""

import os
import sys
from importlib import import_module


def main() -> None:
    """Run the command that the arguments name."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.demo")
    # The settings must be named before Django is imported.
    execute_from_command_line = import_module("django.core.management").execute_from_command_line
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
