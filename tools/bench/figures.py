# SPDX-License-Identifier: MIT
"""What a measurement comes to: arithmetic and the table, and nothing that runs anything.

A figure is the median of equal runs; its spread is half the distance between the least and the greatest. Of
five runs those two hold the true median between them 94 times in 100. Nothing is said about a difference that is
within the spreads.
"""

import csv
import statistics
from dataclasses import dataclass, fields
from pathlib import Path

WORSE_BY = 0.20
HIGHER_IS_BETTER = ("whole_stacks", "unwind_tables")  # figures whose names begin so


@dataclass
class Row:
    """One line of docs/bench.tsv."""
    date: str
    commit: str
    machine: str
    figure: str
    tool: str
    value: float
    spread: float
    unit: str
    runs: int


COLUMNS = [f.name for f in fields(Row)]


def spread(values):
    return (max(values) - min(values)) / 2


def summarize(values):
    """-> (median, spread) of equal runs"""
    return statistics.median(values), spread(values)


def cost_percent(windows, begin_ns, end_ns):
    """What the first twin's windows cost more than the second's, in percent, as the runs between two times say.

    windows: (twin, begin ns, end ns, CPU ns). Each window of the first is held against the one of the second that
    follows it, so that what both share does not count; the median keeps out what hit only one of them. None if there
    is no such pair.
    """
    inside = [w for w in windows if w[1] >= begin_ns and w[2] <= end_ns]
    ratios = [a[3] / b[3] for a, b in zip(inside, inside[1:]) if a[0] == 0 and b[0] == 1]
    return 100 * (statistics.median(ratios) - 1) if ratios else None


def variance_ratio(runs):
    """Of (share, true share, samples): the variance around the truth in units of the binomial one."""
    return statistics.mean((share - true) ** 2 / (true * (1 - true) / n) for share, true, n in runs)


def differ(a, b, least=0.0):
    """Whether two rows differ by more than their spreads, and by more than `least`."""
    return abs(a.value - b.value) > max(a.spread + b.spread, least)


def verdict(ours, theirs, least=0.0):
    """-> "better", "worse" or "no verdict" for ours"""
    if not differ(ours, theirs, least):
        return "no verdict"
    higher = ours.value > theirs.value
    return "better" if higher == ours.figure.startswith(HIGHER_IS_BETTER) else "worse"


def read(path):
    """-> the rows, oldest first; [] if there is no such file"""
    if not Path(path).exists():
        return []
    with open(path, newline="", encoding="utf-8") as f:
        kinds = {f.name: f.type for f in fields(Row)}
        return [Row(**{k: kinds[k](v) for k, v in line.items()}) for line in csv.DictReader(f, delimiter="\t")]


def append(path, rows):
    is_new = not Path(path).exists()
    with open(path, "a", newline="", encoding="utf-8") as f:
        out = csv.writer(f, delimiter="\t", lineterminator="\n")
        if is_new:
            out.writerow(COLUMNS)
        for r in rows:
            out.writerow([f"{v:.6g}" if isinstance(v, float) else v for v in vars(r).values()])


def last_of(row, earlier):
    """-> the newest earlier row of the same figure, tool and machine, or None"""
    same = [e for e in earlier if (e.figure, e.tool, e.machine) == (row.figure, row.tool, row.machine)]
    return same[-1] if same else None


def is_worse(row, last):
    """By a fifth, and by more than both spreads."""
    if row.figure.startswith(HIGHER_IS_BETTER):
        far = row.value < last.value * (1 - WORSE_BY)
    else:
        far = row.value > last.value * (1 + WORSE_BY)
    return far and differ(row, last)


def regressions(rows, earlier):
    """-> (row, last) of each figure that is worse than the last"""
    pairs = [(r, last_of(r, earlier)) for r in rows]
    return [(r, last) for r, last in pairs if last and is_worse(r, last)]


def lines_of(rows, ours=("perfprof bpf", "perfprof perf")):
    """The table as text; beside each other tool what that says about ours."""
    out = []
    for figure in dict.fromkeys(r.figure for r in rows):
        of_figure = [r for r in rows if r.figure == figure]
        base = next((r for name in ours for r in of_figure if r.tool == name), None)
        floor = next((r for r in of_figure if r.tool == "none"), None)
        least = abs(floor.value) + floor.spread if floor else 0.0
        out.append(f"{figure} ({of_figure[0].unit})")
        for r in of_figure:
            words = ""
            if base and r.tool not in ours and r.tool not in ("none", "timer"):
                words = f"  {base.tool}: {verdict(base, r, least)}"
            out.append(f"  {r.tool:18} {r.value:12.4g} +- {r.spread:<9.2g} {r.runs} runs{words}")
    return out
