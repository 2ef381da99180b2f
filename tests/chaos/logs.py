"""What the log still holds of a job, read as a client may read it."""

from __future__ import annotations

import asyncio
from typing import Any

from pushjobs.cursor import Cursor
from pushjobs.events import EventType
from tests.chaos.evidence import Logged
from tests.chaos.transports import Entrance

_TRIES = 20


async def read_log(entrance: Entrance, document: dict[str, Any]) -> Logged:
    """All pages of a job's channel, from the earliest event on."""
    channel = f"job:{document['id']}"
    headers = {"Authorization": f"Bearer {document['token']}", "Accept": "application/json"}
    url = f"{entrance.url}/jobs/{document['id']}/events"
    entries, cursor, complete = [], "earliest", True
    while True:
        params = {"cursor": cursor}
        page = await _page(entrance, url, headers, params)
        complete = complete and page["recovered"] is not False
        for item in page["events"]:
            position = Cursor.decode(item["cursor"], [channel]).starts[0].position
            if item["event"]["type"] != EventType.SNAPSHOT and position is not None:
                entries.append((position, item["event"]))
        cursor = page["cursor"]
        if page["ended"] or not page["more"]:
            return Logged(entries, complete)


async def _page(
    entrance: Entrance, url: str, headers: dict[str, str], params: dict[str, str]
) -> dict[str, Any]:
    """A page; asked for again while the server says that it has none right now."""
    for _ in range(_TRIES):
        answer = await entrance.http.get(url, headers=headers, params=params, timeout=60)
        if answer.status_code != 503:
            break
        await asyncio.sleep(1)
    page: dict[str, Any] = answer.raise_for_status().json()
    return page
