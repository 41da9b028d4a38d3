"""The launcher's command line: `python3 portal/ground/run.py COMMAND`. The Makefile calls it; `make help` explains."""

import os
import signal
import subprocess
import sys
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036 - an older system Python is what this line is for
    raise SystemExit("Error: Forecourt needs Python 3.11 or later; this is " + sys.version.split()[0] + ".")

# Run by path, the first entry is this folder, whose module names must not hide others.
sys.path[0] = str(Path(__file__).resolve().parent.parent.parent)

from portal.ground import browser, check, demo, environment, places, services  # noqa: E402
from portal.ground.messages import GroundError, fail  # noqa: E402


def main(arguments: list[str]) -> int:  # noqa: C901, PLR0911 - one line per command
    """Run one command and return its exit code."""
    os.umask(0o022)
    data = places.data_directory()
    match arguments:
        case ["demo"]:
            return demo.run(data)
        case ["demo-info", *rest]:
            return demo.information(data, as_json="--json" in rest)
        case ["reset"]:
            return demo.reset(data)
        case ["test", *rest]:
            return check.run(data, " ".join(rest))
        case ["lint"]:
            return check.run_static(data, ("Lint", "Format", "Import"))
        case ["types"]:
            return check.run_static(data, ("Types",))
        case ["environment", level]:
            environment.ensure_environment(level)
            return 0
        case ["env"]:
            return services.print_exports(data)
        case ["services"]:
            environment.ensure_environment("demo")
            return services.run_in_background(data)
        case ["services", "--foreground"]:
            return services.run_in_foreground(data)
        case ["stop"]:
            return services.stop_background(data)
        case ["with-services", *command]:
            return with_services(data, command)
    return fail("unknown command; see: make help")


def with_services(data: Path, command: list[str]) -> int:
    """Run a program of the virtual environment with the servers up and their addresses in its environment.

    `--owner` connects it as the role that migrates, `--demo` tells it where the running demo is, `--browser` names it
    a Chromium.
    """
    environment.ensure_environment("dev")
    if not services.are_running(data):
        services.run_in_background(data)
    variables = services.Services(data).environment()
    while command and command[0].startswith("--"):
        match command.pop(0):
            case "--owner":
                variables["DATABASE_URL"] = variables["DATABASE_OWNER_URL"]
            case "--demo":
                variables |= demo.remembered_environment(data)
            case "--browser":
                variables["FORECOURT_CHROMIUM"] = browser.ensure_chromium()
    # Ctrl-C belongs to the program: a handler, unlike SIG_IGN, is not passed on to it.
    signal.signal(signal.SIGINT, lambda _signal, _frame: None)
    program = [str(places.environment_python()), *command]
    return subprocess.run(program, cwd=places.CHECKOUT, env=os.environ | variables, check=False).returncode


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except GroundError as error:
        sys.exit(fail(str(error)))
    except KeyboardInterrupt:
        sys.exit(130)
