# SPDX-License-Identifier: MIT
"""Stacks that must be exactly right, one program a difficulty."""

import os
import shutil
import subprocess

import pytest

from harness import (BACKENDS, Target, assert_share, attach, each_backend, may_sample_kernel, needs_perf, needs_program, perfprof,
                     profile, program)

SHAPE = ("main", "outer", "middle", "inner")


@pytest.fixture(autouse=True, params=BACKENDS)
def _backend(request, monkeypatch):
    each_backend(request, monkeypatch)


@pytest.fixture(autouse=True)
def _rights():
    needs_perf()


def run_user(tmp_path, *command, **more):
    return profile(tmp_path, *command, options=["--no-kernel"], **more)


def assert_whole_and_only(stacks, name, *shapes, most=0.95, truncated=0):
    """`most` of all samples have one of `shapes` from `name` inwards."""
    assert stacks.truncated() <= truncated, [f for f, _ in stacks.rows if "[truncated]" in f][:3]
    right = stacks.count(lambda f: name in f and f[f.index(name):] in shapes)
    assert right >= most * stacks.total, sorted(stacks.rows, key=lambda r: -r[1])[:6]


@pytest.mark.parametrize("variant", [
    "shape", "shape_O0", "shape_fp", "shape_static", "shape_static_pie", "shape_no_pie", "shape_bare",
    "shape_gz", "shape_dwarf4", "shape_debug_frame", "shape_debuglink", "shape_musl",
    "shape_musl_static", "shape_clang"])
def test_a_binary_of_each_kind(tmp_path, variant):
    run = run_user(tmp_path, program(variant), 0.5)
    # Debian's musl has neither CFI nor frame pointers: a sample inside it cannot be whole.
    inside_musl = "musl" in variant
    assert_whole_and_only(run.stacks, "main", SHAPE, truncated=8 if inside_musl else 0)
    assert run.stacks.comms() <= {variant[:15], "perfprof"}


def test_the_outermost_frame_is_the_entry(tmp_path):
    stacks = run_user(tmp_path, program("shape"), 0.5).stacks
    assert stacks.count(lambda f: f[1:2] == ("_start",)) >= 0.95 * stacks.total


def test_a_stripped_binary_has_its_functions_addresses(tmp_path):
    """`[module+0xOFFSET]` is the ELF address of the function's first byte: nm of the twin agrees."""
    run = run_user(tmp_path, program("shape_stripped"), 0.5)
    out = subprocess.run(["nm", program("shape")], capture_output=True, text=True, check=True).stdout
    address = {line.split()[2]: int(line.split()[0], 16) for line in out.splitlines()
               if len(line.split()) == 3}
    names = tuple(f"[shape_stripped+{address[n]:#x}]" for n in SHAPE)
    assert_whole_and_only(run.stacks, names[0], names)


@pytest.mark.parametrize("depth, size", [(10, 16), (120, 16), (500, 16), (1500, 16), (90, 512),
                                         (13, 4096)])
def test_deep_recursion_within_60_kb_is_whole(tmp_path, depth, size):
    run = run_user(tmp_path, program("deep"), depth, size, 0.5)
    assert run.truth["stack_bytes"] < 60 * 1024
    expected = ("main",) + (f"descend_{size}",) * depth + ("work", "bottom")
    assert_whole_and_only(run.stacks, "main", expected)


def test_twenty_thousand_frames_do_no_harm(tmp_path):
    run = run_user(tmp_path, program("deep"), 20000, 16, 0.5)
    stacks = run.stacks
    deep = stacks.having("bottom")
    assert deep >= 0.9 * stacks.total
    # Not all of it fits the copy of the stack: then the stack says so, and its inner part is right.
    for frames, _ in stacks.rows:
        if "bottom" in frames:
            whole = frames.count("descend_16") == 20000 and "main" in frames
            assert whole or frames[0] == "[truncated]" or frames[1] == "[truncated]"
            assert frames[-3:] == ("descend_16", "work", "bottom")
            assert frames.count("descend_16") > 1000


def test_a_truncated_stack_has_its_reason(tmp_path):
    profile(tmp_path, program("deep"), 20000, 16, 0.3)
    report = perfprof("report", tmp_path / "x.pb.gz")
    assert report.returncode == 0
    assert "truncated" in report.stdout


def test_plugins_at_equal_addresses(tmp_path):
    run = run_user(tmp_path, program("plugins"), program("plug_one.so"), program("plug_two.so"), 10, 50)
    truth, stacks = run.truth, run.stacks
    if truth["addresses"] != 1:
        pytest.skip("the loader put the plug-ins at different addresses")
    both = stacks.having("plug_one") + stacks.having("plug_two")
    assert both >= 0.9 * stacks.total
    for name in ("plug_one", "plug_two"):
        assert_share(stacks.having(name), both, truth[name] / (truth["plug_one"] + truth["plug_two"]), name)
    assert stacks.below("main") >= {("main", "run", "plug_one"), ("main", "run", "plug_two")}
    assert stacks.truncated() == 0


def copy_of(tmp_path, name):
    path = tmp_path / "victim"
    shutil.copy2(program(name), path)
    return path


def test_a_binary_deleted_while_it_runs(tmp_path):
    path = copy_of(tmp_path, "shape")
    with Target(path, 30) as target:
        target.wait_ready()
        path.unlink()
        stacks = attach(tmp_path, target.pid, "--no-kernel").stacks
    assert_whole_and_only(stacks, "main", SHAPE)


def test_a_binary_replaced_while_it_runs(tmp_path):
    """The path holds another program by now: its names must not appear."""
    path = copy_of(tmp_path, "shape")
    with Target(path, 30) as target:
        target.wait_ready()
        other = tmp_path / "other"
        shutil.copy2(program("shares"), other)
        os.rename(other, path)
        stacks = attach(tmp_path, target.pid, "--no-kernel").stacks
    assert_whole_and_only(stacks, "main", SHAPE)
    assert stacks.having("alpha") == 0


def test_a_handler_on_an_alternate_stack(tmp_path):
    run = run_user(tmp_path, program("altstack"), 1)
    truth, stacks = run.truth, run.stacks
    # The interrupted stack is read from the live process; a handler that has returned by then has
    # taken it along. The handler runs for 10 ms.
    assert stacks.truncated() <= 0.05 * stacks.total
    assert_share(stacks.having("handler"), stacks.total, truth["handler_leaf"] / truth["total_ns"])
    below = stacks.count(lambda f: f[-2:] == ("handler", "handler_leaf") and "main" in f and
                         f[f.index("main") + 1] == "interrupted")
    assert below >= 0.9 * stacks.having("handler_leaf"), stacks.below("main")


def test_tail_calls(tmp_path):
    stacks = run_user(tmp_path, program("tailcall"), 0.5).stacks
    assert_whole_and_only(stacks, "main", ("main", "third"), ("main", "at_the_end", "third"))


def test_a_call_at_the_end_of_its_function(tmp_path):
    """The return address lies behind the caller: minus one, it is the caller's."""
    stacks = run_user(tmp_path, program("tailcall"), 0.1).stacks
    assert ("main", "at_the_end", "third") in stacks.below("main")


def test_assembly_with_cfi(tmp_path):
    stacks = run_user(tmp_path, program("assembly"), 1).stacks
    assert_whole_and_only(stacks, "main", ("main", "call_asm", "asm_rebased", "asm_moving"))


def test_calls_through_the_plt(tmp_path):
    stacks = run_user(tmp_path, program("plt"), 1).stacks
    assert stacks.truncated() == 0
    assert stacks.count(lambda f: "main" in f and "many_calls" in f[f.index("main"):]) >= \
        0.97 * stacks.total, sorted(stacks.rows, key=lambda r: -r[1])[:8]


def test_the_vdso(tmp_path):
    stacks = run_user(tmp_path, program("vdso"), 1).stacks
    assert stacks.truncated() == 0
    asked = stacks.count(lambda f: "main" in f and "ask_the_time" in f)
    assert asked >= 0.95 * stacks.total
    named = stacks.count(lambda f: any("vdso" in name for name in f))
    assert named >= 0.3 * stacks.total, sorted(stacks.rows, key=lambda r: -r[1])[:8]


def test_inlined_calls_templates_and_lambdas(tmp_path):
    stacks = run_user(tmp_path, program("inlines"), 0.5).stacks
    run = "shop::Counter<unsigned long, 7>::run(unsigned long)"
    assert stacks.truncated() == 0
    # gcc gives a static inlined function no linkage name; llvm-symbolizer says `hot_inline` too.
    right = stacks.count(lambda f: "hot_inline" in f[-1] and f[-2] == run and "lambda" in f[-3] and
                         f[-4] == "main")
    assert right >= 0.9 * stacks.total, sorted(stacks.rows, key=lambda r: -r[1])[:6]


def test_inlined_calls_can_be_left_out(tmp_path):
    run = profile(tmp_path, program("inlines"), 0.5, options=["--no-kernel", "--no-inlines"])
    assert run.stacks.leaf("shop::Counter<unsigned long, 7>::run(unsigned long)") >= 0.9 * run.stacks.total


def test_each_program_of_an_exec_chain(tmp_path):
    links = [tmp_path / f"link_{i}" for i in range(3)]
    for link in links:
        link.symlink_to(program("execchain"))
    stacks = profile(tmp_path, links[0], 300, links[1], links[2], options=["--no-kernel"],
                     expect=7).stacks
    assert stacks.truncated() == 0
    for link in links:
        share = stacks.count(lambda f, comm=link.name: f[0] == comm and f[-1] == "chain_work")
        assert_share(share, stacks.total, 1 / 3, link.name)


@pytest.mark.parametrize("how, leaf, comm", [("fork", "forked_work", "children"), ("exec", "exec_work", "exe")])
def test_three_hundred_short_children(tmp_path, how, leaf, comm):
    run = run_user(tmp_path, program("children"), how, 300, 5)
    stacks = run.stacks
    assert run.truth["children"] == 300
    worked = stacks.count(lambda f: f[0] == comm and f[-1] == leaf)
    assert worked >= 0.85 * 300 * 5, sorted(stacks.rows, key=lambda r: -r[1])[:8]
    assert stacks.truncated() <= 0.01 * stacks.total
    pids = {labels.get("pid") for _, _, labels in run.pprof.samples}
    assert len(pids) >= 250


def test_kernel_frames_stand_on_user_frames(tmp_path):
    needs_program("dd")
    if not may_sample_kernel():
        pytest.skip("needs kernel: perf_event_paranoid forbids to sample the kernel")
    run = profile(tmp_path, "dd", "if=/dev/zero", "of=/dev/null", "bs=1M", "count=20000")
    kernel = run.stacks.count(lambda f: any("read" in n and "vfs" in n for n in f) and "main" in " ".join(f))
    assert kernel >= 0.3 * run.stacks.total, sorted(run.stacks.rows, key=lambda r: -r[1])[:6]
