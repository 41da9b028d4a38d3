"""The launcher's command line: `python3 portal/ground/run.py COMMAND`. The Makefile calls it; `make help` explains."""

import os
import sys
from pathlib import Path

if sys.version_info < (3, 11):
    raise SystemExit("Error: Forecourt needs Python 3.11 or later; this is %d.%d." % sys.version_info[:2])

# Run by path, the first entry is this folder, whose module names must not hide others.
sys.path[0] = str(Path(__file__).resolve().parent.parent.parent)

from portal.ground import places, services  # noqa: E402
from portal.ground.messages import GroundError, fail  # noqa: E402


def main(arguments: list[str]) -> int:
    """Run one command and return its exit code."""
    os.umask(0o022)
    data = places.data_directory()
    match arguments:
        case ["env"]:
            return services.print_exports(data)
        case ["services"]:
            return services.run_in_background(data)
        case ["services", "--foreground"]:
            return services.run_in_foreground(data)
        case ["stop"]:
            return services.stop_background(data)
    return fail("unknown command; see: make help")


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except GroundError as error:
        sys.exit(fail(str(error)))
    except KeyboardInterrupt:
        sys.exit(130)
