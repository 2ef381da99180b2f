"""Publishes by ``send_event`` from another process: ``publisher CHANNELS``."""

from __future__ import annotations

import sys

import django

django.setup()

from django_eventstream import send_event  # noqa: E402

from benchmarks.generator import payload  # noqa: E402


def main(channels: int) -> None:
    print("ready", flush=True)  # noqa: T201
    number = 0
    for line in sys.stdin:
        for _ in range(int(line)):
            number += 1
            text = payload.text(number)
            for channel in range(channels):
                send_event(f"channel-{channel}", "message", {"text": text})


if __name__ == "__main__":
    main(int(sys.argv[1]))
