# SPDX-License-Identifier: MIT
"""--unwind: frame pointers only, libunwind, and what both are held against."""

import json

import pytest

import workloads
from harness import assert_share, needs_perf, needs_program, perfprof, profile, program

SHAPE = ("main", "outer", "middle", "inner")


@pytest.fixture(autouse=True)
def _rights():
    needs_perf()


def walk(tmp_path, unwind, *command, backend=(), **more):
    folder = tmp_path / unwind
    folder.mkdir()
    options = ["--no-kernel", "--unwind", unwind, *backend, "-o", folder / "x.json"]
    run = profile(folder, *command, options=options, **more)
    run.capture = json.loads((folder / "x.json").read_text())["capture"]
    assert run.capture["unwind"] == unwind
    return run


def shaped(stacks):
    """The share of samples whose stack is SHAPE from main inwards, or ends in it."""
    return stacks.count(lambda f: f[-4:] == SHAPE) / stacks.total


@pytest.mark.parametrize("unwind", ["auto", "fp", "dwarf", "libunwind"])
def test_frame_pointers_make_whole_stacks_by_all(tmp_path, unwind):
    stacks = walk(tmp_path, unwind, program("shape_frames"), 0.4).stacks
    assert shaped(stacks) >= 0.95, stacks.rows
    assert stacks.count(lambda f: "[truncated]" in f and "main" in f) == 0
    # The dynamic linker has no frame pointers.
    assert stacks.truncated() <= (0.03 if unwind == "fp" else 0.005) * stacks.total


def test_without_frame_pointers_fp_loses_the_callers_and_says_so(tmp_path):
    run = walk(tmp_path, "fp", program("shape"), 0.4)
    stacks = run.stacks
    assert stacks.leaf("inner") >= 0.95 * stacks.total
    assert stacks.having("main") <= 0.03 * stacks.total, stacks.rows
    assert stacks.truncated() >= 0.95 * stacks.total
    assert run.capture["truncated_samples"] >= stacks.truncated()
    assert {r["id"] for r in run.capture["truncated_reasons"]} <= {"no-rule", "no-mapping", "read-failed"}


def test_without_frame_pointers_libunwind_has_them(tmp_path):
    stacks = walk(tmp_path, "libunwind", program("shape"), 0.4).stacks
    assert shaped(stacks) >= 0.95
    assert stacks.truncated() == 0
    assert stacks.count(lambda f: f[1:2] == ("_start",)) >= 0.95 * stacks.total


@pytest.mark.parametrize("unwind", ["fp", "libunwind"])
def test_the_innermost_frame_does_not_depend_on_it(tmp_path, unwind):
    run = walk(tmp_path, unwind, program("shares"), 0.6)
    truth = {name: ns for name, ns in run.truth.items() if name != "total_ns"}
    total = sum(run.stacks.leaf(name) for name in truth)
    assert len(truth) >= 2 and total >= 0.9 * run.stacks.total
    for name, ns in truth.items():
        assert_share(run.stacks.leaf(name), total, ns / sum(truth.values()), name)


def test_libunwind_follows_a_signal_to_another_stack(tmp_path):
    stacks = walk(tmp_path, "libunwind", program("altstack"), 0.5).stacks
    below = stacks.count(lambda f: f[-2:] == ("handler", "handler_leaf") and "main" in f and
                         f[f.index("main") + 1] == "interrupted")
    assert stacks.leaf("handler_leaf") > 0
    assert below >= 0.9 * stacks.leaf("handler_leaf"), stacks.below("main")


def often(stacks, other):
    """Stacks that chance alone does not keep out of the other run: of equal runs, one has a stack 25 times and the
    other one never once in 2 ** 26. They hold 55 to 63 % of the samples of a run here."""
    scale = min(1, other.total / stacks.total)
    return {f for f, n in stacks.rows if n * scale >= 25}


@pytest.mark.parametrize("name, script", [("sqlite3", workloads.SQL), ("python3", workloads.PYTHON)])
def test_libunwind_agrees_on_real_programs(tmp_path, name, script):
    path = tmp_path / "script"
    path.write_text(script)
    command = [needs_program(name), path]
    if name == "sqlite3":
        command = [command[0], "-init", path, ":memory:", ".quit"]
    ours = walk(tmp_path, "auto", *command, backend=["--backend", "perf"]).stacks
    theirs = walk(tmp_path, "libunwind", *command).stacks
    assert theirs.truncated() <= 0.005 * theirs.total
    assert often(ours, theirs) and often(theirs, ours)
    assert often(ours, theirs) <= {f for f, _ in theirs.rows}
    assert often(theirs, ours) <= {f for f, _ in ours.rows}


@pytest.mark.parametrize("unwind", ["fp", "libunwind"])
def test_the_kernel_walks_by_rows_only(tmp_path, unwind):
    if "bpf" not in perfprof("run", "--help").stdout:
        pytest.skip("built without bpf")
    result = perfprof("run", "--backend", "bpf", "--unwind", unwind, "-o", tmp_path / "x.folded", "--",
                      "true")
    assert result.returncode == 2
    assert f"for '--unwind {unwind}' say '--backend perf'" in result.stderr
    assert not (tmp_path / "x.folded").exists()
