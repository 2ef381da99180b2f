"""Submits jobs as a careful client does: with a key, and again until there is an answer."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import httpx

from tests.chaos.transports import Entrance

_PAUSE, _PAUSE_MAX = 0.1, 1.0
_TIMEOUT = httpx.Timeout(10.0)


class Submitter:
    """Submits jobs, and remembers every acceptance."""

    def __init__(self, entrances: Sequence[Entrance], chance: random.Random) -> None:
        self._entrances = entrances
        self._chance = chance
        #: The ids of the jobs that were accepted for each key: one, if all is well.
        self.accepted: defaultdict[str, set[str]] = defaultdict(set)
        #: Answers other than an acceptance, and broken requests.
        self.refusals: list[str] = []

    async def submit(self, name: str, **args: Any) -> dict[str, Any]:
        """The document of a job, once it is accepted; one in ten submissions is sent twice."""
        key = f"{self._chance.getrandbits(128):032x}"
        body = {"name": name, "args": args}
        place = self._chance.randrange(len(self._entrances))
        document = await self._accepted(key, body, place)
        if self._chance.random() < 0.1:
            await self._accepted(key, body, place + 1)
        return document

    async def cancel(self, document: dict[str, Any]) -> None:
        """Ask that a job be cancelled, once; whether that is heard, its events tell."""
        entrance = self._chance.choice(self._entrances)
        headers = {"Authorization": f"Bearer {document['token']}"}
        url = entrance.url + document["links"]["cancel"]
        await asyncio.sleep(self._chance.uniform(0, 0.5))
        try:
            answer = await entrance.http.post(url, headers=headers, timeout=_TIMEOUT)
        except httpx.ConnectError:
            return
        except httpx.TransportError as error:
            self.refusals.append(f"cancel: {error!r}")
        else:
            if answer.status_code not in (200, 202, 409):
                self.refusals.append(f"cancel: {answer.status_code} {answer.text[:200]}")

    async def _accepted(self, key: str, body: dict[str, Any], place: int) -> dict[str, Any]:
        pause = _PAUSE
        while True:
            entrance = self._entrances[place % len(self._entrances)]
            headers = {"Idempotency-Key": key}
            try:
                answer = await entrance.http.post(
                    f"{entrance.url}/jobs", json=body, headers=headers, timeout=_TIMEOUT
                )
            except httpx.ConnectError:
                pass  # As a load balancer would: it asks another process.
            except httpx.TransportError as error:
                self.refusals.append(f"submission: {error!r}")
            else:
                if answer.status_code in (200, 202):
                    document: dict[str, Any] = answer.json()
                    self.accepted[key].add(document["id"])
                    return document
                self.refusals.append(f"submission: {answer.status_code} {answer.text[:200]}")
                if answer.status_code < 500 and answer.status_code != 429:
                    raise AssertionError(self.refusals[-1])
            place += 1
            await asyncio.sleep(pause * self._chance.uniform(0.5, 1))
            pause = min(2 * pause, _PAUSE_MAX)
