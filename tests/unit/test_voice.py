"""``pushjobs.voice``: at most so much a second, nothing of the output lost, all in order."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from pushjobs.conf import settings
from pushjobs.events import Event, EventType
from pushjobs.gauge import Gauge
from pushjobs.voice import CHUNK, Voice

WORD = Event(EventType.OUTPUT, "job", "test", 1, datetime.now(UTC), {"stream": "a", "chunk": ""})


def word(chunk: str, stream: str = "a") -> Event:
    return WORD._replace(data={"stream": stream, "chunk": chunk})


def step(done: int) -> Gauge:
    gauge = Gauge(WORD._replace(type=EventType.PROGRESS))
    gauge.newest = (done, None, None)
    return gauge


def test_output_that_is_due_does_not_let_out_progress_before_its_time() -> None:
    voice = Voice(("job:1",))
    voice.hold_progress(step(1))
    assert [event.data["done"] for event in voice.take(0.0)] == [1]
    voice.hold_progress(step(2))
    voice.hold_output(word("x"))
    assert [event.type for event in voice.take(settings.OUTPUT_INTERVAL)] == [EventType.OUTPUT]
    due = voice.due()
    assert due == settings.PROGRESS_INTERVAL
    assert [event.data["done"] for event in voice.take(due)] == [2]
    assert voice.due() is None


said = st.one_of(
    st.integers(0, 99).map(step),
    st.builds(word, st.text(max_size=40), st.sampled_from("ab")),
    st.builds(word, st.integers(1, CHUNK).map("x".__mul__), st.just("a")),
)


@given(st.lists(st.tuples(st.floats(0, 0.2), said), max_size=40))
def test_output_is_whole_and_in_order_and_the_last_progress_is_told(
    script: list[tuple[float, Event | Gauge]],
) -> None:
    voice, now, told = Voice(("job:1",)), 0.0, []
    for pause, item in script:
        now += pause
        if isinstance(item, Gauge):
            voice.hold_progress(item)
        else:
            voice.hold_output(item)
        told += voice.take(now)
    told += voice.take(now, everything=True)
    assert voice.due() is None
    assert [event.seq for event in told] == list(range(1, len(told) + 1))
    words = [item for _, item in script if isinstance(item, Event)]
    for stream in "ab":
        assert text_of(told, stream) == text_of(words, stream)
    steps = [item.take().data["done"] for _, item in script if isinstance(item, Gauge)]
    assert progress_of(told)[-1:] == steps[-1:]
    assert all(len(event.data.get("chunk", "")) <= CHUNK for event in told)


def text_of(events: list[Event], stream: str) -> str:
    return "".join(event.data["chunk"] for event in events if event.data.get("stream") == stream)


def progress_of(events: list[Event]) -> list[int]:
    return [event.data["done"] for event in events if event.type == EventType.PROGRESS]
