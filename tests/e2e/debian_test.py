# SPDX-License-Identifier: MIT
"""Programs that nobody prepared, judged by other tools: perf, readelf, gdb."""

import math
import re
import subprocess
import time

import pytest

import workloads
from harness import LIMIT_S, Target, needs_perf, needs_program, profile


@pytest.fixture(autouse=True)
def _rights():
    needs_perf()


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    """A function that profiles a workload without the kernel's frames, once for all tests."""
    runs = {}

    def once(name):
        if name not in runs:
            folder = tmp_path_factory.mktemp(name)
            runs[name] = profile(folder, *workloads.command(name, folder), options=["--no-kernel"])
        return runs[name]
    return once


@pytest.mark.parametrize("name", workloads.ALL)
def test_less_than_one_percent_is_truncated(record, name):
    stacks = record(name).stacks
    assert stacks.total > 200
    # Of all samples, those inside execve too.
    cut = stacks.count(lambda f: "[truncated]" in f)
    # cc1 recurses beyond what the kernel copies of a stack.
    limit = 0.04 if name == "gcc" else 0.01
    assert cut < limit * stacks.total, [r for r in stacks.rows if "[truncated]" in r[0]][:5]
    assert stacks.count(lambda f: "[unknown]" in f) == 0


@pytest.mark.parametrize("name", workloads.ALL)
def test_every_stack_begins_at_an_entry(record, name):
    """A stack that ends too early without saying so is the one failure nobody would see."""
    stacks = record(name).stacks
    entries = re.compile(r"_start|_{0,2}clone3?|_dl_start_user|\[.*\+0x[0-9a-f]+\]|start_thread|_dl_start")
    # Of a sample inside execve --no-kernel leaves nothing but the thread.
    wrong = [r for r in stacks.rows
             if r[0][1:] and r[0][1] != "[truncated]" and not entries.fullmatch(r[0][1])]
    # A fork's child begins where it was forked: its stacks hold their parent's entry as well.
    assert sum(n for _, n in wrong) <= 0.005 * stacks.total, wrong[:5]


# perf as the judge ---------------------------------------------------------------------------

def perf_leaves(tmp_path, argv):
    """@return ({(module, symbol): samples}, total) of user-space samples as perf sees them"""
    needs_program("perf")
    data = tmp_path / "perf.data"
    done = subprocess.run(["perf", "record", "-q", "-e", "cpu-clock:u", "-F", "1999", "-o", data, "--", *argv],
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                          timeout=LIMIT_S, check=False)
    if not data.exists():
        pytest.skip(f"needs program: perf does not run here: {done.stderr.strip()[:200]}")
    text = subprocess.run(["perf", "script", "-i", data, "-F", "ip,sym,dso"], capture_output=True, text=True,
                          timeout=LIMIT_S, check=True).stdout
    counts = {}
    for line in text.splitlines():
        m = re.match(r"\s*[0-9a-f]+ (.*) \((.*)\)\s*$", line)
        if m:
            key = (m.group(2).rsplit("/", 1)[-1], m.group(1).split("+0x")[0])
            counts[key] = counts.get(key, 0) + 1
    return counts, sum(counts.values())


def our_leaves(run):
    """@return ({(module, symbol): samples}, total); symbol is the function that was not inlined"""
    pprof, counts = run.pprof, {}
    for raw in pprof.fields.get(2, []):
        message = pprof.message(raw)
        leaf, samples = leaf_and_count(pprof, message)
        if leaf:
            counts[leaf] = counts.get(leaf, 0) + samples
    return counts, sum(counts.values())


def leaf_and_count(pprof, message):
    ids, values = [], []
    for number, into in ((1, ids), (2, values)):
        for v in message.get(number, []):
            into += [v] if isinstance(v, int) else list(varints(v))
    if not ids:
        return None, 0
    location = pprof.locations[ids[0]]
    mapping = pprof.mappings.get(location.get(2, [0])[0])
    module = pprof.text(mapping, 5).rsplit("/", 1)[-1] if mapping else "[anon]"
    names = pprof.names_of(ids[0])
    return (module, names[-1] if names else "?"), values[0]


def varints(data):
    value = shift = 0
    for byte in data:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            yield value
            value = shift = 0


def assert_agree(ours, theirs, key):
    (a, n), (b, m) = ours, theirs
    p, q = a.get(key, 0) / n, b.get(key, 0) / m
    # perf's period is fixed: work in step with it is off by some points more than by chance.
    error = 4 * math.sqrt(p * (1 - p) / n + q * (1 - q) / m) + 0.04
    assert abs(p - q) <= error, f"{key}: ours {100 * p:.2f} %, perf {100 * q:.2f} % +- {100 * error:.2f}"


@pytest.mark.parametrize("name", ["sqlite3", "xz", "git", "python3", "gzip", "perl", "bash", "mawk", "sort"])
def test_leaf_shares_agree_with_perf(record, tmp_path, name):
    ours = our_leaves(record(name))
    theirs = perf_leaves(tmp_path, workloads.command(name, tmp_path))
    modules = [({}, ours[1]), ({}, theirs[1])]
    for (counts, _), (by_module, _) in zip((ours, theirs), modules):
        for (module, _), n in counts.items():
            by_module[module] = by_module.get(module, 0) + n
    for module, n in modules[1][0].items():
        if n > 0.01 * theirs[1] and module not in ("[unknown]", "[kernel.kallsyms]"):
            assert_agree(*modules, module)
    named = [k for k, n in theirs[0].items() if k[1] != "[unknown]" and n > 0.02 * theirs[1]]
    # perf knows aliases of one address by another name: only names that both use are compared.
    compared = [k for k in named if k in ours[0]]
    for key in compared:
        assert_agree(ours, theirs, key)
    if len(named) >= 3:
        assert len(compared) >= len(named) // 2, (named, sorted(ours[0].items(), key=lambda x: -x[1])[:10])


# readelf as the judge ------------------------------------------------------------------------

def symbols_of(path):
    """@return [(begin, end, name)] of functions in the file and in its separate debug file"""
    files = [path]
    note = subprocess.run(["readelf", "-n", path], capture_output=True, text=True, check=True).stdout
    build_id = re.search(r"Build ID: ([0-9a-f]+)", note)
    if build_id:
        files.append(f"/usr/lib/debug/.build-id/{build_id.group(1)[:2]}/{build_id.group(1)[2:]}.debug")
    rows = []
    for file in files:
        out = subprocess.run(["readelf", "-W", "-s", file], capture_output=True, text=True, check=False).stdout
        for line in out.splitlines():
            m = re.match(r"\s*\d+: ([0-9a-f]+)\s+(\S+) (FUNC|IFUNC|NOTYPE)\s+\S+\s+\S+\s+(?!UND)\S+ (\S+)", line)
            if m:
                begin, size = int(m.group(1), 16), int(m.group(2), 0)
                rows.append((begin, begin + size, m.group(4).split("@")[0]))
    return rows


@pytest.mark.parametrize("name", ["sqlite3", "xz", "python3", "perl", "openssl"])
def test_names_and_addresses_agree_with_readelf(record, name):
    """Each location's address lies in a symbol of that name; one without a name lies in none."""
    pprof = record(name).pprof
    tables, checked, nameless = {}, 0, 0
    for number, location in pprof.locations.items():
        mapping = pprof.mappings.get(location.get(2, [0])[0])
        path = pprof.text(mapping, 5) if mapping else ""
        if not path.startswith("/"):
            continue
        if path not in tables:
            tables[path] = symbols_of(path)
        address = location[3][0]
        covering = {n for begin, end, n in tables[path] if begin <= address < end}
        names = pprof.names_of(number)
        if not covering:
            continue
        ours = names[-1].split("@")[0].split("(")[0] if names else ""
        if ours.startswith("[") or not ours:
            nameless += 1
        elif ours not in covering and not any(ours in c for c in covering):
            # The start of a name by DWARF may be another alias: then the addresses must agree.
            raise AssertionError(f"{path} {address:#x}: ours {ours}, readelf {sorted(covering)}")
        checked += 1
    assert checked >= 3  # liblzma has few symbols
    assert nameless <= 0.01 * checked


# gdb as the judge ----------------------------------------------------------------------------

def gdb_stack(pid):
    """@return the names of the live main thread's frames, outermost first, "??" for none"""
    out = subprocess.run(["gdb", "-q", "-nx", "-batch", "-p", str(pid), "-ex", "set print frame-arguments none",
                          "-ex", "bt"], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
                         timeout=LIMIT_S).stdout
    names = re.findall(r"^#\d+\s+(?:0x[0-9a-f]+ in )?(\S+?)(?:@\S+)? \(", out, re.M)
    return names[::-1]


def matches(gdb, ours):
    """The outermost frames that both have agree; gdb is stopped elsewhere, so the leaves differ."""
    def same(g, f):
        return g == "??" or f.startswith("[") or g.removesuffix("_impl") == f.split("(")[0].removesuffix("_impl")
    return all(same(g, f) for g, f in zip(gdb, ours[1:]))


@pytest.mark.parametrize("name, shared", [("sqlite3", 5), ("xz", 4), ("python3", 6), ("gzip", 4)])
def test_stacks_begin_as_gdb_says(record, tmp_path, name, shared):
    needs_program("gdb")
    run = record(name)
    argv, seen = workloads.command(name, tmp_path), 0
    for _ in range(3):
        with Target(*argv, stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL) as target:
            time.sleep(0.25)
            if target.process.poll() is not None:
                continue
            stack = gdb_stack(target.pid)
        if len(stack) < shared:
            continue
        seen += 1
        prefix = stack[:shared]
        agreeing = run.stacks.count(lambda f, p=prefix: matches(p, f))
        assert agreeing >= 0.02 * run.stacks.total, (stack, sorted(run.stacks.rows, key=lambda r: -r[1])[:3])
    if not seen:
        pytest.skip("needs ptrace: gdb could not look into its target")
