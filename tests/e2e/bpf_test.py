# SPDX-License-Identifier: MIT
"""What the bpf backend sees that others do not: all of a process's time, from its first instruction until it is gone."""

import json
import math

import pytest

from harness import each_backend, needs_perf, profile, program


@pytest.fixture(autouse=True, params=["bpf"])
def _backend(request, monkeypatch):
    needs_perf()
    each_backend(request, monkeypatch)


def captured(tmp_path, *command):
    """@return the run, and what its report says of the capture"""
    run = profile(tmp_path, *command, options=["-o", tmp_path / "x.json"])
    return run, json.loads((tmp_path / "x.json").read_text())["capture"]


@pytest.mark.parametrize("how, ms", [("fork", 1), ("exec", 0.5)])
def test_the_cpu_time_of_short_processes(tmp_path, how, ms):
    """The scheduler counts at ticks and switches: at the beginning of exit(2) it knew 10 % too little."""
    run, capture = captured(tmp_path, program("children"), how, 80, ms)
    cpu_s = (run.truth["cpu_ns"] + run.truth["own_ns"]) / 1e9
    # The program itself goes on for a moment after its last look, and begins with an exec.
    assert cpu_s - 0.001 < capture["cpu_s"] < 1.01 * cpu_s + 0.003


def test_giving_memory_back_is_seen(tmp_path):
    """Half a second a GB: perf's events have ended by then."""
    run, capture = captured(tmp_path, program("giveback"), 400)
    seen = sum(n for frames, n in run.stacks.rows if "do_exit" in frames or "do_group_exit" in frames)
    expected = run.truth["exit_ns"] / 1e9 * capture["rate_hz"]
    assert expected > 5
    assert abs(seen - expected) < 0.1 * expected + 4 * math.sqrt(expected) + capture["lost_samples"]
    assert capture["cpu_s"] > 0.99 * run.truth["cpu_ns"] / 1e9
    assert capture["truncated_samples"] == 0
