"""Any records in any order: a log keeps what a simple model of it keeps."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable

from django.test import override_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pushjobs.events import CLOSING, EventType, Record
from pushjobs.log import Log
from tests.unit.records import status, word

BOUND = 6

places = st.fixed_dictionaries(
    {
        "channel": st.sampled_from(["job:a", "tag:1:a"]),
        "job": st.sampled_from(["a", "b"]),
        "attempt": st.integers(1, 3),
    }
)
words = st.builds(
    lambda place, seq, kind: word(seq, kind, **place),
    places,
    st.integers(1, 4),
    st.sampled_from([EventType.OUTPUT, EventType.PROGRESS]),
)
statuses = st.builds(
    lambda place, version, kind: status(version, kind, **place),
    places,
    st.integers(1, 8),
    st.sampled_from(sorted(set(EventType) - {EventType.OUTPUT, EventType.PROGRESS})),
)


class Model:
    """All that was admitted, by channel; decides from that history alone."""

    def __init__(self) -> None:
        self.admitted: defaultdict[str, list[Record]] = defaultdict(list)

    def append(self, record: Record) -> int | None:
        before = [item for item in self.admitted[record.channel] if item.job == record.job]
        if self._is_stale(record, before):
            return None
        self.admitted[record.channel].append(record)
        return len(self.admitted[record.channel])

    def _is_stale(self, record: Record, before: list[Record]) -> bool:
        if any(item.attempt > record.attempt for item in before):
            return True
        if record.version:
            return any(item.version >= record.version for item in before)
        same = [item for item in before if item.attempt == record.attempt]
        told = [item.type for item in same if item.version]
        ended = bool(told) and told[-1] in {*CLOSING, EventType.QUEUED}
        return ended or any(item.seq >= record.seq for item in same)

    def page(self, channel: str, after: int, limit: int) -> tuple[list[Record], bool]:
        every = self.admitted[channel]
        if not max(0, len(every) - BOUND) <= after <= len(every):
            return [], False
        return every[after:][:limit], True


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
)
@given(batches=st.lists(st.lists(words | statuses, min_size=1, max_size=8), max_size=8))
def test_it_keeps_what_the_model_keeps(
    make_log: Callable[[], Log], batches: list[list[Record]]
) -> None:
    async def compare() -> None:
        log, model = make_log(), Model()
        for batch in batches:
            entries = await log.append(batch)
            found = [entry.position.offset if entry else None for entry in entries]
            assert found == [model.append(record) for record in batch]
        for channel, head in (await log.heads(["job:a", "tag:1:a"])).items():
            assert head.offset == len(model.admitted[channel])
            for after in range(head.offset + 2):
                position = type(head)(head.epoch, after)
                page = await log.read(channel, position, 4)
                records = [entry.record for entry in page.entries]
                assert page.head == head
                assert (records, page.complete) == model.page(channel, after, 4)
        await log.close()

    with override_settings(PUSHJOBS={"LOG_MAX_EVENTS": BOUND}):
        asyncio.run(compare())
