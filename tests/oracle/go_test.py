# SPDX-License-Identifier: MIT
"""Go programs of known stacks, and what Go's own profiler says of the same run."""

import math
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))
import harness  # noqa: E402
import judges  # noqa: E402

pytestmark = pytest.mark.network

# Goroutines whose work is made of outer -> middle -> one of: a loop, the collector's work, the growth of a stack, C.
PROGRAM = """
package main

import (
	"fmt"
	"os"
	"runtime/pprof"
	"time"
)

type node struct{ l, r *node }

//go:noinline
func build(d int) *node {
	if d == 0 {
		return &node{}
	}
	return &node{build(d - 1), build(d - 1)}
}

//go:noinline
func spin(n int) (x uint64) {
	x = 88172645463325252
	for i := 0; i < n; i++ {
		x ^= x << 13
		x ^= x >> 7
	}
	return
}

//go:noinline
func deep(n int) int {
	var a [64]int
	if n == 0 {
		return int(spin(10))
	}
	a[n%64] = deep(n - 1)
	return a[n%64] + n
}

//go:noinline
func middleLoop() { spin(200000) }

//go:noinline
func middleHeap() { build(13) }

//go:noinline
func middleGrow() {
	done := make(chan int)
	go outerDeep(done)
	<-done
}

//go:noinline
func outerDeep(done chan int) { done <- deep(300) }

func outer(until time.Time, ended chan int, work func()) {
	for time.Now().Before(until) {
		work()
	}
	ended <- 1
}

func main() {
	f, _ := os.Create(os.Args[1])
	fmt.Println("ready")
	time.Sleep(time.Second)
	pprof.StartCPUProfile(f)
	ended, until := make(chan int), time.Now().Add(4*time.Second)
	works := []func(){middleLoop, middleHeap, middleGrow, middleC}
	for _, work := range works {
		go outer(until, ended, work)
	}
	for range works {
		<-ended
	}
	pprof.StopCPUProfile()
	f.Close()
}
"""

WITHOUT_C = """
package main

//go:noinline
func middleC() { spin(1000) }
"""

WITH_C = """
package main

/*
#include <stdint.h>
#include <stdlib.h>
extern int goCompare(int);
static int c_compare(const void *a, const void *b) { return goCompare(*(int *)a - *(int *)b); }
static void c_sort(void) {
	int v[200];
	for (int i = 0; i < 200; i++) v[i] = i * 7919 % 499;
	qsort(v, 200, sizeof(int), c_compare);
}
*/
import "C"

//export goCompare
func goCompare(d C.int) C.int { spin(100); return d }

//go:noinline
func middleC() { C.c_sort() }
"""

BUILDS = {
    "plain": ([], WITHOUT_C),
    "stripped": (["-ldflags=-s -w"], WITHOUT_C),
    "pie": (["-buildmode=pie", "-ldflags=-s -w"], WITHOUT_C),
    "cgo": ([], WITH_C),
    "cgo-pie": (["-buildmode=pie", "-ldflags=-s -w"], WITH_C),
}


def toolchains():
    """Every Go on this machine."""
    found = {}
    for go in (shutil.which("go"), *map(str, Path("/usr/lib").glob("go-*/bin/go"))):
        if not go:
            continue
        said = subprocess.run([go, "version"], capture_output=True, text=True, check=False).stdout
        version = re.search(r"go(1\.\d+)", said)
        if version:
            found.setdefault(version.group(1), go)
    return found


@pytest.fixture(params=sorted(toolchains()) or [None])
def go(request):
    if not request.param:
        pytest.skip("go is not installed")
    return toolchains()[request.param]


def build_program(go, folder, flags, c_part):
    (folder / "main.go").write_text(PROGRAM)
    (folder / "c.go").write_text(c_part)
    (folder / "go.mod").write_text("module known\ngo 1.16\n")
    done = subprocess.run([go, "build", *flags, "-o", "known", "."], cwd=folder, capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr
    return folder / "known"


def profile_running(folder, binary):
    """@return (ours, Go's)"""
    with harness.Target(binary, folder / "go.pprof") as target:
        assert target.process.stdout.readline().strip() == "ready"
        time.sleep(0.3)
        done = harness.perfprof("attach", "-p", target.pid, "-o", folder / "x.pb.gz", "-o", folder / "x.folded")
        assert done.returncode == 0, done.stderr
        target.process.wait(timeout=harness.LIMIT_S)
    return harness.Pprof(folder / "x.pb.gz"), harness.Pprof(folder / "go.pprof")


ROOTS = ("runtime.goexit", "runtime.mstart", "runtime.mcall", "runtime.morestack", "runtime.rt0_go")
OURS_ALONE = ("main.middleLoop", "main.middleHeap", "main.middleGrow", "main.middleC", "main.outerDeep")


def assert_known(frames):
    """What must lie below what, in this program. Go makes a function of its own for each `go` with arguments."""
    frames = [f for f in frames if not re.fullmatch(r"main\.\w+\.(gowrap|func|dwrap\W*)\d+", f)]
    middle = [f for f in frames if f in OURS_ALONE]
    assert len(middle) <= 1, frames
    if middle:
        before = frames[:frames.index(middle[0])]
        assert list(before) == ["runtime.goexit"] + ["main.outer"] * (middle[0] != "main.outerDeep"), frames
    if "main.build" in frames:
        assert middle == ["main.middleHeap"], frames
    if "main.goCompare" in frames:
        assert middle == ["main.middleC"] and "qsort_r" in frames and "runtime.cgocall" in frames, frames


def share(stacks, name):
    return stacks.count(lambda f: name in f) / stacks.total


@pytest.mark.parametrize("name", BUILDS)
def test_stacks_are_whole_and_as_go_says(tmp_path, go, name):
    if not harness.backend_works("bpf"):
        pytest.skip("needs bpf: the perf backend has a copy of one stack only")
    flags, c_part = BUILDS[name]
    ours, gos = profile_running(tmp_path, build_program(go, tmp_path, flags, c_part))
    stacks = judges.user_stacks(ours)
    stacks.rows = [((f[0], *[n.removesuffix(".abi0") for n in f[1:]]), n) for f, n in stacks.rows]
    assert stacks.total > 200
    cut = [r for r in stacks.rows if "[truncated]" in r[0]]
    assert sum(n for _, n in cut) <= 0.001 * stacks.total + 2, cut[:5]
    for frames, _ in stacks.rows:
        if len(frames) > 1 and frames[1] != "[truncated]":
            assert frames[1] in ROOTS, frames
            assert_known(frames[1:])
    theirs = judges.Stacks("")
    theirs.rows = [(tuple(reversed(functions)), values[0]) for functions, values, _ in gos.samples]
    theirs.total = sum(n for _, n in theirs.rows)
    for function in (*OURS_ALONE, "main.build", "runtime.mallocgc", "runtime.gcBgMarkWorker", "runtime.gcDrain"):
        a, b = share(stacks, function), share(theirs, function)
        both, n, m = max(a, b), stacks.total, theirs.total
        # Go's clock is another, of 100 Hz, which hits no system call.
        error = 5 * math.sqrt(both * (1 - both) * (1 / n + 1 / m)) + 0.03
        assert abs(a - b) < error, (function, a, b, n, m)
