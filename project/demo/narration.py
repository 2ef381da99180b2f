"""A text, told word by word."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from project.demo import Reporter

WORDS_PER_MINUTE = 238  # silent reading of English prose (Brysbaert 2019)

# A word with the white space behind it; or the white space in front of the first one.
_CHUNK = re.compile(r"\S+\s*|\s+")
_WORD = re.compile(r"\w+(?:['\u2019-]\w+)*")
_SENTENCE_END = re.compile(r"[.!?\u2026]+[\"'\u201d\u2019)\]]*(?=\s|\Z)")


def chunks(text: str) -> list[str]:
    """Cut a text before each word; joined, the chunks are the text again."""
    return _CHUNK.findall(text)


async def narrate(text: str, delay: float, report: Reporter) -> dict[str, Any]:
    """Emit a text word by word, ``delay`` seconds apart, and return its ``statistics``.

    Progress counts words.
    """
    words = chunks(text)
    for number, word in enumerate(words, start=1):
        report.emit(word)
        report.progress(number, len(words))
        if number < len(words):
            await asyncio.sleep(delay)
    return statistics(text)


def statistics(text: str) -> dict[str, Any]:
    """Count what a text is made of.

    Returns ``{"characters", "words", "sentences", "unique_words", "longest_word",
    "reading_seconds"}``. Words leave out punctuation, and are compared without regard to case;
    a text with words has at least one sentence; of equally long words the first counts.
    """
    words = _WORD.findall(text)
    return {
        "characters": len(text),
        "words": len(words),
        "sentences": max(len(_SENTENCE_END.findall(text)), 1) if words else 0,
        "unique_words": len({word.casefold() for word in words}),
        "longest_word": max(words, key=len, default=""),
        "reading_seconds": round(len(words) * 60 / WORDS_PER_MINUTE, 1),
    }
