#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Periodic work under a fixed and under a random period: perf and perfprof, in turn.

The program repeats a cycle of CYCLE_US in which beta() takes a quarter of the time, and says at its
end what share beta() really had. Printed: the least, median and greatest share of beta() that each
tool reports over RUNS (30) runs of 0.1 s (some 100 samples), and the variance around the truth in units of the
binomial one (1: as if every sample were drawn by lot).
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

PERFPROF = os.environ.get("PERFPROF", "build/perfprof")
SHARES = Path(os.environ.get("PERFPROF_BUILD", "build"), "programs/shares")
RUNS = int(os.environ.get("RUNS", "30"))


def perfprof(command, folder):
    out = Path(folder, "x.folded")
    truth = subprocess.run([PERFPROF, "run", "-q", "--no-kernel", "-o", out, "--", *command], check=True,
                           capture_output=True, text=True).stdout
    rows = [line.rsplit(" ", 1) for line in out.read_text().splitlines()]
    total = sum(int(n) for _, n in rows)
    return truth, sum(int(n) for stack, n in rows if "beta" in stack.split(";")), total


def perf(command, folder):
    data = Path(folder, "perf.data")
    truth = subprocess.run(["perf", "record", "-q", "-e", "cpu-clock:u", "-F", "999", "-o", data, "--", *command],
                           check=True, capture_output=True, text=True).stdout
    lines = subprocess.run(["perf", "script", "-i", data, "-F", "ip,sym"], check=True, capture_output=True,
                           text=True).stdout.splitlines()
    return truth, sum(line.split()[-1] == "beta" for line in lines if line.strip()), len(lines)


def measure(cycle_us, folder):
    tools = {"perf -F 999": perf, "perfprof": perfprof}
    seen = {name: [] for name in tools}
    for _ in range(RUNS):
        for name, tool in tools.items():
            text, beta, total = tool([SHARES, "0.1", str(cycle_us)], folder)
            truth = json.loads(text)
            seen[name].append((beta / total, truth["beta"] / truth["total_ns"], total))
    for name, runs in seen.items():
        shares = sorted(share for share, _, _ in runs)
        ratio = statistics.mean((share - true) ** 2 / (true * (1 - true) / n) for share, true, n in runs)
        print(f"cycle {cycle_us} us, true share {100 * statistics.mean(t for _, t, _ in runs):.1f} %: "
              f"{name:12} {100 * shares[0]:.0f} - {100 * statistics.median(shares):.1f} - "
              f"{100 * shares[-1]:.0f} %, variance x{ratio:.2f}")


def main():
    with tempfile.TemporaryDirectory() as folder:
        for cycle_us in (333, 1001):
            measure(cycle_us, folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
