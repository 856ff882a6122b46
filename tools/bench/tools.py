# SPDX-License-Identifier: MIT
"""The profilers that are measured, each with the same questions: can it run here, what attaches it to a
process, what runs a command under it, and what makes a picture of the result."""

import os
import shutil
import subprocess
from pathlib import Path

RATE_HZ = "999"
TOO_PARANOID = 2


class Tool:
    name = ""
    wants_interrupt = False  # attach() knows no end of its own

    def missing(self):
        """-> why it cannot be measured here, or "" """
        return ""

    def attach(self, pid, seconds, folder):
        """-> the command that profiles a process for so long, and leaves what it has in `folder`"""
        raise NotImplementedError

    def run(self, command, folder):
        """-> the command that runs another one and profiles it"""
        raise NotImplementedError

    def picture(self, folder):
        """-> the shell command that makes the picture after run(), or "" if run() has made it"""
        return ""

    def whole_stacks(self, folder):
        """-> percent of stacks that reach the program's start, after run() and picture(); None: not known"""
        return None


class Perfprof(Tool):
    def __init__(self, binary, backend):
        self.binary, self.backend, self.name = str(binary), backend, f"perfprof {backend}"

    def missing(self):
        result = subprocess.run([self.binary, "run", "-q", "--backend", self.backend, "-o", "-", "--", "true"], capture_output=True, text=True, check=False)
        if result.returncode in (2, 125):
            first = result.stderr.strip().splitlines() or [f"status {result.returncode}"]
            return first[0]
        return ""

    def attach(self, pid, seconds, folder):
        return [self.binary, "attach", "-q", "--backend", self.backend, "-p", str(pid), "-d", str(seconds), "-o",
                f"{folder}/x.pb.gz"]

    def run(self, command, folder):
        return [self.binary, "run", "-q", "--backend", self.backend, "-o", f"{folder}/x.svg", "-o",
                f"{folder}/x.folded", "--", *command]

    def whole_stacks(self, folder):
        total = cut = 0
        for line in Path(folder, "x.folded").read_text(errors="replace").splitlines():
            stack, count = line.rsplit(" ", 1)
            total += int(count)
            cut += int(count) * ("[truncated]" in stack.split(";"))
        return 100 * (1 - cut / total) if total else None


class Perf(Tool):
    """With the largest copy of the stack that the kernel makes; inlined calls are left out, which saves perf minutes."""
    name = "perf dwarf"
    roots = ("_start", "__libc_start_main", "__libc_start_call_main", "_dl_start_user", "_dl_start", "clone3")

    def __init__(self, peers):
        self.record = ["perf", "record", "-q", "-e", "cpu-clock", "-F", RATE_HZ, "--call-graph", "dwarf,65528"]
        self.fold, self.draw = (find(peers, "inferno-collapse-perf"), find(peers, "inferno-flamegraph"))
        if not self.fold or not self.draw:
            self.fold, self.draw = shutil.which("stackcollapse-perf.pl"), shutil.which("flamegraph.pl")

    def missing(self):
        return "" if shutil.which("perf") else "not installed (Debian: linux-perf)"

    def attach(self, pid, seconds, folder):
        return [*self.record, "-o", f"{folder}/x.data", "-p", str(pid), "--", "sleep", str(seconds)]

    def run(self, command, folder):
        return [*self.record, "-o", f"{folder}/x.data", "--", *command]

    def draws(self):
        return bool(self.fold and self.draw)

    def picture(self, folder):
        script = f"perf script --no-inline --max-stack 1024 -i {folder}/x.data > {folder}/x.txt 2>/dev/null"
        if not self.draws():
            return script
        return f"{script} && {self.fold} {folder}/x.txt 2>/dev/null | {self.draw} > {folder}/x.svg 2>/dev/null"

    def whole_stacks(self, folder):
        total = whole = 0
        for stack in Path(folder, "x.txt").read_text(errors="replace").split("\n\n"):
            names = [words[1] for words in (line.split() for line in stack.splitlines()[1:]) if len(words) > 1]
            if names:
                total += 1
                whole += names[-1].split("+")[0] in self.roots
        return 100 * whole / total if total else None


class Samply(Tool):
    name = "samply"
    wants_interrupt = True  # 0.13.1 takes --duration only with a command

    def __init__(self, peers, folder):
        self.binary = find(peers, "samply")
        self.prefix = []
        # It refuses to start where perf_event_paranoid is 2 and there is no hardware counter, root or not:
        # it is shown another number, in a mount namespace of its own.
        level = Path("/proc/sys/kernel/perf_event_paranoid")
        if self.binary and os.geteuid() == 0 and level.exists() and int(level.read_text()) >= TOO_PARANOID:
            shown = Path(folder, "paranoid")
            shown.write_text("1\n")
            self.prefix = ["unshare", "-m", "sh", "-c", f'mount --bind {shown} {level} && exec "$@"', "sh"]

    def missing(self):
        if not self.binary:
            return "not installed (cargo install --locked samply@0.13.1 --root build/bench/peers)"
        return ""

    def attach(self, pid, seconds, folder):
        return [*self.prefix, self.binary, "record", "--save-only", "--rate", RATE_HZ, "--output",
                f"{folder}/x.json.gz", "--pid", str(pid)]

    def run(self, command, folder):
        return [*self.prefix, self.binary, "record", "--save-only", "--unstable-presymbolicate", "--rate", RATE_HZ,
                "--output", f"{folder}/x.json.gz", "--", *command]


def find(peers, name):
    """Those that somebody built for this bench come first, then PATH."""
    return shutil.which(name, path=f"{peers}/bin") or shutil.which(name)


def tools(build, folder):
    """-> (those that run here, {name: why not} of the others)"""
    peers = Path(build, "bench/peers")
    binary = Path(build, "perfprof").resolve()
    every = [Perfprof(binary, "bpf"), Perfprof(binary, "perf"), Perf(peers), Samply(peers, folder)]
    reasons = {t.name: t.missing() for t in every}
    return [t for t in every if not reasons[t.name]], {n: why for n, why in reasons.items() if why}
