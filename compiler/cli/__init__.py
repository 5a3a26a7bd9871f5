"""The commands, one per file. They know every part of tapeout, and no part knows them."""
from __future__ import annotations

import os
import signal
import sys
from importlib import import_module
from typing import Any

import click

from ..errors import CheckFailed, TapeoutError

COMMANDS = ("compile", "compress", "quantize", "retrain", "cosim", "report", "inspect", "targets", "words")


class Commands(click.Group):
    """Finds each command in the file of its name, so that starting one imports no other."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"{__name__}.{cmd_name}").command
        return command


@click.command(cls=Commands, no_args_is_help=False, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tapeout", message="tapeout %(version)s")
def tapeout(**_: Any) -> None:
    """Compiles a trained network to proved C for microcontrollers.

    Exit status: 0 good; 1 a check failed (differs, over budget, below a threshold); 2 bad usage or bad input.
    """


def main() -> None:
    """Runs the command line; an error is one line on standard error and never a traceback."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # cleans up as Ctrl-C does
    try:
        tapeout(prog_name="tapeout", standalone_mode=False)
    except click.exceptions.Exit as exit:
        sys.exit(exit.exit_code)
    except click.Abort:
        _fail("interrupted", 2)
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else "tapeout"
        _fail(f"{error.format_message()} (see {path} --help)", 2)
    except CheckFailed as error:
        _fail(str(error), 1)
    except TapeoutError as error:
        _fail(str(error), 2)
    except OSError as error:
        _fail(f"{error.filename or ''}: {error.strerror or error}".lstrip(": "), 2)
    except Exception as error:
        if os.environ.get("TAPEOUT_TRACEBACK"):
            raise
        _fail(f"internal error: {type(error).__name__}: {error} (a fault of tapeout; TAPEOUT_TRACEBACK=1 shows where)", 2)


def _fail(message: str, status: int) -> None:
    click.echo(f"tapeout: {' '.join(message.split())}", err=True)
    sys.exit(status)
