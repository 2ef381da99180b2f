"""What an answer, an error or a close says about another try."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import httpx

from pushjobs.client.documents import Problem
from pushjobs.client.errors import Refused

PROBLEM_TYPE = "urn:pushjobs:problem:"


class Verdict(StrEnum):
    """What to do next."""

    FOLLOW = "follow"
    OVER = "over"
    REFRESH = "refresh"
    DROP_CURSOR = "drop-cursor"
    RETRY = "retry"
    STOP = "stop"


#: Statuses by which a server, or a proxy before it, says that it could not answer now.
_PASSING = frozenset({408, 425, 429})


def of_answer(answer: httpx.Response, media_type: str) -> Verdict:
    """About an answer to a request for ``media_type``."""
    if answer.status_code == 200:
        # A page that a network puts in the place of every other, to have its users log in.
        found = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        return Verdict.FOLLOW if found == media_type else Verdict.RETRY
    if answer.status_code == 204:
        return Verdict.OVER
    return of_problem(problem_of(answer))


def of_problem(problem: Problem) -> Verdict:
    """About a refusal."""
    status = problem["status"]
    if status == 401:
        return Verdict.REFRESH
    if problem["type"] == PROBLEM_TYPE + "invalid-cursor":
        return Verdict.DROP_CURSOR
    return Verdict.RETRY if status in _PASSING or status >= 500 else Verdict.STOP


def problem_of(answer: httpx.Response) -> Problem:
    """The problem document of an answer, or one made up where it has none."""
    try:
        body: Any = answer.json()
    except (ValueError, RecursionError):
        body = None
    made_up = {
        "type": "about:blank",
        "title": f"The server answered {answer.status_code} {answer.reason_phrase}".rstrip(),
    }
    found = body if isinstance(body, dict) and isinstance(body.get("type"), str) else {}
    return {**made_up, **found, "status": answer.status_code}


#: Codes of a socket's errors after which the channel may be had later. The rest are for good.
_LATER = {
    "stream-unavailable": 503,
    "database-unavailable": 503,
    "server-busy": 503,
    "internal-error": 500,
    "limit-exceeded": 429,
    "too-many-requests": 429,
}
_STATUSES = {"unauthorized": 401, "forbidden": 403, "not-found": 404, "gone": 410} | _LATER


def problem_of_frame(code: str, detail: str) -> Problem:
    """An ``error`` frame as a problem document; its code is a slug with ``_`` for ``-``."""
    slug = code.replace("_", "-")
    return {
        "type": PROBLEM_TYPE + slug,
        "title": slug.replace("-", " ").capitalize(),
        "status": _STATUSES.get(slug, 400),
        "detail": detail,
    }


def of_close(code: int) -> Verdict:
    """About a close code of a WebSocket."""
    if code == 3501:
        return Verdict.REFRESH
    return Verdict.STOP if 3500 <= code <= 3999 else Verdict.RETRY


def unauthorized(answer: httpx.Response) -> bool:
    """Whether the API itself refuses the token."""
    return bool(problem_of(answer)["type"] == PROBLEM_TYPE + "unauthorized")


def passing(answer: httpx.Response) -> bool:
    """Whether the API itself cannot answer now; a job's response may have any status of its own."""
    return str(problem_of(answer)["type"]).removeprefix(PROBLEM_TYPE) in _LATER


def refusal(answer: httpx.Response) -> Refused:
    return Refused(problem_of(answer))
