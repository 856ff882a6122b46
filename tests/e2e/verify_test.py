# SPDX-License-Identifier: MIT
"""`--verify`: every return address on every stack follows a call instruction."""

import json
import subprocess

import pytest

import workloads
from harness import needs_perf, perfprof, program

COMMANDS = {
    "sqlite3": lambda folder: workloads.command("sqlite3", folder),
    "python3": lambda folder: ["python3", "-c", "sum(i * i for i in range(5000000))"],
    "signals": lambda folder: [program("altstack")],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_return_addresses_follow_calls(tmp_path, name):
    needs_perf()
    done = perfprof("run", "--verify", "-o", tmp_path / "x.json", "-o", tmp_path / "x.txt", "--",
                    *COMMANDS[name](tmp_path), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, capture_output=False)
    assert done.returncode == 0, done.stderr
    capture = json.loads((tmp_path / "x.json").read_text())["capture"]
    assert capture["checked_returns"] > capture["samples"] and capture["wrong_returns"] == 0, capture
    checked = capture["checked_returns"]
    assert f"0 of {checked} return addresses follow no call (0.0000 %)" in " ".join((tmp_path / "x.txt").read_text().split())


def test_nothing_is_said_of_it_without(tmp_path):
    needs_perf()
    done = perfprof("run", "-o", tmp_path / "x.json", "-o", tmp_path / "x.txt", "--", "/bin/true")
    assert done.returncode == 0, done.stderr
    assert "return addresses" not in (tmp_path / "x.txt").read_text()
    assert json.loads((tmp_path / "x.json").read_text())["capture"]["checked_returns"] == 0
