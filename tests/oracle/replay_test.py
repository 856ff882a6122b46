# SPDX-License-Identifier: MIT
# check: serial
"""perf.data through our session against `perf script` on the same file: the samples are the same, so
that counts must be, not only shares."""

import json
import os
import re
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
BUILD = Path(os.environ.get("PERFPROF_BUILD", HERE.parent.parent / "build"))
PERFPROF = os.environ.get("PERFPROF", str(BUILD / "perfprof"))
PERF = "/usr/bin/perf"


def program(name):
    path = BUILD / "programs" / name
    if not path.exists():
        pytest.skip(f"needs program: {name} is not built")
    return str(path)


def record(folder, options, command, pipe=False):
    """@return the file that `perf record` wrote, itself or through a pipe"""
    if not os.access(PERF, os.X_OK):
        pytest.skip(f"needs linux-perf: {PERF}")
    # Ubuntu's is a script that looks for one of this very kernel.
    if subprocess.run([PERF, "--version"], capture_output=True, check=False).returncode:
        pytest.skip("needs linux-perf: it does not run here")
    data = folder / "perf.data"
    out = data.open("wb") if pipe else subprocess.DEVNULL
    done = subprocess.run([PERF, "record", "-q", "-o", "-" if pipe else str(data), *options, "--", *command],
                          stdout=out, stderr=subprocess.PIPE, cwd=folder, timeout=60, check=False)
    if done.returncode < 0:
        # While somebody's event asks for build-ids, the kernel flags the mappings of other events too, and
        # perf 6.1 falls over them (src/sampler/perf_decode.c).
        pytest.skip(f"needs quiet: perf record died by signal {-done.returncode}")
    if done.returncode and b"ermission" in done.stderr:
        pytest.skip(f"needs perf: {done.stderr.decode(errors='replace').strip()[:200]}")
    return data


def bare(name):
    """Without the arguments of C++ functions, which perf leaves out in its own way."""
    return name.split("(")[0] or name


class Script:
    """What perf makes of a file: samples, and for each function how many it is the leaf of, and on."""

    def __init__(self, data, event=None):
        text = subprocess.run([PERF, "script", "--no-inline", "-F", "comm,pid,tid,event,ip,sym", "-i",
                               str(data)], capture_output=True, text=True, errors="replace", timeout=120,
                              check=True).stdout
        self.samples, self.leaf, self.on, self.comms = 0, Counter(), Counter(), Counter()
        for lines in self.blocks(text):
            head = re.match(r"\s*(.+?)\s+(-?\d+)/(-?\d+)\s+(\S+?):?\s*([0-9a-f]+ .*)?$", lines[0])
            assert head, lines[0]
            if head.group(3) == "0" or event and not head.group(4).startswith(event):
                continue
            frames = [head.group(5)] if head.group(5) else lines[1:]
            names = [bare(f.split(None, 1)[1].split("+0x")[0]) for f in frames if len(f.split(None, 1)) > 1]
            self.samples += 1
            self.comms[head.group(1)] += 1
            if names:
                self.leaf[names[0]] += 1
            for name in set(names):
                self.on[name] += 1


    @staticmethod
    def blocks(text):
        """A line for each sample, its frames behind it, indented by a tab."""
        block = []
        for line in filter(None, text.splitlines()):
            if block and line[0] != "\t":
                yield block
                block = []
            block.append(line)
        if block:
            yield block


def report(*arguments, **options):
    done = subprocess.run([PERFPROF, "report", *map(str, arguments), "--format", "json", "--no-inlines"],
                          capture_output=True, timeout=120, check=False, **options)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def agree(data, ours, event=None, at_least=0.97, on=(), leaves=()):
    """Counts of named functions are equal; of all samples so many have a leaf of the same name."""
    perf = Script(data, event)
    capture = ours["capture"]
    assert perf.samples == capture["samples"] > 50
    leaf, total = Counter(), Counter()
    for spot in ours["hotspots"]:
        leaf[bare(spot["function"])] += spot["self_samples"]
        total[bare(spot["function"])] += spot["total_samples"]
    for name in leaves:
        assert leaf[name] == perf.leaf[name] > 0, name
    for name in on:
        # perf loses the callers now and then, where a function begins or ends.
        assert 0 < perf.on[name] <= total[name] <= 1.02 * perf.on[name] + 2, name
    same = sum(min(leaf[name], n) for name, n in perf.leaf.items())
    assert same >= at_least * perf.samples, (leaf - perf.leaf, perf.leaf - leaf)
    return capture


SHARES = ("alpha", "beta", "gamma_", "delta")


@pytest.mark.parametrize("options", [["--call-graph", "dwarf,65528"], ["--call-graph", "dwarf"],
                                     ["-z", "--call-graph", "dwarf,65528"]], ids=" ".join)
def test_stack_copies(tmp_path, options):
    data = record(tmp_path, ["-F", "499", *options], [program("shares"), "0.5"])
    ours = agree(data, report(data), leaves=SHARES, on=("one_cycle", "worker_run"))
    assert ours["unwind"] == "auto" and ours["event"].startswith("cpu-clock") and ours["rate_hz"] == 499
    # perf loses a stack now and then; ours are whole.
    assert ours["truncated_samples"] <= 0.01 * ours["samples"]
    assert 0.8 < ours["cpu_s"] / 0.5 < 1.3


def test_frame_pointers(tmp_path):
    """Chains of the kernel are taken over; they end in libc, which keeps none: they say so."""
    data = record(tmp_path, ["-F", "499", "-g"], [program("shape_fp"), "0.4"])
    ours = agree(data, report(data), leaves=("inner",), on=("middle", "outer", "main"))
    assert ours["unwind"] == "fp"
    reasons = {r["id"]: r["samples"] for r in ours["truncated_reasons"]}
    assert reasons.get("chain-ends", 0) >= 0.9 * ours["samples"]


def test_no_call_graph(tmp_path):
    data = record(tmp_path, ["-c", "2000000", "-e", "cpu-clock:u"], [program("shares"), "0.4"])
    ours = agree(data, report(data), leaves=SHARES)
    assert ours["unwind"] == "none" and not ours["kernel_sampled"] and ours["rate_hz"] == 500
    assert [r["id"] for r in ours["truncated_reasons"]] == ["not-recorded"]
    assert ours["cpu_s"] == pytest.approx(0.002 * ours["samples"], rel=1e-6)


@pytest.mark.parametrize("options", [["--call-graph", "dwarf,65528"], ["-z", "-g"]], ids=" ".join)
def test_pipe(tmp_path, options):
    """perf record -o - | perfprof report -"""
    data = record(tmp_path, ["-F", "499", *options], [program("shares"), "0.4"], pipe=True)
    with data.open("rb") as stdin, subprocess.Popen(["cat"], stdin=stdin, stdout=subprocess.PIPE) as cat:
        piped = report("-", stdin=cat.stdout)
    ours = agree(data, piped, leaves=SHARES, on=("one_cycle",) if "-z" not in options else ())
    assert report(data) == piped
    assert ours["host"] and ours["kernel"] and "shares" in ours["command"]


def test_a_file_through_a_pipe(tmp_path):
    data = record(tmp_path, ["-F", "499", "-g"], [program("shares"), "0.2"])
    with data.open("rb") as stdin, subprocess.Popen(["cat"], stdin=stdin, stdout=subprocess.PIPE) as cat:
        assert report("-", stdin=cat.stdout) == report(data)


def test_threads_and_several_events(tmp_path):
    """The clock is the profile; the others are left out, which is said."""
    data = record(tmp_path, ["-F", "999", "-e", "page-faults,cpu-clock,context-switches", "--call-graph",
                             "dwarf"], [program("shares"), "0.3", "1000", "3"])
    document = report(data)
    ours = agree(data, document, event="cpu-clock", leaves=SHARES, on=("worker_run",))
    assert ours["event"] == "cpu-clock"
    assert any("'page-faults' are left out" in n for n in ours["notes"]), ours["notes"]
    assert 0.7 < ours["cpu_s"] / 0.9 < 1.4


def test_children_that_exec(tmp_path):
    script = f"{program('shares')} 0.2 & {program('shape')} 0.2; wait"
    data = record(tmp_path, ["-F", "999", "--call-graph", "dwarf"], ["/bin/sh", "-c", script])
    ours = report(data)
    agree(data, ours, leaves=("alpha", "beta", "inner"), on=("one_cycle", "outer"))
    modules = {os.path.basename(m["module"]) for m in ours["modules"]}
    assert {"shares", "shape"} <= modules


def test_whole_system(tmp_path):
    data = record(tmp_path, ["-a", "-F", "499", "-g"], [program("shares"), "0.4"])
    ours = agree(data, report(data), leaves=("alpha", "beta"), at_least=0.6)
    comms = subprocess.run(["perf", "script", "-i", data, "-F", "comm"], capture_output=True, text=True,
                           check=True).stdout.split()
    assert any("idle task" in n for n in ours["notes"]) == ("swapper" in comms)


def test_the_time_of_day(tmp_path):
    """Without -k a file does not tell by which clock its records are."""
    before = time.time_ns()
    data = record(tmp_path, ["-F", "999", "-k", "CLOCK_MONOTONIC"], [program("shares"), "0.1"])
    capture = report(data)["capture"]
    assert before < int(capture["start_unix_ns"]) < time.time_ns()
    assert 0.1 < capture["duration_s"] < (time.time_ns() - before) / 1e9


def test_a_killed_recording(tmp_path):
    """Without the size that perf writes at its end, all that is there is read."""
    data = record(tmp_path, ["-F", "999", "--call-graph", "dwarf"], [program("shares"), "0.3"])
    whole = report(data)["capture"]["samples"]
    bytes_ = bytearray(data.read_bytes())
    size = int.from_bytes(bytes_[48:56], "little")
    bytes_[48:56] = bytes(8)
    data.write_bytes(bytes_[:104 + size * 3 // 4] + b"no record at all")
    ours = report(data)["capture"]
    assert 0.5 * whole < ours["samples"] < whole
    assert any("was killed" in n for n in ours["notes"])


def test_another_kernel_has_no_names(tmp_path):
    """One bit of the kernel's build-id is enough."""
    data = record(tmp_path, ["-e", "cpu-clock:k", "-c", "200000", "-g"],
                  ["dd", "if=/dev/zero", "of=/dev/null", "bs=1", "count=300000", "status=none"])
    listed = subprocess.run([PERF, "buildid-list", "-i", str(data)], capture_output=True, text=True, check=True)
    kernel = re.search(r"^([0-9a-f]{40}) \[kernel\.kallsyms\]$", listed.stdout, re.M)
    symbols = re.search(r"^(?!0+ )[0-9a-f]+ T _text$", Path("/proc/kallsyms").read_text(), re.M)
    if not kernel or not symbols:
        pytest.skip("needs kptr: the kernel hides its addresses, or has no build-id")
    ours = report(data)
    assert not any(h["unnamed"] for h in ours["hotspots"][:5]) and not ours["capture"]["notes"]
    bytes_ = bytearray(data.read_bytes())
    bytes_[bytes_.index(bytes.fromhex(kernel.group(1)))] ^= 1
    data.write_bytes(bytes_)
    ours = report(data)
    in_kernel = [h for h in ours["hotspots"] if h["kind"] == "kernel"]
    assert in_kernel and all(h["function"].startswith("[kernel.kallsyms+0xffffffff") for h in in_kernel)
    assert any("does not run here" in n for n in ours["capture"]["notes"])


def complaint(data):
    done = subprocess.run([PERFPROF, "report", str(data)], capture_output=True, text=True, timeout=20,
                          check=False)
    assert done.returncode == 4 and not done.stdout, done.stderr
    return done.stderr


def test_damage_is_named(tmp_path):
    good = record(tmp_path, ["-F", "199", "-g"], [program("shares"), "0.2"]).read_bytes()
    start = int.from_bytes(good[40:48], "little")
    bad = tmp_path / "bad.data"
    bad.write_bytes(good[:5000])
    assert "byte" in complaint(bad)
    bad.write_bytes(good[:start + 6] + bytes(2) + good[start + 8:])  # the first record's size is 0
    assert f"byte {start} " in complaint(bad)
    bad.write_bytes(good[:8] + bytes([7]) + good[9:])
    assert "byte 8" in complaint(bad)
    bad.write_bytes(b"2ELIFREP" + good[8:])
    assert "big-endian" in complaint(bad)
    bad.write_bytes(good[:60])
    assert "byte 104" in complaint(bad)
