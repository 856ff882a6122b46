#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""From a command to a named picture: perfprof beside perf, on the same work, interleaved.

For each tool: the profiler's own CPU seconds (all its processes, without the command's), the bytes
it leaves on the disk, the wall seconds from the command's end to named stacks, and the share of
stacks that do not reach the program's start. Medians of REPETITIONS (5) with the smallest and the
largest; the same command twice under perfprof is the spread of equal runs.
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PERFPROF = os.environ.get("PERFPROF", "build/perfprof")
REPETITIONS = int(os.environ.get("REPETITIONS", "5"))
WORK = [
    ("xz", ["xz", "-T1", "-6", "-k", "-c", "/usr/bin/perl"]),
    ("cc1 -O2", ["gcc", "-O2", "-c", "-D_GNU_SOURCE", "-Isrc", "src/unwind/compile.c", "-o", "/dev/null"]),
]
ROOTS = ("_start", "__libc_start_main", "__libc_start_call_main", "_dl_start_user", "_dl_start", "clone3")


def children_cpu():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def timed(command, **more):
    """-> (CPU seconds of the command with its children, wall seconds)"""
    cpu, wall = children_cpu(), time.monotonic()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, **more)
    return children_cpu() - cpu, time.monotonic() - wall


def bare(work, folder):
    cpu, wall = timed(work)
    return {"cpu": cpu, "wall": wall}


def perfprof(work, folder):
    out = Path(folder, "x.folded")
    cpu, wall = timed([PERFPROF, "run", "-q", "-o", out, "-o", Path(folder, "x.svg"), "--", *work])
    total = cut = 0
    for line in out.read_text().splitlines():
        stack, count = line.rsplit(" ", 1)
        total += int(count)
        cut += int(count) * (";[truncated]" in stack)
    return {"cpu": cpu, "wall": wall, "bytes": out.stat().st_size + Path(folder, "x.svg").stat().st_size,
            "cut": 100 * cut / max(total, 1), "samples": total}


def perf(work, folder):
    data = Path(folder, "perf.data")
    cpu, wall = timed(["perf", "record", "-q", "-e", "cpu-clock", "-F", "999", "--call-graph", "dwarf,65528",
                       "-o", data, "--", *work])
    begin = children_cpu(), time.monotonic()
    script = subprocess.run(["perf", "script", "-i", data, "--max-stack", "1024", "-F", "comm,ip,sym"],
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, errors="replace",
                            check=False).stdout
    after = time.monotonic() - begin[1]
    cpu += children_cpu() - begin[0]
    stacks = [s for s in script.split("\n\n") if s.strip()]
    cut = sum(1 for s in stacks if not any(root in s for root in ROOTS))
    return {"cpu": cpu, "wall": wall + after, "bytes": data.stat().st_size,
            "cut": 100 * cut / max(len(stacks), 1), "samples": len(stacks)}


def row(name, values, bare_cpu, bare_wall):
    def figure(key, base=0.0, form="{:.2f}"):
        got = sorted(v[key] - base for v in values)
        return (form + " [" + form + "-" + form + "]").format(statistics.median(got), got[0], got[-1])
    print(f"  {name:22} CPU s {figure('cpu', bare_cpu)}  extra wall s {figure('wall', bare_wall)}  "
          f"KB {statistics.median(v['bytes'] for v in values) / 1024:.0f}  "
          f"no root % {figure('cut')}  samples {statistics.median(v['samples'] for v in values):.0f}")


def main():
    for name, work in WORK:
        runs = {"bare": [], "perfprof": [], "perfprof again": [], "perf dwarf 64 KB": []}
        with tempfile.TemporaryDirectory() as folder:
            for _ in range(REPETITIONS):
                runs["bare"].append(bare(work, folder))
                runs["perfprof"].append(perfprof(work, folder))
                runs["perf dwarf 64 KB"].append(perf(work, folder))
                runs["perfprof again"].append(perfprof(work, folder))
        cpu = statistics.median(v["cpu"] for v in runs["bare"])
        wall = statistics.median(v["wall"] for v in runs["bare"])
        print(f"{name}: {cpu:.2f} CPU s, {wall:.2f} s unprofiled; beyond that, median [least-most]:")
        for tool in ("perfprof", "perfprof again", "perf dwarf 64 KB"):
            row(tool, runs[tool], cpu, wall)
    return 0


if __name__ == "__main__":
    sys.exit(main())
