"""The heartbeat: renews the leases of the jobs that run in this process, and watches over them.

It brings them word of a cancel, interrupts those over their time, and ends those that heed no
interrupt, so that every job ends although its thread is stuck.
"""

from __future__ import annotations

import time

from pushjobs import execution, lifecycle
from pushjobs.conf import settings
from pushjobs.loopthread import LoopThread
from pushjobs.running import Attempt, CancelInterrupt, Running, TimeLimitExceeded

#: Seconds after an interrupt that a handler has not heeded until its attempt is ended without it.
STUCK_AFTER = 5.0
#: Seconds over its time until an attempt is ended whose handler has returned, and whose result is
#: still not kept: its storage does not answer.
KEEPING_LIMIT = 300.0


class Heartbeat:
    """Looks after the attempts of one process, all in two statements a step."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._renewed = 0.0

    def step(self) -> None:
        attempts = self._running.attempts()
        if not attempts:
            return
        now = time.monotonic()
        worker = self._running.worker
        if now - self._renewed > settings.LEASE / 3:
            attempts.sort(key=lambda item: item.run.attempt)  # Of two of a job the newest counts.
            lifecycle.renew(worker, {item.job.id: item.run.latest for item in attempts})
            self._renewed = now
        standing = lifecycle.standing(worker, [item.job.id for item in attempts])
        for attempt in attempts:
            self._look_after(attempt, standing.get((attempt.job.id, attempt.run.attempt)), now)

    def thread(self) -> LoopThread:
        return LoopThread("pushjobs-heartbeat", settings.HEARTBEAT_INTERVAL, self.step)

    def _look_after(self, attempt: Attempt, asked_to_stop: bool | None, now: float) -> None:
        if asked_to_stop is None and attempt.job.worker == self._running.worker:
            if attempt.in_handler:
                attempt.run.supersede()
        elif asked_to_stop:
            attempt.run.request_cancel()
            attempt.cancel_seen = attempt.cancel_seen or now
            if now - attempt.cancel_seen >= settings.CANCEL_GRACE:
                attempt.interrupt(CancelInterrupt)
        if now >= attempt.deadline:
            attempt.interrupt(TimeLimitExceeded)
        if attempt.interrupted_at is not None and now - attempt.interrupted_at >= STUCK_AFTER:
            execution.settle(attempt)
        elif attempt.interrupted_at is None and now - attempt.deadline >= KEEPING_LIMIT:
            execution.settle(attempt, TimeLimitExceeded)
