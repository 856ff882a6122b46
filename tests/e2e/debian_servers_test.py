# SPDX-License-Identifier: MIT
"""Servers that nobody prepared, attached to by their master's pid while clients keep them busy."""

import shutil
import subprocess
import threading

import pytest

import judges
import servers
from harness import LIMIT_S, PERFPROF, Pprof, needs_perf


@pytest.fixture(autouse=True)
def _rights():
    needs_perf()


class Watched:
    """What perfprof and perf saw of a server in the same second and a half."""

    def __init__(self, server, folder, after_s=None, event=None):
        self.pids = server.pids()
        self.data = folder / "perf.data"
        # Sampling begins at once: BPF programs take some 100 ms to load, in which perf would be alone.
        attach = [PERFPROF, "attach", "--backend", "perf", "-p", str(server.pid), "-d", "1.5", "-o", str(folder / "x.pb.gz")]
        beside = [*judges.PERF_RECORD, "-p", ",".join(map(str, self.pids)), "-o", self.data, "--"]
        timer = threading.Timer(after_s or 0, event or (lambda: None))
        timer.start()
        done = None
        if shutil.which("perf"):
            done = self.command([*beside, *attach])
        if not self.data.exists():
            done = self.command(attach)
        timer.join()
        assert done.returncode == 0, done.stderr
        self.pprof = Pprof(folder / "x.pb.gz")
        self.stacks = judges.user_stacks(self.pprof)

    @staticmethod
    def command(argv):
        return subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT_S,
                              check=False)

    def samples_of(self, wanted=lambda names: True):
        """@return {pid: samples} of stacks whose functions (innermost first) are wanted"""
        counts = {}
        for frames, values, labels in self.pprof.samples:
            if wanted(frames):
                counts[labels["pid"]] = counts.get(labels["pid"], 0) + values[0]
        return counts

    def assert_whole(self, but=lambda names: False):
        assert self.stacks.total > 300
        cut = [r for r in self.stacks.rows if "[truncated]" in r[0] and not but((*r[0], ""))]
        assert sum(n for _, n in cut) < 0.01 * self.stacks.total, cut[:5]
        assert self.stacks.count(lambda f: "[unknown]" in f) == 0

    def assert_perf_agrees(self):
        if not self.data.exists():
            pytest.skip("needs program: perf does not run here")
        pids = set(self.samples_of())
        judges.assert_leaves_agree(judges.our_leaves(self.pprof),
                                   judges.perf_leaves(self.data, lambda comm, pid: pid in pids))

    def assert_gdb_agrees(self, pid, shared):
        """A live process's outermost `shared` frames are those of a good part of our stacks."""
        if not shutil.which("gdb"):
            pytest.skip("needs program: gdb is not installed")
        stack = judges.gdb_stack(pid)
        if not stack:
            pytest.skip("needs ptrace: gdb could not look into its target")
        agreeing = self.stacks.count(lambda f: judges.matches(stack[:shared], f))
        assert len(stack) >= shared and agreeing >= 0.1 * self.stacks.total, (
            stack, sorted(self.stacks.rows, key=lambda r: -r[1])[:3])


def test_nginx(tmp_path):
    with servers.Nginx() as server:
        seen = Watched(server, tmp_path)
        master, *workers = seen.pids
        of_worker = seen.samples_of(lambda f: "ngx_http_output_filter" in f and "deflate" in f)
        assert set(of_worker) == set(workers) and len(workers) == server.WORKERS
        assert master not in of_worker
        assert seen.stacks.comms() == {"nginx"}
        seen.assert_gdb_agrees(workers[0], 7)
    seen.assert_whole()
    seen.assert_perf_agrees()


def test_redis(tmp_path):
    with servers.Redis() as server:
        seen = Watched(server, tmp_path, 0.5, server.save)
        seen.assert_gdb_agrees(server.pid, 4)
    # The main thread, a thread that reads and writes for it, and the child that was forked meanwhile.
    assert {"redis-server", "io_thd_1"} <= seen.stacks.comms()
    assert seen.stacks.count(lambda f: f[0] == "io_thd_1" and "IOThreadMain" in f) > 10
    saving = seen.samples_of(lambda f: "rdbSave" in f)
    assert len(saving) == 1 and server.pid not in saving and sum(saving.values()) > 20
    assert seen.stacks.having("lua_pcall") > 0.1 * seen.stacks.total
    # The child compresses: lzf_compress alone has a table of 512 KiB on its stack, beyond all that can be copied.
    seen.assert_whole(but=lambda f: f[2] == "lzf_compress")
    seen.assert_perf_agrees()


def test_postgres(tmp_path):
    with servers.Postgres() as server:
        seen = Watched(server, tmp_path)
        backends = seen.samples_of(lambda f: "PostgresMain" in f)
        helpers = seen.samples_of(lambda f: "ParallelWorkerMain" in f)
        # Those that served when we came, and those that were born later.
        assert len(backends) >= 4 and len(set(backends) - set(seen.pids)) >= 2, (backends, seen.pids)
        assert helpers and not set(helpers) & set(backends)
        assert server.pid not in backends
        assert seen.stacks.comms() == {"postgres"}
        seen.assert_gdb_agrees(server.pid, 4)
    assert seen.stacks.having("PostmasterMain") > 0.95 * seen.stacks.total  # what a child inherits of its stack
    seen.assert_whole()
    seen.assert_perf_agrees()
