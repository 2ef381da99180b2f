"""The request that a step is over HTTP: the same, whether it is sent to block or to await."""

from __future__ import annotations

import httpx

from pushjobs.client.steps import Call, OpenStream

Http = httpx.Client | httpx.AsyncClient


def call_request(http: Http, call: Call) -> httpx.Request:
    """The request of a call, with the client's own headers, cookies and base."""
    return http.build_request(
        call.method,
        call.url,
        params=call.params,
        headers=call.headers,
        json=call.json,
        data=call.form,
        files=list(call.files) or None,
        timeout=call.timeout,
    )


def stream_request(http: Http, step: OpenStream) -> httpx.Request:
    """The request for a stream, whose answer has to begin in time."""
    return http.build_request(
        "GET", step.url, params=step.params, headers=step.headers, timeout=step.opening
    )
