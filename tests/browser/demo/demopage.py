"""The demo's page, as a test uses it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

ROOT = Path(__file__).resolve().parents[3]
_AXE = ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js"

needs_axe = pytest.mark.skipif(not _AXE.exists(), reason="axe-core: `npm ci` in frontend/")

WORDS = [f"word{number}" for number in range(1, 16)]
TEXT = " ".join(WORDS)
TABLE = b"city,people\nOslo,717710\nBergen,291940\n"


class DemoPage:
    """Drives the page as its visitor would."""

    def __init__(self, page: Page) -> None:
        self.page = page
        page.goto("/")

    @property
    def job(self) -> Locator:
        """The newest job of the list."""
        return self.page.locator("job-list [part~=row]").first

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name).click()

    def narrate(self, text: str = TEXT, pace: str = "fast") -> None:
        self.page.get_by_role("textbox", name="Text").fill(text)
        self.page.get_by_label("Pace").select_option(pace)
        self.press("Narrate")

    def profile(self, table: bytes) -> None:
        """Choose a table of one's own."""
        file: Any = {"name": "table.csv", "mimeType": "text/csv", "buffer": table}
        self.page.locator("input[name=table]").set_input_files(file)

    def hasten_report(self) -> None:
        """Have the slow view take two and a half seconds, half of its usual time."""
        add = """form => {
          const steps = document.createElement("input");
          form.append(Object.assign(steps, { type: "hidden", name: "steps", value: 25 }));
        }"""
        self.page.locator("form[data-report]").evaluate(add)

    def is_said(self, text: str) -> None:
        """Wait until the newest job says this of how it is."""
        expect(self.job.locator("[part~=status]")).to_have_text(text)

    def has_put_out(self, text: str) -> None:
        """Wait until the newest job's output has this in it."""
        expect(self.job.get_by_role("log")).to_contain_text(text)

    def has_put_out_all_of(self, text: str) -> None:
        """Wait until the newest job is done; its output is this, and nothing of it was missed."""
        self.is_said("Done")
        expect(self.job.get_by_role("log")).to_have_text(text)
        expect(self.job.locator("[part~=incomplete]")).to_be_hidden()

    def connection(self, state: str) -> None:
        """Wait until the panel says this of the connection."""
        expect(self.page.locator("[data-state]")).to_have_text(state)

    def violations(self) -> list[str]:
        """What axe finds wrong with the page as it is."""
        self.page.evaluate(_AXE.read_text())
        found: dict[str, Any] = self.page.evaluate("axe.run()")
        return [
            f"{violation['id']}: {node['html'][:200]}"
            for violation in found["violations"]
            for node in violation["nodes"]
        ]
