"""``pushjobs.events``: one encoding for each wire, which the wire's own decoders read back."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import httpx
import httpx_sse
from hypothesis import given
from hypothesis import strategies as st

from pushjobs.cursor import Position
from pushjobs.events import CLOSING, TERMINAL, Entry, EventType, Record, rfc3339
from tests.unit.records import CHANNEL, JOB, MOMENT, event, output

AT = Position("abc", 7)

odd = st.text(st.sampled_from('\r\n\x00\x0b\x0c\x1c\x85\u2028\u2029\ufeff"\\: aé😀\ud800'))


def entry_of(chunk: str, channel: str = CHANNEL) -> Entry:
    said = output(chunk)
    return Entry(Record.of(said, channel, said.body()), AT)


def decoded(*blocks: bytes) -> list[httpx_sse.ServerSentEvent]:
    """What an SSE client makes of a stream."""
    headers = {"content-type": "text/event-stream"}
    response = httpx.Response(200, headers=headers, content=b"".join(blocks))
    return list(httpx_sse.EventSource(response).iter_sse())


def test_an_event_has_the_members_of_the_protocol() -> None:
    entry = entry_of("a")
    assert json.loads(entry.json) == {
        "channel": CHANNEL,
        "job": JOB,
        "name": "test.job",
        "type": "job.output",
        "attempt": 1,
        "time": "2026-01-02T03:04:05.678Z",
        "data": {"stream": "output", "chunk": "a"},
    }


@given(odd | st.text())
def test_an_sse_block_is_parsed_back_whatever_the_text(chunk: str) -> None:
    entry = entry_of(chunk)
    first, second = decoded(entry.sse, entry.sse)
    assert first.data == second.data
    assert (first.event, first.id) == ("job.output", entry.cursor)
    expected = chunk.encode(errors="replace").decode()
    assert json.loads(first.data)["data"]["chunk"] == expected


@given(odd)
def test_a_frame_is_one_object_that_holds_the_same_event(chunk: str) -> None:
    entry = entry_of(chunk)
    frame = json.loads(entry.frame)
    assert frame == {
        "type": "event",
        "channel": CHANNEL,
        "cursor": entry.cursor,
        "event": json.loads(entry.json),
    }
    assert json.loads(entry.socket_frame(None))["cursor"] is None


@given(odd)
def test_a_page_item_holds_the_same_event(chunk: str) -> None:
    entry = entry_of(chunk)
    assert json.loads(entry.page_item("x")) == {"cursor": "x", "event": json.loads(entry.json)}
    assert json.loads(entry.page_item(None))["cursor"] is None


@given(st.text('a"\\é \u2028:', min_size=1))
def test_the_channel_is_named_as_its_client_names_it(tag: str) -> None:
    assert json.loads(entry_of("a", f"tag:42:{tag}").json)["channel"] == f"tag:{tag}"
    assert json.loads(entry_of("a", "user:42").json)["channel"] == "user:me"
    assert b"tag:42" not in entry_of("a", f"tag:42:{tag}").json


def test_a_block_without_an_id_moves_no_cursor() -> None:
    entry = entry_of("a")
    first, second = decoded(b"id: one\ndata: 1\n\n", entry.sse_fields + b"\n")
    assert (first.id, second.id) == ("one", "one")


def test_any_value_of_a_handler_can_be_told() -> None:
    values: dict[str, Any] = {
        "nan": float("nan"),
        "object": object,
        "big": 10**30,
        "odd": "\udc80",
        "set": {1},
    }
    for name, value in values.items():
        body = json.loads(event(EventType.FAILED, {"error": {name: value}}).body())
        assert list(body["data"]["error"]) == [name]
    assert json.loads(event(EventType.FAILED, {"n": 10**30}).body())["data"]["n"] == 10**30


def test_times_are_told_in_utc_with_milliseconds() -> None:
    east = timezone(timedelta(hours=5, minutes=30))
    assert rfc3339(datetime(2026, 1, 1, 5, 30, tzinfo=east)) == "2026-01-01T00:00:00.000Z"
    assert rfc3339(MOMENT) == "2026-01-02T03:04:05.678Z"
    assert datetime.fromisoformat(rfc3339(MOMENT)) == MOMENT.astimezone(UTC)


def test_what_is_terminal_also_closes_its_attempt() -> None:
    assert {"job.succeeded", "job.failed", "job.cancelled"} == TERMINAL
    assert {EventType.RETRYING} == CLOSING - TERMINAL
