# SPDX-License-Identifier: MIT
"""`run --repeat N`: several runs in one capture, each kept apart."""

import json
import os
import signal
import subprocess
import sys

import pytest

from harness import LIMIT_S, PERFPROF, Pprof, needs_perf, perfprof, program, wait_until
from run_test import ended, on_a_terminal, read_until

BUSY = """
import time
while time.process_time() < %g: pass
print(time.process_time(), flush=True)
"""


@pytest.fixture(autouse=True)
def _rights():
    needs_perf()


def repeat(folder, times, *command, options=(), **more):
    return perfprof("run", "--repeat", times, *options, "-o", folder / "x.pb.gz", "-o", folder / "x.json", "--",
                    *command, **more)


def samples_by_run(path):
    sums = {}
    for _, (samples, cpu_ns), labels in Pprof(path).samples:
        n, ns = sums.get(labels.get("run"), (0, 0))
        sums[labels.get("run")] = (n + samples, ns + cpu_ns)
    return sums


@pytest.mark.parametrize("backend", ["auto", "perf"])
def test_runs_too_short_for_a_tick_have_cpu_time(tmp_path, backend):
    result = repeat(tmp_path, 5, "/bin/true", options=["--backend", backend])
    assert result.returncode == 0, result.stderr
    times = json.loads((tmp_path / "x.json").read_text())["capture"]["run_cpu_s"]
    assert len(times) == 5 and min(times) > 0


@pytest.mark.parametrize("backend", ["auto", "perf"])
def test_runs_are_apart_and_have_the_time_that_each_measured(tmp_path, backend):
    """The second run works twice as long; a file beside it says which one it is."""
    script = f"echo x >> n; if [ $(wc -l < n) = 2 ]; then exec {sys.executable} -c '{BUSY % 0.6}'; fi; " \
             f"exec {sys.executable} -c '{BUSY % 0.3}'"
    result = repeat(tmp_path, 3, "sh", "-c", script, options=["--backend", backend], cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    truth = [float(line) for line in result.stdout.split()]
    assert len(truth) == 3
    sums = samples_by_run(tmp_path / "x.pb.gz")
    assert set(sums) == {1, 2, 3}
    capture = json.loads((tmp_path / "x.json").read_text())["capture"]
    assert capture["runs"] == 3 and len(capture["run_cpu_s"]) == 3 and len(set(capture["pids"])) == 3
    assert sum(capture["run_cpu_s"]) == pytest.approx(capture["cpu_s"], abs=1e-6)
    for run, seconds in enumerate(truth, 1):
        # The shell, wc, and python's own end come to what it measured.
        assert seconds <= capture["run_cpu_s"][run - 1] + 0.002 and capture["run_cpu_s"][run - 1] < seconds + 0.2
        assert sums[run][1] / 1e9 == pytest.approx(capture["run_cpu_s"][run - 1], abs=0.02)
    text = perfprof("report", tmp_path / "x.pb.gz").stdout
    assert " 3 runs, CPU " in " ".join(text.split()) and "each (median " in " ".join(text.split())


def test_one_run_has_no_number(tmp_path):
    assert repeat(tmp_path, 1, program("shape"), 0.2).returncode == 0
    assert set(samples_by_run(tmp_path / "x.pb.gz")) == {None}
    capture = json.loads((tmp_path / "x.json").read_text())["capture"]
    assert capture["runs"] == 1 and capture["run_cpu_s"] == []


def test_the_first_status_that_is_not_0_ends_it(tmp_path):
    script = "echo x >> n; test $(wc -l < n) -lt 3 || exit 7"
    assert repeat(tmp_path, 5, "sh", "-c", script, cwd=tmp_path).returncode == 7
    assert (tmp_path / "n").read_text() == 3 * "x\n"
    assert json.loads((tmp_path / "x.json").read_text())["capture"]["runs"] == 3


def test_a_signal_ends_it(tmp_path):
    result = repeat(tmp_path, 5, "sh", "-c", "echo x >> n; kill -9 $$", cwd=tmp_path)
    assert result.returncode == 128 + 9
    assert (tmp_path / "n").read_text() == "x\n"


def test_a_later_run_finds_all_as_the_first_did(tmp_path):
    out = repeat(tmp_path, 2, program("environ")).stdout.splitlines()
    assert len(out) % 2 == 0 and len(out) > 20
    assert out[:len(out) // 2] == out[len(out) // 2:]


def test_standard_input_goes_on_where_the_run_before_stopped(tmp_path):
    result = repeat(tmp_path, 3, "sh", "-c", "read a; echo got $a", input="one\ntwo\nthree\nfour\n")
    assert result.stdout == "got one\ngot two\ngot three\n"


def test_an_interrupt_of_the_terminal_ends_it_though_cmd_goes_well(tmp_path):
    os.chdir(tmp_path)
    script = "trap 'echo got' INT; echo x >> n; echo ready; sleep 5; sleep 0.2; exit 0"
    pid, master = on_a_terminal(tmp_path, "sh", "-c", script, options=["--repeat", "4"])
    read_until(master, b"ready")
    wait_until(lambda: (tmp_path / "n").exists())
    os.write(master, b"\x03")
    assert wait_until(lambda: ended(pid), 20) == (0,)
    os.close(master)
    assert (tmp_path / "n").read_text() == "x\n"


def test_a_signal_sent_to_us_ends_it_though_cmd_goes_well(tmp_path):
    script = "trap 'echo got; exit 0' TERM; echo ready; while :; do sleep 0.1; done"
    with subprocess.Popen([PERFPROF, "run", "--repeat", "3", "-o", tmp_path / "x.pb.gz", "--", "sh", "-c", script],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as ours:
        assert ours.stdout.readline() == "ready\n"
        ours.terminate()
        assert ours.communicate(timeout=LIMIT_S)[0] == "got\n"
        assert ours.returncode == 0


def test_killed_in_the_second_run_both_are_recovered(tmp_path):
    script = f"echo x >> n; if [ $(wc -l < n) = 2 ]; then exec {program('shape')} 30; fi; exec {program('shape')} 0.3"
    with subprocess.Popen([PERFPROF, "run", "--repeat", "3", "-o", tmp_path / "x.pb.gz", "--", "sh", "-c", script],
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd=tmp_path) as ours:
        wait_until(lambda: (tmp_path / "n").exists() and (tmp_path / "n").read_text() == 2 * "x\n")
        part = tmp_path / "x.pb.gz.part"
        size = part.stat().st_size
        wait_until(lambda: part.stat().st_size > size + 500)
        left = subprocess.run(["pgrep", "-P", str(ours.pid)], capture_output=True, text=True, check=True).stdout
        ours.kill()
        ours.wait()
        for pid in left.split():
            os.kill(int(pid), signal.SIGKILL)
    assert perfprof("convert", part, "-o", tmp_path / "y.pb.gz").returncode == 0
    assert set(samples_by_run(tmp_path / "y.pb.gz")) == {1, 2}


@pytest.mark.parametrize("wrong", ["0", "-1", "two", ""])
def test_a_number_that_is_none_is_a_wrong_command_line(tmp_path, wrong):
    result = repeat(tmp_path, wrong, "true")
    assert result.returncode == 2
    assert "--repeat" in result.stderr and len(result.stderr.splitlines()) == 1
