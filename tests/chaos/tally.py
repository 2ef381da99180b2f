"""The result of a scenario: what was counted, and each thing that is wrong."""

from __future__ import annotations

from dataclasses import dataclass, field, fields


@dataclass
class Tally:
    """Counts of a scenario, or of many. Events that may be left out (progress) do not count."""

    accepted: int = 0
    ended: int = 0
    lost: int = 0
    expected: int = 0
    seen: int = 0
    repeated: int = 0
    disordered: int = 0
    missed: int = 0
    #: Seconds from the end of a job to the knowing of the last of its clients.
    longest: float = 0.0
    problems: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not self.problems and not (
            self.lost or self.repeated or self.disordered or self.missed
        )

    def problem(self, text: str) -> None:
        self.problems.append(text)

    def add(self, other: Tally) -> None:
        """Count another scenario in."""
        for item in fields(self):
            mine, theirs = getattr(self, item.name), getattr(other, item.name)
            setattr(self, item.name, max(mine, theirs) if item.name == "longest" else mine + theirs)

    def __str__(self) -> str:
        return (
            f"jobs accepted {self.accepted}, ended {self.ended}, lost {self.lost}; "
            f"events expected {self.expected}, seen {self.seen}, repeated {self.repeated}, "
            f"out of order {self.disordered}, missed {self.missed}; "
            f"longest time to know {self.longest:.2f} s; problems {len(self.problems)}"
        )
