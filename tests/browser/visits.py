"""A page in which a client follows a job, and what it was told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Page

from tests.processes import NO_TLS

CLIENT = "/static/pushjobs/pushjobs.js"

#: Follows a job or channel, and writes down all that is told: into ``told`` its events, into
#: ``outcome`` what became of it, into ``transports`` the ways that have worked.
_FOLLOW = """
async ({ client, options, channel, start, token }) => {
  const { connect } = await import(client);
  // Each time another one, as an application would fetch it.
  const tokens = token && (async () => {
    window.tickets = (window.tickets ?? 0) + 1;
    return (await (await fetch(token)).json()).token;
  });
  const jobs = (window.jobs ??= connect({ ...options, ...(tokens && { token: tokens }) }));
  const visit = { told: [], transports: [], shared: null, status: null };
  (window.visits ??= {})[channel] = visit;
  jobs.connection.subscribe(({ status, transport, shared }) => {
    visit.status = status;
    visit.shared = shared;
    const known = status !== "open" || visit.transports.at(-1) === transport;
    if (!known) visit.transports.push(transport);
  });
  const subscription = jobs.subscribe(channel, start);
  visit.subscription = subscription;
  subscription.result?.().then(
    (result) => (visit.outcome = { result }),
    (error) => (visit.outcome = { error: error.code }),
  );
  (async () => {
    try {
      for await (const event of subscription) visit.told.push(event);
    } catch (error) {
      visit.failed = error.code ?? String(error);
    }
    visit.over = true;
  })();
}
"""


class Script:
    """A job that says what it is given to say, when it is."""

    def __init__(self, path: Path, url: str, user: str | None = None) -> None:
        self._path = path
        self.lines = 0
        with httpx.Client(base_url=url, verify=NO_TLS) as client:
            csrf = client.get(f"/test-login/{user}").text if user else ""
            body = {"name": "test.recite", "args": {"script": str(path)}}
            answer = client.post("/jobs", json=body, headers={"X-CSRFToken": csrf})
        self.document: dict[str, Any] = answer.raise_for_status().json()
        self.channel = f"job:{self.document['id']}"

    def say(self, lines: int = 1) -> None:
        with self._path.open("a") as script:
            script.writelines(f"line {self.lines + number}\n" for number in range(lines))
        self.lines += lines

    def end(self) -> None:
        with self._path.open("a") as script:
            script.write("end\n")

    @property
    def text(self) -> str:
        return "".join(f"line {number}\n" for number in range(self.lines))


class Visit:
    """A page that follows a channel; it must be at the site already."""

    def __init__(self, page: Page, channel: str, **start: Any) -> None:
        self.page = page
        self.channel = channel
        self._start = start

    def follow(self, token: str | None = None, **options: Any) -> Visit:
        """Begin; ``token`` is where the client gets its tokens, ``options`` are the client's."""
        argument = {
            "client": CLIENT,
            "options": {"share": False} | options,
            "channel": self.channel,
            "start": self._start,
            "token": token,
        }
        self.page.evaluate(_FOLLOW, argument)
        return self

    def wait(self, condition: str) -> None:
        """Wait until it holds; ``visit`` is what is known, ``output`` all text so far."""
        expression = f"""channel => {{
          const visit = window.visits[channel];
          const output = visit.subscription.state.get().output;
          return {condition};
        }}"""
        self.page.wait_for_function(expression, arg=self.channel)

    def lines(self, number: int) -> None:
        """Wait until so many lines of output were told."""
        self.wait(f"output.split('\\n').length > {number}")

    def by(self, transport: str) -> None:
        """Wait until this transport is the one that works."""
        self.wait(f"visit.status === 'open' && visit.transports.at(-1) === '{transport}'")

    def over(self) -> None:
        self.wait("visit.over && (visit.outcome !== undefined || visit.failed !== undefined)")

    def known(self, member: str) -> Any:
        return self.page.evaluate(
            "([channel, member]) => window.visits[channel][member]", [self.channel, member]
        )

    @property
    def state(self) -> dict[str, Any]:
        """What the subscription makes of the events."""
        expression = "channel => window.visits[channel].subscription.state.get()"
        state: dict[str, Any] = self.page.evaluate(expression, self.channel)
        return state

    @property
    def told(self) -> list[dict[str, Any]]:
        """The events, but for progress, of which some may be left out."""
        return [event for event in self.known("told") if event["type"] != "job.progress"]


def kept(url: str, job: dict[str, Any]) -> list[dict[str, Any]]:
    """The job's events as the log has them, but for progress."""
    headers = {"Accept": "application/json", "Authorization": f"Bearer {job['token']}"}
    events: list[dict[str, Any]] = []
    cursor, more = "earliest", True
    with httpx.Client(base_url=url, headers=headers, verify=NO_TLS) as client:
        while more:
            page = client.get(f"/jobs/{job['id']}/events", params={"cursor": cursor}).json()
            events += [item["event"] for item in page["events"]]
            cursor, more = page["cursor"], page["more"]
    return [event for event in events if event["type"] != "job.progress"]
