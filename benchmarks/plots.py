"""Charts as SVG: the same figures give the same file."""

from __future__ import annotations

from collections import defaultdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.table import Chart, Row, Table


def draw(table: Table, folder: Path) -> Path | None:
    """Draw a table's chart to ``<folder>/<name>.svg``; None without matplotlib or figures."""
    chart = table.chart
    rows = [row for row in table.rows if chart is not None and row.get(chart.value) is not None]
    if chart is None or not rows or find_spec("matplotlib") is None:
        return None
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams.update(
        {"svg.fonttype": "none", "svg.hashsalt": table.name, "font.family": "sans-serif"}
    )
    from matplotlib import pyplot

    tall = 0.34 * len(rows) + 1.2 if chart.over is None else 4.0
    figure, axes = pyplot.subplots(figsize=(8, tall), layout="constrained", facecolor="white")
    heading = {column.key: column.heading for column in table.columns}
    if chart.over is None:
        _bars(axes, chart, rows)
        axes.set_xlabel(heading[chart.value])
    else:
        _lines(axes, chart, rows)
        axes.set_ylabel(heading[chart.value])
        axes.set_xlabel(heading[chart.over])
    figure.suptitle(table.title, x=0.01, horizontalalignment="left", fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{table.name}.svg"
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    pyplot.close(figure)
    return path


def _bars(axes: Any, chart: Chart, rows: list[Row]) -> None:
    names = [str(row[chart.label]) for row in rows]
    colours = ["#1a6fb0" if row.get("ours") else "#9aa5b1" for row in rows]
    bars = axes.barh(names, [row[chart.value] for row in rows], color=colours)
    axes.invert_yaxis()
    axes.bar_label(bars, fmt="%.3g", padding=3)
    axes.set_xscale(chart.scale)


def _lines(axes: Any, chart: Chart, rows: list[Row]) -> None:
    assert chart.over is not None
    series: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for row in rows:
        series[str(row[chart.label])].append((row[chart.over], row[chart.value]))
    for name, points in series.items():
        xs, ys = zip(*sorted(points), strict=True)
        axes.plot(xs, ys, marker="o", label=name)
    axes.set_xscale(chart.over_scale)
    axes.set_yscale(chart.scale)
    axes.legend(frameon=False)
