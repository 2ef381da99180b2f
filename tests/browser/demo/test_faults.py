"""The demo's panel: a visitor breaks what lies between, and sees it heal."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.demo.demopage import TEXT, WORDS, DemoPage

pytestmark = pytest.mark.xdist_group("browser")


def test_each_transport_is_forced_in_mid_job_and_none_misses_a_word(demo: DemoPage) -> None:
    demo.narrate(pace="as one speaks")
    used = demo.page.locator("[data-transport]")
    ways = {"SSE": "Server-Sent Events", "Polling": "Long-polling", "WebSocket": "WebSocket"}
    for word, (choice, told) in zip(WORDS[::4], ways.items(), strict=False):
        demo.has_put_out(word)
        demo.page.get_by_role("radio", name=choice).check()
        expect(used).to_have_text(told)
        demo.connection("Connected")
    demo.has_put_out_all_of(TEXT)


def test_a_connection_that_is_cut_comes_back_and_has_missed_nothing(demo: DemoPage) -> None:
    demo.narrate(pace="as one speaks")
    demo.has_put_out(WORDS[1])
    demo.press("Cut the connection")
    events = demo.page.locator("[data-events] .detail")
    expect(events.filter(has_text="the connection was cut")).to_have_count(1)
    expect(events.filter(has_text="connected over WebSocket")).to_have_count(2)
    demo.has_put_out_all_of(TEXT)


def test_who_was_offline_is_told_what_happened_meanwhile(demo: DemoPage) -> None:
    demo.narrate(pace="as one speaks")
    demo.has_put_out(WORDS[0])
    demo.press("Go offline")
    demo.connection("Offline")
    elsewhere = demo.page.context.request
    (job,) = elsewhere.get("/jobs").json()["jobs"]
    ended = elsewhere.get(job["links"]["response"], headers={"Prefer": "wait=30"})
    assert ended.status == 200
    demo.is_said("In progress")
    demo.page.get_by_role("button", name="Come back online").click()
    demo.connection("Connected")
    demo.has_put_out_all_of(TEXT)
    tries = demo.page.locator("[data-events] li").filter(has_text="connecting")
    expect(tries).to_have_count(0)


def test_a_job_waits_for_a_paused_worker(demo: DemoPage) -> None:
    demo.press("Pause the worker")
    resume = demo.page.get_by_role("button", name="Resume the worker")
    expect(resume).to_have_attribute("aria-pressed", "true")
    demo.narrate()
    demo.is_said("Waiting for its turn")
    resume.click()
    demo.has_put_out_all_of(TEXT)
