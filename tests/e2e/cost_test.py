# SPDX-License-Identifier: MIT
"""What perfprof says of its own cost, and that it keeps to --max-overhead."""

import json

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
