# SPDX-License-Identifier: MIT
"""`convert`: what comes out of one format is in the next; what is lost is said; several files add up."""

import collections
import gzip
import json
import subprocess
from xml.etree import ElementTree

import pytest

from harness import ROOT, Pprof, Stacks, needs_perf, needs_program, perfprof, program, protobuf_fields

SMALL = ROOT / "tests/golden/capture/small.pb.gz"
DEMO = ROOT / "tests/golden/demo.pb.gz"


def convert(*arguments, expect=0, **options):
    result = perfprof("convert", *arguments, **options)
    assert result.returncode == expect, result.stderr
    return result


def folded(*arguments):
    return convert("-q", *arguments, "-o", "-").stdout


def test_each_output_has_the_format_of_its_extension(tmp_path):
    names = ["x.pb.gz", "x.pprof", "x.svg", "x.folded", "x.json", "x.md", "x.txt", "x.speedscope.json",
             "x.firefox.json"]
    convert(SMALL, *[word for name in names for word in ("-o", tmp_path / name)])
    assert (tmp_path / "x.pb.gz").read_bytes() == (tmp_path / "x.pprof").read_bytes()
    assert len(Pprof(tmp_path / "x.pb.gz").samples) == 7
    assert Stacks((tmp_path / "x.folded").read_text()).total == 28
    assert json.loads((tmp_path / "x.json").read_text())["schema"] == "perfprof.report/1"
    assert "speedscope" in json.loads((tmp_path / "x.speedscope.json").read_text())["$schema"]
    assert json.loads((tmp_path / "x.firefox.json").read_text())["meta"]["preprocessedProfileVersion"] == 66
    assert (tmp_path / "x.svg").read_text().startswith("<?xml")
    assert (tmp_path / "x.md").read_text().startswith("#")
    assert all((tmp_path / name).stat().st_mode & 0o777 == 0o600 for name in names)


def test_a_capture_stays_the_same_through_captures_and_pictures(tmp_path):
    convert(DEMO, "-o", tmp_path / "x.pb.gz", "-o", tmp_path / "x.svg")
    convert(tmp_path / "x.svg", "-o", tmp_path / "y.pb.gz")
    expected = gzip.decompress((tmp_path / "x.pb.gz").read_bytes())
    assert gzip.decompress((tmp_path / "y.pb.gz").read_bytes()) == expected


def test_losses_are_a_line_a_target_and_quiet_says_none(tmp_path):
    names = ["x.folded", "x.pb.gz", "x.speedscope.json", "x.txt"]
    outputs = [word for name in names for word in ("-o", tmp_path / name)]
    said = {}
    for line in convert(SMALL, *outputs).stderr.splitlines():
        said[line.partition(": ")[2].partition(" ")[0].rpartition("/")[2]] = line
    assert set(said) == {"x.folded", "x.speedscope.json", "x.txt"}
    for lost in ("addresses", "times", "source lines", "process and thread ids", "CPU time", "marks"):
        assert lost in said["x.folded"]
    assert "report" in said["x.txt"] and "times" not in said["x.speedscope.json"]
    assert convert("-q", SMALL, *outputs).stderr == ""
    annotated = convert(SMALL, "-o", tmp_path / "x.folded", "--annotate", "--weight", "ns").stderr
    assert "marks" not in annotated and "CPU time" not in annotated and "counts of samples" in annotated
    # What was not there is not lost.
    assert convert("-", "-o", tmp_path / "x.pb.gz", input="a;b 1\n").stderr == ""
    assert convert("-", "-o", "-", input="a;b 1\n").stderr == ""


def test_several_files_add_up(tmp_path):
    small, demo = Stacks(folded(SMALL)), Stacks(folded(DEMO))
    both = Stacks(folded(SMALL, DEMO, SMALL))
    expected = collections.Counter(dict(demo.rows))
    for frames, count in small.rows:
        expected[frames] += 2 * count
    assert collections.Counter(dict(both.rows)) == expected
    convert(SMALL, DEMO, "-o", tmp_path / "ab.pb.gz")
    report = json.loads(perfprof("report", tmp_path / "ab.pb.gz", "--format", "json").stdout)
    parts = [json.loads(perfprof("report", path, "--format", "json").stdout) for path in (SMALL, DEMO)]
    for field in ("samples", "lost_samples", "cpu_s", "duration_s", "truncated_samples"):
        assert report["capture"][field] == pytest.approx(sum(p["capture"][field] for p in parts)), field
    assert report["capture"]["command"] == "; ".join(p["capture"]["command"] for p in parts)


def test_files_of_different_kinds_add_up(tmp_path):
    (tmp_path / "perf.txt").write_text("a 1 1.5: cycles:\n\t 1221 leaf+0x1 (/x)\n\n")
    convert(SMALL, "-o", tmp_path / "x.svg")
    result = convert("-q", tmp_path / "perf.txt", tmp_path / "x.svg", "-", "-o", "-", input="t;main 3\n")
    assert Stacks(result.stdout).total == 1 + 28 + 3


def test_the_order_of_equal_parts_does_not_matter_for_stacks():
    assert folded(SMALL, DEMO) == folded(DEMO, SMALL)


def test_plain_has_only_what_pprof_defines(tmp_path):
    convert("-q", SMALL, "-o", tmp_path / "x.pb.gz", "--plain")
    fields = list(protobuf_fields(gzip.decompress((tmp_path / "x.pb.gz").read_bytes())))
    assert max(number for number, _ in fields) <= 15
    plain, whole = Pprof(tmp_path / "x.pb.gz"), Pprof(SMALL)
    assert all(labels == {} for _, _, labels in plain.samples)
    assert [s[:2] for s in plain.samples] == [s[:2] for s in whole.samples]
    report = json.loads(perfprof("report", tmp_path / "x.pb.gz", "--format", "json").stdout)
    assert report["capture"]["foreign"] and report["capture"]["samples"] == 28


def test_options_of_collapsed_stacks(tmp_path):
    ns = Stacks(folded(SMALL, "--weight", "ns"))
    assert ns.total == 28000002
    threads = Stacks(folded(SMALL, "--threads"))
    assert {frames[0] for frames, _ in threads.rows} == {"bash-100", "work-100", "worker-101"}
    annotated = folded(SMALL, "--annotate")
    assert "[anon]_[j];[kernel.kallsyms+0xffffffff81000123]_[k] 6" in annotated and "_[i]" in annotated
    assert Stacks(folded(SMALL, "--no-kernel")).having("[kernel.kallsyms+0xffffffff81000123]") == 0
    assert Stacks(folded(SMALL, "--focus", "memcpy")).total == 5


def self_weights(file):
    """Of a speedscope file, by function."""
    found = collections.Counter()
    for profile in file["profiles"]:
        for stack, weight in zip(profile["samples"], profile["weights"]):
            found[file["shared"]["frames"][stack[-1]]["name"]] += weight
    return found


@pytest.mark.parametrize("weight", ["samples", "ns"])
def test_speedscope_files_add_up(tmp_path, weight):
    convert("-q", DEMO, "-o", tmp_path / "x.speedscope.json", "--weight", weight)
    file = json.loads((tmp_path / "x.speedscope.json").read_text())
    expected = collections.Counter()
    for frames, (count, ns), _ in Pprof(DEMO).samples:
        expected[frames[0]] += ns if weight == "ns" else count
    assert self_weights(file) == +expected
    assert all(sum(p["weights"]) == p["endValue"] for p in file["profiles"])


class FirefoxFile:
    """A processed profile, read by the rules of its types."""

    def __init__(self, path):
        self.file = json.loads(path.read_text())
        self.shared = self.file["shared"]
        for table in ("funcTable", "frameTable", "stackTable", "resourceTable", "sources", "nativeSymbols",
                      "sourceLocationTable"):
            for column, cells in self.shared[table].items():
                assert column == "length" or len(cells) == self.shared[table]["length"], (table, column)

    def stack(self, row):
        """(function, line, depth of inlining, category), leaf first."""
        stacks, frames, functions = (self.shared[t] for t in ("stackTable", "frameTable", "funcTable"))
        out = []
        while row is not None:
            frame = stacks["frame"][row]
            name = self.shared["stringArray"][functions["name"][frames["func"][frame]]]
            category = self.file["meta"]["categories"][frames["category"][frame]]["name"]
            out.append((name, frames["line"][frame], frames["inlineDepth"][frame], category))
            up = stacks["prefixOffset"][row]
            assert 0 <= up <= row
            row = row - up if up else None
        return out

    def samples(self):
        """(thread, weight, CPU ns, stack)"""
        for thread in self.file["threads"]:
            s = thread["samples"]
            assert s["length"] == len(s["stack"]) == len(s["time"]) == len(s["weight"])
            assert s["time"] == sorted(s["time"])
            for i in range(s["length"]):
                yield thread, s["weight"][i], s["threadCPUDelta"][i], self.stack(s["stack"][i])


def test_firefox_files_add_up(tmp_path):
    convert("-q", DEMO, "-o", tmp_path / "x.firefox.json")
    found, expected = collections.Counter(), collections.Counter()
    for thread, weight, ns, stack in FirefoxFile(tmp_path / "x.firefox.json").samples():
        key = (thread["tid"], tuple(name for name, *_ in stack))
        found[key, "samples"] += weight
        found[key, "ns"] += ns
    for frames, (count, ns), labels in Pprof(DEMO).samples:
        key = (labels["tid"], tuple(frames))
        expected[key, "samples"] += count
        expected[key, "ns"] += ns
    assert +found == +expected


def test_what_a_firefox_file_says_of_frames(tmp_path):
    convert("-q", SMALL, "-o", tmp_path / "x.firefox.json")
    profile = FirefoxFile(tmp_path / "x.firefox.json")
    stacks = {stack[0][0]: stack for *_, stack in profile.samples() if stack}
    assert stacks["swap<int>(int&, int&)"][:2] == [("swap<int>(int&, int&)", 3, 1, "User"),
                                                   ("sort(int*, int)", 44, 0, "User")]
    assert [frame[3] for frame in stacks["[kernel.kallsyms+0xffffffff81000123]"]] == ["Kernel", "JIT", "User"]
    libraries = {lib["name"]: lib for lib in profile.file["libs"]}
    assert libraries["libc.so.6"]["codeId"] == "abcd01" and libraries["work"]["path"] == "/usr/bin/work"
    assert [c["name"] for c in profile.file["meta"]["categories"] if c["color"] == "grey"] == ["Other"]


def test_times_keep_their_order(tmp_path):
    text = "".join(f"t 1 {10 + i}.000000: 5 cpu-clock:\n\t 12 {'ab'[i % 2]}+0x1 (/x)\n\n" for i in range(6))
    convert("-q", "-", "-o", tmp_path / "x.firefox.json", "-o", tmp_path / "x.speedscope.json", input=text)
    samples = json.loads((tmp_path / "x.firefox.json").read_text())["threads"][0]["samples"]
    assert samples["time"][1:] == [0, 1000, 2000, 3000, 4000, 5000]
    file = json.loads((tmp_path / "x.speedscope.json").read_text())
    order = [file["shared"]["frames"][stack[0]]["name"] for stack in file["profiles"][0]["samples"]]
    assert order == ["a", "b"] * 3 and file["profiles"][0]["weights"] == [5] * 6


def test_run_writes_them_with_times(tmp_path):
    needs_perf()
    outputs = [tmp_path / n for n in ("x.firefox.json", "x.speedscope.json", "x.svg", "x.pb.gz", "x.folded")]
    result = perfprof("run", "--annotate", *[word for o in outputs for word in ("-o", o)], "--", program("shares"))
    assert result.returncode == 0, result.stderr
    total = Stacks(outputs[4].read_text()).total
    assert total > 100
    profile = FirefoxFile(outputs[0])
    assert sum(weight for _, weight, *_ in profile.samples()) == total
    assert not any(e["label"] == "Times" for e in profile.file["meta"]["extra"][0]["entries"])
    assert all(weight <= 1 for _, weight, *_ in profile.samples())
    expected = collections.Counter()
    for frames, (_, ns), _ in Pprof(outputs[3]).samples:
        expected[frames[0]] += ns
    assert self_weights(json.loads(outputs[1].read_text())) == expected
    again = perfprof("report", outputs[2], "--format", "json").stdout
    assert again == perfprof("report", outputs[3], "--format", "json").stdout


def leaves(stacks):
    found = collections.Counter()
    for frames, count in stacks.rows:
        found[frames[-1]] += count
    return found


def test_perf_data_and_its_text_have_the_same_leaves(tmp_path):
    needs_perf()
    perf = needs_program("perf")
    subprocess.run([perf, "record", "-q", "-g", "-F", "499", "-e", "cpu-clock", "-o", tmp_path / "perf.data",
                    program("shares")], check=True, capture_output=True)
    text = subprocess.run([perf, "script", "-i", tmp_path / "perf.data"], check=True, capture_output=True).stdout
    (tmp_path / "perf.txt").write_bytes(text)
    ours, theirs = (leaves(Stacks(folded(tmp_path / name, "--no-inlines"))) for name in ("perf.data", "perf.txt"))
    assert sum(theirs.values()) == sum(ours.values()) > 50
    named = {name for name, count in theirs.items() if count > 1 and not name.startswith("[")}
    assert len(named) >= 3 and all(ours[name] == theirs[name] for name in named)


WRONG = [
    ([], "nothing to convert"),
    ([SMALL], "-o OUT"),
    (["-", "-", "-o", "x.folded"], "2 times"),
    ([SMALL, "-o", "x.unknown"], "x.unknown"),
    ([SMALL, "-o", "-", "--format", "nothing"], "nothing"),
    ([SMALL, "-o", "-", "--weight", "bytes"], "bytes"),
]


@pytest.mark.parametrize("arguments, words", WRONG)
def test_a_wrong_command_line_is_said(tmp_path, arguments, words):
    result = convert(*arguments, expect=2, cwd=tmp_path)
    assert words in result.stderr and len(result.stderr.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_a_wrong_file_is_named_and_nothing_is_written(tmp_path):
    (tmp_path / "bad").write_text("no profile\n")
    result = convert(SMALL, tmp_path / "bad", "-o", tmp_path / "x.pb.gz", expect=4)
    assert str(tmp_path / "bad") in result.stderr
    result = convert(SMALL, tmp_path / "missing", "-o", tmp_path / "x.pb.gz", expect=3)
    assert str(tmp_path / "missing") in result.stderr
    assert not (tmp_path / "x.pb.gz").exists()


@pytest.mark.parametrize("name, status", [("x.json", 0), ("x.md", 0), ("x.txt", 0), ("x.svg", 2), ("x.log", 2)])
def test_the_extension_picks_the_form_of_a_report(tmp_path, name, status):
    result = perfprof("report", SMALL, "-o", tmp_path / name)
    assert result.returncode == status and (tmp_path / name).exists() == (status == 0)
    assert perfprof("report", SMALL, "-o", tmp_path / "x.md", "--format", "json").returncode == 2


def test_hostile_names_stay_text(tmp_path):
    """In JSON and XML, whatever a symbol is called."""
    names = ["</script><script>x", 'a"b\\c', "\u00e9\u2028", "\x01\x1b[31m", "]]>", "\u0085"]
    text = "".join(f"t;{name} 1\n" for name in names)
    outputs = [tmp_path / n for n in ("x.firefox.json", "x.speedscope.json", "x.svg")]
    convert("-q", "-", *[word for o in outputs for word in ("-o", o)], input=text)
    for path in outputs[:2]:
        written = path.read_text()
        assert "</script" not in written and "\x1b" not in written
        strings = written if path.name == "x.speedscope.json" else None
        json.loads(written)
        assert strings is None or {f["name"] for f in json.loads(strings)["shared"]["frames"]} == set(names)
    ElementTree.parse(outputs[2])
