# SPDX-License-Identifier: MIT
"""`perfprof run`: where its options end, readers that go away, and ^\\ of the terminal."""

import os
import subprocess

import pytest

from harness import LIMIT_S, PERFPROF, needs_perf, perfprof, program, wait_until
from run_test import ended, on_a_terminal, read_until


@pytest.fixture(autouse=True)
def _rights():
    needs_perf()


@pytest.mark.parametrize("dashes", [(), ("--",)])
def test_options_of_cmd_are_its_own(tmp_path, dashes):
    result = perfprof("run", "-o", tmp_path / "x.folded", *dashes, "printf", "%s,", "--help", "-o", "--", "-d", "x")
    assert (result.returncode, result.stdout) == (0, "--help,-o,--,-d,x,")


def test_a_command_may_begin_with_a_dash(tmp_path):
    (tmp_path / "-x").write_text("#!/bin/sh\necho dash $1\n")
    (tmp_path / "-x").chmod(0o755)
    path = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    result = perfprof("run", "-o", tmp_path / "x.folded", "--", "-x", "--", env=path)
    assert (result.returncode, result.stdout) == (0, "dash --\n")


def test_a_reader_that_goes_away_leaves_cmds_status(tmp_path):
    """A pipe whose reader is gone: CMD's status stands, and nothing is said."""
    for status in (0, 3):  # EPIPE is no failure of ours
        reader, writer = os.pipe()
        os.close(reader)
        result = subprocess.run([PERFPROF, "run", "-o", "-", "--", program("ending"), "exit", str(status)], stdout=writer,
                                stderr=subprocess.PIPE, text=True, cwd=tmp_path, timeout=LIMIT_S, check=False)
        os.close(writer)
        assert result.returncode == status
        assert result.stderr == ""
    assert os.listdir(tmp_path) == []


def test_a_quit_of_the_terminal_is_cmds_own(tmp_path):
    """CMD gets it once, from the terminal, and perfprof waits for it and writes."""
    pid, master = on_a_terminal(tmp_path, "sh", "-c",
                                "trap 'n=$((n+1))' QUIT; echo ready; sleep 9; sleep 0.5; exit $((n+20))")
    read_until(master, b"ready")
    os.write(master, b"\x1c")
    assert wait_until(lambda: ended(pid), 20) == (21,)
    os.close(master)
    assert (tmp_path / "x.folded").exists()
