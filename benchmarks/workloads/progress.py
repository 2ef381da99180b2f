"""Progress: what it costs an inner loop to tell how far it is, beside tqdm."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

from benchmarks.bench import PYTHON, ROOT, Bench
from benchmarks.product.servers import Product
from benchmarks.table import Chart, Column, Row, Table

TITLE = "Progress in an inner loop"

_STEPS = 1_000_000
_BARE = "bare loop"
#: The peer of each way to tell progress.
_PEERS = {
    "run.progress(done, total)": "tqdm: bar.update(1)",
    "run.progress(done, total, message)": "tqdm: bar.update(1)",
    "run.track(items)": "tqdm(items)",
}


def run(bench: Bench) -> list[Table]:
    """Time loops that do nothing else, in one process, in turn."""
    steps = 200_000 if bench.quick else _STEPS
    table = Table(
        "progress",
        TITLE,
        [
            Column("loop", "loop"),
            Column("ns", "ns CPU per step", ",.0f"),
            Column("more", "more than the bare loop, ns", ",.0f"),
            Column("ratio", "of tqdm's", ".2f"),
        ],
        notes=[
            (
                f"Loops of {steps:,} steps with nothing else in them. The processor time is that "
                "of all threads, so it has the publishing to Redis in it, ten times a second; "
                "each loop's last progress is read back from the log. tqdm writes its bar, ten "
                "times a second as well, to the null device."
            ),
            "The last column compares what each adds to the bare loop.",
        ],
        chart=Chart("ns", "loop"),
    )
    if find_spec("tqdm") is None:
        table.rows.append({"loop": "tqdm", "missing": "not installed: tqdm"})
        return [table]
    table.rows += _rows(bench, ROOT, steps)
    if bench.before is not None:
        before = _rows(bench, bench.before, steps)
        table.rows += [
            {**row, "loop": f"{row['loop']}, before"} for row in before if row["loop"] in _PEERS
        ]
    return [table]


def _rows(bench: Bench, code: Path, steps: int) -> list[Row]:
    folder = bench.new_folder("progress")
    process = bench.start(
        folder.name,
        [PYTHON, "-m", "benchmarks.product.innerloop", str(steps), str(bench.rounds)],
        environment=Product("progress", (), code).environment(bench, folder),
        cwd=code,
    )
    process.wait(300)
    found = json.loads(process.output().splitlines()[-1])
    more = {name: figures["ns"] - found[_BARE]["ns"] for name, figures in found.items()}
    return [
        {
            "loop": name,
            "ns": figures["ns"],
            "more": None if name == _BARE else more[name],
            "ratio": more[name] / more[_PEERS[name]] if name in _PEERS else None,
        }
        for name, figures in found.items()
    ]
