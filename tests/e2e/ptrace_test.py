# SPDX-License-Identifier: MIT
"""The ptrace backend: as true as the others, for where they are refused, and nothing that a target could notice."""

import json
import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

import harness
import run_test
import shares_test
import stacks_test
from harness import (LIMIT_S, PERFPROF, PROGRAMS, Stacks, Target, attach, open_to_everybody, perfprof, profile, program,
                     needs_root, wait_until)

DENY = str(PROGRAMS / "deny")
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


@pytest.fixture(autouse=True)
def _backend(monkeypatch):
    refusal = harness._refusal_of("ptrace")
    if refusal:
        pytest.skip(f"needs ptrace: {refusal}")
    monkeypatch.setattr(harness, "backend_options", ["--backend", "ptrace"])


@pytest.mark.parametrize("test", [
    shares_test.test_one_thread, shares_test.test_two_threads_started_after_exec,
    shares_test.test_work_driven_by_a_timer, shares_test.test_sixty_four_threads,
    stacks_test.test_plugins_at_equal_addresses, stacks_test.test_a_handler_on_an_alternate_stack,
    stacks_test.test_the_vdso, stacks_test.test_each_program_of_an_exec_chain],
    ids=lambda test: test.__name__)
def test_as_with_other_backends(tmp_path, test):
    test(tmp_path)


@pytest.mark.parametrize("how, leaf, comm", [("fork", "forked_work", "children"), ("exec", "exec_work", "exe")])
def test_short_children(tmp_path, how, leaf, comm):
    stacks = profile(tmp_path, program("children"), how, 60, 5).stacks
    assert stacks.count(lambda f: f[0] == comm and f[-1] == leaf) >= 0.6 * 60 * 5
    assert stacks.truncated() <= 0.01 * stacks.total


def test_a_stack_larger_than_the_copy_is_read_whole(tmp_path):
    """The first ones are completed from the live process; then the copy is as large as they are."""
    stacks = profile(tmp_path, program("deep"), 3000, 16, 0.5, options=["--no-kernel"]).stacks
    assert stacks.count(lambda f: f.count("descend_16") == 3000 and "main" in f) >= 0.9 * stacks.total


@pytest.mark.parametrize("arguments, status", [(["exit", 3], 3), (["signal", 15], 143), (["signal", 9], 137)])
def test_status_of_cmd(tmp_path, arguments, status):
    profile(tmp_path, program("ending"), *arguments, expect=status)


def test_a_missing_command_is_127(tmp_path):
    assert perfprof("run", "--backend", "ptrace", "-o", tmp_path / "x.folded", "--", "no-such-program").returncode == 127


def test_signals_reach_cmd(tmp_path):
    command = [PERFPROF, "run", "--backend", "ptrace", "-o", str(tmp_path / "x.folded"), "--", program("signals")]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as ours:
        assert ours.stdout.readline() == "ready\n"
        for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGTERM):
            ours.send_signal(number)
            assert ours.stdout.readline() == f"{int(number)}\n"
        assert ours.wait(timeout=LIMIT_S) == 5


def test_an_interrupt_of_the_terminal_is_cmds_own(tmp_path):
    script = "trap 'echo got; n=$((n+1))' INT; echo ready; sleep 9; sleep 0.5; exit $n"
    pid, master = run_test.on_a_terminal(tmp_path, "sh", "-c", script, options=["--backend", "ptrace"])
    run_test.read_until(master, b"ready")
    time.sleep(0.3)
    os.write(master, b"\x03")
    assert wait_until(lambda: run_test.ended(pid), 20) == (1,)
    os.close(master)


# Nothing that a target could notice -----------------------------------------------------------

def truth_of(target):
    stdout, _ = target.finish()
    return json.loads(stdout.strip().splitlines()[-1])


def test_no_call_is_seen_to_be_interrupted(tmp_path):
    """Threads that go to sleep all the time, in the calls that say EINTR when they are disturbed."""
    with Target(program("restless")) as target:
        target.wait_ready()
        stacks = attach(tmp_path, target.pid, "--backend", "ptrace", "-F", 4000, seconds=2).stacks
        truth = truth_of(target)
    assert stacks.total > 100 and truth["calls"] > 200  # thousands where nothing else runs
    assert truth["interrupted"] == 0


def state_of(pid):
    return {Path(f"/proc/{pid}/task/{t}/stat").read_text().rpartition(")")[2].split()[0]
            for t in os.listdir(f"/proc/{pid}/task")}


def tracer_of(pid):
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return [line.split()[1] for line in lines if line.startswith("TracerPid:")][0]


def test_killed_at_any_moment_it_leaves_nothing_stopped_and_no_signal_is_lost(tmp_path):
    """1,000 queued signals, while one perfprof after the other is killed."""
    command = [PERFPROF, "attach", "--backend", "ptrace", "-F", "5000", "-o", str(tmp_path / "x.folded"), "-p"]
    chance = random.Random(7)
    libc = harness.ctypes.CDLL(None, use_errno=True)
    with Target(program("restless")) as target:
        target.wait_ready()
        for _ in range(10):
            with subprocess.Popen([*command, str(target.pid)], stderr=subprocess.DEVNULL) as ours:
                end = time.monotonic() + 0.1 + 0.1 * chance.random()
                for _ in range(100):
                    assert libc.sigqueue(target.pid, signal.SIGRTMIN, 0) == 0
                    time.sleep(max(0, end - time.monotonic()) / 100)
                ours.kill()
                ours.wait()
            wait_until(lambda: tracer_of(target.pid) == "0", 5, "its end")
            wait_until(lambda: not state_of(target.pid) & {"t", "T"}, 5, "going on")
        truth = truth_of(target)
    assert truth["signals"] == 1000
    assert truth["interrupted"] == 0


def test_a_stop_of_the_process_is_kept_and_ends_with_sigcont(tmp_path):
    with Target(program("restless")) as target:
        target.wait_ready()
        command = [PERFPROF, "attach", "--backend", "ptrace", "-o", str(tmp_path / "x.folded"), "-p", str(target.pid)]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as ours:
            wait_until(lambda: tracer_of(target.pid) != "0", 20, "attaching")
            time.sleep(0.2)
            os.kill(target.pid, signal.SIGSTOP)
            wait_until(lambda: state_of(target.pid) <= {"t", "T"}, 5, "stopping")
            time.sleep(0.2)
            assert state_of(target.pid) <= {"t", "T"}
            os.kill(target.pid, signal.SIGCONT)
            wait_until(lambda: state_of(target.pid) & {"R", "S"}, 5, "going on")
            os.kill(target.pid, signal.SIGSTOP)
            wait_until(lambda: state_of(target.pid) <= {"t", "T"}, 5, "stopping again")
            ours.kill()
            ours.wait()
        wait_until(lambda: state_of(target.pid) == {"T"}, 5, "staying stopped without us")
        os.kill(target.pid, signal.SIGCONT)
        wait_until(lambda: not state_of(target.pid) & {"t", "T"}, 5, "going on")
        assert truth_of(target)["work"] > 0


# Where perf_event_open is refused --------------------------------------------------------------

def denied(*command, user=(), **more):
    return subprocess.run([*user, *command], capture_output=True, text=True, timeout=LIMIT_S, check=False,
                          stdin=subprocess.DEVNULL, **more)


def assert_says_why(result, *, whole=True):
    # A busy machine loses samples, and says that in another line.
    line = "\n".join(part for part in result.stderr.strip().splitlines() if "lost" not in part)
    assert "ptrace" in line and "perf_event_open" in line and "--cap-add PERFMON" in line
    assert len(line.splitlines()) == 1 or not whole


def test_run_takes_ptrace_by_itself_and_says_why(tmp_path):
    result = denied(DENY, PERFPROF, "run", "-o", tmp_path / "x.folded", "-o", tmp_path / "x.json", "-o",
                    tmp_path / "x.txt", "--", program("shape"), "0.3")
    assert result.returncode == 0
    assert_says_why(result)
    capture = json.loads((tmp_path / "x.json").read_text())["capture"]
    assert capture["backend"] == "ptrace"
    text = (tmp_path / "x.txt").read_text()
    assert "kernel frames" in text and "perf_event_open" in text
    stacks_test.assert_whole_and_only(Stacks((tmp_path / "x.folded").read_text()), "main", stacks_test.SHAPE, most=0.9)


def test_quiet_is_quiet(tmp_path):
    result = denied(DENY, PERFPROF, "run", "-q", "-o", tmp_path / "x.folded", "--", "true")
    assert (result.returncode, result.stderr) == (0, "")


def test_attach_takes_ptrace_by_itself(tmp_path):
    with Target(program("shape"), 30) as target:
        target.wait_ready()
        result = denied(DENY, PERFPROF, "attach", "-p", str(target.pid), "-d", "0.5", "-o", tmp_path / "x.folded")
        assert result.returncode == 0
        assert_says_why(result)
        assert Stacks((tmp_path / "x.folded").read_text()).having("inner") > 50
        assert tracer_of(target.pid) == "0"


def test_ordinary_users_run_and_attach(tmp_path):
    needs_root()
    open_to_everybody(tmp_path)
    deny, ours, shape = (shutil.copy(path, tmp_path) for path in (DENY, PERFPROF, program("shape")))
    result = denied(deny, ours, "run", "-o", tmp_path / "x.folded", "--", shape, "0.3", user=NOBODY, cwd="/")
    assert result.returncode == 0, result.stderr
    assert Stacks((tmp_path / "x.folded").read_text()).having("inner") > 50
    scope = Path("/proc/sys/kernel/yama/ptrace_scope")
    with Target(*NOBODY, shape, 30) as target:
        target.wait_ready()
        result = denied(deny, ours, "attach", "-p", str(target.pid), "-d", "0.3", "-o", tmp_path / "y.folded",
                        user=NOBODY, cwd="/")
    if scope.exists() and scope.read_text().strip() != "0":
        assert result.returncode == 3 and "ptrace_scope" in result.stderr
    else:
        assert result.returncode == 0, result.stderr
    with Target("sleep", 30) as target:  # root's
        result = denied(deny, ours, "attach", "-p", str(target.pid), "-o", tmp_path / "z.folded", user=NOBODY, cwd="/")
    assert result.returncode == 3
    assert "belongs to root" in result.stderr and len(result.stderr.splitlines()) <= 2


def test_the_whole_system_is_not_for_ptrace(tmp_path):
    result = perfprof("attach", "-a", "--backend", "ptrace", "-d", 1, "-o", tmp_path / "x.folded")
    assert result.returncode == 3
    assert "whole system" in result.stderr


def test_a_traced_process_has_another_tracer(tmp_path):
    with Target(program("shape"), 30) as target:
        target.wait_ready()
        command = [PERFPROF, "attach", "--backend", "ptrace", "-p", str(target.pid), "-o", str(tmp_path / "x.folded")]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as first:
            wait_until(lambda: tracer_of(target.pid) != "0", 20, "attaching")
            second = perfprof("attach", "--backend", "ptrace", "-p", target.pid, "-o", tmp_path / "y.folded")
            assert second.returncode == 3
            assert "traces it already" in second.stderr
            first.send_signal(signal.SIGINT)
            assert first.wait(timeout=LIMIT_S) == 0
