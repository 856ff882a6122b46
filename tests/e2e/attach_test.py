# SPDX-License-Identifier: MIT
"""The contract of `perfprof attach`: the target is left as it was."""

import json
import os
import pty
import signal
import subprocess
import time
from pathlib import Path

import pytest

from harness import (LIMIT_S, PERFPROF, Target, assert_share, attach, needs_perf, needs_root, perfprof, program,
                     wait_until)


@pytest.fixture(autouse=True)
def _rights():
    needs_perf()


def test_stacks_of_a_live_process(tmp_path):
    with Target(program("shape"), 60) as target:
        target.wait_ready()
        run = attach(tmp_path, target.pid, "--no-kernel")
        assert run.stdout == ""
        right = run.stacks.count(lambda f: f[-4:] == ("main", "outer", "middle", "inner"))
        assert right >= 0.95 * run.stacks.total > 200
        assert run.stacks.truncated() == 0


def state(pid):
    """What a profiler might change in a process, without what its own work changes."""
    proc = Path(f"/proc/{pid}")
    status = [l for l in (proc / "status").read_text().splitlines()
              if l.split(":")[0] in ("TracerPid", "SigBlk", "SigIgn", "SigCgt", "SigPnd", "ShdPnd", "Threads",
                                     "Seccomp", "Uid", "Cpus_allowed", "NoNewPrivs")]
    maps = [l.split()[0] + " " + l.split()[-1] for l in (proc / "maps").read_text().splitlines()
            if "[heap]" not in l and "[stack]" not in l]
    descriptors = sorted((p.name, os.readlink(p)) for p in (proc / "fd").iterdir())
    return {"status": status, "maps": maps, "descriptors": descriptors,
            "tasks": len(list((proc / "task").iterdir())), "limits": (proc / "limits").read_text(),
            "environ": (proc / "environ").read_bytes(), "children": (
                proc / "task" / str(pid) / "children").read_text()}


def test_fifty_attaches_in_a_row_leave_a_target_as_it_was(tmp_path):
    with Target(program("target")) as target:
        target.wait_ready()
        before = state(target.pid)
        for _ in range(50):
            attach(tmp_path, target.pid, seconds="50ms")
        assert state(target.pid) == before
        stdout, stderr = target.finish()
        assert target.process.returncode == 0
        assert stderr == ""
        assert json.loads(stdout)["interrupted"] == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_means_stop_write_and_0(tmp_path, number):
    with Target(program("target")) as target:
        target.wait_ready()
        with subprocess.Popen([PERFPROF, "attach", "-p", str(target.pid), "-o", str(tmp_path / "x.folded")],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True) as ours:
            time.sleep(1)
            ours.send_signal(number)
            assert ours.wait(timeout=LIMIT_S) == 0
        text = (tmp_path / "x.folded").read_text()
        assert "target_work" in text
        assert target.process.poll() is None


def test_it_ends_with_its_target(tmp_path):
    with Target(program("shape"), 1.5) as target:
        target.wait_ready()
        result = perfprof("attach", "-p", target.pid, "-o", tmp_path / "x.folded")
        assert result.returncode == 0
        assert "inner" in (tmp_path / "x.folded").read_text()


def test_no_such_process_is_3_and_starts_nothing(tmp_path):
    with Target(program("target")) as target:
        target.wait_ready()
        gone = 4194303  # beyond the largest pid
        for pids in (str(gone), f"{target.pid},{gone}"):
            result = perfprof("attach", "-p", pids, "-d", 1, "-o", tmp_path / "x.folded")
            assert result.returncode == 3
            assert str(gone) in result.stderr
            assert not (tmp_path / "x.folded").exists()


def test_a_thread_is_no_process(tmp_path):
    with Target(program("threads"), 2, 1000) as target:
        threads = wait_until(lambda: [t for t in os.listdir(f"/proc/{target.pid}/task") if int(t) != target.pid])
        result = perfprof("attach", "-p", threads[0], "-d", 1, "-o", tmp_path / "x.folded")
    assert result.returncode == 3
    assert "is a thread" in result.stderr


@pytest.mark.parametrize("arguments", [[], ["-p", "abc"], ["-p", "-1"], ["-p", "0"], ["-p", ""],
                                       ["-p", "1,"], ["-p", "1", "--", "true"], ["-p", "1", "-d", "x"]])
def test_a_wrong_command_line_is_2(tmp_path, arguments):
    result = perfprof("attach", *arguments, cwd=tmp_path)
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) <= 2
    assert os.listdir(tmp_path) == []


def test_several_processes(tmp_path):
    with Target(program("target")) as one, Target(program("shape"), 60) as two:
        one.wait_ready()
        two.wait_ready()
        stacks = attach(tmp_path, f"{one.pid},{two.pid}").stacks
        assert stacks.having("target_work") > 50
        assert stacks.having("inner") > 50


def test_threads_and_children_that_exist_and_that_come(tmp_path):
    script = (f"echo ready; {program('shape')} 60 & sleep 1.5; {program('shares')} 1 & "
              f"{program('threads')} 4 600 & wait")
    with Target("sh", "-c", script, start_new_session=True) as target:
        target.wait_ready()
        try:
            time.sleep(0.3)
            stacks = attach(tmp_path, target.pid, seconds=4).stacks
        finally:
            os.killpg(target.pid, signal.SIGKILL)
    for name in ("inner", "alpha", "odd_work", "even_work"):
        assert stacks.having(name) > 50, name
    assert stacks.truncated() == 0


def test_without_children(tmp_path):
    with Target("sh", "-c", f"echo ready; {program('shape')} 60 & wait", start_new_session=True) as target:
        target.wait_ready()
        try:
            time.sleep(0.3)
            stacks = attach(tmp_path, target.pid, "--no-children").stacks
        finally:
            os.killpg(target.pid, signal.SIGKILL)
    assert stacks.having("inner") == 0


def test_sixty_four_live_threads(tmp_path):
    with Target(program("threads"), 64, 1000) as target:
        wait_until(lambda: len(os.listdir(f"/proc/{target.pid}/task")) == 65)
        stacks = attach(tmp_path, target.pid, seconds=3).stacks
    total = stacks.having("odd_work") + stacks.having("even_work")
    assert_share(stacks.having("odd_work"), total, 0.5)
    assert len(stacks.comms()) >= 60


def test_another_users_process_names_the_right(tmp_path):
    needs_root()
    with Target(program("target")) as target:
        target.wait_ready()
        result = subprocess.run(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all", PERFPROF,
             "attach", "-p", str(target.pid), "-d", "1", "-o", "-"],
            capture_output=True, text=True, check=False, cwd="/", timeout=LIMIT_S)
        if "Permission denied" in result.stderr and "setpriv" in result.stderr:
            pytest.skip("needs path: another user cannot reach the build folder")
        assert result.returncode == 3
        assert "sudo" in result.stderr or "CAP_" in result.stderr


def test_killed_at_any_moment_the_target_goes_on(tmp_path):
    with Target(program("target")) as target:
        target.wait_ready()
        before = state(target.pid)
        for wait_s in (0.02, 0.1, 0.5):
            with subprocess.Popen([PERFPROF, "attach", "-p", str(target.pid), "-o",
                                   str(tmp_path / "x.folded")], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as ours:
                time.sleep(wait_s)
                ours.kill()
                ours.wait()
        assert state(target.pid) == before
        stdout, _ = target.finish()
        assert json.loads(stdout)["interrupted"] == 0


def on_a_terminal(*arguments):
    """What a command writes to a terminal that is all its streams."""
    pid, master = pty.fork()
    if pid == 0:
        os.execv(PERFPROF, [PERFPROF, *map(str, arguments)])
    out = b""
    try:
        while chunk := os.read(master, 65536):
            out += chunk
    except OSError: # the other side is closed
        pass
    os.close(master)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    return out.decode()


def test_progress_is_gone_when_results_come(tmp_path):
    with Target(program("target")) as target:
        target.wait_ready()
        out = on_a_terminal("attach", "-p", target.pid, "-d", 1.2, "-o", "-")
        progress, _, rest = out.rpartition("\r\033[K")
        assert "^C stops" in progress and "target;" not in progress
        assert rest.startswith("target;") and "^C" not in rest
        assert "\033" not in on_a_terminal("attach", "-q", "-p", target.pid, "-d", 0.7, "-o", "-")
