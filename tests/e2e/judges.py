# SPDX-License-Identifier: MIT
"""Other tools that say where a program was: perf, readelf, gdb. Their answers and ours in one form."""

import bisect
import math
import re
import subprocess

from harness import LIMIT_S, Stacks, may_sample_kernel

ANON, KERNEL = "[anon]", "[kernel.kallsyms]"
PAGE_BITS = 12


class Leaves:
    """Where samples were taken, counted by (module, function) and by (module, page of code)."""

    def __init__(self):
        self.functions, self.pages, self.modules = {}, {}, {}

    @property
    def total(self):
        return sum(self.modules.values())

    def add(self, module, function, vaddr, samples=1):
        for counts, key in ((self.modules, module), (self.functions, (module, function)),
                            (self.pages, (module, vaddr >> PAGE_BITS if vaddr is not None else None))):
            counts[key] = counts.get(key, 0) + samples


# perf ----------------------------------------------------------------------------------------

PERF_RECORD = ["perf", "record", "-q", "-e",
               "cpu-clock" if may_sample_kernel() else "cpu-clock:u", "-F", "1999", "-m", "64"]


class Segments:
    """The executable segments of files, by readelf."""

    def __init__(self):
        self.files = {}

    def vaddr(self, path, file_off):
        if path not in self.files:
            out = subprocess.run(["readelf", "-lW", path], capture_output=True, text=True, check=False).stdout
            rows = re.findall(r"^\s+LOAD\s+0x(\w+) 0x(\w+) 0x\w+ 0x(\w+) 0x\w+ [R ][W ]E", out, re.M)
            self.files[path] = [tuple(int(x, 16) for x in row) for row in rows]
        for off, vaddr, size_bytes in self.files[path]:
            if off <= file_off < off + size_bytes:
                return vaddr + file_off - off
        return None


def module_of(dso):
    """@return one word for what perf and perfprof call a module"""
    if dso.startswith("[kernel") or dso.endswith(".ko]"):
        return KERNEL
    if not dso.startswith(("/", "[")) or dso.startswith(("//anon", "/tmp/perf-")) or dso in ("[unknown]", "[heap]"):
        return ANON
    return dso.removesuffix(" (deleted)").rsplit("/", 1)[-1]


def perf_leaves(data, wanted):
    """@param wanted called with (comm, pid): are these samples of the workload?"""
    text = subprocess.run(["perf", "script", "-i", data, "--show-mmap-events", "-F", "comm,pid,tid,ip,sym,dso"],
                          capture_output=True, text=True, errors="replace", timeout=LIMIT_S, check=True).stdout
    maps, leaves, segments = [], Leaves(), Segments()
    for line in text.splitlines():
        m = re.search(r"PERF_RECORD_MMAP2? (-?\d+)/\d+: \[0x(\w+)\(0x(\w+)\) @ (?:0x)?(\w+) .*\]: \S*x\S* (.*)$", line)
        if m:
            start = int(m.group(2), 16)
            maps.append((int(m.group(1)), start, start + int(m.group(3), 16), int(m.group(4), 16), m.group(5)))
            continue
        m = re.match(r"\s*(.*?)\s+(\d+)/\d+\s+([0-9a-f]+) (.*) \((.*)\)\s*$", line)
        if not m or not wanted(m.group(1), int(m.group(2))):
            continue
        ip, module = int(m.group(3), 16), module_of(m.group(5))
        leaves.add(module, m.group(4).split("+0x")[0], vaddr_of(maps, segments, int(m.group(2)), ip))
    return leaves


def vaddr_of(maps, segments, pid, ip):
    """The latest mapping counts; a child that only forked has its parent's, at the same addresses."""
    holding = [m for m in reversed(maps) if m[1] <= ip < m[2]]
    own = [m for m in holding if m[0] == pid] or holding
    if not own or not own[0][4].startswith("/") or own[0][4].startswith("//"):
        return None  # the kernel, anonymous memory
    return segments.vaddr(own[0][4], ip - own[0][1] + own[0][3])


def our_leaves(pprof):
    """Functions are those that were not inlined."""
    leaves = Leaves()
    for locations, samples, _ in pprof.stacks():
        if not locations:
            continue
        leaf, path = locations[0], pprof.module_of(locations[0])
        names = pprof.names_of(leaf[1][0])
        leaves.add(module_of(path) if path else ANON, names[-1] if names else "?",
                   leaf.get(3, [None])[0] if path.startswith("/") else None, samples)
    return leaves


def user_stacks(pprof):
    """@return Stacks (frames from the thread's name inwards) without the kernel's frames"""
    stacks = Stacks("")
    for locations, samples, labels in pprof.stacks():
        user = [i for i in locations if module_of(pprof.module_of(i)) != KERNEL]
        names = [name for i in user for name in pprof.names_of(i[1][0])]
        stacks.rows.append(((labels["thread"], *reversed(names)), samples))
    stacks.total = sum(n for _, n in stacks.rows)
    return stacks


def assert_agree(ours, theirs, key, of):
    """Both watched the same run: only chance, and what one's ticks hide from the other, sets them apart."""
    a, b, n, m = of(ours).get(key, 0), of(theirs).get(key, 0), ours.total, theirs.total
    p, q = a / n, b / m
    both = (a + b) / (n + m)
    error = 4 * math.sqrt(both * (1 - both) * (1 / n + 1 / m)) + 0.01
    assert abs(p - q) <= error, f"{key}: ours {100 * p:.2f} %, perf {100 * q:.2f} % +- {100 * error:.2f}"


def assert_leaves_agree(ours, theirs):
    """Shares of modules, of pages of code, and of those functions for which both have a name."""
    assert ours.total > 200 and theirs.total > 200
    for of in (lambda x: x.modules, lambda x: x.pages):
        for key in {k for x in (ours, theirs) for k, n in of(x).items() if n > 0.01 * x.total}:
            assert_agree(ours, theirs, key, of)
    named = [k for k, n in theirs.functions.items() if k[1] != "[unknown]" and n > 0.02 * theirs.total]
    # perf knows aliases of one address by another name: only names that both use are compared.
    compared = [k for k in named if k in ours.functions]
    # A thread's event is off while the CPU switches to it; a CPU's clock, by which bpf samples, sees that.
    compared = [k for k in compared if not k[1].startswith("finish_task_switch")]
    for key in compared:
        assert_agree(ours, theirs, key, lambda x: x.functions)
    if len(named) >= 4:
        assert len(compared) >= len(named) // 2, (named, sorted(ours.functions.items(), key=lambda x: -x[1])[:10])


# readelf -------------------------------------------------------------------------------------

class Symbols:
    """The functions in a file and in its separate debug file."""

    def __init__(self, path):
        files, rows = [path], set()
        note = subprocess.run(["readelf", "-n", path], capture_output=True, text=True, check=True).stdout
        build_id = re.search(r"Build ID: ([0-9a-f]+)", note)
        if build_id:
            files.append(f"/usr/lib/debug/.build-id/{build_id.group(1)[:2]}/{build_id.group(1)[2:]}.debug")
        for file in files:
            out = subprocess.run(["readelf", "-W", "-s", file], capture_output=True, text=True, check=False).stdout
            for m in re.finditer(r"^\s*\d+: (\w+)\s+(\S+) (?:FUNC|IFUNC|NOTYPE)\s+\S+\s+\S+\s+(?!UND)\S+ (\S+)",
                                 out, re.M):
                begin, size = int(m.group(1), 16), int(m.group(2), 0)
                rows.add((begin, begin + size, m.group(3).split("@")[0]))
        self.rows = sorted(rows)
        self.begins = [r[0] for r in self.rows]
        # Where the longest symbol that begins at or before a row ends: how far back one has to look.
        self.reach = []
        for row in self.rows:
            self.reach.append(max(row[1], self.reach[-1] if self.reach else 0))

    def covering(self, vaddr):
        names, i = set(), bisect.bisect_right(self.begins, vaddr) - 1
        while i >= 0 and self.reach[i] > vaddr:
            if self.rows[i][1] > vaddr:
                names.add(self.rows[i][2])
            i -= 1
        return names


def entry_of(path):
    """@return the address of the ELF file's entry point"""
    out = subprocess.run(["readelf", "-h", path], capture_output=True, text=True, check=True).stdout
    return int(re.search(r"Entry point address:\s+(0x\w+)", out).group(1), 16)


# gdb -----------------------------------------------------------------------------------------

def gdb_stack(pid):
    """@return the names of the live main thread's frames, outermost first, "??" for none"""
    out = subprocess.run(["gdb", "-q", "-nx", "-batch", "-p", str(pid), "-ex", "set print frame-arguments none",
                          "-ex", "set backtrace past-main on",
                          "-ex", "bt"], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
                         timeout=LIMIT_S).stdout
    names = re.findall(r"^#\d+\s+(?:0x[0-9a-f]+ in )?(\S+?)(?:@\S+)? \(", out, re.M)
    return names[::-1]


def matches(gdb, ours):
    """The outermost frames that both have agree; gdb is stopped elsewhere, so the leaves differ."""
    def same(g, f):
        return g == "??" or f.startswith("[") or g.removesuffix("_impl") == f.split("(")[0].removesuffix("_impl")
    return all(same(g, f) for g, f in zip(gdb, ours[1:]))
