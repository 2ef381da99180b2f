"""The browser's own ``EventSource``, which knows nothing of this protocol, follows a job."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext

from tests.chaos.proxy import Proxy
from tests.contract.clients import Client, channel_of
from tests.contract.followers import Credentials, Polling
from tests.processes import Server

pytestmark = pytest.mark.xdist_group("browser")

FOLLOW = """([url, types]) => {
  window.heard = [];
  const source = new EventSource(url);
  for (const type of types)
    source.addEventListener(type, (event) => window.heard.push([event.lastEventId, type]));
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) window.stopped = true;
  };
}"""
TYPES = ["job.queued", "job.started", "job.progress", "job.output", "job.succeeded"]


def test_it_comes_back_after_a_cut_and_stops_after_the_end(
    context: BrowserContext, site: Server, link: Proxy, gate: Path
) -> None:
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{link.port}/start")
    with Client(site) as anyone:
        job = anyone.submit("test.talk", words=10, until=str(gate))
    url = f"{job['links']['events']}?cursor={job['cursor']}&token={job['token']}"
    page.evaluate(FOLLOW, [url, TYPES])
    page.wait_for_function("() => window.heard.some(([, type]) => type === 'job.output')")
    assert link.cut() >= 1
    gate.touch()
    page.wait_for_function("() => window.stopped")
    log = Polling(site, [channel_of(job)], Credentials(job["token"]), "earliest").rest()
    assert page.evaluate("window.heard") == [[told.cursor, told.type] for told in log]
