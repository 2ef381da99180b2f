"""The oracle: holds what clients saw against what was accepted, what ran and what the log has."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise
from typing import Any

from pushjobs.cursor import Position
from pushjobs.events import TERMINAL
from pushjobs.status import TERMINAL as OVER
from tests.chaos.evidence import Evidence, Logged
from tests.chaos.history import History
from tests.chaos.ledger import Stint
from tests.chaos.tally import Tally
from tests.chaos.walk import Facts, Walk, identity

#: Seconds by which the clock of the machine and a line of the ledger may disagree.
_TOLERANCE = 0.01


def judge(evidence: Evidence) -> Tally:
    """Count, and name each thing that is wrong."""
    tally = Tally()
    _judge_jobs(evidence, tally)
    _judge_keys(evidence, tally)
    for job, logged in evidence.logs.items():
        _judge_log(job, logged, tally)
    facts = _facts(evidence, tally)
    for history in evidence.histories:
        _judge_history(history, facts[history.job_id], evidence, tally)
    _judge_stints(evidence, tally)
    if evidence.gentle:
        for refusal in evidence.refusals:
            tally.problem(refusal)
    return tally


def _judge_jobs(evidence: Evidence, tally: Tally) -> None:
    for job in {job for jobs in evidence.accepted.values() for job in jobs}:
        tally.accepted += 1
        row = evidence.rows.get(job)
        if row is None:
            tally.lost += 1
            tally.problem(f"job {job} was accepted and is not in the database")
        elif row.status not in OVER:
            tally.problem(f"job {job} has not ended: {row}")
        else:
            tally.ended += 1
            if row.status not in evidence.asked[job].endings:
                tally.problem(f"job {job} ended as it was not asked to: {row}")


def _judge_keys(evidence: Evidence, tally: Tally) -> None:
    for key, jobs in evidence.accepted.items():
        if len(jobs) != 1:
            tally.problem(f"the key {key} was answered with {len(jobs)} jobs: {sorted(jobs)}")
    for job, row in evidence.rows.items():
        if row.key not in evidence.accepted:
            tally.problem(f"job {job} is in the database, and no one has submitted it")


def _judge_log(job: str, logged: Logged, tally: Tally) -> None:
    """The log itself: no gap, nothing of an old attempt, one end and nothing after it."""
    for (before, _), (after, event) in pairwise(logged.entries):
        if not before.precedes(after):
            tally.problem(f"the log of {job} goes from {before} to {after} ({event['type']})")
    attempts = [int(event["attempt"]) for _, event in logged.entries]
    if attempts != sorted(attempts):
        tally.problem(f"the log of {job} has an attempt after a newer one: {attempts}")
    types = [event["type"] for _, event in logged.entries]
    ends = [place for place, kind in enumerate(types) if kind in TERMINAL]
    if ends and ends != [len(types) - 1]:
        tally.problem(f"the log of {job} goes on after its end, or ends twice: {types}")


def _facts(evidence: Evidence, tally: Tally) -> defaultdict[str, Facts]:
    """All events of each job that the log or anyone has seen, by position."""
    facts: defaultdict[str, Facts] = defaultdict(dict)

    def learn(job: str, position: Position, event: Any) -> None:
        known = facts[job].setdefault(position, event)
        if identity(known) != identity(event):
            tally.problem(f"at {position} of {job} there are two events: {known} and {event}")

    for job, logged in evidence.logs.items():
        for position, event in logged.entries:
            learn(job, position, event)
    for history in evidence.histories:
        for item in history.seen:
            if item.position is not None and not item.is_snapshot:
                learn(history.job_id, item.position, item.event)
            if item.event["job"] != history.job_id:
                tally.problem(f"{history.client} was told of another job: {item.event}")
    return facts


def _judge_history(history: History, facts: Facts, evidence: Evidence, tally: Tally) -> None:
    walk = Walk(history, facts)
    walk.run()
    asked = evidence.asked.get(history.job_id)
    if asked is not None and asked.speech is not None:
        walk.listen(asked.speech, excused=evidence.log_away)
    tally.expected += walk.expected
    tally.seen += walk.seen
    tally.repeated += walk.repeated
    tally.disordered += walk.disordered
    tally.missed += walk.missed
    found = [*walk.problems, *history.complaints]
    if evidence.gentle:
        found += [what for _, what in history.breaks]
    row = evidence.rows.get(history.job_id)
    if history.ending is None:
        tally.missed += 1
        found.append("never learnt how the job ended")
    elif row is not None:
        # One who begins to follow when the job is over cannot know before.
        since = max(row.ended_at, history.began_at)
        tally.longest = max(tally.longest, history.known_at - since)
        if history.ending != row.status:
            found.append(f"was told {history.ending}, but the job is {row.status}")
    for what in found:
        tally.problem(f"job {history.job_id}: {what}; {history.tail()}")


def _judge_stints(evidence: Evidence, tally: Tally) -> None:
    """At least once, but no attempt twice; and two at a time only where a fault excuses it."""
    mine = [stint for stint in evidence.stints if stint.job in evidence.asked]
    for (job, attempt), count in Counter((stint.job, stint.attempt) for stint in mine).items():
        if count > 1:
            tally.problem(f"attempt {attempt} of {job} ran in {count} processes")
    of_job: defaultdict[str, list[Stint]] = defaultdict(list)
    for stint in mine:
        of_job[stint.job].append(stint)
    for job, stints in of_job.items():
        for before, after in pairwise(sorted(stints, key=lambda stint: stint.attempt)):
            if not evidence.overlap and before.last > after.first + _TOLERANCE:
                late = before.last - after.first
                tally.problem(
                    f"attempt {before.attempt} of {job} was at work {late:.2f} s after "
                    f"attempt {after.attempt} had begun"
                )
