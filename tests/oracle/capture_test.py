# SPDX-License-Identifier: MIT
"""Captures as other programs see them: protobuf's own decoder, google/pprof, pprof-format.

The expected content is that of tests/unit/profile/fixture.h, written down here a second time.
"""

import gzip
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
BUILD = Path(os.environ.get("PERFPROF_BUILD", HERE.parent.parent / "build"))
CAPTURE = BUILD / "oracle/capture"

SORT = ["sort(int*, int)", "swap<int>(int&, int&)"]
KERNEL = "[kernel.kallsyms+0xffffffff81000123]"
# stack from the root, samples, nanoseconds, thread, tid, truncated
SAMPLES = [
    (["main"] + SORT, 1, 1000000, "bash", 100, None),
    (["main", "memcpy"], 2, 2000000, "bash", 100, None),
    (["main", "memcpy"], 3, 3000001, "work", 100, None),
    (["main", "[plug;in.so+0x1230]"], 4, 4000000, "worker", 101, None),
    (["main", "[plug;in.so+0x1230]"], 5, 5000000, "worker", 101, None),
    (["main", "[anon]", KERNEL], 6, 6000001, "worker", 101, None),
    (["[truncated]"] + SORT, 7, 7000000, "worker", 101, "read-failed"),
]
MAPPINGS = [
    ("/usr/bin/work", "1122", 0x401000, 0x402000, 0x1000),
    ("/lib/libc.so.6", "abcd01", 0x29000, 0x2A000, 0x28000),
    ("/opt/plug;in.so", "ff", 0x1000, 0x2000, 0x1000),
    ("[kernel.kallsyms]", "", 0xFFFFFFFF81000000, 0xFFFFFFFF81001000, 0xFFFFFFFF81000000),
]


def run(what, stdin=b""):
    return subprocess.run([CAPTURE, what], input=stdin, stdout=subprocess.PIPE, check=True).stdout


def unquote(text):
    """A string of protobuf's text form as bytes."""
    def one(m):
        if m.group(1):
            return chr(int(m.group(1), 8))
        return {"n": "\n", "r": "\r", "t": "\t"}.get(m.group(2), m.group(2))
    return re.sub(r"\\(?:([0-7]{3})|(.))", one, text).encode("latin-1")


def parse_text(lines):
    """Protobuf's text form as nested dicts; every field is a list."""
    message = {}
    for line in lines:
        line = line.strip()
        if line == "}":
            break
        name, _, value = line.partition(": ")
        if line.endswith(" {"):
            name, value = line[:-2], parse_text(lines)
        elif value.startswith('"'):
            value = unquote(value[1:-1])
        elif value in ("true", "false"):
            value = value == "true"
        else:
            value = int(value)
        message.setdefault(name, []).append(value)
    return message


def decode(capture):
    if not shutil.which("protoc"):
        pytest.skip("protoc is not installed")
    text = subprocess.run(["protoc", f"-I{HERE}", "--decode=oracle.Profile", "profile.proto"],
                          input=gzip.decompress(capture), stdout=subprocess.PIPE, check=True)
    return parse_text(iter(text.stdout.decode().splitlines()))


class Decoded:
    """A decoded Profile with its ids resolved."""

    def __init__(self, message):
        self.message = message
        self.strings = [s.decode() for s in message["string_table"]]
        self.mappings = self.by_id("mapping")
        self.locations = self.by_id("location")
        self.functions = self.by_id("function")

    def by_id(self, table):
        rows = {one(row, "id"): row for row in self.message.get(table, [])}
        assert len(rows) == len(self.message.get(table, [])), f"ids of {table} are not unique"
        assert 0 not in rows
        return rows

    def text(self, row, field):
        return self.strings[one(row, field)]

    def stack(self, sample):
        names = []
        for location in sample.get("location_id", []):
            for line in self.locations[location]["line"]:
                names.append(self.text(self.functions[one(line, "function_id")], "name"))
        return names[::-1]

    def labels(self, sample):
        labels = {}
        for label in sample.get("label", []):
            key = self.text(label, "key")
            assert key not in labels, "labels are single-valued"
            labels[key] = self.text(label, "str") if "str" in label else one(label, "num")
        return labels


def one(message, field):
    values = message.get(field, [0])
    assert len(values) == 1, f"{field} stands {len(values)} times"
    return values[0]


@pytest.fixture(scope="module")
def small():
    return run("small")


@pytest.fixture(scope="module")
def decoded(small):
    return Decoded(decode(small))


def test_samples(decoded):
    found = []
    for sample in decoded.message["sample"]:
        labels = decoded.labels(sample)
        assert labels.pop("pid") == 100
        found.append((decoded.stack(sample), *sample["value"], labels.pop("thread"),
                      labels.pop("tid"), labels.pop("truncated", None)))
        assert not labels
    assert sorted(found, key=str) == sorted(SAMPLES, key=str)


def test_types_and_times(decoded):
    m = decoded.message
    types = [(decoded.text(t, "type"), decoded.text(t, "unit")) for t in m["sample_type"]]
    assert types == [("samples", "count"), ("cpu", "nanoseconds")]
    assert decoded.text(m, "default_sample_type") == "cpu"
    period_type = one(m, "period_type")
    assert decoded.text(period_type, "type") == "cpu"
    assert decoded.text(period_type, "unit") == "nanoseconds"
    assert one(m, "period") == 1001001
    assert one(m, "time_nanos") == 1700000000123456789
    assert one(m, "duration_nanos") == 2500000000
    assert [decoded.strings[c] for c in m["comment"]] == ["work --fast"]


def test_mappings(decoded):
    found = [(decoded.text(m, "filename"), decoded.text(m, "build_id"), one(m, "memory_start"),
              one(m, "memory_limit"), one(m, "file_offset")) for m in decoded.message["mapping"]]
    assert found[0] == MAPPINGS[0], "the main binary comes first"
    assert sorted(found) == sorted(MAPPINGS)
    for m in decoded.message["mapping"]:
        for flag in ("has_functions", "has_filenames", "has_line_numbers", "has_inline_frames"):
            assert one(m, flag) is True


def test_locations_lie_in_their_mappings(decoded):
    without = []
    for location in decoded.message["location"]:
        if "mapping_id" not in location:
            function = decoded.functions[one(location["line"][0], "function_id")]
            without.append(decoded.text(function, "name"))
            continue
        m = decoded.mappings[one(location, "mapping_id")]
        assert one(m, "memory_start") <= one(location, "address") < one(m, "memory_limit")
    assert sorted(without) == ["[anon]", "[truncated]"]


def test_functions_and_lines(decoded):
    sort = [f for f in decoded.functions.values() if decoded.text(f, "name") == SORT[0]][0]
    assert decoded.text(sort, "system_name") == "_Z4sortPii"
    assert decoded.text(sort, "filename") == "/src/sort.cc"
    assert one(sort, "start_line") == 40
    inlined = [loc for loc in decoded.locations.values() if one(loc, "address") == 0x401234][0]
    assert [one(line, "line") for line in inlined["line"]] == [3, 44]
    names = [decoded.text(decoded.functions[one(line, "function_id")], "name")
             for line in inlined["line"]]
    assert names == SORT[::-1], "line[0] is the innermost"


def test_our_message(decoded):
    capture = dict(one(decoded.message, "capture"))
    kinds = capture.pop("frame_kinds")
    expected = {
        "version": [1], "command": [b"work --fast"], "backend": [b"perf"], "unwind": [b"auto"],
        "event": [b"cpu"], "host": [b"box"], "kernel": [b"6.1.0"], "cpus": [2], "rate_hz": [999],
        "lost_samples": [5], "throttled": [6], "fixed_period_samples": [7], "profiler_cpu_ns": [8],
        "unsampled_cpu_ns": [77], "unsampled_kernel_ns": [9], "kernel_sampled": [True],
        "profiler_kernel_ns": [10], "profiler_written_bytes": [11], "wanted_rate_hz": [1999],
        "pid": [100], "note": [b"2 children outlived CMD"],
        "reason": [{"id": [b"read-failed"], "sentence": [b"stack memory could not be read"]}],
    }
    capture.pop("times")
    deleted = capture.pop("deleted_mapping")
    assert [decoded.text(decoded.mappings[m], "filename") for m in deleted] == ["/opt/plug;in.so"]
    assert capture == expected
    by_name = {}
    for location, kind in zip(decoded.message["location"], kinds):
        line = location["line"][-1]
        by_name[decoded.text(decoded.functions[one(line, "function_id")], "name")] = kind
    assert by_name == {"[truncated]": 3, "[anon]": 2, "main": 0, SORT[0]: 0, "memcpy": 0,
                       "[plug;in.so+0x1230]": 0, KERNEL: 1}


def test_times_of_samples(decoded):
    times = one(one(decoded.message, "capture"), "times")
    assert times["samples"] == [len(SAMPLES)] and "cell_ns" not in times and "count" not in times
    found, at = [], 0
    for step, sample in zip(times["step"], times["sample"], strict=True):
        at += step
        row = decoded.message["sample"][sample]
        found.append((at, decoded.stack(row), decoded.labels(row)["thread"]))
    # In the fixture, stack n was hit n, 10 + n, ... ms after the start, n + 1 times.
    stacks, expected = [s[0] for s in SAMPLES], []
    for n in range(7):
        for i in range(n + 1):
            thread = "worker" if n > 2 else "work" if i else "bash"
            expected.append(((10 * i + n) * 1000000, stacks[n], thread))
    assert sorted(found) == sorted(expected) and found == sorted(found, key=lambda f: f[0])


def test_our_message_is_the_last_bytes(small):
    plain = gzip.decompress(small)
    tag = bytes([0xFA, 0xFF, 0xFF, 0xFF, 0x0F])  # (536870911 << 3) | 2
    assert plain.count(tag) == 1
    rest = plain[plain.index(tag) + len(tag):]
    size, shift = 0, 0
    while True:
        byte, rest = rest[0], rest[1:]
        size |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    assert size == len(rest) < 32 << 20


def test_an_empty_capture_is_valid():
    empty = Decoded(decode(run("empty")))
    assert "sample" not in empty.message
    assert len(empty.message["sample_type"]) == 2


def test_a_journal_is_one_message():
    """What protobuf makes of its members, one behind the other."""
    journal = Decoded(decode(run("journal")))
    m = journal.message
    found = {}
    for sample in m["sample"]:
        labels = journal.labels(sample)
        names = []
        for location in map(journal.locations.get, sample["location_id"]):
            names += [journal.text(journal.functions[one(line, "function_id")], "name")
                      for line in location.get("line", [])]
            if "line" not in location:  # it has no name, or had none when it was written
                path = journal.text(journal.mappings[one(location, "mapping_id")], "filename")
                names.append({"[kernel.kallsyms]": KERNEL, "/docker/7/lib/libc.so.6": "?"}[path])
        key = (tuple(names[::-1]), labels["thread"], labels["tid"], labels.get("truncated"))
        count, cpu_ns = sample["value"]
        assert cpu_ns == count * 1001001
        found[key] = found.get(key, 0) + count
    unnamed = {key: n for key, n in found.items() if "?" in key[0]}
    assert unnamed == {(("main", "?"), "bash", 100, None): 1, (("main", "?"), "work", 100, None): 2}
    for key, n in unnamed.items():
        named = (("main", "memcpy"), *key[1:])
        found[named] = found.get(named, 0) + n
        del found[key]
    expected = {}
    for stack, count, _, *rest in SAMPLES:
        expected[(tuple(stack), *rest)] = expected.get((tuple(stack), *rest), 0) + count
    assert found == expected
    capture = one(m, "capture")
    assert capture["journal"] == [True]
    assert journal.text(journal.mappings[one(capture, "main_mapping")], "filename") == "/usr/bin/work"
    assert len(capture["frame_kinds"]) == len(m["location"])
    times = one(capture, "times")
    assert one(times, "samples") == len(m["sample"]) > len(SAMPLES)
    assert sum(times["step"]) == 66000000 and len(times["step"]) == len(times["sample"]) == 28
    counts = [sample["value"][0] for sample in m["sample"]]
    assert [times["sample"].count(i) for i in range(len(counts))] == counts
    assert [r["id"] for r in capture["reason"]] == [[b"no-rule"], [b"read-failed"]]
    assert capture["command"] == [b"work --fast"] and capture["pid"] == [100]


def go_pprof(tmp_path, capture, *options):
    if not shutil.which("go"):
        pytest.skip("go is not installed")
    path = tmp_path / "capture.pb.gz"
    path.write_bytes(capture)
    done = subprocess.run(["go", "tool", "pprof", *options, str(path)], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=True, cwd=tmp_path, text=True)
    return done.stdout


@pytest.mark.network
def test_google_pprof_shows_the_same(small, tmp_path):
    top = go_pprof(tmp_path, small, "-top", "-sample_index=samples", "-nodecount=100")
    flat = {m.group(3): (int(m.group(1)), int(m.group(2)))
            for m in re.finditer(r"^ +(\d+) +\S+% +\S+% +(\d+) +\S+%  (.*?)(?: \(inline\))?$", top,
                                 re.M)}
    expected = {}
    for stack, count, *_ in SAMPLES:
        for i, name in enumerate(stack):
            own, cum = expected.get(name, (0, 0))
            expected[name] = (own + (count if i == len(stack) - 1 else 0), cum + count)
    assert flat == expected
    raw = go_pprof(tmp_path, small, "-raw")
    assert "samples/count cpu/nanoseconds[dflt]" in raw
    assert "thread:[worker] truncated:[read-failed]" in raw
    assert "1: 0x401000/0x402000/0x1000 /usr/bin/work 1122 [FN][FL][LN][IN]" in raw


@pytest.mark.network
def test_what_google_pprof_rewrote_is_read(small, tmp_path):
    go_pprof(tmp_path, small, "-proto", f"-output={tmp_path}/rewritten.pb.gz")
    rewritten = (tmp_path / "rewritten.pb.gz").read_bytes()

    def without_inline_marks(capture):
        return run("fold", capture).replace(b"_[i]", b"")

    # A file that lost our message no longer says which frames are kernel frames but by their mapping.
    assert without_inline_marks(rewritten) == without_inline_marks(small)
    assert b"foreign 1\n" in run("facts", rewritten)


GO_PROGRAM = """
package main

import ("os"; "runtime/pprof"; "time"; "context")

//go:noinline
func spin(d time.Duration) int {
	n := 0
	for end := time.Now().Add(d); time.Now().Before(end); {
		for i := 0; i < 1000; i++ { n += i * i }
	}
	return n
}

func main() {
	f, _ := os.Create(os.Args[1])
	pprof.StartCPUProfile(f)
	pprof.Do(context.Background(), pprof.Labels("thread", "labelled"), func(context.Context) {
		spin(400 * time.Millisecond)
	})
	pprof.StopCPUProfile()
	f.Close()
}
"""


@pytest.mark.network
def test_a_profile_of_go_is_read(tmp_path):
    if not shutil.which("go"):
        pytest.skip("go is not installed")
    (tmp_path / "spin.go").write_text(GO_PROGRAM)
    subprocess.run(["go", "run", "spin.go", "cpu.pprof"], cwd=tmp_path, check=True)
    capture = (tmp_path / "cpu.pprof").read_bytes()
    raw = go_pprof(tmp_path, capture, "-raw")
    samples = raw[raw.index("Samples:"):raw.index("Locations")]
    count = sum(int(m.group(1)) for m in re.finditer(r"^ +(\d+) +\d+:", samples, re.M))
    cpu_ns = sum(int(m.group(1)) for m in re.finditer(r"^ +\d+ +(\d+):", samples, re.M))
    facts = run("facts", capture).decode()
    assert f"count {count}\ncpu_ns {cpu_ns}\n" in facts and count > 10
    assert "rate_hz 100\n" in facts and "event cpu\n" in facts
    folded = run("fold", capture).decode().splitlines()
    labelled = [line for line in folded if line.startswith("labelled;runtime.main;main.main;")]
    assert labelled and all("main.spin" in line for line in labelled)


NODE_PROGRAM = """
const { Profile } = require('pprof-format'), fs = require('fs'), zlib = require('zlib');
const p = Profile.decode(zlib.gunzipSync(fs.readFileSync(process.argv[2])));
const text = n => p.stringTable.strings[Number(n)];
console.log(JSON.stringify(p.sample.map(s => [
	s.value.map(Number), s.label.map(l => [text(l.key), Number(l.str) ? text(l.str) : Number(l.num)]),
	s.locationId.map(id => p.location.find(l => l.id == id).line.map(
		line => text(p.function.find(f => f.id == line.functionId).name)))])));
"""


@pytest.mark.network
def test_pprof_format_reads_the_same(small, tmp_path):
    if not shutil.which("npm"):
        pytest.skip("npm is not installed")
    subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts",
                    "pprof-format@2.3.2"], cwd=tmp_path, check=True, stdout=subprocess.DEVNULL)
    (tmp_path / "read.js").write_text(NODE_PROGRAM)
    (tmp_path / "capture.pb.gz").write_bytes(small)
    output = subprocess.run(["node", "read.js", "capture.pb.gz"], cwd=tmp_path, check=True,
                            stdout=subprocess.PIPE).stdout
    found = []
    for (count, cpu_ns), labels, lines in json.loads(output):
        labels = dict(labels)
        stack = [name for location in lines for name in location][::-1]
        found.append((stack, count, cpu_ns, labels["thread"], labels["tid"],
                      labels.get("truncated")))
    assert sorted(found, key=str) == sorted(SAMPLES, key=str)
