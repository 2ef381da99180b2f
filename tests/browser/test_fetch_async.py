"""``fetchAsync`` beside ``fetch``: the same view, asynchronous and not, gives the same response."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, Request

from tests.processes import Server

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.usefixtures("bundle")]

CLIENT = "/static/pushjobs/pushjobs.js"
#: Asks by ``fetch`` or ``fetchAsync``, and leaves all that a script can see of the response, or of
#: the error, in ``told``; ``controller`` aborts it.
_ASK = """
async ({ client, how, url, init, upload, transports }) => {
  const { connect, fetchAsync } = await import(client);
  window.controller = new AbortController();
  window.progress = [];
  const options = { ...init, signal: window.controller.signal };
  if (upload) {
    options.body = new FormData();
    options.body.set("table", new File([upload], "table.csv"));
  }
  if (how === "fetchAsync") {
    if (transports) options.jobs = connect({ transports, share: false });
    options.onProgress = (progress) => window.progress.push(progress.done);
  } else if (init?.timeout) options.signal = AbortSignal.timeout(init.timeout);
  const ask = how === "fetch" ? fetch : fetchAsync;
  const seen = async (response) => {
    const { status, statusText, ok, type, redirected } = response;
    const headers = Object.fromEntries(response.headers);
    const body = await response.arrayBuffer();
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", body)).join();
    const text = body.byteLength < 1000 ? new TextDecoder().decode(body) : null;
    return { status, statusText, ok, type, url: response.url, redirected, headers, hash, text };
  };
  const failed = (error) => ({ error: error.name, class: error.constructor.name });
  window.told = ask(url, options).then(seen).catch(failed);
}
"""
_GATE = re.compile("/async/gate")
#: Of the moment, of the connection, or for caches: a job's response is kept, and is one client's.
_OTHER = {"cache-control", "content-length", "date", "server", "transfer-encoding", "vary", "via"}


class Asking:
    """A page that asks, and the requests that it makes."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requests: list[Request] = []
        page.on("request", lambda request: self.requests.append(request))

    def begin(self, how: str, url: str, **options: Any) -> None:
        self.requests.clear()
        self.page.evaluate(_ASK, {"client": CLIENT, "how": how, "url": url, **options})

    @property
    def told(self) -> dict[str, Any]:
        """What became of it, once it is known."""
        told: dict[str, Any] = self.page.evaluate("window.told")
        for name in _OTHER & told.get("headers", {}).keys():
            del told["headers"][name]
        return told

    def both(self, url: str, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """What ``fetch`` gives, and ``fetchAsync`` by way of a job."""
        self.begin("fetch", url, **options)
        plain = self.told
        self.begin("fetchAsync", url, **options)
        told = self.told
        paths = [request.url.rpartition("/")[2] for request in self.requests]
        assert "response" in paths, "it was put off"
        return plain, told


@pytest.fixture
def asking(page: Page) -> Asking:
    return Asking(page)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        *(("json", 201), ("text", 200), ("file", 200), ("large", 200), ("empty", 204)),
        *(("redirect", 200), ("refused", 422), ("missing", 404), ("broken", 500)),
    ],
)
def test_the_response_is_the_same(asking: Asking, kind: str, status: int) -> None:
    plain, told = asking.both(f"/async/{kind}")
    assert plain["status"] == status
    assert told == plain


@pytest.mark.parametrize("transport", ["websocket", "sse", "polling"])
def test_the_response_is_the_same_by_each_transport(asking: Asking, transport: str) -> None:
    plain, told = asking.both("/async/json", transports=[transport])
    assert told == plain


def test_a_user_gets_what_they_would_and_its_cookies(
    asking: Asking, context: BrowserContext, page: Page
) -> None:
    page.goto("/test-login/ada")
    page.goto("/start")
    plain, told = asking.both("/async/json")
    assert plain["text"] == '{"rows": 3, "user": "ada"}'
    assert told == plain
    context.clear_cookies(name="seen")
    asking.begin("fetchAsync", "/async/json")
    assert asking.told == plain
    assert "seen" in {cookie["name"] for cookie in context.cookies()}


def test_a_form_and_its_file_are_sent(asking: Asking) -> None:
    plain, told = asking.both("/async/echo", init={"method": "POST"}, upload="a,b\n")
    assert plain["text"] == '{"name": "table.csv", "text": "a,b\\n"}'
    assert told == plain


@pytest.mark.parametrize("redirect", ["manual", "error"])
def test_a_redirect_is_not_followed_where_that_is_not_wanted(asking: Asking, redirect: str) -> None:
    asking.begin("fetch", "/async/redirect", init={"redirect": redirect})
    plain = asking.told
    assert plain.get("type") == ("opaqueredirect" if redirect == "manual" else None)
    asking.begin("fetchAsync", "/async/redirect", init={"redirect": redirect})
    assert asking.told == plain


def test_who_asks_for_a_page_gets_it_and_not_the_one_that_waits(asking: Asking) -> None:
    asking.begin("fetch", "/async/page", init={"headers": {"Accept": "text/html"}})
    plain = asking.told
    assert plain["text"] == "<p>Done"
    asking.begin("fetchAsync", "/async/page", init={"headers": {"Accept": "text/html"}})
    told = asking.told
    assert told.pop("redirected"), "the server sends who asks for HTML to the response"
    assert told.pop("url").endswith("/response")
    assert plain.items() > told.items()


@pytest.mark.parametrize("cancelled", [False, True])
def test_an_abort_is_the_same_and_cancels_the_job_if_asked(
    asking: Asking, context: BrowserContext, gate: Path, *, cancelled: bool
) -> None:
    page, url = asking.page, f"/async/gate?gate={gate}"
    with page.expect_request(_GATE):
        asking.begin("fetch", url)
    page.evaluate("window.controller.abort()")
    plain = asking.told
    assert plain == {"error": "AbortError", "class": "DOMException"}
    with page.expect_response(_GATE) as answer:
        asking.begin("fetchAsync", url, init={"cancelOnAbort": cancelled})
    page.wait_for_function("() => window.progress.length > 1")
    page.evaluate("window.controller.abort()")
    assert asking.told == plain
    job = answer.value.json()
    if not cancelled:
        gate.touch()
    response = context.request.get(
        job["links"]["response"],
        headers={"X-Job-Authorization": f"Bearer {job['token']}", "Prefer": "wait=20"},
    )
    assert response.status == (410 if cancelled else 200)


def test_a_timeout_is_the_same(asking: Asking, gate: Path) -> None:
    init = {"timeout": 300}
    asking.begin("fetch", f"/async/gate?gate={gate}", init=init)
    plain = asking.told
    assert plain == {"error": "TimeoutError", "class": "DOMException"}
    asking.begin("fetchAsync", f"/async/gate?gate={gate}", init=init)
    assert asking.told == plain


def test_a_site_that_is_away_is_the_same_error(asking: Asking, context: BrowserContext) -> None:
    asking.begin("fetch", "/start")  # The script is there by now.
    asking.begin("fetchAsync", "/start")
    assert asking.told["status"] == 200
    context.set_offline(True)
    asking.begin("fetch", "/async/json")
    plain = asking.told
    assert plain == {"error": "TypeError", "class": "TypeError"}
    asking.begin("fetchAsync", "/async/json")
    assert asking.told == plain


def test_the_old_call_tells_its_handlers(asking: Asking, site: Server) -> None:
    script = """
    async ([client, url]) => {
      const { getAsyncRequest } = await import(client);
      return new Promise((resolve) =>
        getAsyncRequest(url).success((body) => resolve(body)).error((why) => resolve(why.status)));
    }
    """
    page = asking.page
    assert page.evaluate(script, [CLIENT, "/async/json"]) == {"rows": 3, "user": ""}
    assert page.evaluate(script, [CLIENT, f"{site.url}/async/refused"]) == 422
