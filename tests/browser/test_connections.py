"""The client's connection in a real browser: each transport, each fall, and the climb back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.gateway import Gateway, Kind, Way
from tests.browser.visits import Script, Visit, kept
from tests.processes import Server
from tests.waiting import until

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.usefixtures("bundle")]

#: Each way to the server, what the client is told to use, and what the gateway lets through.
TRANSPORTS: dict[str, tuple[list[str], dict[Kind, Way]]] = {
    "websocket": (["websocket"], {}),
    "sse": (["sse"], {}),
    "long-polling": (["polling"], {}),
    "polling": (["polling"], {"wait": "cut"}),
}


@pytest.fixture
def context(browser: Browser, gateway: Gateway) -> Iterator[BrowserContext]:
    """A profile whose pages go through the gateway."""
    with browser.new_context(base_url=gateway.url) as context:
        context.set_default_timeout(30_000)
        yield context


@pytest.fixture
def script(tmp_path: Path, site: Server) -> Iterator[Script]:
    script = Script(tmp_path / "script", site.url)
    yield script
    script.end()


@pytest.fixture
def visit(page: Page, script: Script) -> Visit:
    """Follows the script from its beginning."""
    document = script.document
    return Visit(page, script.channel, token=document["token"], cursor=document["cursor"])


@pytest.fixture
def clock(page: Page) -> Page:
    """The page, whose time the test can let pass."""
    page.clock.install()
    return page


_HEARS_AGAIN = """
channel => /line ([3-9]|\\d\\d)/.test(window.visits[channel].subscription.state.get().output)
"""


def finish(visit: Visit, script: Script, site: Server) -> None:
    """Let the job end; its follower has been told each event once, in order, and the end."""
    script.end()
    visit.over()
    assert visit.told == kept(site.url, script.document)
    assert visit.known("outcome") == {"result": script.lines}


def reach(transport: str, visit: Visit, script: Script) -> None:
    """Let the page's time pass, in which the job goes on, until this transport is in use."""
    for _ in range(200):
        if visit.known("status") == "open" and visit.known("transports")[-1] == transport:
            return
        visit.page.clock.run_for(2_000)
        script.say()
        visit.page.wait_for_timeout(20)
    raise AssertionError(f"it is still at {visit.known('transports')}: {visit.known('status')}")


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_each_transport_tells_each_event_once_and_the_end(
    transport: str, clock: Page, visit: Visit, script: Script, gateway: Gateway, site: Server
) -> None:
    transports, gateway.ways = TRANSPORTS[transport]
    visit.follow(transports=transports)
    script.say(3)
    reach(transport, visit, script)
    script.say(3)
    finish(visit, script, site)


@pytest.mark.parametrize(
    ("ways", "transport"),
    [
        ({"socket": "refuse"}, "sse"),
        ({"socket": "silence"}, "sse"),
        ({"socket": "hold", "stream": "hold"}, "long-polling"),
        ({"socket": "silence", "stream": "silence", "wait": "cut"}, "polling"),
    ],
)
def test_what_does_not_work_is_left_for_the_next(
    ways: dict[Kind, Way],
    transport: str,
    clock: Page,
    visit: Visit,
    script: Script,
    gateway: Gateway,
    site: Server,
) -> None:
    gateway.ways = ways
    visit.follow()
    reach(transport, visit, script)
    assert "websocket" not in visit.known("transports")
    finish(visit, script, site)


def test_in_one_job_it_falls_from_transport_to_transport_and_climbs_again(
    clock: Page, visit: Visit, script: Script, gateway: Gateway, site: Server
) -> None:
    visit.follow()
    reach("websocket", visit, script)
    gateway.ways["socket"] = "refuse"
    gateway.cut("socket")
    reach("sse", visit, script)
    gateway.ways["stream"] = "hold"
    gateway.cut("stream")
    reach("long-polling", visit, script)
    gateway.ways["wait"] = "cut"
    gateway.cut("wait")
    reach("polling", visit, script)
    gateway.ways.clear()
    reach("websocket", visit, script)
    assert visit.known("transports")[:4] == ["websocket", "sse", "long-polling", "polling"]
    finish(visit, script, site)


def test_what_has_worked_is_where_the_next_page_begins(
    clock: Page, visit: Visit, script: Script, gateway: Gateway, site: Server
) -> None:
    gateway.ways["socket"] = "silence"
    visit.follow()
    reach("sse", visit, script)
    gateway.seen.clear()
    visit.page.reload()
    visit.follow()
    visit.by("sse")
    assert gateway.seen["socket"] == 0
    finish(visit, script, site)


@pytest.mark.parametrize("transport", ["websocket", "long-polling"])
def test_a_job_goes_on_when_its_server_is_restarted(
    transport: str, visit: Visit, script: Script, gateway: Gateway, site: Server
) -> None:
    transports, gateway.ways = TRANSPORTS[transport]
    visit.follow(transports=transports)
    script.say(3)
    visit.lines(3)
    site.stop()
    site.start()
    # What was said until the client is back may be lost with the log; what is said then is not.
    until(lambda: visit.page.evaluate(_HEARS_AGAIN, visit.channel), script.say)
    script.end()
    visit.over()
    assert visit.known("outcome") == {"result": script.lines}


@pytest.mark.parametrize("transport", ["websocket", "sse"])
def test_ten_seconds_without_a_network_lose_nothing(
    transport: str, context: BrowserContext, visit: Visit, script: Script, site: Server
) -> None:
    visit.follow(transports=[transport])
    script.say(3)
    visit.lines(3)
    context.set_offline(True)
    visit.wait("visit.status === 'offline'")
    script.say(3)
    visit.page.wait_for_timeout(10_000 if transport == "websocket" else 500)
    context.set_offline(False)
    visit.lines(6)
    finish(visit, script, site)


@pytest.mark.parametrize("transport", ["websocket", "sse", "long-polling"])
def test_a_token_that_expires_in_mid_job_is_replaced(
    transport: str, page: Page, tmp_path: Path, gateway: Gateway, site: Server
) -> None:
    transports, gateway.ways = TRANSPORTS[transport]
    script = Script(tmp_path / "script", site.url, user="ada")
    visit = Visit(page, script.channel, cursor=script.document["cursor"])
    visit.follow(token="/ticket?user=ada&seconds=2", transports=transports)
    for tickets in range(1, 4):
        visit.wait(f"window.tickets >= {tickets}")
        script.say()
        visit.lines(tickets)
    finish(visit, script, site)


def test_a_token_that_expires_and_cannot_be_replaced_ends_the_subscription_and_not_the_job(
    page: Page, tmp_path: Path, site: Server
) -> None:
    script = Script(tmp_path / "script", site.url, user="ada")
    token = page.request.get("/ticket?user=ada&seconds=1").json()["token"]
    visit = Visit(page, script.channel, token=token).follow()
    visit.over()
    assert visit.known("failed") == "unauthorized"
    assert not visit.state["over"]
    script.end()
