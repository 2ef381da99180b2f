"""A full disk under the result store."""

from __future__ import annotations

import secrets

from tests.chaos.evidence import Asked, Evidence
from tests.chaos.flags import DISK_FULL
from tests.chaos.scenario import Scenario
from tests.chaos.tally import Tally

_LARGE, _SMALL = 100_000, 100
_PROBLEM = "application/problem+json"


class FullDisk(Scenario):
    """Large results fail with a clear error, small ones go on, uploads are refused and not kept."""

    async def disturb(self) -> None:
        self.cluster.flags.put(DISK_FULL)
        self.large = await self._produce(_LARGE, "failed")
        await self._produce(_SMALL, "succeeded")
        kept = self._files()
        self.refusal = await self.http.post(
            f"{self.entrances[0].url}/jobs",
            data={"name": "chaos.produce", "args": f'{{"size": {_SMALL}}}'},
            files={"data": ("data.txt", b"some text")},
            headers={"Idempotency-Key": secrets.token_hex(16)},
        )
        self.left_over = self._files() - kept
        await self.known()
        self.cluster.flags.lower(DISK_FULL)
        await self._produce(_LARGE, "succeeded")

    def verify(self, evidence: Evidence, tally: Tally) -> None:
        error = evidence.rows[self.large].error
        if not error or not error["type"].endswith("unstorable-result"):
            tally.problem(f"a result without room for it failed unclearly: {error}")
        answer = self.refusal
        kind = answer.headers.get("content-type")
        if answer.status_code not in (500, 503, 507) or kind != _PROBLEM:
            tally.problem(f"an upload got {answer.status_code} {kind} {answer.text[:200]}")
        if self.left_over:
            tally.problem(f"an upload that was refused left {self.left_over}")

    async def _produce(self, size: int, ending: str) -> str:
        document = await self.submitter.submit("chaos.produce", size=size)
        self.asked[document["id"]] = Asked(frozenset({ending}))
        self.follow("sse", document)
        job: str = document["id"]
        return job

    def _files(self) -> set[str]:
        folder = self.cluster.folder / "media"
        return {str(path) for path in folder.rglob("*") if path.is_file()}
