"""``project.demo.narration``: nothing of the text is lost on the way."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from project.demo.narration import chunks, narrate, statistics


@dataclass
class FakeRun:
    cancelled: bool = False
    steps: list[tuple[float, float | None]] = field(default_factory=list)
    output: list[str] = field(default_factory=list)

    def progress(self, done: float, total: float | None = None, message: str | None = None) -> None:
        self.steps.append((done, total))

    def emit(self, chunk: str, stream: str = "output") -> None:
        self.output.append(chunk)


@given(st.one_of(st.text(), st.text("ab \n\t\u00a0.")))
def test_chunks_are_the_text(text: str) -> None:
    assert "".join(chunks(text)) == text
    assert all(len(chunk.split()) <= 1 for chunk in chunks(text))
    assert sum(len(chunk.split()) for chunk in chunks(text)) == len(text.split())


@given(st.text(min_size=1))
def test_narration_emits_all_and_progresses_to_the_end(text: str) -> None:
    run = FakeRun()
    assert asyncio.run(narrate(text, 0, run)) == statistics(text)
    assert "".join(run.output) == text
    assert run.steps == [(number, len(run.output)) for number in range(1, len(run.output) + 1)]


def test_words_are_delay_seconds_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    asyncio.run(narrate("one two three", 0.5, FakeRun()))
    assert pauses == [0.5, 0.5]


def test_a_run_that_is_cancelled_hears_no_more() -> None:
    class Cancelled(Exception):
        pass

    class CancelledRun(FakeRun):
        def progress(
            self, done: float, total: float | None = None, message: str | None = None
        ) -> None:
            if done == 2:
                raise Cancelled

    run = CancelledRun()
    with pytest.raises(Cancelled):
        asyncio.run(narrate("one two three four", 0, run))
    assert run.output == ["one ", "two "]


def test_statistics() -> None:
    text = 'The cat saw the mother-in-law. "Really?" It didn\u2019t purr… or did it?!\n'
    assert statistics(text) == {
        "characters": len(text),
        "words": 12,
        "sentences": 4,
        "unique_words": 10,
        "longest_word": "mother-in-law",
        "reading_seconds": 3.0,
    }


@pytest.mark.parametrize(
    ("text", "words", "sentences"),
    [("   \n", 0, 0), ("...", 0, 0), ("hello", 1, 1), ("3.14 is pi.", 4, 1), ("a. b. c", 3, 2)],
)
def test_statistics_of_odd_texts(text: str, words: int, sentences: int) -> None:
    found = statistics(text)
    assert (found["words"], found["sentences"]) == (words, sentences)
