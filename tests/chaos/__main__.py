"""``python -m tests.chaos``: scenario after scenario, until the time is over."""

from __future__ import annotations

import argparse
import random
import signal
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType

from tests.chaos.campaign import play, turns
from tests.chaos.cluster import running_cluster
from tests.chaos.scenarios import SCENARIOS
from tests.chaos.tally import Tally


def main() -> int:
    """Returns 0 if nothing was lost, repeated, out of order or missed, and every job ended."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    parser.add_argument("--seconds", type=float, default=60.0, help="the last one is finished")
    names = {scenario.__name__: scenario for scenario in SCENARIOS}
    parser.add_argument("--only", choices=names, nargs="+", default=list(names))
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="pushjobs-chaos-"))
    _say(f"seed {asked.seed}, state in {folder}")
    total, played, failed = Tally(), 0, 0
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    try:
        with running_cluster(folder) as cluster:
            end = time.monotonic() + asked.seconds
            for turn in turns([names[name] for name in asked.only], asked.seed):
                tally = play(turn, cluster, say=_say)
                total.add(tally)
                played, failed = played + 1, failed + (not tally.good)
                if time.monotonic() >= end:
                    break
    except KeyboardInterrupt:
        _say("stopped")
    _say(f"{played} scenarios, {failed} failed; {total}; seed {asked.seed}")
    return 0 if played and total.good else 1


def _stop(number: int, frame: FrameType | None) -> None:
    """End in order, and at once: a second signal does not interrupt that."""
    for other in (signal.SIGINT, signal.SIGTERM):
        signal.signal(other, signal.SIG_IGN)
    raise KeyboardInterrupt


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
