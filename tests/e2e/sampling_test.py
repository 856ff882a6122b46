# SPDX-License-Identifier: MIT
"""The sampler alone, without session and symbols: are its shares and its CPU time true?

build/programs/sampling (tools/bench/sampling.c) runs programs of a known split through the sampler
and counts program counters by the ranges that the program gives.
"""

import json
import math
import subprocess

import pytest

from harness import PROGRAMS, needs_perf

RUNS = 200
# The variance over 200 runs is itself uncertain by a tenth; 1.5 is the bound that we promise.
MOST = 1.5


def sampling(*arguments):
    needs_perf()
    done = subprocess.run([PROGRAMS / "sampling", *map(str, arguments)], capture_output=True, text=True,
                          timeout=600, check=True)
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("mode, samples", [("busy", 60), ("threads", 60), ("timer", 20)])
def test_periodic_work_is_seen_as_what_it_is(mode, samples):
    """Cycles of 1/3 ms; two threads born after exec; 1 ms of work at each tick of a 10 ms timer."""
    seen = sampling("shares", PROGRAMS / "cycles", mode, RUNS, samples)
    error = math.sqrt(0.25 * 0.75 / (RUNS * seen["samples_per_run"]))
    print(seen)
    assert seen["variance_ratio"] < MOST
    assert abs(seen["mean"] - 0.25) < 4 * error + 0.01
    assert seen["fixed_share"] < (0.3 if mode == "threads" else 0.01)


@pytest.mark.parametrize("command", [("threads",), ("children",), ("cycles", "churn", "300000", "1000")])
def test_cpu_time_adds_up(command):
    """RECORD_CPU of all threads and children against the kernel's rusage: 4 % or a tick."""
    seen = sampling("count", PROGRAMS / command[0], *command[1:])
    print(seen)
    assert abs(seen["record_cpu_s"] - seen["cpu_s"]) < max(0.04 * seen["cpu_s"], 0.01)


@pytest.mark.parametrize("command", [("threads",), ("children",), ("cycles", "busy", "300000", "3000")])
def test_as_many_samples_as_asked_for(command):
    seen = sampling("count", PROGRAMS / command[0], *command[1:])
    print(seen)
    expected = 999 * seen["cpu_s"]
    # Children of 5 ms live by inherited copies, whose period may be too long but never be repaid.
    tolerance = 0.05 if command[0] == "children" else 0.03
    slack = tolerance * expected + 4 * math.sqrt(expected)
    # Some of what is lost on a busy machine would have been thinned out: it counts for one side only.
    assert seen["samples"] < expected + slack
    assert seen["samples"] + seen["lost"] > expected - slack
