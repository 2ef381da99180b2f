"""The command line, as values."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from pushjobs.client.ladder import Transport
from pushjobs.status import Status

_SUMMARIES = {
    "submit": "submit a job",
    "follow": "follow a job to its end",
    "result": "wait for a job, and print the response that it produced",
    "list": "list your jobs, the newest first",
    "cancel": "cancel a job",
    "retry": "submit a failed or cancelled job once more",
}
_ITEMS = """\
arguments of the job:
  key=value     text
  key:=json     any JSON value:  top:=10  deep:=true  ids:='[1, 2]'
  key=@path     a file, uploaded; - is the standard input. Several of one key make a list.
"""
_CODES = """\
exit codes:
  0 succeeded   1 failed      2 wrong usage    3 cancelled
  4 refused     5 no answer   130 interrupted: the job goes on
"""


class UsageError(Exception):
    """The command line asks for what cannot be."""


def read(words: Sequence[str]) -> argparse.Namespace:
    """The command and its options; exits with 2, or with 0 after ``--help``, as argparse does."""
    top = argparse.ArgumentParser(
        prog="pushjobs",
        description="Submit background jobs, follow them, get their results.",
        epilog="pushjobs COMMAND --help says more.\n\n" + _CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    summaries = "; ".join(f"{name}: {text}" for name, text in _SUMMARIES.items())
    top.add_argument("command", metavar="COMMAND", choices=tuple(_SUMMARIES), help=summaries)
    command = top.parse_args(words[:1]).command
    # Apart from the others, so that options may stand between the items.
    options = _parser(command).parse_intermixed_args(words[1:])
    options.command = command
    options.token = options.token or os.environ.get("PUSHJOBS_TOKEN") or None
    return options


def _parser(command: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"pushjobs {command}",
        description=_SUMMARIES[command].capitalize() + ".",
        epilog=(_ITEMS + "\n" if command == "submit" else "") + _CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    of_api = command in ("submit", "list")
    of_what = "of the API, https://host/jobs, or only https://host" if of_api else "of the job"
    add("url", metavar="URL", help=of_what)
    _ADDED[command](parser)
    add("--json", action="store_true", help="for programs: one JSON value on each line")
    add("--token", help="opens the job, or your jobs; better in PUSHJOBS_TOKEN, which ps hides")
    add(
        "--header",
        metavar="NAME:VALUE",
        action="append",
        default=[],
        type=_header,
        help="goes with every request; may be repeated",
    )
    return parser


def _submit(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("name", metavar="NAME", type=_text, help="of the kind of job")
    add("items", metavar="ITEM", nargs="*", type=_item, help="an argument of the job: see below")
    add("--tag", action="append", default=[], type=_text, help="may be repeated")
    add("--run-at", type=_moment, metavar="TIME", help="not before 2030-01-31T12:00:00+01:00")
    add("--idempotency-key", metavar="KEY", type=_key, help="the same key twice is the same job")
    add("--show-token", action="store_true", help="print the token that opens the job, too")
    until = parser.add_mutually_exclusive_group()
    until.add_argument("--follow", action="store_true", help="show how it goes, to its end")
    until.add_argument("--wait", action="store_true", help="wait for its end, print its result")
    _following(parser)


def _follow(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cursor", default="earliest", help="begin after this; else with all")
    _following(parser)


def _following(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--transport",
        action="append",
        choices=[str(item) for item in Transport],
        help="allow only this one; may be repeated",
    )
    parser.add_argument("--cancel-on-interrupt", action="store_true", help="Ctrl-C cancels the job")


def _result(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="write it there if the job succeeded"
    )
    parser.add_argument("--timeout", type=_seconds, metavar="SECONDS", help="wait no longer")


def _list(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--status", choices=[str(item) for item in Status])
    add("--name", help="of the kind of job")
    add("--tag")
    add("--limit", type=int, default=20, help="how many, 100 at most (20)")
    add("--after", metavar="NEXT", help="go on where a list ended")


def _retry(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--show-token", action="store_true", help="print the new job's token, too")


_ADDED = {
    "submit": _submit,
    "follow": _follow,
    "result": _result,
    "list": _list,
    "cancel": lambda parser: None,
    "retry": _retry,
}


def _item(text: str) -> tuple[str, str, Any]:
    """``(kind, key, value)``: kind is ``arg`` or ``file``."""
    key, equals, value = text.partition("=")
    if not equals or not key.rstrip(":"):
        raise argparse.ArgumentTypeError(f"{text!r} is none of key=value, key:=json, key=@path")
    if key.endswith(":"):
        try:
            parsed = json.loads(value)
            json.dumps(parsed, ensure_ascii=False, allow_nan=False).encode()
        except (ValueError, RecursionError) as error:
            raise argparse.ArgumentTypeError(f"{text!r}: no JSON: {error}") from None
        return "arg", key[:-1], parsed
    if value.startswith("@"):
        return "file", key, _file(value[1:])
    return "arg", key, _text(value)


def _text(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise argparse.ArgumentTypeError(f"{text!r} is no text in your encoding") from None
    return text


def _key(text: str) -> str:
    if not (text.isascii() and text.isprintable()):
        raise argparse.ArgumentTypeError(f"{text!r} is not printable ASCII")
    return text


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is no time to wait")
    return seconds


def _file(path: str) -> Any:
    if path == "-":
        return ("stdin", sys.stdin.buffer)
    if not Path(path).exists() or Path(path).is_dir():
        raise argparse.ArgumentTypeError(f"no such file: {path}")
    return Path(path)


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME:VALUE")
    return name.strip(), value.strip()


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no time (RFC 3339)") from None
    return moment if moment.tzinfo else moment.astimezone()
