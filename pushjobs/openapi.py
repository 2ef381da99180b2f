"""What the API's OpenAPI document says that its code does not: bodies, headers and problems."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import AwareDatetime, ConfigDict, Field, StringConstraints

from pushjobs.status import Status

Tag = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class Submission(Schema):
    """A request for a job."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    args: dict[str, Any] = Field(default_factory=dict)
    tags: Annotated[list[Tag], Field(max_length=20)] = Field(default_factory=list)
    run_at: AwareDatetime | None = None


class Progress(Schema):
    done: float
    total: float | None
    percent: float | None
    message: str | None


class Links(Schema):
    self: str
    response: str
    events: str
    socket: str
    cancel: str


class JobDocument(Schema):
    """A job as its client sees it."""

    id: str
    name: str
    status: Status
    attempt: int
    max_attempts: int
    progress: Progress | None
    result: Any
    error: dict[str, Any] | None
    tags: list[str]
    created_at: datetime
    run_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    expires_at: datetime | None
    cursor: str | None
    links: Links


class AcceptedJob(JobDocument):
    """The document that answers a submission: with a token, in this answer only."""

    token: str


class JobList(Schema):
    """A page of the caller's jobs, the newest first; ``next`` is the ``after`` of the next page."""

    jobs: list[JobDocument]
    next: str | None


class TokenRequest(Schema):
    """A request for a token for some of the caller's channels, for ``expires_in`` seconds."""

    model_config = ConfigDict(extra="forbid")

    channels: Annotated[
        list[Annotated[str, Field(max_length=200)]], Field(min_length=1, max_length=100)
    ]
    scope: Annotated[list[Literal["read", "cancel"]], Field(min_length=1)] = Field(default=["read"])
    expires_in: int = Field(900, ge=1)


class TokenDocument(Schema):
    token: str
    expires_at: datetime


class Problem(Schema):
    """A problem document (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str | None = None
    errors: list[dict[str, Any]] | None = None


def problems(*statuses: int) -> dict[str, Any]:
    """The responses of an operation that are problem documents."""
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        str(status): {
            "description": _MEANINGS[status],
            "content": content,
            **({"headers": {"Retry-After": RETRY_AFTER}} if status in _PASSING else {}),
        }
        for status in statuses
    }


#: The seconds to wait (RFC 9110, section 10.2.3), and the statuses that come with them.
RETRY_AFTER = {"schema": {"type": "integer", "minimum": 1}, "description": "Seconds to wait."}
_PASSING = frozenset({429, 503, 507})


_MEANINGS = {
    400: "The request is malformed.",
    401: "No credentials, or none that hold.",
    403: "Not allowed.",
    404: "No such job, or not the caller's.",
    405: "The method is not for this URL.",
    409: "The job's status does not allow this.",
    410: "The job is no longer kept, or was cancelled.",
    413: "The request is too large.",
    415: "The body is of another media type.",
    422: "The request does not fit the job, or the key another request.",
    429: "Over a limit.",
    500: "The job failed.",
    503: "Not right now.",
    507: "Files cannot be stored right now.",
}

IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "maxLength": 255},
    "description": "The same key with the same request gives the same job.",
}
PREFER = {
    "name": "Prefer",
    "in": "header",
    "schema": {"type": "string"},
    "description": "`wait=N`: answer within N seconds, earlier if something changes (RFC 7240).",
}
ACCEPT = {
    "name": "Accept",
    "in": "header",
    "schema": {"type": "string"},
    "description": "`text/html` before JSON: pages in the place of documents and problems.",
}
IF_NONE_MATCH = {"name": "If-None-Match", "in": "header", "schema": {"type": "string"}}

_FILE = {"type": "string", "format": "binary"}

SUBMIT_BODY = {
    "required": True,
    "content": {
        "application/json": {"schema": Submission.model_json_schema()},
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": {"type": "string"},
                    "args": {"type": "string", "description": "A JSON object."},
                    "tags": {"type": "string", "description": "A JSON list."},
                    "run_at": {"type": "string", "format": "date-time"},
                },
                "additionalProperties": {
                    "anyOf": [_FILE, {"type": "array", "items": _FILE}],
                    "description": "The file of a parameter, or the files of one that takes many.",
                },
            }
        },
    },
}

TOKEN_BODY = {
    "required": True,
    "content": {"application/json": {"schema": TokenRequest.model_json_schema()}},
}

SECURITY_SCHEMES = {
    "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "jobToken": {"type": "apiKey", "in": "header", "name": "X-JOB-AUTHORIZATION"},
    "session": {"type": "apiKey", "in": "cookie", "name": "sessionid"},
}
SECURITY: list[dict[str, list[str]]] = [{}, {"token": []}, {"jobToken": []}, {"session": []}]


def _operation(name: str, response: dict[int, Any], **extra: Any) -> dict[str, Any]:
    """What an operation's decorator is told."""
    return {"operation_id": name, "response": response, "openapi_extra": extra}


SUBMIT = _operation(
    "submit",
    {202: AcceptedJob, 200: AcceptedJob},
    requestBody=SUBMIT_BODY,
    parameters=[IDEMPOTENCY_KEY, PREFER],
    responses=problems(400, 401, 403, 404, 413, 415, 422, 429, 503, 507),
)
LIST = _operation("list", {200: JobList}, responses=problems(401, 404, 422))
MAKE_TOKEN = _operation(
    "make-token",
    {200: TokenDocument},
    requestBody=TOKEN_BODY,
    responses=problems(400, 401, 403, 404, 422, 429),
)
READ = _operation(
    "read",
    {200: JobDocument, 202: JobDocument, 304: None},
    parameters=[PREFER, IF_NONE_MATCH],
    responses=problems(401, 404, 410, 503),
)
RESPONSE = _operation(
    "response",
    {202: JobDocument},
    parameters=[PREFER, ACCEPT],
    responses={
        "200": {"description": "The response that the job produced, whatever it is."},
        "default": {"description": "The status code that the job chose, or its error's."},
        **problems(401, 404, 410, 500, 503),
    },
)
CANCEL = _operation(
    "cancel",
    {200: JobDocument, 202: JobDocument},
    responses={
        "303": {"description": "To a form in a browser: on to the job's response."},
        **problems(401, 403, 404, 409, 410),
    },
)
RETRY = _operation(
    "retry", {202: AcceptedJob}, responses=problems(401, 403, 404, 409, 410, 422, 429, 503)
)
