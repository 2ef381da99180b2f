"""``<job-progress>`` and ``<job-list>`` on the pages of a project, as a visitor meets them."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, FrameLocator, Locator, Page, expect

from tests.browser.site import LONG
from tests.chaos.proxy import Proxy
from tests.processes import ROOT

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.usefixtures("bundle")]

AXE = ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
LOST = "The connection is lost; trying again"


def log_in(page: Page) -> str:
    """Log in; returns what a POST has to show."""
    return page.request.get("/test-login/ada").text()


def submitted(page: Page, name: str, args: dict[str, Any], csrf: str = "") -> dict[str, Any]:
    """The document of a job that was submitted as the page's visitor."""
    answer = page.request.post(
        "/jobs", data={"name": name, "args": args}, headers={"X-CSRFToken": csrf}
    )
    assert answer.status == 202
    document: dict[str, Any] = answer.json()
    return document


def talk(gate: Path, **args: Any) -> dict[str, Any]:
    """Arguments of a job that says some words, and ends when the gate opens."""
    return {"words": 2, "until": str(gate), **args}


def visit(page: Page, *jobs: dict[str, Any], **query: Any) -> None:
    """Open a page with these jobs on it."""
    fields = [*(("job", job["id"]) for job in jobs), *query.items()]
    page.goto(f"/elements?{urlencode(fields)}")


def part(within: Page | FrameLocator | Locator, name: str) -> Locator:
    return within.locator(f"[part~={name}]")


def status(within: Page | FrameLocator | Locator, text: str) -> None:
    """Wait until the status is this."""
    expect(part(within, "status")).to_have_text(text)


@pytest.mark.parametrize("scripts", [False])
def test_without_scripts_there_are_the_status_and_a_link(page: Page, gate: Path) -> None:
    csrf = log_in(page)
    visit(page, submitted(page, "test.talk", talk(gate), csrf), channel="user:me")
    expect(page.locator("job-progress")).to_contain_text("test.talk: ")
    expect(page.locator("job-list")).to_contain_text("script lists the jobs here")
    page.get_by_role("link", name="Look whether it is done").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Please wait")
    gate.touch()


def test_a_visitor_sees_progress_and_output_and_follows_the_result(
    page: Page, gate: Path, problems: list[str]
) -> None:
    job = submitted(page, "test.talk", talk(gate), log_in(page))
    visit(page, job)
    status(page, "In progress")
    expect(page.get_by_role("progressbar", name="test.talk")).to_have_attribute("value", "100")
    expect(page.get_by_role("log", name="Output test.talk")).to_have_text("word-0 word-1 ")
    expect(part(page, "message")).to_have_text("said 2")
    assert part(page, "message").evaluate("p => getComputedStyle(p).unicodeBidi") == "plaintext"
    gate.touch()
    status(page, "Done")
    expect(part(page, "result")).to_have_text('{\n  "words": 2\n}')
    link = page.get_by_role("link", name="Open the result test.talk")
    link.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/jobs/{job['id']}/response")
    assert page.evaluate("document.body.innerText") == '{"words":2}'
    assert problems == []


def test_the_keyboard_alone_cancels_and_tries_again(
    page: Page, gate: Path, problems: list[str]
) -> None:
    job = submitted(page, "test.talk", talk(gate), log_in(page))
    visit(page, job)
    status(page, "In progress")
    expect(part(page, "output")).not_to_be_empty()
    page.keyboard.press("Tab")
    expect(page.get_by_role("log")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Cancel test.talk")).to_be_focused()
    page.keyboard.press("Enter")
    status(page, "Cancelled")
    again = page.get_by_role("button", name="Try again test.talk")
    expect(again).to_be_focused()
    page.keyboard.press("Space")
    status(page, "In progress")
    assert job["id"] not in (page.locator("job-progress").get_attribute("src") or "")
    expect(page.get_by_role("button", name="Cancel test.talk")).to_be_focused()
    gate.touch()
    status(page, "Done")
    assert problems == []


def test_a_token_opens_a_job_without_a_login_and_its_result_is_saved(
    page: Page, gate: Path, problems: list[str]
) -> None:
    path = gate.with_name("report.csv")
    path.write_text("city,people\n")
    visit(page, submitted(page, "test.result", {"kind": "file", "path": str(path)}), token=1)
    status(page, "Done")
    with page.expect_download() as download:
        page.get_by_role("link", name="Open the result").click()
    assert download.value.suggested_filename == "report ü.csv"
    assert Path(download.value.path()).read_text() == "city,people\n"
    assert problems == []


def test_a_list_is_live_and_the_keyboard_stays_where_it_is(
    page: Page, gate: Path, problems: list[str]
) -> None:
    csrf = log_in(page)
    visit(page, channel="user:me")
    jobs = page.get_by_role("list", name="Jobs")
    first = submitted(page, "test.talk", talk(gate), csrf)
    expect(part(jobs, "row").first.locator("[part~=link]")).to_have_attribute(
        "href", f"/jobs/{first['id']}/response"
    )
    cancel = part(jobs, "row").first.get_by_role("button", name="Cancel")
    cancel.focus()
    row = part(jobs, "row").first.element_handle()
    other = submitted(page, "test.echo", {"value": 1}, csrf)
    newest = part(jobs, "row").first
    expect(newest.locator("[part~=link]")).to_have_attribute(
        "href", f"/jobs/{other['id']}/response"
    )
    status(newest, "Done")
    second = part(jobs, "row").nth(1)
    assert page.evaluate("([row, other]) => row === other", [row, second.element_handle()])
    expect(second.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Enter")
    status(second, "Cancelled")
    expect(second.get_by_role("button", name="Try again")).to_be_focused()
    assert problems == []


def test_output_is_followed_by_who_is_at_its_end_and_left_to_who_reads_back(
    page: Page, gate: Path
) -> None:
    script = gate.with_name("script")
    visit(page, submitted(page, "test.recite", {"script": str(script)}), token=1)
    log = part(page, "output")
    scrolled = "log => log.scrollHeight - log.clientHeight - log.scrollTop"

    def say(word: str) -> None:
        with script.open("a") as lines:
            lines.write(f"{word}\n" * 30)
        expect(log).to_contain_text(word)

    say("first")
    assert log.evaluate(scrolled) < 1
    log.evaluate("log => { log.scrollTop = 7; }")
    say("second")
    assert log.evaluate("log => log.scrollTop") == 7
    log.evaluate("log => { log.scrollTop = log.scrollHeight; }")
    say("third")
    assert log.evaluate(scrolled) < 1
    with script.open("a") as lines:
        lines.write("end\n")
    status(page, "Done")


def test_all_elements_of_a_page_share_one_connection(page: Page, gate: Path) -> None:
    csrf = log_in(page)
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    visit(
        page, *(submitted(page, "test.talk", talk(gate), csrf) for _ in range(3)), channel="user:me"
    )
    for element in page.locator("job-progress").all():
        status(element, "In progress")
    expect(part(page.locator("job-list"), "row").nth(2)).to_be_visible()
    assert len(sockets) == 1
    gate.touch()
    for element in page.locator("job-progress").all():
        status(element, "Done")
    assert len(sockets) == 1


def test_a_lost_connection_is_told_beside_the_status_and_made_up_for(
    browser: Browser, link: Proxy, gate: Path
) -> None:
    with browser.new_context(base_url=f"http://127.0.0.1:{link.port}") as context:
        page = context.new_page()
        visit(page, submitted(page, "test.talk", talk(gate), log_in(page)))
        status(page, "In progress")
        link.refuse()
        expect(part(page, "connection")).to_have_text(LOST)
        status(page, "In progress")
        link.accept()
        expect(part(page, "connection")).to_have_text("")
        gate.touch()
        status(page, "Done")
        expect(part(page, "output")).to_have_text("word-0 word-1 ")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_all_fits_a_telephone(page: Page, gate: Path, scheme: Any) -> None:
    csrf = log_in(page)
    page.emulate_media(color_scheme=scheme)
    running = submitted(page, "test.talk", talk(gate, words=40), csrf)
    failed = submitted(page, "test.refuse", {"message": LONG}, csrf)
    done = submitted(page, "test.echo", {"value": LONG}, csrf)
    visit(page, running, failed, done, channel="user:me", limit=2)
    one, two, three = page.locator("job-progress").all()
    status(one, "In progress")
    expect(part(one, "percent")).to_have_text("100%")
    status(two, "Failed")
    expect(part(two, "error")).to_have_text(LONG)
    status(three, "Done")
    expect(part(page.locator("job-list"), "row")).to_have_count(2)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert violations(page) == []


def test_the_elements_heed_what_their_visitor_prefers(page: Page, gate: Path) -> None:
    visit(page, submitted(page, "test.hold", {"until": str(gate)}), token=1)
    status(page, "In progress")
    moves = "bar => getComputedStyle(bar).animationName"
    bar = page.get_by_role("progressbar")
    assert bar.evaluate(moves) == "stripe"
    page.emulate_media(reduced_motion="reduce")
    assert bar.evaluate(moves) == "none"
    page.emulate_media(forced_colors="active", reduced_motion="no-preference")
    assert bar.evaluate(moves) == "none"
    assert bar.evaluate("bar => getComputedStyle(bar).appearance") == "auto"


def test_a_burst_of_events_is_drawn_once_a_frame_at_most(
    page: Page, gate: Path, problems: list[str]
) -> None:
    visit(page, submitted(page, "test.talk", {"until": str(gate), "words": 0}), token=1)
    status(page, "In progress")
    page.evaluate(
        """() => {
          const element = document.querySelector("job-progress");
          const seen = (window.seen = { frames: 0, drawings: 0, events: 0 });
          const frame = () => { seen.frames += 1; requestAnimationFrame(frame); };
          requestAnimationFrame(frame);
          const changes = { subtree: true, childList: true, characterData: true, attributes: true };
          new MutationObserver(() => { seen.drawings += 1; }).observe(element.shadowRoot, changes);
          element.addEventListener("job-event", () => { seen.events += 1; });
        }"""
    )
    flood = submitted(page, "test.pour", {"chunks": 400, "size": 10_000, "pause": 0.001})
    page.evaluate("job => { document.querySelector('job-progress').job = job; }", flood)
    status(page, "Done")
    seen = page.evaluate("window.seen")
    assert seen["events"] > 200
    assert 0 < seen["drawings"] <= seen["frames"] + 1
    output = part(page, "output").text_content() or ""
    assert 100_000 < len(output) <= 200_000
    assert output.endswith("399".rjust(10).ljust(10_000, "."))
    assert problems == []
    gate.touch()


def test_an_element_goes_on_in_another_window_in_its_own_looks(page: Page, gate: Path) -> None:
    visit(page, submitted(page, "test.talk", talk(gate), log_in(page)))
    status(page, "In progress")
    page.evaluate(
        """() => {
          const frame = document.body.appendChild(document.createElement("iframe"));
          frame.contentDocument.body.append(document.querySelector("job-progress"));
        }"""
    )
    frame = page.frame_locator("iframe")
    assert part(frame, "job").evaluate("job => getComputedStyle(job).display") == "grid"
    gate.touch()
    status(frame, "Done")


def violations(page: Page) -> list[Any]:
    """What axe finds, in short."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run().then(({ violations }) => violations)")
    return [
        (rule["id"], node["target"], node["failureSummary"])
        for rule in found
        for node in rule["nodes"]
    ]
