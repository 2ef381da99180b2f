"""Probes of a real server of each kind, as an orchestrator or a balancer sends them."""

from __future__ import annotations

import pytest

from tests.processes import Server


@pytest.mark.parametrize(("path", "status"), [("/health/live", "live"), ("/health/ready", "ready")])
def test_a_running_server_is_alive_and_ready(any_server: Server, path: str, status: str) -> None:
    with any_server.client() as probe:
        answer = probe.get(path)
        assert (answer.status_code, answer.json()["status"]) == (200, status)
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["cache-control"] == "no-store"
        assert "set-cookie" not in answer.headers
        head = probe.head(path)
        assert (head.status_code, head.content) == (200, b"")
        assert probe.post(path).status_code == 405
