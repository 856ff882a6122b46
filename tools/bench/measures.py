# SPDX-License-Identifier: MIT
"""The measurements. Each yields (figure, unit, tool, value of one run); runs of all tools alternate."""

import json
import os
import re
import shlex
import signal
import subprocess
import threading
import time
from pathlib import Path

import figures
from tools import Perf, Perfprof

ROOT = Path(__file__).resolve().parent.parent.parent
DEPTH = 50
WINDOW_MS = 50
START_S = 1.5  # the slowest of them samples by then
END_MOST_S = 60
EMPTY = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "stdin": subprocess.DEVNULL}


def process_cpu_s(pid):
    """CPU time of a process with all its threads: the clock of clock_getcpuclockid(3)."""
    return time.clock_gettime(~pid << 3 | 2)


def size_bytes(folder):
    return sum(p.stat().st_size for p in Path(folder).rglob("*") if p.is_file())


def empty(folder):
    for path in Path(folder).iterdir():
        if path.is_file() and path.name != "paranoid":
            path.unlink()


# The cost to a target ------------------------------------------------------------------------

class Twins:
    """tools/bench/twins.c; `with` ends it."""

    def __init__(self, programs):
        self.process = subprocess.Popen([Path(programs, "twins"), str(DEPTH), str(WINDOW_MS), "999"],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pid = int(self.process.stdout.readline().split()[1])

    def cpu_s(self):
        return process_cpu_s(self.pid)

    def windows(self):
        self.process.stdin.close()
        lines = self.process.stdout.read().splitlines()
        return [tuple(map(int, line.split())) for line in lines]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def wait_and_see(seconds, folder):
    """-> the most bytes that lay in the folder meanwhile: a journal goes when the capture is there"""
    most, end = 0, time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(left, 0.2))
        most = max(most, size_bytes(folder))
    return most


def attached(tool, twins, seconds, folder):
    """Profiles the first twin. -> (begin, end of the time in which it was sampled for sure, {figure: value})"""
    command = tool.attach(twins.pid, START_S + seconds + 0.5, folder)
    child = subprocess.Popen(command, **EMPTY)
    time.sleep(START_S)
    begin_ns, own_s, target_s = time.monotonic_ns(), process_cpu_s(child.pid), twins.cpu_s()
    most_bytes = wait_and_see(seconds, folder)
    end_ns, own_end_s, target_end_s = time.monotonic_ns(), process_cpu_s(child.pid), twins.cpu_s()
    if tool.wants_interrupt:
        time.sleep(0.5)
        child.send_signal(signal.SIGINT)
    # A tool that does not end must not hold up the rest.
    killer = threading.Timer(END_MOST_S, child.kill)
    killer.start()
    _, status, usage = os.wait4(child.pid, 0)
    killer.cancel()
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError(f"{shlex.join(map(str, command))} ended with {child.returncode}")
    steady_s, target_s = own_end_s - own_s, target_end_s - target_s
    total_s = usage.ru_utime + usage.ru_stime
    files = size_bytes(folder)
    sampled_s = target_s * (START_S + seconds + 0.5) / seconds
    return begin_ns, end_ns, {"profiler_cpu": 100 * steady_s / target_s,
                              "start_and_end_cpu": max(0.0, total_s - steady_s * (START_S + seconds + 0.5) / seconds),
                              "bytes_written": max(files, most_bytes) / 1024 / sampled_s}


UNITS = {"profiler_cpu": "% of the target's CPU", "start_and_end_cpu": "CPU s",
         "bytes_written": "KiB per CPU s of the target"}


def timer(twins, seconds):
    """Ticks that do nothing: the floor that no profiler by this timer is below."""
    os.kill(twins.pid, signal.SIGUSR1)
    time.sleep(0.3)
    begin_ns = time.monotonic_ns()
    time.sleep(seconds)
    end_ns = time.monotonic_ns()
    os.kill(twins.pid, signal.SIGUSR2)
    return begin_ns, end_ns, {}


def nothing(seconds):
    begin_ns = time.monotonic_ns()
    time.sleep(seconds)
    return begin_ns, time.monotonic_ns(), {}


def target_cost(context, seconds):
    """One round: nobody, the bare timer, then each tool."""
    for tool in ["none", "timer", *context.tools]:
        name = tool if isinstance(tool, str) else tool.name
        empty(context.folder)
        with Twins(context.programs) as twins:
            start_ns = time.monotonic_ns()
            time.sleep(seconds / 2)
            if tool == "none":
                begin_ns, end_ns, more = nothing(seconds)
            elif tool == "timer":
                begin_ns, end_ns, more = timer(twins, seconds)
            else:
                begin_ns, end_ns, more = attached(tool, twins, seconds, context.folder)
            free_ns = time.monotonic_ns()
            time.sleep(seconds / 2)
            windows = twins.windows()
        # The twins themselves are not quite equal: their pages lie elsewhere. What they differ by unprofiled,
        # before and after, is taken off.
        unprofiled = [w for w in windows if w[2] < start_ns + seconds / 2 * 1e9 or w[1] > free_ns]
        base = figures.cost_percent(unprofiled, 0, 1 << 63)
        cost = figures.cost_percent(windows, begin_ns, end_ns)
        if base is not None and cost is not None: # else the machine is so busy that no window was done
            yield "target_cost", "% of CPU time", name, cost - base
        for figure, value in more.items():
            yield figure, UNITS[figure], name, value


# From the end of a command to its picture ----------------------------------------------------

def workloads():
    source = ROOT / "tests/oracle/programs/templates.cc"
    return {"xz": ["xz", "-T1", "-3", "-k", "-c", "/usr/bin/perl"],
            "g++": ["g++", "-fsyntax-only", str(source)]}


def end_to_picture(context):
    stamp = Path(context.folder, "stamp")
    for work, command in workloads().items():
        stamped = ["sh", "-c", f"{shlex.join(command)} > /dev/null 2>&1; : > {stamp}"]
        for tool in context.tools:
            empty(context.folder)
            subprocess.run(tool.run(stamped, context.folder), check=False, **EMPTY)
            after = tool.picture(context.folder)
            if after:
                subprocess.run(["sh", "-c", after], check=False, **EMPTY)
            done_s = time.time()
            name = tool.name
            if tool.name == "samply":
                name = "samply (no picture)"
            elif isinstance(tool, Perf) and not tool.draws():
                name = "perf script (no picture)"
            yield f"end_to_picture {work}", "s", name, done_s - stamp.stat().st_mtime
            whole = tool.whole_stacks(context.folder)
            if whole is not None:
                yield f"whole_stacks {work}", "%", tool.name, whole


# Unwinding -----------------------------------------------------------------------------------

def parse_unwind(text):
    """-> (figure, unit, tool, value) of what tools/bench/unwind_bench.c prints"""
    names = {"hot": "perfprof, in cache", "stream": "perfprof, from memory", "libunwind, hot": "libunwind, in cache"}
    found = re.findall(r"^(\S.*?) +([0-9.]+) ns/frame", text, re.M)
    for name, value in found:
        if name in names:
            yield "unwind", "ns/frame", names[name], float(value)
    tables = re.findall(r"^ *([0-9.]+) MB \.eh_frame +[0-9.]+ ms +([0-9.]+) MB/s", text, re.M)
    if tables:
        yield "unwind_tables", "MB/s of .eh_frame", "perfprof", float(max(tables, key=lambda t: float(t[0]))[1])


def unwinding(context):
    result = subprocess.run([context.build / "bench/unwind", "-l", "-n", "500", *workloads()["g++"]],
                            capture_output=True, text=True, check=True)
    yield from parse_unwind(result.stdout)


# Many threads --------------------------------------------------------------------------------

def covering(context):
    """What it takes until 200 threads are sampled, by the perf sampler alone."""
    code = ("import threading, time\n"
            "for _ in range(199): threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
            "print('ready', flush=True); time.sleep(60)")
    with subprocess.Popen(["/usr/bin/python3", "-c", code], stdout=subprocess.PIPE) as target:
        target.stdout.readline()
        text = subprocess.run([context.programs / "sampling", "open", str(target.pid)], capture_output=True, text=True,
                              check=True).stdout
        target.kill()
    found = json.loads(text)
    yield "cover_200_threads", "ms", "perfprof perf", found["open_ms"] + found["add_ms"] + found["arm_ms"]


# Periodic work -------------------------------------------------------------------------------

CYCLE_US = 1001
ALIASING_RUNS = 30


def share_by_perfprof(tool, command, folder):
    out = Path(folder, "x.folded")
    truth = subprocess.run([tool.binary, "run", "-q", "--backend", tool.backend, "--no-kernel", "-o", out, "--",
                            *command], check=True, capture_output=True, text=True).stdout
    rows = [line.rsplit(" ", 1) for line in out.read_text().splitlines()]
    return truth, sum(int(n) for stack, n in rows if "beta" in stack.split(";")), sum(int(n) for _, n in rows)


def share_by_perf(_, command, folder):
    data = Path(folder, "x.data")
    truth = subprocess.run(["perf", "record", "-q", "-e", "cpu-clock:u", "-F", "999", "-o", data, "--", *command],
                           check=True, capture_output=True, text=True).stdout
    lines = subprocess.run(["perf", "script", "-i", data, "-F", "ip,sym"], check=True, capture_output=True,
                           text=True).stdout.splitlines()
    return truth, sum(line.split()[-1] == "beta" for line in lines if line.strip()), len(lines)


def aliasing(context, runs=ALIASING_RUNS):
    """A program that does the same again every millisecond, a quarter of it in beta(), under short runs."""
    command = [context.programs / "shares", "0.1", str(CYCLE_US)]
    for tool in context.tools:
        share = {Perfprof: share_by_perfprof, Perf: share_by_perf}.get(type(tool))
        seen = []
        for _ in range(runs if share else 0):
            empty(context.folder)
            text, beta, total = share(tool, command, context.folder)
            truth = json.loads(text)
            if total:
                seen.append((beta / total, truth["beta"] / truth["total_ns"], total))
        if seen:
            yield "aliasing", "x binomial variance", tool.name, figures.variance_ratio(seen)
