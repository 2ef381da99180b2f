"""``make stack``: the stack in the foreground, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import argparse
import fcntl
import os
import signal
import sys
import time
from pathlib import Path
from typing import IO, NoReturn

from project.stack.composefile import ComposeFileError
from project.stack.ports import PortTaken
from project.stack.programs.contract import StackError
from project.stack.stack import Stack
from project.stack.topology import ROOT, Ports

_RESTART_SECONDS = 2.0  # that a service stays down before it is started again


def main() -> None:
    """Run the stack; exits with 0 after Ctrl-C or SIGTERM, and with 1 if it cannot run."""
    options = _options()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        lock = _lock(options.folder)
        stack = Stack(
            options.folder,
            Ports(options.port, options.port + 1, options.port + 2),
            rabbitmq=options.rabbitmq,
        )
        stack.require_ports()
        _run(stack)
        lock.close()
    except (StackError, PortTaken, ComposeFileError) as error:
        sys.exit(str(error))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m project.stack", description=__doc__)
    parser.add_argument(
        "--port", type=int, default=8000, help="of the first web process; the second has the next"
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path(os.environ.get("VAR") or ROOT / "var" / "stack"),
        help="where state and logs are kept",
    )
    parser.add_argument("--rabbitmq", action="store_true", help="RabbitMQ as the broker")
    return parser.parse_args()


def _lock(folder: Path) -> IO[str]:
    """Held as long as the stack runs: two of them cannot share their state."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = (folder / "lock").open("w")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.close()
        raise StackError(f"another stack runs with its state in {folder}") from None
    return handle


def _run(stack: Stack) -> None:
    try:
        _say("Starting; the first time takes longest.")
        stack.start()
        _tell(stack)
        _watch(stack)
    except KeyboardInterrupt:
        _say("Stopping: first what serves and works, then the stores. Again to kill.")
    finally:
        _stop(stack)


def _stop(stack: Stack) -> None:
    try:
        stack.stop()
    except KeyboardInterrupt:
        _say("Killed.")
    else:
        _say("Stopped.")


def _tell(stack: Stack) -> None:
    for name in stack.services:
        if not stack.services[name].one_shot:
            _tell_of(stack, name)
    if "nginx" not in stack.services:
        _say("nginx      is not installed, and left out")
    _say(f"State is in {stack.folder}, a log for each process in {stack.folder / 'logs'}.")
    _say("Ctrl-C ends it.")


def _tell_of(stack: Stack, name: str) -> None:
    process = stack.processes[name].popen
    where = stack.programs[name].address or "-"
    _say(f"{name:<10} {where:<40} process {process and process.pid}")


def _watch(stack: Stack) -> NoReturn:
    """Start again what ends, as the Compose file's ``restart: unless-stopped`` has it."""
    while True:
        for name in stack.ended():
            _say(stack.report(name))
            time.sleep(_RESTART_SECONDS)
            stack.start_service(name)
            _say(f"{name} was started again:")
            _tell_of(stack, name)
        time.sleep(0.2)


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
