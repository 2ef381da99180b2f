"""The fixtures for clients hold of this server: its events, frames, cursors, problems and codes."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import pytest
from httpx_sse import EventSource, ServerSentEvent

from pushjobs import access, asyncapi, exceptions
from pushjobs.access import Caller
from pushjobs.cursor import EARLIEST, Cursor
from pushjobs.events import TERMINAL, EventType
from pushjobs.exceptions import InvalidCursor, PushjobsError
from pushjobs.status import Status
from pushjobs.tokens import READ, Token
from pushjobs.transports import polling
from tests.protocol.asyncapi import Document
from tests.protocol.fixtures import FOLDER, NAMES, Case, by_name, cases, events
from tests.protocol.tables import rows

UNKNOWN = "job.applauded"
#: The case whose events have members that no server sends yet.
LATER = "unknown members are ignored"
OVER = {"succeeded", "failed", "cancelled"}
CLIENT_FRAMES = {"subscribe", "unsubscribe", "cancel", "ping"}


@pytest.fixture(scope="module")
def document() -> Document:
    return Document(json.loads(json.dumps(asyncapi.document())))


def logged(names: list[str]) -> list[str]:
    """The log's names of channels, for the user of the fixtures."""
    caller = Caller(token=Token("user", "7", frozenset(names), frozenset({READ}), 2e9))
    return [access.channel(caller, name) for name in names]


def decoded(text: str | None, names: list[str]) -> Cursor:
    return Cursor.decode(text, logged(names))


def read(chunks: list[bytes]) -> list[ServerSentEvent]:
    """What a public client makes of a stream."""
    headers = {"Content-Type": "text/event-stream"}
    return list(EventSource(httpx.Response(200, headers=headers, content=chunks)).iter_sse())


def positions(case: Case) -> dict[str, str | None]:
    """Where each channel of a request stands before its answer."""
    names, text = case["channels"], case["cursor"]
    parts = text.split("~") if text else ["-"] * len(names)
    return {name: None if part == "-" else part for name, part in zip(names, parts, strict=True)}


def told(events: list[tuple[str | None, Any]], stands: dict[str, str | None]) -> list[list[Any]]:
    """Events with the cursor of their own channel, from a joined one; ``stands`` moves along."""
    found = []
    for joined, event in events:
        name = event["channel"]
        if joined:
            stands.update(
                zip(stands, (p if p != "-" else None for p in joined.split("~")), strict=True)
            )
        found.append([name, event["type"], stands[name] if joined else None])
    return found


def test_every_file_is_described() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == set(NAMES)
    readme = (FOLDER / "README.md").read_text()
    assert [row["file"] for row in rows(readme, "file")] == [f"{name}.json" for name in NAMES]


@pytest.mark.parametrize("name", NAMES)
def test_every_case_has_a_name_of_its_own(name: str) -> None:
    names = [case["name"] for case in cases(name)]
    assert len(names) > 10
    assert len(set(names)) == len(names)


def test_events_are_as_the_server_sends_them(document: Document) -> None:
    for name, event in events():
        if event["type"] != UNKNOWN and name != LATER and "mood" not in event:
            assert document.errors("events", event["type"], event) == [], name
    assert {event["type"] for _, event in events()} == {*map(str, EventType), UNKNOWN}


def test_frames_are_as_the_server_sends_them(document: Document) -> None:
    known = document.messages("socket")
    for case in cases("sockets"):
        for frame in case["frames"]:
            if "unknown type" not in case["name"]:
                assert document.errors("socket", frame["type"], frame) == [], case["name"]
    told = {frame["type"] for case in cases("sockets") for frame in case["frames"]}
    assert told - known.keys() == {"advertisement"}
    assert told >= {frame for frame in known if frame not in CLIENT_FRAMES}


@pytest.mark.parametrize("case", cases("jobs"), ids=by_name)
def test_a_job_is_over_after_its_terminal_event(case: Case) -> None:
    state, events = case["state"], case["events"]
    assert Status(state["status"])
    ends = [
        event["type"] in TERMINAL
        or (event["type"] == "job.snapshot" and event["data"]["status"] in OVER)
        for event in events
    ]
    assert state["over"] is any(ends) is (state["status"] in OVER)


@pytest.mark.parametrize("case", cases("cursors"), ids=by_name)
def test_cursors_are_joined_and_taken_apart(case: Case) -> None:
    names, parts = case["channels"], case["cursors"]
    if parts is None:
        with pytest.raises(InvalidCursor):
            decoded(case["joined"], names)
        return
    assert Cursor.join(part or "-" for part in parts) == case["joined"]
    alone = [decoded(part, [name]).starts[0] for part, name in zip(parts, names, strict=True)]
    assert decoded(case["joined"], names).starts == tuple(alone)
    assert [start.earliest for start in alone] == [part == EARLIEST for part in parts]


@pytest.mark.parametrize("case", cases("sockets"), ids=by_name)
def test_the_cursors_of_a_socket_are_those_of_its_channels(case: Case) -> None:
    stands = dict(case["cursors"])
    for frame in case["frames"]:
        name = frame.get("channel")
        if name in stands and frame["type"] in ("event", "subscribed") and frame["cursor"]:
            stands[name] = frame["cursor"]
    for name, _ in case["expect"]["again"]:
        stands[name] = None if stands[name] == "garbage" else stands[name]
    assert stands == case["expect"]["cursors"]
    for name, text in stands.items():
        decoded(text, [name])


#: ``httpx-sse`` takes a byte order mark for a part of the first field; this server sends none.
READABLE = [case for case in cases("eventstream") if case["chunks"][0][:1] != "\ufeff"]


@pytest.mark.parametrize("case", READABLE, ids=by_name)
@pytest.mark.parametrize("cut", ["as given", "whole", "bytes"])
def test_a_public_client_reads_the_same_messages(case: Case, cut: str) -> None:
    chunks = [chunk.encode() for chunk in case["chunks"]]
    whole = b"".join(chunks)
    if cut != "as given":
        chunks = [whole] if cut == "whole" else [bytes([byte]) for byte in whole]
    last, expected = "", []
    for message in case["messages"]:
        last = last if message["id"] is None else message["id"]
        if message["data"]:  # It tells blocks without data as well, which are no messages.
            expected.append((last, message["event"], message["data"]))
    found = read(chunks)
    assert [(it.id, it.event, it.data) for it in found if it.data] == expected
    assert not found or found[-1].id == case["last_id"]


@pytest.mark.parametrize("case", cases("streams"), ids=by_name)
def test_a_stream_says_what_is_expected_of_it(case: Case) -> None:
    stands = positions(case)
    blocks = "".join(case["chunks"]).split("\n\n")[:-1]
    found = []
    for block in blocks:
        fields = dict(re.findall(r"^(\w+): (.*)$", block, re.MULTILINE))
        if "data" in fields:
            found += told([(fields.get("id"), json.loads(fields["data"]))], stands)
        elif "id" in fields:
            decoded(fields["id"], case["channels"])
            stands = positions({**case, "cursor": fields["id"]})
    assert found == case["expect"]["delivered"]
    assert stands == case["expect"]["cursors"]
    over = case["expect"]["ended"] == case["channels"]
    assert case["expect"]["then"] == ("over" if over else "again")


@pytest.mark.parametrize("case", cases("pages"), ids=by_name)
def test_a_page_is_as_the_server_makes_it(case: Case) -> None:
    page, expected = case["page"], case["expect"]
    empty = polling._Page(logged(case["channels"])).body(None)
    assert page.keys() == json.loads(empty).keys()
    stands = positions(case)
    items = [(item["cursor"], item["event"]) for item in page["events"]]
    assert told(items, stands) == expected["delivered"]
    decoded(page["cursor"], case["channels"])
    assert positions({**case, "cursor": page["cursor"]}) == expected["cursors"]
    then = "over" if page["ended"] else "again" if page["more"] else "wait"
    assert expected["then"] == then


def errors() -> dict[str, type[PushjobsError]]:
    known = vars(exceptions).values()
    classes = [it for it in known if isinstance(it, type) and issubclass(it, PushjobsError)]
    return {each.slug: each for each in classes}


@pytest.mark.parametrize("case", cases("answers"), ids=by_name)
def test_problems_are_those_of_the_server(case: Case) -> None:
    if "problem" not in case["headers"].get("Content-Type", ""):
        return
    body = case["body"]
    error = errors()[body["type"].rpartition(":")[2]]
    assert (body["title"], body["status"]) == (error.title, error.status)
    assert case["status"] == error.status
    after = case["headers"].get("Retry-After")
    assert case["after"] == (None if after is None else int(after))


def test_every_close_code_has_its_case() -> None:
    listed = {case["code"]: case["then"] for case in cases("closes")}
    assert listed.keys() >= asyncapi.CLOSE_CODES.keys()
    for code, then in listed.items():
        assert (then == "reconnect") is not (3500 <= code <= 3999)
    assert [code for code, then in listed.items() if then == "refresh"] == [3501]
