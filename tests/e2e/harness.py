# SPDX-License-Identifier: MIT
"""Drives the binary as a user does, and reads what it wrote without any code of its own."""

import ctypes
import functools
import gzip
import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = Path(os.environ.get("PERFPROF_BUILD", ROOT / "build"))
PERFPROF = os.environ.get("PERFPROF", str(BUILD / "perfprof"))
PROGRAMS = BUILD / "programs"
LIMIT_S = 120  # no run takes this long; a test that hangs must end


# Rights --------------------------------------------------------------------------------------

def _perf_event_open_errno(exclude_kernel):
    """Tries a cpu-clock event on ourselves. @return 0 or an errno"""
    class Attr(ctypes.Structure):
        _fields_ = [("type", ctypes.c_uint32), ("size", ctypes.c_uint32),
                    ("config", ctypes.c_uint64), ("period", ctypes.c_uint64),
                    ("sample_type", ctypes.c_uint64), ("read_format", ctypes.c_uint64),
                    ("flags", ctypes.c_uint64), ("rest", ctypes.c_uint8 * 72)]
    attr = Attr(type=1, size=ctypes.sizeof(Attr), period=1000000, sample_type=1,
                flags=1 | (1 << 5 if exclude_kernel else 0))
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.syscall(298, ctypes.byref(attr), 0, -1, -1, 0)
    if fd < 0:
        return ctypes.get_errno()
    os.close(fd)
    return 0


def needs_perf():
    wrong = _perf_event_open_errno(True)
    if wrong:
        level = Path("/proc/sys/kernel/perf_event_paranoid")
        text = level.read_text().strip() if level.exists() else "missing"
        pytest.skip(f"needs perf: perf_event_open: {os.strerror(wrong)} (perf_event_paranoid is {text})")


def needs_root():
    if os.geteuid() != 0:
        pytest.skip("needs root: the test changes who or where a process is")


def needs_program(name):
    """@return its path; skips where it is not installed"""
    for folder in ("/usr/bin", "/usr/sbin", "/bin", "/sbin"):
        if os.access(f"{folder}/{name}", os.X_OK):
            return f"{folder}/{name}"
    pytest.skip(f"needs program: {name} is not installed")


def is_sanitized():
    """Sanitizers make unwind rows ten times slower: small rings cannot wait for them on a busy machine."""
    return b"__asan_init" in Path(PERFPROF).read_bytes()


def may_sample_kernel():
    return _perf_event_open_errno(False) == 0


# What was written ----------------------------------------------------------------------------

class Stacks:
    """Collapsed stacks: a list of (frames, count), frames from the comm to the leaf."""

    def __init__(self, text):
        self.rows = []
        for line in text.splitlines():
            names, _, count = line.rpartition(" ")
            self.rows.append((tuple(names.split(";")), int(count)))
        self.total = sum(n for _, n in self.rows)

    def count(self, wanted):
        return sum(n for frames, n in self.rows if wanted(frames))

    def leaf(self, name):
        return self.count(lambda f: f[-1] == name)

    def having(self, name):
        return self.count(lambda f: name in f)

    def truncated(self):
        """Samples inside execve do not count: there the user's stack is gone, and they say so."""
        return self.count(lambda f: "[truncated]" in f and not any("execve" in name for name in f))

    def comms(self):
        return {f[1] if f[0] == "[truncated]" else f[0] for f, _ in self.rows}

    def below(self, name):
        """The set of tuples of frames from `name` inwards, of stacks that have it."""
        return {f[f.index(name):] for f, _ in self.rows if name in f}


def folded(text):
    return Stacks(text)


def assert_share(count, total, truth, what=""):
    """Within 4 standard errors of the truth and one point."""
    assert total > 0, "no samples"
    error = 4 * math.sqrt(truth * (1 - truth) / total) + 0.01
    share = count / total
    assert abs(share - truth) <= error, (
        f"{what}: {100 * share:.2f} % of {total} samples, truth {100 * truth:.2f} % +- {100 * error:.2f}")


def _varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def protobuf_fields(data):
    """Yields (field number, value): an int, or bytes for a length-delimited field."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = _varint(data, at)
        elif kind == 2:
            n, at = _varint(data, at)
            assert at + n <= len(data), "a field runs beyond its message"
            value, at = data[at:at + n], at + n
        else:
            raise AssertionError(f"wire type {kind}: one widespread reader breaks on it")
        yield key >> 3, value


def _packed(values):
    out = []
    for v in values:
        if isinstance(v, int):
            out.append(v)
            continue
        at = 0
        while at < len(v):
            x, at = _varint(v, at)
            out.append(x)
    return out


class Pprof:
    """A profile.proto read by the book: samples as (functions leaf first, values, labels)."""

    def __init__(self, path):
        raw = Path(path).read_bytes()
        self.fields = {}
        for number, value in protobuf_fields(gzip.decompress(raw)):
            self.fields.setdefault(number, []).append(value)
        self.strings = [s.decode() for s in self.fields.get(6, [])]
        assert self.strings[0] == ""
        self.sample_types = [(self.text(d, 1), self.text(d, 2)) for d in map(self.message, self.fields[1])]
        self.mappings = {m[1][0]: m for m in map(self.message, self.fields.get(3, []))}
        self.locations = {m[1][0]: m for m in map(self.message, self.fields.get(4, []))}
        self.functions = {m[1][0]: m for m in map(self.message, self.fields.get(5, []))}
        self.samples = [self.sample(self.message(s)) for s in self.fields.get(2, [])]

    @staticmethod
    def message(data):
        out = {}
        for number, value in protobuf_fields(data):
            out.setdefault(number, []).append(value)
        return out

    def text(self, message, number):
        return self.strings[message.get(number, [0])[0]]

    def names_of(self, location_id):
        """Innermost inlined function first."""
        lines = self.locations[location_id].get(4, [])
        return [self.text(self.functions[self.message(line)[1][0]], 2) for line in lines]

    def system_name_of(self, location_id):
        """@return the symbol of the function that was not inlined, not demangled"""
        line = self.message(self.locations[location_id][4][-1])
        return self.text(self.functions[line[1][0]], 3)

    def stacks(self):
        """Yields (locations leaf first, samples, labels)."""
        for raw, (_, values, labels) in zip(self.fields.get(2, []), self.samples):
            yield [self.locations[i] for i in _packed(self.message(raw).get(1, []))], values[0], labels

    def module_of(self, location):
        """@return the path of the mapped file, "" of code that is in none"""
        mapping = self.mappings.get(location.get(2, [0])[0])
        return self.text(mapping, 5) if mapping else ""

    def sample(self, m):
        labels = {}
        for label in map(self.message, m.get(3, [])):
            value = self.text(label, 2) if 2 in label else label.get(3, [0])[0]
            labels[self.text(label, 1)] = value
        frames = [n for i in _packed(m.get(1, [])) for n in self.names_of(i)]
        return frames, _packed(m.get(2, [])), labels


# Running -------------------------------------------------------------------------------------

class Run:
    """What one `perfprof run` did."""

    def __init__(self, folder, status, stdout, stderr):
        self.folder, self.status, self.stdout, self.stderr = folder, status, stdout, stderr

    @property
    def stacks(self):
        return Stacks((self.folder / "x.folded").read_text())

    @property
    def pprof(self):
        return Pprof(self.folder / "x.pb.gz")

    @property
    def truth(self):
        """The JSON that a program of known shares printed last."""
        return json.loads(self.stdout.strip().splitlines()[-1])


def perfprof(*arguments, timeout=LIMIT_S, **options):
    """Runs perfprof with these arguments; streams are captured as text."""
    options.setdefault("capture_output", True)
    options.setdefault("text", True)
    if options["text"]:
        options.setdefault("errors", "replace")
    if "input" not in options:
        options.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run([PERFPROF, *map(str, arguments)], timeout=timeout, check=False, **options)


def program(name):
    path = PROGRAMS / name
    assert path.exists(), f"{path} is not built: make programs"
    return str(path)


def open_to_everybody(folder):
    """Ordinary users can reach and write to a test's folder: the runner's and pytest's own are closed to them."""
    os.chmod(folder, 0o777)
    for parent in Path(folder).parents:
        if parent == Path(tempfile.gettempdir()):
            break
        if not parent.stat().st_mode & 0o001:
            os.chmod(parent, 0o755)
    return folder


BACKENDS = ("bpf", "perf")
backend_options = []  # of profile(); see each_backend()
# A loaded or sanitized perfprof costs more than 1 %: tests that count samples must not depend on that.
ANY_OVERHEAD = ["--max-overhead", "100"]


@functools.lru_cache(maxsize=None)
def _refusal_of(backend):
    with tempfile.TemporaryDirectory() as folder:
        result = perfprof("run", "--backend", backend, "-o", f"{folder}/x.folded", "--", "/bin/true")
    return "" if result.returncode == 0 else result.stderr.strip()


def backend_works(backend):
    return not _refusal_of(backend)


def each_backend(request, monkeypatch):
    """For an autouse fixture with params=BACKENDS: profile() samples by request.param."""
    refusal = _refusal_of(request.param)
    if refusal:
        pytest.skip(f"needs {request.param}: {refusal}")
    monkeypatch.setattr(sys.modules[__name__], "backend_options", ["--backend", request.param])


def profile(folder, *command, options=(), expect=0, **more):
    """`perfprof run` with both outputs in `folder`; fails unless it ends with `expect`."""
    folder = Path(folder)
    result = perfprof("run", *backend_options, *ANY_OVERHEAD, *options, "-o", folder / "x.folded", "-o", folder / "x.pb.gz", "--",
                      *command, **more)
    assert result.returncode == expect, f"status {result.returncode}\n{result.stdout}\n{result.stderr}"
    return Run(folder, result.returncode, result.stdout, result.stderr)


class Target:
    """A program that runs on its own; `with` ends it."""

    def __init__(self, *command, **options):
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        self.process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, text=True,
                                        **options)
        self.pid = self.process.pid

    def wait_ready(self):
        assert self.process.stdout.readline().strip() == "ready"
        return self

    def finish(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        stdout, stderr = self.process.communicate(timeout=LIMIT_S)
        return stdout, stderr

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


def attach(folder, pid, *options, seconds=1, expect=0):
    folder = Path(folder)
    result = perfprof("attach", "-p", pid, "-d", seconds, *ANY_OVERHEAD, *options, "-o", folder / "x.folded", "-o",
                      folder / "x.pb.gz")
    assert result.returncode == expect, f"status {result.returncode}\n{result.stdout}\n{result.stderr}"
    return Run(folder, result.returncode, result.stdout, result.stderr)


def wait_until(condition, seconds=20, what="it"):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f"{what} did not happen within {seconds} s")
