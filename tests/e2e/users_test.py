# SPDX-License-Identifier: MIT
"""Ordinary users at perf_event_paranoid 2: what they see, what is refused to them, and with which words."""

import json
import os
import shutil
import subprocess

import pytest

from harness import (LIMIT_S, PERFPROF, Stacks, Target, assert_share, attach, is_sanitized, may_sample_kernel, needs_perf, open_to_everybody,
                     needs_program, needs_root, profile, program)

NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]


@pytest.fixture(autouse=True)
def _rights():
    needs_perf()


@pytest.fixture(name="place")
def place_of_everybody(tmp_path):
    """A folder that an ordinary user can reach and write to, with the binary in it."""
    needs_root()
    needs_program("setpriv")
    open_to_everybody(tmp_path)
    shutil.copy(PERFPROF, tmp_path / "perfprof")
    return tmp_path


def copied(place, name):
    return shutil.copy(program(name), place / name)


def as_nobody(place, *arguments):
    return subprocess.run([*NOBODY, str(place / "perfprof"), *map(str, arguments)], cwd=place, text=True,
                          capture_output=True, timeout=LIMIT_S, check=False)


def truth_of(stdout):
    return json.loads(stdout.strip().splitlines()[-1])


def assert_says_so_first(place, capture):
    """The report's and the picture's first words name what is not in them, and how much that is."""
    seconds, percent = capture["unsampled_kernel_s"], 100 * capture["unsampled_kernel_s"] / capture["cpu_s"]
    figure = f"{1000 * seconds:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"
    said = f"{figure} of system time, {percent:.0f} % of the CPU time, are not in what is shown"
    head = (place / "x.txt").read_text().partition("Hot functions")[0]
    report = " ".join(head.partition("\n")[2].split())
    assert report.startswith(f"Kernel {said}"), report
    assert "shares are of user time" in report
    assert "alpha takes" in report and "of the user time" in report
    assert report.index(said) < report.index("alpha takes") < report.index("let root sample the kernel")
    picture = (place / "x.svg").read_text()
    assert said in picture and picture.index(said) < picture.index("lost 0.00 %")


OUTPUTS = ["-o", "x.folded", "-o", "x.json", "-o", "x.txt", "-o", "x.svg"]


def test_run_as_nobody_and_as_root(place):
    result = as_nobody(place, "run", *OUTPUTS, "--", copied(place, "split"), 1)
    assert result.returncode == 0, result.stderr
    truth = truth_of(result.stdout)
    stacks = Stacks((place / "x.folded").read_text())
    capture = json.loads((place / "x.json").read_text())["capture"]
    user = truth["alpha"] + truth["beta"]
    # A tick in kernel mode yields no sample at all: none is left, and none is counted elsewhere.
    assert_share(stacks.leaf("alpha"), stacks.total, truth["alpha"] / user, "alpha")
    assert stacks.having("zeroes") <= 0.01 * stacks.total
    assert not capture["kernel_sampled"]
    # The kernel counts system time by ticks of up to 10 ms, and scales: 4 standard errors.
    kernel_s, total_s = truth["kernel"] / 1e9, (user + truth["kernel"]) / 1e9
    assert_share(100 * capture["unsampled_kernel_s"], 100 * total_s, kernel_s / total_s, "system time")
    assert_says_so_first(place, capture)
    assert os.stat(place / "x.folded").st_uid == 65534
    if not may_sample_kernel():
        return
    run = profile(place, program("split"), 1, options=["-o", place / "x.txt"])
    truth, stacks = run.truth, run.stacks
    total = sum(truth.values())
    assert_share(stacks.having("zeroes"), stacks.total, truth["kernel"] / total, "kernel, as root")
    report = (place / "x.txt").read_text()
    assert "system time" not in report and "user time" not in report and "of the CPU time" in report


def test_attach_as_nobody(place):
    with Target(*NOBODY, copied(place, "split"), 30) as target:
        target.wait_ready()
        result = as_nobody(place, "attach", "-p", target.pid, "-d", "1", *OUTPUTS)
        truth = truth_of(target.finish()[0])
    assert result.returncode == 0, result.stderr
    stacks = Stacks((place / "x.folded").read_text())
    capture = json.loads((place / "x.json").read_text())["capture"]
    user = truth["alpha"] + truth["beta"]
    assert_share(stacks.leaf("alpha"), stacks.total, truth["alpha"] / user, "alpha")
    assert stacks.truncated() == 0 or is_sanitized()
    part = truth["kernel"] / (user + truth["kernel"])
    assert_share(100 * capture["unsampled_kernel_s"], 100 * capture["cpu_s"], part, "system time")
    assert_says_so_first(place, capture)


def test_who_hides_its_memory_is_closed_to_its_owner(place):
    with Target(*NOBODY, copied(place, "split"), 30, "hide") as target:
        target.wait_ready()
        refused = as_nobody(place, "attach", "-p", target.pid, "-d", "1", "-o", "x.folded")
        assert refused.returncode == 3
        assert f"process {target.pid}: it is yours, but has hidden its memory" in refused.stderr
        assert "'sudo perfprof ...' (it opens nothing that lasts" in refused.stderr
        assert len(refused.stderr.splitlines()) == 1
        assert not (place / "x.folded").exists()
        assert attach(place, target.pid, seconds=0.3).stacks.having("alpha") > 0  # root may


def test_somebody_elses_process_names_its_owner(place):
    with Target(program("target")) as target:
        target.wait_ready()
        refused = as_nobody(place, "attach", "-p", target.pid, "-o", "-")
    assert refused.returncode == 3
    assert f"cannot sample process {target.pid}: it belongs to root; run 'sudo perfprof ...'" in refused.stderr


@pytest.mark.parametrize("how", ["delete", "memfd"])
def test_a_library_that_is_no_file(place, how):
    """As nobody /proc/PID/map_files is closed, and only the process's memory has it; root finds the file."""
    library = copied(place, "plug_one.so")
    with Target(*NOBODY, copied(place, "library"), library, how) as target:
        target.wait_ready()
        result = as_nobody(place, "attach", "-p", target.pid, "-d", "0.5", "-o", "x.folded")
        assert result.returncode == 0, result.stderr
        of_nobody = Stacks((place / "x.folded").read_text())
        of_root = attach(place, target.pid, "--no-kernel", seconds=0.5).stacks
    for stacks in of_nobody, of_root:
        named = stacks.count(lambda f: f[-3:] == ("main", "run", "plug_one"))
        assert named >= 0.97 * stacks.total > 20, stacks.rows[:3]
        # On a busy machine the rows of libc come late for the first samples.
        assert stacks.truncated() <= 0.5 * stacks.total


def test_the_program_itself_deleted(place):
    with Target(*NOBODY, copied(place, "split"), 30) as target:
        target.wait_ready()
        os.unlink(place / "split")
        result = as_nobody(place, "attach", "-p", target.pid, "-d", "0.5", "-o", "x.folded")
    assert result.returncode == 0, result.stderr
    stacks = Stacks((place / "x.folded").read_text())
    assert stacks.count(lambda f: f[-2:] == ("main", "alpha")) > 0.6 * stacks.total > 20
