# SPDX-License-Identifier: MIT
"""Programs that nobody prepared, judged by other tools: perf, readelf, gdb."""

import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

import judges
import workloads
from harness import LIMIT_S, PERFPROF, Run, Target, backend_works, needs_perf, needs_program, profile


@pytest.fixture(autouse=True)
def _rights():
    needs_perf()


class Recorded:
    """A workload's one run, as perfprof saw it and, where perf runs here, as perf saw it."""

    def __init__(self, name, folder):
        self.argv = workloads.command(name, folder)
        self.data = folder / "perf.data"
        self.run = self.beside_perf(folder) if shutil.which("perf") else None
        if not self.run:
            self.run = profile(folder, *self.argv)
        self.pprof = self.run.pprof
        self.stacks = judges.user_stacks(self.pprof)

    def beside_perf(self, folder):
        """@return None if perf does not run here"""
        done = subprocess.run([*judges.PERF_RECORD, "-o", self.data, "--", PERFPROF, "run",
                               "-o", folder / "x.folded", "-o", folder / "x.pb.gz", "--", *self.argv],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              errors="replace", timeout=LIMIT_S, check=False)
        if not self.data.exists():
            return None
        assert done.returncode == 0, done.stderr
        return Run(folder, done.returncode, done.stdout, done.stderr)

    def perf_leaves(self):
        if not self.data.exists():
            pytest.skip("needs program: perf does not run here")
        pids = {labels["pid"] for _, _, labels in self.pprof.samples}
        return judges.perf_leaves(self.data, lambda comm, pid: pid in pids)


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    """A function that profiles a workload, once for all tests."""
    runs = {}

    def once(name):
        if name not in runs:
            runs[name] = Recorded(name, tmp_path_factory.mktemp(name))
        return runs[name]
    return once


GO_SWITCHES = ("runtime.systemstack", "runtime.morestack", "runtime.asmcgocall", "gogo")
# What may end before its root, and why: (which stacks, at most what share of all samples). All else must be whole.
MAY_BE_CUT = {
    # Compilers recurse beyond what the kernel copies of a stack.
    "gcc": (lambda f: True, 0.04),
    "clang++": (lambda f: True, 0.15),
    # Machine code made while it runs, with frames that only its maker knows, and what it calls. The
    # interpreter is cut off too where it goes on in the frame of such code, which is larger than its CFI says.
    "luajit": (lambda f: f[2] == "[anon]" or f[2].startswith("[luajit+"), 0.5),
    # Patterns compiled by PCRE; the assembly that switches to another fiber's stack, which has no CFI.
    "php": (lambda f: f[2] in ("[anon]", "jump_fcontext"), 0.15),
    # Assembly without CFI and without frame pointers.
    "vpxenc": (lambda f: f[2].startswith("[libvpx.so"), 0.25),
    # On its system stack a thread's callers are on another stack, which only bpf reads; but not before it has the
    # program's rows.
    "age": (lambda f: f[2] in GO_SWITCHES, 0.03 if backend_works("bpf") else 0.5),
    "fzf": (lambda f: f[2] in GO_SWITCHES, 0.03 if backend_works("bpf") else 0.2),
}


@pytest.mark.parametrize("name", workloads.ALL)
def test_less_than_one_percent_is_truncated(record, name):
    stacks = record(name).stacks
    assert stacks.total > 200
    # Of all samples, those inside execve too.
    allowed, limit = MAY_BE_CUT.get(name, (lambda f: False, 0.01))
    cut = [r for r in stacks.rows if "[truncated]" in r[0]]
    other = [r for r in cut if not allowed((*r[0], ""))]  # nothing may be left behind the cut
    assert sum(n for _, n in other) < 0.01 * stacks.total, other[:5]
    assert sum(n for _, n in cut) <= limit * stacks.total, cut[:5]
    assert stacks.count(lambda f: "[unknown]" in f) == 0


def entries(pprof):
    """@return what the outermost frame may be; in a stripped file it is the function at its entry point"""
    paths = {pprof.text(m, 5) for m in pprof.mappings.values()}
    stripped = [re.escape(f"[{Path(p).name}+{judges.entry_of(p):#x}]") for p in paths if p.startswith("/")]
    return re.compile("|".join([r"_start|_{0,2}clone3?|_dl_start_user|start_thread|_dl_start",
                                r"runtime\.(goexit|mstart|mcall|morestack|rt0_go)|make_fcontext", *stripped]))


@pytest.mark.parametrize("name", workloads.ALL)
def test_every_stack_begins_at_an_entry(record, name):
    """A stack that ends too early without saying so is the one failure nobody would see."""
    stacks, wanted = record(name).stacks, entries(record(name).pprof)
    # Of a sample inside execve nothing is left but the thread.
    wrong = [r for r in stacks.rows
             if r[0][1:] and r[0][1] != "[truncated]" and not wanted.fullmatch(r[0][1])]
    # A fork's child begins where it was forked: its stacks hold their parent's entry as well.
    assert sum(n for _, n in wrong) <= 0.005 * stacks.total, wrong[:5]


# What must be on the stacks, outermost first, and in how many of them at least.
KNOWN_STACKS = [
    ("node", ("_start", "__libc_start_main", "[anon]"), 0.3),  # what V8 compiled, called by what gcc compiled
    ("node", ("clone3", "start_thread"), 0.005),  # its helpers
    ("tcc", ("__libc_start_main", "[anon]", "qsort_r"), 0.2),  # compiled into memory, calls libc, which calls back
    ("luajit", ("main", "lua_pcall"), 0.2),
    ("lua5.4", ("__libc_start_main", "lua_pcallk"), 0.9),
    ("php", ("make_fcontext", "zend_call_function"), 0.05),  # a fiber has a stack of its own
    ("php", ("__libc_start_main", "zend_execute", "execute_ex"), 0.3),
    ("zstd", ("clone3", "start_thread"), 0.8),
    ("clang++", ("cc1_main(llvm::ArrayRef<char const*>, char const*, void*)", "clang::ParseAST(clang::Sema&, bool, bool)"),
     0.3),
    ("fzf", ("runtime.goexit", "github.com/junegunn/fzf/src/algo.FuzzyMatchV2"), 0.1),
    ("age", ("runtime.goexit", "runtime.main", "main.main", "main.encryptNotPass"), 0.3),
]


@pytest.mark.parametrize("name, frames, share", KNOWN_STACKS)
def test_callers_are_who_they_must_be(record, name, frames, share):
    stacks = record(name).stacks

    def has(names):
        rest = iter(names)
        return all(any(f == name for name in rest) for f in frames)
    assert stacks.count(has) >= share * stacks.total, sorted(stacks.rows, key=lambda r: -r[1])[:3]


@pytest.mark.parametrize("name", workloads.ALL)
def test_leaf_shares_agree_with_perf(record, name):
    """Both of the same run at the same time."""
    recorded = record(name)
    judges.assert_leaves_agree(judges.our_leaves(recorded.pprof), recorded.perf_leaves())


@pytest.mark.parametrize("name", ["sqlite3", "xz", "python3", "perl", "openssl", "php", "node", "jq"])
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
            tables[path] = judges.Symbols(path)
        address = location[3][0]
        covering = tables[path].covering(address)
        names = pprof.names_of(number)
        if not covering:
            continue
        ours = pprof.system_name_of(number).split("@")[0] if names else ""
        if ours.startswith("[") or not ours:
            nameless += 1
        elif ours not in covering and not any(ours in c for c in covering):
            # The start of a name by DWARF may be another alias: then the addresses must agree.
            raise AssertionError(f"{path} {address:#x}: ours {ours}, readelf {sorted(covering)}")
        checked += 1
    assert checked >= 3  # liblzma has few symbols
    assert nameless <= 0.01 * checked


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
            stack = judges.gdb_stack(target.pid)
        if len(stack) < shared:
            continue
        seen += 1
        prefix = stack[:shared]
        agreeing = run.stacks.count(lambda f, p=prefix: judges.matches(p, f))
        assert agreeing >= 0.02 * run.stacks.total, (stack, sorted(run.stacks.rows, key=lambda r: -r[1])[:3])
    if not seen:
        pytest.skip("needs ptrace: gdb could not look into its target")
