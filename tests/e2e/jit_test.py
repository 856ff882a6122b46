# SPDX-License-Identifier: MIT
"""Code that a program makes at run time: a perf map, a jitdump, node's and Java's own."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from harness import BACKENDS, each_backend, needs_perf, needs_program, needs_root, perfprof, profile, program

FIBONACCI_JS = """
function fibonacci(n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }
const end = process.cpuUsage().user + 700000;
let x = 0;
while (process.cpuUsage().user < end) x += fibonacci(22);
"""
FIBONACCI_JAVA = """
public class Hot {
    static int fibonacci(int n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }
    public static void main(String[] arguments) {
        long x = 0;
        for (int i = 0; i < 300; i++) x += fibonacci(27);
        if (x == 0) System.exit(1);
    }
}
"""


@pytest.fixture(autouse=True)
def _rights():
    needs_perf()


@pytest.fixture(params=BACKENDS)
def backend(request, monkeypatch):
    each_backend(request, monkeypatch)


@pytest.fixture(autouse=True)
def _maps_are_removed():
    yield
    for path in Path("/tmp").glob("perf-*.map*"):
        pid = path.name.split("-")[1].split(".")[0]
        if not Path(f"/proc/{pid}").exists():
            path.unlink()


def made_at_run_time(folder, *arguments, **more):
    return profile(folder, program("jit"), *arguments, options=["--no-kernel"], **more)


def assert_parts(stacks, **parts):
    """Leaves share the CPU time as the program gave it to them; each part is some 200 samples."""
    counts = {name: stacks.leaf(name) for name in parts}
    total, whole = sum(counts.values()), sum(parts.values())
    assert total > 0.9 * stacks.total > 0, f"{counts} of {stacks.total}"
    for name, part in parts.items():
        assert abs(counts[name] / total - part / whole) < 0.12, counts


def test_a_line_that_comes_after_the_code_has_run(backend, tmp_path):
    assert_parts(made_at_run_time(tmp_path, "map").stacks, early=1, late=2)


def test_a_perf_map_says_that_code_was_replaced(tmp_path):
    assert_parts(made_at_run_time(tmp_path, "replaced").stacks, early=1, late=2)


def test_a_jitdump_written_at_the_end_is_right_for_each_moment(backend, tmp_path):
    run = made_at_run_time(tmp_path, "dump", tmp_path)
    assert_parts(run.stacks, early=1, late=3)
    report = json.loads(perfprof("report", "--format", "json", tmp_path / "x.pb.gz").stdout)
    files = {h["function"]: (h["file"], h["line"]) for h in report["hotspots"]}
    assert files["late"] == ("/src/made.x", 42) and files["early"] == ("", 0), files


def test_stacks_through_such_code_are_whole(tmp_path):
    stacks = made_at_run_time(tmp_path, "map").stacks
    assert stacks.count(lambda f: f[-1] == "late" and "main" in f and "[truncated]" not in f) > 0.9 * stacks.leaf("late")


@pytest.mark.parametrize("way, words", [("link", "symbolic link"), ("fifo", "no regular file"),
                                        ("foreign", "belongs to user 12345"), ("huge", "")])
def test_a_map_that_is_not_to_be_trusted(tmp_path, way, words):
    if way == "foreign":
        needs_root()
    run = made_at_run_time(tmp_path, way)
    if words:
        assert run.stacks.leaf("strange") == 0 < run.stacks.leaf("[anon]")
        report = perfprof("report", tmp_path / "x.pb.gz").stdout
        assert words in report and f"perf-{run.stdout.strip()}.map" in report, report
    else:
        assert run.stacks.leaf("strange") > 0.9 * run.stacks.total > 0


def test_a_process_in_mounts_and_pids_of_its_own(tmp_path):
    needs_root()
    needs_program("unshare")
    script = 'mount -t tmpfs none /tmp && cd / && exec "$0" map'
    copy = shutil.copy(program("jit"), "/var/tmp/perfprof-test-jit")
    try:
        stacks = profile(tmp_path, "unshare", "--mount", "--pid", "--fork", "sh", "-ec", script, copy,
                         options=["--no-kernel"]).stacks
    finally:
        os.unlink(copy)
    assert stacks.leaf("late") > 0 < stacks.leaf("early")
    assert stacks.leaf("[anon]") < 0.05 * stacks.total


@pytest.mark.parametrize("option", ["--perf-basic-prof", "--perf-prof"])
def test_node(tmp_path, option):
    script = tmp_path / "fibonacci.js"
    script.write_text(FIBONACCI_JS)
    stacks = profile(tmp_path, needs_program("node"), option, script, options=["--no-kernel"], cwd=tmp_path).stacks
    calls = stacks.count(lambda f: sum("fibonacci" in name for name in f) > 5)
    assert calls > 0.6 * stacks.total, f"{calls} of {stacks.total}"


def test_java(tmp_path):
    java, javac = needs_program("java"), needs_program("javac")
    (tmp_path / "Hot.java").write_text(FIBONACCI_JAVA)
    subprocess.run([javac, "Hot.java"], cwd=tmp_path, check=True, capture_output=True)
    stacks = profile(tmp_path, java, "-XX:+UnlockDiagnosticVMOptions", "-XX:+DumpPerfMapAtExit", "-XX:+UseSerialGC",
                     "-cp", tmp_path, "Hot", options=["--no-kernel"]).stacks
    hot = stacks.count(lambda f: "fibonacci" in f[-1])
    assert hot > 0.3 * stacks.total, f"{hot} of {stacks.total}"
