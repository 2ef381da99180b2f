"""``python -m benchmarks``: what it writes, and that nothing is lost in it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import goals
from benchmarks.lineup import CORE, PUBSUB
from benchmarks.report import page
from benchmarks.table import Column, Table
from benchmarks.workloads import NAMES, load
from benchmarks.workloads.growth import compared
from tests.processes import ROOT

pytestmark = pytest.mark.xdist_group("benchmarks")

#: The ceiling needs no store, the product has all of its path, and nchan may not be there.
_CANDIDATES = ("ceiling", "nchan", "pushjobs, uvicorn with its writer")
_FIGURES = {
    "fanout-sse-20-1": {"rate", "cpu", "busy"},
    "fanout-sse-20-8": {"rate", "cpu", "busy"},
    "latency-sse-20": {"at", "each_p50", "each_p99", "last_p50", "last_p99"},
    "fanout-websocket-20-1": {"rate", "cpu", "busy"},
    "fanout-websocket-20-8": {"rate", "cpu", "busy"},
    "latency-websocket-20": {"at", "each_p50", "each_p99", "last_p50", "last_p99"},
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any]]:
    """What a quick run of the fan-out prints, and its results."""
    folder = tmp_path_factory.mktemp("results")
    only = [word for name in _CANDIDATES for word in ("--only", name)]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks", "fanout", "--quick", "--clients", "20"),
            *("--seconds", "0.1", "--results", str(folder), *only),
        ],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = Path(folder).glob("*.json")
    return done.stdout, json.loads(path.read_text())


def test_every_candidate_that_runs_has_every_figure(run: tuple[str, dict[str, Any]]) -> None:
    _, results = run
    tables = {table["name"]: table for table in results["tables"]}
    assert set(tables) == set(_FIGURES)
    for name, figures in _FIGURES.items():
        rows = {row["candidate"]: row for row in tables[name]["rows"]}
        ran = [row for row in rows.values() if "missing" not in row]
        assert {"ceiling", "pushjobs"} <= {word for row in ran for word in _words(row)}
        for row in ran:
            assert all(row[figure] > 0 for figure in figures), row


def test_nothing_that_was_published_is_lost(run: tuple[str, dict[str, Any]]) -> None:
    printed, results = run
    assert not [failure for table in results["tables"] for failure in table["failures"]]
    assert "FAILED" not in printed


def test_the_results_say_where_they_come_from(run: tuple[str, dict[str, Any]]) -> None:
    _, results = run
    assert results["commit"]
    assert results["run"]["quick"] is True
    assert results["machine"]["cores"] > 0
    assert results["versions"]["uvicorn"]


@pytest.mark.parametrize(("ours", "reached"), [(0.75, "yes"), (0.7, "no"), (None, "not measured")])
def test_a_goal_is_reached_at_its_limit_and_not_below(ours: float | None, reached: str) -> None:
    rows = [{"candidate": "nchan in nginx (C)", "rate": 100.0}]
    if ours is not None:
        rows.append({"candidate": "pushjobs, uvicorn", "rate": 100 * ours})
    table = goals.judge([Table("fanout-sse-1000-1", "", (), rows=rows)])
    (row,) = (
        row
        for row in table.rows
        if row["what"] == "SSE, 1,000 clients, one at a time: pushjobs, uvicorn, of nchan"
    )
    assert (row["goal"], row["found"], row["reached"]) == ("≥ 0.75", ours, reached)


def test_the_usual_consumer_is_the_one_on_the_core_layer_and_the_other_stands_beside_it() -> None:
    rates = {"pushjobs, uvicorn with its writer": 10.0, CORE: 1.0, PUBSUB: 2.0}
    rows = [{"candidate": name, "rate": rate} for name, rate in rates.items()]
    table = goals.judge([Table("manyjobs", "", (), rows=rows)])
    core, other = (
        row for row in table.rows if "2,000 channels" in row["what"] and "Channels" in row["what"]
    )
    assert (core["goal"], core["found"], core["reached"]) == ("≥ 10", 10.0, "yes")
    assert (other["goal"], other["found"], other["reached"]) == ("(≥ 10)", 5.0, "(no)")


def test_growth_is_compared_round_by_round_and_without_what_an_event_costs_by_itself() -> None:
    few = [{"cpu": cpu, "user": 4.0} if cpu else {} for cpu in (8.0, 0.0, 16.0, 8.0)]
    many = [{"cpu": cpu, "user": 5.0} for cpu in (12.0, 90.0, 24.0, 12.0)]
    found = compared(205.0, 100, few, 5_000, many)
    assert (found["few"], found["many"], found["ratio"]) == (8.0, 12.0, 1.5)
    assert found["further"] == pytest.approx((60_000 - 205) / 4_999 / (595 / 99))
    assert (found["few_user"], found["many_user"], found["ratio_user"]) == (4.0, 5.0, 1.25)
    assert compared(None, 100, few, 5_000, many) == {}


def test_a_page_has_the_figures_of_a_run_and_keeps_its_words() -> None:
    columns = [Column("candidate", "candidate"), Column("rate", "deliveries/s", ".1f")]
    table = Table("fanout", "Fan-out", columns, rows=[{"candidate": "ours", "rate": 1.25}])
    results = json.loads(json.dumps({"tables": [table.document()]}))
    text = "Before.\n\n<!-- table: fanout -->\nold\n<!-- end -->\n\nAfter.\n"
    written = page(text, results)
    assert "| ours      | 1.2 |" in written
    assert "old" not in written
    assert written.startswith("Before.\n")
    assert written.endswith("\nAfter.\n")
    again = {"tables": [table.document() | {"rows": [{"candidate": "later", "rate": 2.0}]}]}
    assert "| later     | 2.0 |" in page(written, again)


def test_a_page_cannot_show_what_was_not_measured() -> None:
    with pytest.raises(KeyError, match="fanout"):
        page("<!-- table: fanout -->\n<!-- end -->", {"tables": []})


@pytest.mark.parametrize("name", NAMES)
def test_every_workload_can_be_run(name: str) -> None:
    workload = load(name)
    assert workload.TITLE
    assert callable(workload.run)


def _words(row: dict[str, Any]) -> list[str]:
    return [word for word in ("ceiling", "pushjobs") if word in row["candidate"]]
