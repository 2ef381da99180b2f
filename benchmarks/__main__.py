"""``python -m benchmarks [workload ...]``: measures, prints tables, writes results and charts."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from pathlib import Path

from benchmarks import goals, results
from benchmarks.bench import ROOT, Bench
from benchmarks.plots import draw
from benchmarks.process import Failed
from benchmarks.table import Table
from benchmarks.workloads import NAMES, SOAK, load


def main() -> int:
    """Measure; returns 1 if anything was lost, leaked or failed, else 0."""
    options = _options()
    # What was started ends with it, however it is told to end.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    tables: list[Table] = []
    failures: list[str] = []
    took: dict[str, float] = {}
    with _bench(options) as bench:
        for name in options.workloads or NAMES:
            started = time.monotonic()
            try:
                with bench.workload():
                    found = load(name).run(bench)
            except Failed as error:
                failures.append(f"{name}: {error}")
                _say(f"{name} FAILED: {error}\n")
                continue
            finally:
                took[name] = round(time.monotonic() - started, 1)
            for table in found:
                _say(table.text())
                failures += [f"{table.name}: {failure}" for failure in table.failures]
            tables += found
            _say(f"({name}: {took[name]:.0f} s)\n")
    if not options.workloads:
        tables.append(goals.judge(tables))
        _say(tables[-1].text())
    if tables:
        _keep(tables, options, took)
    for failure in failures:
        print(f"FAILED: {failure}", file=sys.stderr)  # noqa: T201
    return 1 if failures else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("workloads", nargs="*", metavar="workload", choices=[*NAMES, SOAK, []])
    parser.add_argument("--rounds", type=int, help="of which the median counts (3)")
    parser.add_argument(
        "--quick", action="store_true", help="few clients, short rounds, no slow peers"
    )
    parser.add_argument("--seconds", type=float, help="of one measurement, or of the soak")
    parser.add_argument("--clients", type=int, help="in place of the workload's own numbers")
    parser.add_argument("--only", action="append", default=[], help="candidates whose name has it")
    parser.add_argument("--before", type=Path, help="another checkout, to measure beside this one")
    parser.add_argument(
        "--results", type=Path, default=ROOT / "benchmarks" / "results", help="folder to write to"
    )
    return parser.parse_args()


def _bench(options: argparse.Namespace) -> Bench:
    bench = Bench(
        quick=options.quick,
        rounds=options.rounds or (1 if options.quick else 3),
        clients=options.clients,
        only=options.only,
        before=options.before and options.before.resolve(),
    )
    bench.seconds = options.seconds or (0.2 if options.quick else 0.5)
    return bench


def _keep(tables: list[Table], options: argparse.Namespace, took: dict[str, float]) -> None:
    run = {"quick": options.quick, "rounds": options.rounds, "seconds": options.seconds}
    run["took"] = took
    path = results.write(results.document(tables, **run), options.results)
    drawn = [draw(table, path.with_suffix("")) for table in tables if table.chart is not None]
    _say(f"Results: {path}" + (f", charts in {path.with_suffix('')}" if any(drawn) else ""))


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
