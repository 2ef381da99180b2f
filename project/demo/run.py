"""``make demo``: three real jobs, each followed over another transport, and every event counted."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import tempfile
import time
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import httpx
import websockets

from project.demo.followers import POLLING, SSE, WEBSOCKET, Client, FollowError, Seen
from project.demo.journey import Count, Journey
from project.demo.screen import Bars, Screen
from project.demo.service import ServiceError, running_service, running_stack
from project.demo.summary import Answer, summary
from project.demo.video import sample_video

_DATA = Path(__file__).parent / "data" / "flights.csv"
_TEXT = (
    "A job that takes its time should not keep anyone waiting. The server says at once that it "
    "has accepted the work, and goes on to do it behind the scenes. Meanwhile every step is told "
    "to whoever listens: over a socket, over a stream, or in answer to a question. When a "
    "connection breaks, its client comes back with a cursor, and hears what it missed."
)
_SERVER = "manage.py serve starts as one process: web server, worker threads and database."
_STACK = "Two web processes and two workers start, with PostgreSQL and Redis between them."
_AWAY = 0.7  # seconds that the SSE client stays away


@dataclass(frozen=True, slots=True)
class Plan:
    """A job to submit, how to follow it, and what happens on half of the way."""

    name: str
    form: dict[str, Any]
    transport: str
    then: str
    why: str
    away: float = 0.0


class DemoError(Exception):
    """The demo did not go as it must; the message says why."""


def main() -> None:
    """Run the demo; exits with 0 only if every job succeeded and every event was seen once."""
    options = _options()
    signal.signal(signal.SIGTERM, _on_terminate)
    screen = Screen()
    began = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="pushjobs-demo-") as folder:
            verdict = asyncio.run(_demo(screen, options, Path(folder)))
    except (DemoError, FollowError, ServiceError) as error:
        screen.verdict(str(error), good=False)
        sys.exit(1)
    except (httpx.HTTPError, websockets.WebSocketException, OSError) as error:
        screen.verdict(f"the server could not be talked to: {error!r}", good=False)
        sys.exit(1)
    except KeyboardInterrupt:
        screen.verdict("stopped", good=False)
        sys.exit(130)
    screen.verdict(verdict, good=True)
    screen.say(f"It took {time.monotonic() - began:.0f} seconds.")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m project.demo.run", description=__doc__)
    parser.add_argument("--csv", type=Path, default=_DATA, help="the table to profile")
    parser.add_argument("--video", type=Path, help="the video to compress; one is made if left out")
    parser.add_argument("--text", default=_TEXT, help="the text to narrate")
    parser.add_argument(
        "--stack", action="store_true", help="against web processes and workers, not one process"
    )
    return parser.parse_args()


def _on_terminate(*_: object) -> NoReturn:
    sys.exit(143)


async def _demo(screen: Screen, options: argparse.Namespace, folder: Path) -> str:
    screen.act(
        "A server, and something to do",
        _STACK if options.stack else _SERVER,
        "Meanwhile ffmpeg makes a short video clip that will be compressed.",
    )
    video = options.video or folder / "clip.mp4"
    making = None if options.video else asyncio.to_thread(sample_video, video, 6, "1280x720")
    made = asyncio.ensure_future(making) if making is not None else None
    with running_stack() if options.stack else running_service() as service:
        if made is not None:
            await made
        screen.say(f"The server listens on {service.url}; the clip has {_size(video)}.")
        async with httpx.AsyncClient(base_url=service.url, timeout=30) as http:
            return await _acts(screen, Client(service, http), _plans(options, video))


def _plans(options: argparse.Namespace, video: Path) -> list[Plan]:
    return [
        Plan(
            "demo.profile_csv",
            {"files": {"table": (options.csv.name, options.csv.read_bytes(), "text/csv")}},
            WEBSOCKET,
            WEBSOCKET,
            "",
        ),
        Plan(
            "demo.compress_video",
            {"files": {"video": (video.name, video.read_bytes(), "video/mp4")}},
            SSE,
            SSE,
            "the SSE connection is broken off; its client will resume from its cursor",
            away=_AWAY,
        ),
        Plan(
            "demo.narrate",
            {"args": {"text": options.text, "delay": 0.12}},
            POLLING,
            WEBSOCKET,
            "the client stops polling and goes on over WebSocket, with the same cursor",
        ),
    ]


async def _acts(screen: Screen, client: Client, plans: list[Plan]) -> str:
    screen.act(
        "Three jobs are submitted",
        "Each POST is answered at once with 202 Accepted, a place to look, a token and a cursor.",
    )
    jobs = await asyncio.gather(*(_submit(client, plan) for plan in plans))
    for job in jobs:
        screen.say(f"{job['name']:<20} 202, {job['links']['self']}")
    journeys = [Journey(job) for job in jobs]
    screen.act(
        "They are followed side by side",
        "One over WebSocket, one over Server-Sent Events, one by polling.",
        "On the way, one connection is broken and resumed, and one job changes its transport.",
    )
    with screen.following() as bars:
        await asyncio.gather(*map(_follow, [client] * 3, [bars] * 3, plans, journeys))
    screen.act("What came of them", "Each result is fetched from the job's response link.")
    for journey in journeys:
        answer = await _fetch(client, journey.job)
        screen.result(journey.job["name"], summary(answer))
    screen.act(
        "Was everything seen?",
        "The server's log is read from its beginning and held against what each client saw.",
    )
    rows, logged = await _compare(client, journeys)
    screen.counts(rows)
    return _judge(journeys, [count for _, count in rows], logged)


async def _submit(client: Client, plan: Plan) -> dict[str, Any]:
    if "files" in plan.form:
        answer = await client.http.post("/jobs", data={"name": plan.name}, files=plan.form["files"])
    else:
        answer = await client.http.post("/jobs", json={"name": plan.name} | plan.form)
    if answer.status_code != 202:
        raise DemoError(f"{plan.name} was not accepted: {answer.status_code} {answer.text[:300]}")
    job: dict[str, Any] = answer.json()
    return job


async def _follow(client: Client, bars: Bars, plan: Plan, journey: Journey) -> None:
    bar = bars.add(plan.name)
    half_way = bool(plan.why)
    for transport in (plan.transport, plan.then):
        leg = journey.set_out(transport)
        async with aclosing(client.follow(transport, journey.job, leg.start)) as events:
            async for event in events:
                leg.events.append(event)
                number = sum(len(each.events) for each in journey.legs)
                percent, note = _standing(event)
                bars.move(bar, transport=transport, events=number, percent=percent, note=note)
                if half_way and percent is not None and 25 <= percent < 100:
                    break
        if end := journey.end:
            bars.say(f"{plan.name}: {end.type} over {transport}")
            if half_way:
                bars.say(f"{plan.name}: it was over before its connection could be changed")
            return
        if not half_way:
            raise FollowError(f"{plan.name}: {transport} ended before the job did")
        half_way = False
        bars.say(f"{plan.name}: {plan.why}")
        await asyncio.sleep(plan.away)


def _standing(event: Seen) -> tuple[float | None, str]:
    """How far a job is, in per cent, and what it says."""
    if event.type == "job.progress":
        return event.data["percent"], event.data["message"] or "running"
    if event.type == "job.output":
        return None, event.data["chunk"].strip()
    return (100 if event.type == "job.succeeded" else None), event.type.removeprefix("job.")


async def _fetch(client: Client, job: dict[str, Any]) -> Answer:
    headers = {"Authorization": f"Bearer {job['token']}"}
    document = (await client.http.get(job["links"]["self"], headers=headers)).json()
    answer = await client.http.get(job["links"]["response"], headers=headers)
    return Answer(document["name"], document["result"], answer)


async def _compare(client: Client, journeys: list[Journey]) -> tuple[list[tuple[str, Count]], int]:
    rows: list[tuple[str, Count]] = []
    logged = 0
    for journey in journeys:
        log = await client.logged(journey.job)
        logged += len(log)
        rows += [(journey.job["name"], count) for count in journey.compare(log)]
    return rows, logged


def _judge(journeys: list[Journey], counts: list[Count], logged: int) -> str:
    for journey in journeys:
        end = journey.end
        if end is None or end.type != "job.succeeded":
            error = (end.data.get("error") if end else None) or {}
            reason = error.get("detail") or error.get("title") or "no end was seen"
            raise DemoError(f"{journey.job['name']} did not succeed: {reason}")
    seen = sum(count.seen for count in counts)
    numbers = f"{seen} events seen of {logged} in the log"
    if seen != logged or not all(count.clean for count in counts):
        raise DemoError(f"{numbers}; see the table for what went wrong.")
    return f"3 jobs succeeded; {numbers}: 0 missed, 0 repeated, 0 out of order."


def _size(path: Path) -> str:
    return f"{path.stat().st_size / 1e6:.1f} MB"


if __name__ == "__main__":
    main()
