#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`make bench`: one table of what perfprof costs, beside perf and samply. See docs/performance.md.

usage: bench.py [--build DIR] [MEASUREMENT...]

BENCH_SECONDS=480  about how long it takes; less is for trying out, and is not kept
BENCH_KEEP=1       keeps the figures though the run was short, or something else kept the machine busy
"""

import argparse
import datetime
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import figures
import measures
from tools import tools

ROOT = Path(__file__).resolve().parent.parent.parent
KEPT = ROOT / "docs/bench.tsv"
WHOLE_S = 480
ROUNDS = 5
WINDOW_S = 3.0
BUSY = 0.10


class Context:
    def __init__(self, build, folder):
        self.build, self.programs, self.folder = build, build / "programs", folder
        self.tools, self.missing = tools(build, folder)


def plan(seconds):
    """-> (rounds, seconds of a window, runs of the aliasing program)"""
    scale = min(1.0, seconds / WHOLE_S)
    rounds = ROUNDS if scale > 0.5 else 3 if scale > 0.15 else 2
    return rounds, max(1.5, WINDOW_S * scale), max(3, round(measures.ALIASING_RUNS * scale / rounds))


def steps(context, seconds):
    rounds, window_s, runs = plan(seconds)
    return rounds, {
        "target": lambda: measures.target_cost(context, window_s),
        "picture": lambda: measures.end_to_picture(context),
        "unwind": lambda: measures.unwinding(context),
        "threads": lambda: measures.covering(context),
        "aliasing": lambda: measures.aliasing(context, runs),
    }


def machine():
    """What figures may be compared on: the same words, the same machine."""
    model = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    return f"{model}, {os.cpu_count()} CPUs, Linux {'.'.join(platform.release().split('.')[:2])}"


def commit():
    def git(*arguments):
        return subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True, check=False).stdout
    changed = any(not line.endswith("docs/bench.tsv") for line in git("status", "--porcelain", "-uno").splitlines())
    return (git("log", "-1", "--format=%h").strip() or "unknown") + ("+" if changed else "")


def busy_share(seconds=1.0):
    """The share of all CPU time that others take."""
    def read():
        numbers = [int(n) for n in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
        return sum(numbers), numbers[3] + numbers[4]
    total, idle = read()
    time.sleep(seconds)
    total2, idle2 = read()
    return 1 - (idle2 - idle) / max(1, total2 - total)


def measure(rounds, chosen):
    """-> {(figure, unit, tool): values}; a measurement that fails is said to, and the others go on"""
    values, failed = {}, {}
    for n in range(rounds):
        for name, step in chosen.items():
            if name in failed:
                continue
            print(f"round {n + 1} of {rounds}: {name}", file=sys.stderr, flush=True)
            try:
                for figure, unit, tool, value in step():
                    values.setdefault((figure, unit, tool), []).append(value)
            except (OSError, ValueError, RuntimeError, subprocess.CalledProcessError) as e:
                failed[name] = str(e)
    return values, failed


def rows_of(values):
    date, which, where = datetime.datetime.now().strftime("%Y-%m-%d %H:%M"), commit(), machine()
    rows = []
    for (figure, unit, tool), of_runs in values.items():
        value, spread = figures.summarize(of_runs)
        rows.append(figures.Row(date, which, where, figure, tool, value, spread, unit, len(of_runs)))
    order = list(dict.fromkeys(r.figure for r in rows))
    return sorted(rows, key=lambda r: order.index(r.figure))


def print_worse(rows, earlier):
    worse = figures.regressions(rows, earlier)
    for r, last in worse:
        print(f"WORSE: {r.figure}, {r.tool}: {r.value:.4g} +- {r.spread:.2g} {r.unit}; it was {last.value:.4g} +- "
              f"{last.spread:.2g} on {last.date} ({last.commit})")
    if not any(figures.last_of(r, earlier) for r in rows):
        print(f"no earlier figures of this machine in {KEPT.relative_to(ROOT)}")
    elif not worse:
        print("nothing is worse than the last time by a fifth and more than the spreads")


def keep(rows, is_whole, busy, build):
    path = build / "bench/bench.tsv"
    path.unlink(missing_ok=True)
    figures.append(path, rows)
    wanted = os.environ.get("BENCH_KEEP") == "1"
    if wanted or (is_whole and busy <= BUSY):
        figures.append(KEPT, rows)
        path = KEPT
    else:
        why = f"others took {100 * busy:.0f} % of the machine" if is_whole else "this was no whole run"
        print(f"not kept in {KEPT.relative_to(ROOT)}: {why}; BENCH_KEEP=1 keeps it")
    print(f"written to {os.path.relpath(path, ROOT)}")


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--build", default="build", help="the Makefile's B")
    args.add_argument("measurements", nargs="*", metavar="MEASUREMENT",
                      help="target, picture, unwind, threads, aliasing; all by default")
    opt = args.parse_args()
    build = Path(opt.build).resolve()
    seconds = float(os.environ.get("BENCH_SECONDS", WHOLE_S))
    (build / "bench").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=build / "bench") as folder:
        busy = busy_share()
        context = Context(build, folder)
        rounds, every = steps(context, seconds)
        unknown = set(opt.measurements) - set(every)
        if unknown:
            args.error(f"no measurement '{unknown.pop()}'; there are {', '.join(every)}")
        chosen = {n: s for n, s in every.items() if not opt.measurements or n in opt.measurements}
        values, failed = measure(rounds, chosen)
    rows = rows_of(values)
    print_worse(rows, figures.read(KEPT))
    print(f"\n{machine()}; commit {commit()}; {datetime.date.today()}")
    for name, why in context.missing.items():
        print(f"skipped {name}: {why}")
    for name, why in failed.items():
        print(f"FAILED {name}: {why}")
    print("\n".join(figures.lines_of(rows)))
    keep(rows, seconds >= WHOLE_S and not opt.measurements, busy, build)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
