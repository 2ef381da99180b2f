"""What a Compose file says of its services, as far as it can be done without containers."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from project.stack.interpolation import InterpolationError, interpolate

_DURATION = re.compile(r"(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?")
_DEFAULT_GRACE = 10.0  # the specification's, for ``stop_grace_period``


class ComposeFileError(Exception):
    """The file cannot be read, or asks for what is not understood."""


@dataclass(frozen=True, slots=True)
class Service:
    """A service: its command, and when it may start.

    ``after`` holds the services that it depends on; ``stop_grace`` is in seconds, from the signal
    to the kill. A service with ``one_shot`` runs to its end before those that depend on it start.
    """

    name: str
    command: tuple[str, ...]
    environment: dict[str, str]
    after: tuple[str, ...]
    one_shot: bool
    stop_signal: str
    stop_grace: float


def read(
    path: Path, variables: Mapping[str, str], profiles: Collection[str] = ()
) -> dict[str, Service]:
    """The services of a file, each after those that it depends on; raises ``ComposeFileError``.

    Those of other profiles than the given ones are left out.
    """
    try:
        document = interpolate(yaml.safe_load(path.read_text()), variables)
        return _in_order(_services(document["services"], profiles))
    except (OSError, yaml.YAMLError, InterpolationError, KeyError, TypeError) as error:
        raise ComposeFileError(f"{path}: {error!r}") from error


def _services(found: dict[str, Any], profiles: Collection[str]) -> dict[str, Service]:
    chosen = {
        name: service
        for name, service in found.items()
        if not service.get("profiles") or set(service["profiles"]) & set(profiles)
    }
    finished = {
        name
        for service in chosen.values()
        for name, term in _terms(service).items()
        if term["condition"] == "service_completed_successfully"
    }
    return {
        name: Service(
            name=name,
            command=_command(name, service),
            environment=_environment(name, service),
            after=_dependencies(name, service, chosen),
            one_shot=name in finished,
            stop_signal=service.get("stop_signal", "SIGTERM"),
            stop_grace=_seconds(service.get("stop_grace_period")),
        )
        for name, service in chosen.items()
    }


def _command(name: str, service: dict[str, Any]) -> tuple[str, ...]:
    command = service.get("command")
    if not command:
        raise ComposeFileError(f"{name} has no command: without its image, it cannot be known")
    return tuple(shlex.split(command) if isinstance(command, str) else map(str, command))


def _environment(name: str, service: dict[str, Any]) -> dict[str, str]:
    found = service.get("environment", {})
    if not isinstance(found, dict):
        raise ComposeFileError(f"{name}: its environment is no mapping")
    return {key: str(value) for key, value in found.items()}


def _terms(service: dict[str, Any]) -> dict[str, Any]:
    """What it depends on, and on which condition; a list is the short form."""
    found = service.get("depends_on", {})
    if isinstance(found, list):
        return {name: {"condition": "service_started"} for name in found}
    return dict(found)


def _dependencies(name: str, service: dict[str, Any], chosen: Collection[str]) -> tuple[str, ...]:
    terms = _terms(service)
    for other, term in terms.items():
        if other not in chosen and term.get("required", True):
            raise ComposeFileError(f"{name} depends on {other}, which is not there")
    return tuple(other for other in terms if other in chosen)


def _seconds(text: str | None) -> float:
    if text is None:
        return _DEFAULT_GRACE
    found = _DURATION.fullmatch(text)
    if found is None or not text:
        raise ComposeFileError(f"{text!r} is no duration in minutes and seconds, such as 1m30s")
    return 60 * float(found[1] or 0) + float(found[2] or 0)


def _in_order(services: dict[str, Service]) -> dict[str, Service]:
    ordered: dict[str, Service] = {}
    while len(ordered) < len(services):
        able = [
            service
            for name, service in services.items()
            if name not in ordered and all(other in ordered for other in service.after)
        ]
        if not able:
            circle = ", ".join(name for name in services if name not in ordered)
            raise ComposeFileError(f"these services wait for each other: {circle}")
        ordered |= {service.name: service for service in able}
    return ordered
