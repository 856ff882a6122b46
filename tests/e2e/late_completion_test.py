# SPDX-License-Identifier: MIT
"""Stacks larger than the kernel's copy (64 KB): read on from the process, labelled, counted."""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from harness import (LIMIT_S, PERFPROF, Pprof, Stacks, assert_share, needs_perf, needs_program, needs_root,
                     perfprof, program)

NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]

BIG = r"""
#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <variant>
#include <vector>
template <int N> struct Level {
    std::map<std::string, std::vector<std::tuple<int, double, std::string>>> seen;
    auto go(const std::string &s)
    {
        seen[s].emplace_back(N, N * 1.5, s);
        std::sort(seen[s].begin(), seen[s].end());
        std::variant<int, std::string, std::array<char, N + 1>> v = N;
        std::function<int(const std::string &)> next = [](auto &t) { return Level<N - 1>().go(t); };
        return std::visit([&](auto &x) { return int(sizeof(x)) + N; }, v) + next(s);
    }
};
template <> struct Level<0> {
    int go(const std::string &s) { return int(s.size()); }
};
int main(int argc, char **argv) { return Level<12>().go(argv[argc - 1]); }
"""


@pytest.fixture(autouse=True)
def _rights():
    needs_perf()


@pytest.fixture(name="open_folder")
def a_folder_for_everybody():
    """Not tmp_path: each session of pytest takes the rights of others from the folder above it."""
    with tempfile.TemporaryDirectory(prefix="perfprof-") as folder:
        os.chmod(folder, 0o777)
        yield Path(folder)


class Run:
    """One run with --backend perf (or another), as root or as nobody."""

    def __init__(self, folder, *command, options=("--backend", "perf"), nobody=False):
        prefix = []
        binary = PERFPROF
        if nobody:
            needs_root()
            needs_program("setpriv")
            prefix, binary = NOBODY, shutil.copy(PERFPROF, folder / "perfprof")
        for name in "x.folded", "x.pb.gz", "x.json":
            (folder / name).unlink(missing_ok=True)
        done = subprocess.run([*prefix, binary, "run", *options, "--no-kernel", "-o", folder / "x.folded", "-o",
                               folder / "x.pb.gz", "-o", folder / "x.json", "--", *map(str, command)],
                              cwd=folder, capture_output=True, text=True, timeout=LIMIT_S, check=False)
        assert done.returncode == 0, done.stderr
        self.stacks = Stacks((folder / "x.folded").read_text())
        self.pprof = Pprof(folder / "x.pb.gz")
        self.capture = json.loads((folder / "x.json").read_text())["capture"]
        self.labelled = sum(values[0] for _, values, labels in self.pprof.samples
                            if labels.get("completed") == "yes")
        assert self.labelled == self.capture["completed_samples"]

    def whole(self):
        return 1 - self.capture["truncated_samples"] / self.capture["samples"]


def copy_of(name, folder):
    return shutil.copy(program(name), folder / name)


@pytest.mark.parametrize("nobody", [False, True], ids=["root", "nobody"])
def test_a_megabyte_of_recursion_is_whole(open_folder, nobody):
    run = Run(open_folder, copy_of("deep", open_folder), 2000, 512, 0.5, nobody=nobody)
    expected = ("main",) + ("descend_512",) * 2000 + ("work", "bottom")
    right = run.stacks.count(lambda f: f[-len(expected):] == expected and "[truncated]" not in f)
    whole = run.stacks.count(lambda f: "bottom" in f and "[truncated]" not in f)
    assert right == whole  # what is not cut is not wrong
    # 99 % on a machine with four times as many threads as CPUs. Where it is more crowded still, some are read too
    # late, and the last ones when the program has ended.
    assert right >= 0.8 * run.stacks.total
    assert run.labelled >= right


def test_the_report_says_so(open_folder):
    run = Run(open_folder, program("deep"), 2000, 512, 0.2)
    text = perfprof("report", open_folder / "x.pb.gz").stdout
    share = 100 * run.labelled / run.capture["samples"]
    assert f"completed {share:.2f} %" in " ".join(text.split())
    picture = perfprof("flame", open_folder / "x.pb.gz").stdout
    assert f"completed {share:.2f} % ({run.labelled} stacks" in picture
    again = perfprof("convert", open_folder / "x.pb.gz", "-o", open_folder / "y.pb.gz")
    assert again.returncode == 0, again.stderr
    assert (open_folder / "y.pb.gz").read_bytes() == (open_folder / "x.pb.gz").read_bytes()


def test_it_can_be_switched_off(open_folder):
    run = Run(open_folder, program("deep"), 2000, 512, 0.2, options=["--backend", "perf", "--no-complete"])
    assert run.labelled == 0
    assert {r["id"] for r in run.capture["truncated_reasons"]} == {"stack-copy-full"}
    assert run.stacks.truncated() >= 0.95 * run.stacks.total


def test_stacks_within_the_copy_have_no_label(open_folder):
    run = Run(open_folder, program("deep"), 90, 512, 0.2)
    assert run.whole() == 1
    assert run.labelled == 0


def test_more_frames_than_the_limit_are_cut_with_that_reason(open_folder):
    run = Run(open_folder, program("deep"), 20000, 16, 0.2)
    reasons = {r["id"]: r["samples"] for r in run.capture["truncated_reasons"]}
    assert reasons.get("too-many-frames", 0) >= 0.9 * run.capture["samples"]
    for frames, _ in run.stacks.rows:
        if "bottom" in frames:
            assert "[truncated]" in frames[:2]


def test_no_stack_that_was_read_late_goes_without_its_label(open_folder):
    """Built to defeat it: inner frames hold the same bytes whichever outer path called them."""
    run = Run(open_folder, program("alternate"), 0.7)
    late = 0
    for frames, values, labels in run.pprof.samples:
        if "leaf" in frames and frames.count("inner") == 101:
            late += values[0]
            assert labels.get("completed") == "yes", frames
            assert "truncated" not in labels
        elif "leaf" in frames:
            assert labels.get("truncated"), frames
            assert "completed" not in labels
    assert late >= 0.8 * run.capture["samples"]


def source(folder):
    (folder / "big.cc").write_text(BIG)
    return [needs_program("clang++"), "-std=c++17", "-O2", "-c", "big.cc", "-o", "/dev/null"]


def test_a_compiler_is_whole_for_an_ordinary_user(open_folder):
    run = Run(open_folder, *source(open_folder), nobody=True)
    reasons = {r["id"]: r["samples"] for r in run.capture["truncated_reasons"]}
    # How soon files are read on a crowded machine is another question, and this run is a short one.
    late = reasons.get("rows-late", 0) + reasons.get("no-mapping", 0)
    whole = run.capture["samples"] - run.capture["truncated_samples"]
    assert whole >= 0.95 * (run.capture["samples"] - late), reasons
    assert run.labelled >= 0.05 * run.capture["samples"]  # without them it would not be


def outermost(pprof, depth):
    """Samples by their outermost frames, as addresses: {frames: [all, completed]}; whole stacks only."""
    found = {}
    for locations, count, labels in pprof.stacks():
        if "truncated" in labels or len(locations) < depth:
            continue
        key = tuple((pprof.module_of(at), at.get(3, [0])[0]) for at in locations[-depth:])
        sums = found.setdefault(key, [0, 0])
        sums[0] += count
        sums[1] += count if "completed" in labels else 0
    return found


def test_what_was_completed_is_what_bpf_sees(open_folder):
    """The kernel's own walk of the same program needs no copy: the outer frames must be the same ones."""
    needs_root()
    if "bpf" not in perfprof("check").stdout:
        pytest.skip("needs bpf: this build or machine has none")
    command = source(open_folder)
    perf_run = Run(open_folder, *command).pprof
    bpf_run = Run(open_folder, *command, options=["--backend", "bpf"]).pprof
    perf, bpf = outermost(perf_run, 30), outermost(bpf_run, 30)  # some 370 different ones
    completed = sum(late for _, late in perf.values())
    unknown = sum(late for key, (_, late) in perf.items() if key not in bpf)
    assert completed > 0
    assert unknown <= 0.02 * completed, f"{unknown} of {completed}"
    perf, bpf = outermost(perf_run, 12), outermost(bpf_run, 12)
    total, truth = sum(n for n, _ in perf.values()), sum(n for n, _ in bpf.values())
    for key, (count, _) in bpf.items():
        if count > 0.05 * truth:
            assert_share(perf.get(key, [0])[0], total, count / truth, key)
