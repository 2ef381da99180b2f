"""Many tabs of one browser, and their one connection."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Error, Page

from tests.browser.gateway import Gateway
from tests.browser.visits import Script, Visit, kept
from tests.processes import Server
from tests.waiting import until

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.usefixtures("bundle")]

Open = Callable[..., Visit]


@pytest.fixture
def context(browser: Browser, gateway: Gateway) -> Iterator[BrowserContext]:
    """A profile whose pages go through the gateway, which counts their connections."""
    with browser.new_context(base_url=gateway.url) as context:
        context.set_default_timeout(30_000)
        yield context


@pytest.fixture
def script(tmp_path: Path, site: Server) -> Iterator[Script]:
    """A job of ada's."""
    script = Script(tmp_path / "script", site.url, user="ada")
    yield script
    script.end()


@pytest.fixture
def open_tab(context: BrowserContext, script: Script) -> Open:
    """Open a tab that follows the job, by the right of whoever is logged in."""

    def open_tab(channel: str = script.channel, *, install_clock: bool = False) -> Visit:
        page = context.new_page()
        if install_clock:
            page.clock.install()
        page.goto("/start")
        cursor = script.document["cursor"] if channel == script.channel else None
        return Visit(page, channel, cursor=cursor).follow(share=True)

    return open_tab


def log_in(context: BrowserContext, user: str) -> None:
    assert context.request.get(f"/test-login/{user}").ok


def log_out(context: BrowserContext) -> None:
    """As Django's ``logout`` does: the session is gone, the CSRF cookie is what it was."""
    context.clear_cookies(name="sessionid")


def test_ten_tabs_have_one_connection_and_each_hears_all(
    context: BrowserContext, open_tab: Open, script: Script, gateway: Gateway, site: Server
) -> None:
    log_in(context, "ada")
    tabs = [open_tab() for _ in range(10)]
    for tab in tabs:
        tab.wait("visit.told.length > 0")
    script.say(5)
    for tab in tabs:
        tab.lines(5)
        assert said(tab.told) == said(kept(site.url, script.document))
    assert gateway.open["socket"] == 1
    assert gateway.seen["stream"] == gateway.seen["wait"] == 0
    [leader] = [tab for tab in tabs if not tab.known("shared")]

    leader.page.close()
    tabs.remove(leader)
    script.say(5)
    for tab in tabs:
        tab.lines(10)
    assert gateway.open["socket"] == 1
    assert [tab.known("shared") for tab in tabs].count(False) == 1

    script.end()
    for tab in tabs:
        tab.over()
        assert tab.state["output"] == script.text
        assert tab.state["outputComplete"]
        assert tab.known("outcome") == {"result": 10}
    until(lambda: gateway.open["socket"] == 0 or tabs[-1].page.wait_for_timeout(100))


def said(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the job says. (Some tabs come when it has begun, and have a snapshot of that.)"""
    return [event for event in told if event["type"] == "job.output"]


def test_a_tab_that_comes_late_is_told_how_it_stands(
    context: BrowserContext, open_tab: Open, script: Script, gateway: Gateway
) -> None:
    log_in(context, "ada")
    first = open_tab()
    script.say(3)
    first.lines(3)
    late = open_tab()
    script.say(3)
    late.lines(6)
    assert late.state["output"] == script.text
    assert gateway.open["socket"] == 1


def test_a_tab_that_crashes_leaves_its_place_to_another(
    context: BrowserContext, open_tab: Open, script: Script, gateway: Gateway
) -> None:
    log_in(context, "ada")
    first, second = open_tab(), open_tab()
    script.say(3)
    second.lines(3)
    assert second.known("shared")
    crash(first.page)
    script.say(3)
    second.lines(6)
    assert not second.known("shared")
    assert second.state["output"] == script.text


def test_a_tab_that_is_behind_at_a_takeover_is_told_each_event_once(
    context: BrowserContext, open_tab: Open, script: Script, site: Server
) -> None:
    log_in(context, "ada")
    tabs = [open_tab() for _ in range(3)]
    script.say(3)
    for tab in tabs:
        tab.lines(3)
    [leader] = [tab for tab in tabs if not tab.known("shared")]
    second, third = [tab for tab in tabs if tab is not leader]
    third.page.evaluate("dispatchEvent(new Event('pagehide'))")
    script.say(3)
    second.lines(6)
    leader.page.close()
    second.wait("!visit.shared")
    script.say(3)
    second.lines(9)
    third.page.evaluate("dispatchEvent(new Event('pageshow'))")
    script.end()
    for tab in (second, third):
        tab.over()
        assert said(tab.told) == said(kept(site.url, script.document))
        assert tab.state["output"] == script.text


#: Those that it leads hear no more of it, as if it stood still. (To make it stand still would stop
#: the tabs of the same process as well.)
_FALL_SILENT = """
() => {
  const post = BroadcastChannel.prototype.postMessage;
  BroadcastChannel.prototype.postMessage = function (message) {
    if (message.type !== "lead" && message.type !== "tell") post.call(this, message);
  };
}
"""


def test_a_tab_that_does_not_answer_loses_its_place_to_one_that_is_seen(
    context: BrowserContext, open_tab: Open, script: Script
) -> None:
    log_in(context, "ada")
    first, second = open_tab(), open_tab(install_clock=True)
    script.say(3)
    second.lines(3)
    assert second.known("shared")
    first.page.evaluate(_FALL_SILENT)
    script.say(3)
    until(lambda: not second.known("shared"), lambda: second.page.clock.run_for(1_000))
    second.lines(6)
    first.wait("visit.shared")
    script.say(3)
    for tab in (first, second):
        tab.lines(9)
        assert tab.state["output"] == script.text


def crash(page: Page) -> None:
    """End the renderer without a word to its page."""
    with page.expect_event("crash"), suppress(Error):
        page.goto("chrome://crash")


def hears(tab: Visit, script: Script) -> None:
    """Wait until the tab has been told the last line, on whatever channel."""
    of_job = f"`job:${{job}}` === '{script.channel}'"
    is_last = f"data.chunk?.includes('line {script.lines - 1}\\n')"
    tab.wait(f"visit.told.some(({{ job, data }}) => {of_job} && {is_last})")


def test_two_users_never_share(
    context: BrowserContext, open_tab: Open, script: Script, gateway: Gateway
) -> None:
    log_in(context, "ada")
    adas = open_tab("user:me")
    script.say()
    adas.wait("visit.told.length > 0")
    log_in(context, "bob-of-the-tabs")
    bobs = open_tab("user:me")
    bobs.wait("visit.status === 'open'")
    assert gateway.open["socket"] == 2
    script.say()
    hears(adas, script)
    assert bobs.known("told") == []
    assert not bobs.known("shared")


def test_who_has_logged_out_hears_nothing_by_a_tab_that_is_still_connected(
    context: BrowserContext, open_tab: Open, script: Script, gateway: Gateway
) -> None:
    log_in(context, "ada")
    adas = open_tab("user:me")
    script.say()
    adas.wait("visit.told.length > 0")
    log_out(context)
    for channel in ("user:me", script.channel):
        nobodys = open_tab(channel)
        nobodys.wait("visit.failed !== undefined")
        assert nobodys.known("failed") == "unauthorized"
        assert nobodys.known("told") == []
    script.say()
    hears(adas, script)


def test_a_logout_ends_what_all_tabs_follow_until_there_is_a_login_again(
    context: BrowserContext, open_tab: Open, script: Script, gateway: Gateway
) -> None:
    log_in(context, "ada")
    tabs = [open_tab("user:me") for _ in range(2)]
    for tab in tabs:
        tab.wait("visit.told.length > 0")
    sockets = gateway.seen["socket"]
    assert context.request.get("/test-logout").ok
    for tab in tabs:
        tab.wait("visit.failed !== undefined")
        assert tab.known("failed") == "unauthorized"
    # The one that leads comes back, to be told so; the other asks by itself, and is told the same.
    assert gateway.seen["socket"] - sockets <= len(tabs)
    log_in(context, "ada")
    again = [tabs[0].follow(share=True), open_tab("user:me")]
    for tab in again:
        tab.wait("visit.told.length > 0")
    script.say()
    for tab in again:
        hears(tab, script)


@pytest.mark.django_db
def test_django_changes_the_csrf_cookie_at_a_login_and_not_at_a_logout() -> None:
    client = Client()
    client.get("/test-login/staff-ada")
    adas = client.cookies["csrftoken"].value
    client.post("/admin/logout/")
    assert "_auth_user_id" not in client.session
    assert client.cookies["csrftoken"].value == adas
    client.get("/test-login/bob")
    assert client.cookies["csrftoken"].value != adas
