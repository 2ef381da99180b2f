"""The command ``pushjobs``: submit jobs, follow them, get their results."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path

try:
    import rich as _rich  # noqa: F401
except ModuleNotFoundError as error:
    raise ImportError(
        f'the command pushjobs needs {error.name}: pip install "pushjobs[client]"', name=error.name
    ) from error

from pushjobs.client.errors import ClientError, Refused
from pushjobs.client.terminal.arguments import UsageError, read
from pushjobs.client.terminal.commands import COMMANDS
from pushjobs.client.terminal.display import printable
from pushjobs.client.terminal.outcome import Exit


def main(words: Sequence[str] | None = None) -> int:
    """Do what the command line says; returns the exit code."""
    _prepare_output()
    options = read(sys.argv[1:] if words is None else words)
    notes = logging.NullHandler() if options.json else _Notes()
    logger = logging.getLogger("pushjobs.client")
    logger.addHandler(notes)
    logger.setLevel(logging.INFO)
    try:
        code = COMMANDS[options.command](options)
        sys.stdout.flush()
        return code
    except UsageError as error:
        _say(error)
        return Exit.USAGE
    except Refused as error:
        _say(error)
        return Exit.REFUSED
    except (ClientError, TimeoutError) as error:
        _say(error)
        return Exit.UNREACHABLE
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:
        _give_up_output()  # Who reads has enough.
        return Exit.PIPE
    except OSError as error:  # A file, or the standard output, on a disk that is full.
        _say(error)
        _give_up_output()
        return Exit.USAGE
    finally:
        logger.removeHandler(notes)


class _Notes(logging.Handler):
    """What a person may want to know of the connection, above the bars where there are some."""

    def emit(self, record: logging.LogRecord) -> None:
        _say(record.getMessage())


def _say(what: object) -> None:
    sys.stderr.write(f"pushjobs: {printable(str(what))}\n")


def _prepare_output() -> None:
    """Have a standard output that takes any text, even where there is none."""
    if sys.stdout is None:
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _give_up_output() -> None:
    """Python would say at its exit that it cannot write what is left."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
