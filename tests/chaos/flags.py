"""Faults that a scenario switches on and off in running processes: a file each, seen by all."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

LAYER_DROPS, LAYER_REPEATS = "layer-drops", "layer-repeats"
BROKER_REPEATS = "broker-repeats"
DISK_FULL = "disk-full"
RELAY_DIES = "relay-dies"


class Flags:
    """The flags in a folder that the processes of a cluster share."""

    def __init__(self, var: Path) -> None:
        self._folder = var / "flags"
        self._folder.mkdir(parents=True, exist_ok=True)

    def raised(self, name: str) -> bool:
        return (self._folder / name).exists()

    def text(self, name: str) -> str:
        """What a raised flag says; nothing where it is not raised."""
        with suppress(FileNotFoundError):
            return (self._folder / name).read_text()
        return ""

    def put(self, name: str, text: str = "") -> None:
        """Raise a flag, with its text there at once."""
        draft = self._folder / f".{name}"
        draft.write_text(text)
        draft.rename(self._folder / name)

    def lower(self, name: str) -> None:
        (self._folder / name).unlink(missing_ok=True)

    def take(self, name: str) -> bool:
        """Lower a flag; true for the one process that has done so."""
        try:
            (self._folder / name).unlink()
        except FileNotFoundError:
            return False
        return True

    def clear(self) -> None:
        for path in self._folder.iterdir():
            path.unlink(missing_ok=True)
