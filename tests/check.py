#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the tests that `make check` has built, two at a time, and sums them up.

Three kinds of jobs: programs that print cmocka's TAP, replays of a fuzzer's corpus, and files of
pytest. The last line is `N passed, M failed, K skipped`; the status is 1 if M is not 0.

A skip that says "needs RIGHT: ..." becomes a failure when RIGHT is in CHECK_REQUIRE (perf,ptrace).
A pytest file with the line `# check: serial` runs with nothing beside it.

Some tests judge by statistics, of programs that share two cores with the next test. So a few failures of
pytest are judged again at the end, alone: who fails once more has failed. Whatever was judged again is
named above the last line.
"""

import argparse
import concurrent.futures
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTEST_NO_TESTS = 5  # pytest's exit status when all were deselected
JUDGED_AGAIN_MOST = 5  # more than these do not fail by chance


class Result:
    """One test: outcome is passed, failed or skipped; text is why."""

    def __init__(self, name, outcome, text=""):
        self.name, self.outcome, self.text = name, outcome, text
        self.node = None  # what pytest calls it


def parse_tap(name, output, status):
    """cmocka's TAP. A program that dies or stops before its plan is done has failed."""
    results, planned = [], None
    notes = []
    for line in output.splitlines():
        plan = re.fullmatch(r"1\.\.(\d+)", line)
        case = re.match(r"(ok|not ok) (\d+)(?: -)? (.*)", line)
        if plan:
            planned = int(plan.group(1))
        elif case:
            skipped = re.match(r"# SKIP ?(.*)", case.group(3))
            title = skipped.group(1) if skipped else case.group(3)
            outcome = "skipped" if skipped else "passed" if case.group(1) == "ok" else "failed"
            results.append(Result(f"{name}: {title}", outcome))
            notes = []
        else:
            notes.append(line)
            if results and results[-1].outcome == "failed":
                results[-1].text += line + "\n"
    failed = any(r.outcome == "failed" for r in results)
    if planned is None or len(results) != planned or (status != 0 and not failed):
        tail = "\n".join(output.splitlines()[-40:])
        results.append(Result(f"{name}: ended with {status} after {len(results)} of "
                              f"{planned if planned is not None else '?'} tests", "failed", tail))
    for r in results:
        needs = re.search(r"needs_([a-z]+)", r.name)
        if r.outcome == "skipped" and needs:
            r.text = f"needs {needs.group(1)}"
    return results


def parse_junit(name, path, status, output):
    """pytest's --junit-xml. Without the file, the run itself has failed."""
    try:
        cases = list(ElementTree.parse(path).getroot().iter("testcase"))
    except (OSError, ElementTree.ParseError):
        return [Result(f"{name}: pytest ended with {status}", "failed", output[-4000:])]
    results = []
    for case in cases:
        title = f"{name}: {case.get('name')}"
        failure = case.find("failure")
        if failure is None:
            failure = case.find("error")
        skipped = case.find("skipped")
        if failure is not None:
            results.append(Result(title, "failed", failure.text or failure.get("message", "")))
        elif skipped is not None:
            results.append(Result(title, "skipped", skipped.get("message", "")))
        else:
            results.append(Result(title, "passed"))
    if status not in (0, PYTEST_NO_TESTS) and not any(r.outcome == "failed" for r in results):
        results.append(Result(f"{name}: pytest ended with {status}", "failed", output[-4000:]))
    return results


def require(results, rights):
    """Turns the skips that name a required right into failures."""
    for r in results:
        needs = re.match(r"needs (\w+)", r.text)
        if r.outcome == "skipped" and needs and needs.group(1) in rights:
            r.outcome = "failed"
            r.text = f"skipped, but CHECK_REQUIRE says that this right is here: {r.text}"
    return results


class Runner:
    def __init__(self, build, deadline_s):
        self.build = build
        self.deadline = time.monotonic() + deadline_s
        self.lock = threading.Lock()
        self.running = set()

    def command(self, argv, **env):
        """Runs one command in a session of its own; what outlives the deadline is killed."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            return -1, "not started: the time for all tests is over"
        full_env = dict(os.environ, PERFPROF=str(self.build / "perfprof"),
                        PERFPROF_BUILD=str(self.build), PYTHONDONTWRITEBYTECODE="1", **env)
        with subprocess.Popen(argv, cwd=ROOT, env=full_env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              start_new_session=True) as child:
            with self.lock:
                self.running.add(child.pid)
            try:
                output = child.communicate(timeout=left)[0]
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                output = child.communicate()[0] + b"\nkilled: the time for all tests is over\n"
            with self.lock:
                self.running.discard(child.pid)
            return child.returncode, output.decode(errors="replace")

    def kill_running(self):
        with self.lock:
            for pid in self.running:
                try:
                    os.killpg(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass

    def tap(self, path, name):
        status, output = self.command([str(path)], CMOCKA_MESSAGE_OUTPUT="tap")
        return parse_tap(name, output, status)

    def replay(self, path):
        name = f"fuzz/{path.name}"
        corpus = ROOT / "tools/fuzz/corpus" / path.name
        status, output = self.command([str(path), str(corpus)])
        text = "" if status == 0 else f"ended with {status}\n{output[-4000:]}"
        return [Result(name, "passed" if status == 0 else "failed", text)]

    def pytest(self, path, marks, node=None):
        """@param node only this one of its tests, by pytest's name"""
        name = str(path.relative_to(ROOT / "tests"))
        with tempfile.TemporaryDirectory(prefix="perfprof-check-") as scratch:
            junit = Path(scratch) / "junit.xml"
            status, output = self.command(
                [sys.executable, "-m", "pytest", "-q", "-c", str(ROOT / "tests/pytest.ini"),
                 "-p", "no:cacheprovider", "-m", marks, f"--junit-xml={junit}",
                 f"--basetemp={scratch}/tmp", f"{path}::{node}" if node else str(path)])
            results = parse_junit(name, junit, status, output)
            for r in results:
                if r.outcome == "failed" and r.name.startswith(f"{name}: test_"):
                    r.node = (path, marks, r.name.removeprefix(f"{name}: "))
            return results


def jobs_of(runner, only, marked):
    """@return (parallel, serial) lists of (name, callable)"""
    unit = sorted((runner.build / "san/unit").glob("*/*_test"))
    tap = [(f"unit/{p.parent.name}/{p.name}", p) for p in unit]
    tap += [(f"oracle/{p.name}", p) for p in sorted((runner.build / "check").glob("*"))
            if os.access(p, os.X_OK) and p.is_file()]
    replays = sorted(p for p in (runner.build / "san/replay").glob("*"))
    files = sorted(p for d in ("tests/*_test.py", "tests/*/*_test.py", "tests/*/test_*.py")
                   for p in ROOT.glob(d))
    parallel, serial = [], []
    if only:
        files = [p for p in files if str(p.relative_to(ROOT)).startswith(only)]
    if not only and not marked:
        parallel += [(n, lambda p=p, n=n: runner.tap(p, n)) for n, p in tap]
        parallel += [(f"fuzz/{p.name}", lambda p=p: runner.replay(p)) for p in replays]
    marks = marked or "not slow and not network"
    for p in files:
        job = (str(p.relative_to(ROOT)), lambda p=p: runner.pytest(p, marks))
        (serial if "\n# check: serial\n" in p.read_text() else parallel).append(job)
    return parallel, serial


def run_job(job, rights):
    start = time.monotonic()
    results = require(job[1](), rights)
    counts = {o: sum(r.outcome == o for r in results) for o in ("passed", "failed", "skipped")}
    parts = ", ".join(f"{n} {o}" for o, n in counts.items() if n) or "nothing to do"
    print(f"  {'FAIL' if counts['failed'] else 'ok':4} {job[0]}: {parts} "
          f"({time.monotonic() - start:.1f} s)", flush=True)
    for r in results:
        if r.outcome == "failed":
            print(f"--- {r.name}\n{r.text.rstrip()}\n---", flush=True)
    return results


def judge_again(runner, results):
    """@return names of those that failed, were tried again alone, and passed"""
    failed = [r for r in results if r.outcome == "failed"]
    if len(failed) > JUDGED_AGAIN_MOST or not all(r.node for r in failed):
        return []
    for r in failed:
        again = runner.pytest(*r.node)
        if again and all(a.outcome == "passed" for a in again):
            r.outcome = "passed"
        else:
            print(f"--- again {r.name}\n{again[0].text.rstrip() if again else ''}\n---", flush=True)
    return [r.name for r in failed if r.outcome == "passed"]


def summary(results):
    """Prints why tests were skipped, which failed, and the last line. @return the exit status"""
    reasons = {}
    for r in results:
        if r.outcome == "skipped":
            reason = r.text.splitlines()[0] if r.text else "no reason given"
            reasons[reason] = reasons.get(reason, 0) + 1
    for reason, n in sorted(reasons.items()):
        print(f"skipped {n}: {reason}")
    for r in results:
        if r.outcome == "failed":
            print(f"failed: {r.name}")
    counts = {o: sum(r.outcome == o for r in results) for o in ("passed", "failed", "skipped")}
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 1 if counts["failed"] or not counts["passed"] else 0


def main():
    args = argparse.ArgumentParser(description="runs what `make check` has built")
    args.add_argument("--build", default="build", help="the Makefile's B")
    args.add_argument("--only", help="only pytest files below this folder")
    args.add_argument("--marked", help="only pytest tests with this mark (slow, network)")
    args.add_argument("--jobs", type=int, default=2)
    args.add_argument("--seconds", type=float, default=float(os.environ.get("CHECK_SECONDS", 0)))
    opt = args.parse_args()
    limit_s = opt.seconds or (6 * 3600 if opt.marked else 600)
    rights = set(filter(None, os.environ.get("CHECK_REQUIRE", "").split(",")))
    runner = Runner(Path(opt.build).resolve(), limit_s)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    parallel, serial = jobs_of(runner, opt.only, opt.marked)
    results = []
    try:
        with concurrent.futures.ThreadPoolExecutor(opt.jobs) as pool:
            for part in pool.map(lambda j: run_job(j, rights), parallel):
                results += part
        for job in serial:
            results += run_job(job, rights)
        for name in judge_again(runner, results):
            print(f"failed beside other tests, passed alone: {name}")
    except BaseException:
        runner.kill_running()
        raise
    sys.exit(summary(results))


if __name__ == "__main__":
    main()
