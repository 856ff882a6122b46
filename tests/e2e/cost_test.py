# SPDX-License-Identifier: MIT
"""What perfprof says of its own cost, and that it keeps to --max-overhead."""

import json
import time

import pytest
import harness
from harness import BACKENDS, Target, perfprof, profile, program


@pytest.fixture(params=BACKENDS)
def backend(request, monkeypatch):
    harness.each_backend(request, monkeypatch)
    return request.param


def capture_of(path):
    result = perfprof("report", path, "--format", "json")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)["capture"]


def test_what_it_cost_is_in_the_capture_and_in_every_report(tmp_path, backend):
    profile(tmp_path, program("split"), "1")
    path = tmp_path / "x.pb.gz"
    capture = capture_of(path)
    assert capture["backend"] == backend
    assert capture["profiler_cpu_s"] > 0
    # A walk or a copy is not done within 100 ns; 0.3 ms leave room for a machine that is interrupted.
    assert 100e-9 < capture["profiler_kernel_s"] / capture["samples"] < 300e-6
    assert capture["profiler_written_bytes"] > 0
    assert capture["wanted_rate_hz"] == capture["rate_hz"] == 999
    for kind in ("text", "md"):
        words = " ".join(perfprof("report", path, "--format", kind).stdout.split())
        assert "of CPU (" in words and "for its samples (" in words and "KB written meanwhile" in words


def test_what_was_written_is_the_journal(tmp_path):
    """A second perfprof cannot be asked; the file itself can, while it grows."""
    part, most = tmp_path / "x.pb.gz.part", 0
    with Target(harness.PERFPROF, "run", "-o", tmp_path / "x.pb.gz", "--", program("split"), "2") as run:
        while run.process.poll() is None:
            try:
                most = max(most, part.stat().st_size)
            except FileNotFoundError:
                pass
    written = capture_of(tmp_path / "x.pb.gz")["profiler_written_bytes"]
    assert 0 < most <= written


def test_a_lowered_rate_leaves_shares_as_they_are(tmp_path, backend):
    """The rate falls while the program is in its first half; both halves are as long, and must look so."""
    run = profile(tmp_path, program("phases"), "3.2", options=["-v", "--max-overhead", "0.1"])
    capture = capture_of(tmp_path / "x.pb.gz")
    assert capture["wanted_rate_hz"] == 999 and capture["rate_hz"] < 600
    assert any(f"sampled at {capture['rate_hz']} Hz, not 999: more would have cost above 0.1 %" in n
               for n in capture["notes"])
    assert f"at {capture['rate_hz']} Hz from now on" in run.stderr
    assert "journal" not in run.stderr and not (tmp_path / "x.pb.gz.part").exists()
    early, late = run.stacks.having("early"), run.stacks.having("late")
    truth = run.truth["early"] / (run.truth["early"] + run.truth["late"])
    # 5 standard errors; without thinning the first half has three quarters of all or more.
    assert abs(early / (early + late) - truth) < 5 * (0.25 / (early + late)) ** 0.5
    expected = capture["rate_hz"] * capture["cpu_s"]
    assert abs(capture["samples"] - expected) < 0.1 * expected + 5 * expected ** 0.5


def test_the_journal_of_a_lowered_rate_is_as_true(tmp_path):
    """Killed after the rate was lowered: what is left is thinned as the capture would have been."""
    with Target(harness.PERFPROF, "run", "-v", "--max-overhead", "0.05", "-o", tmp_path / "x.pb.gz", "--",
                program("split"), "20") as run:
        for line in run.process.stderr:
            if "from now on" in line:
                break
        time.sleep(2)
        run.process.kill()
        run.process.wait()
    result = perfprof("report", tmp_path / "x.pb.gz.part", "--format", "json")
    assert result.returncode == 0, result.stderr
    capture = json.loads(result.stdout)["capture"]
    assert capture["rate_hz"] < 600
    # Of 5 s at least 3 were sampled at 999 Hz: were they whole, there would be far more.
    assert capture["samples"] < 1.5 * capture["rate_hz"] * capture["duration_s"] + 30


@pytest.mark.parametrize("text", ["0", "101", "1%", "nan", "1e1", "-1", ""])
def test_a_percentage_is_one(text):
    result = perfprof("run", "--max-overhead", text, "--", "true")
    assert result.returncode == 2
    assert f"--max-overhead wants a percentage like 1 or 0.5, at most 100, not '{text}'" in result.stderr
