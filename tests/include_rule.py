#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Which room may include which, read from the #include lines of src/.

A room, or an include between rooms, that the table does not name is a finding. Only direct
includes count.
"""

import re
import sys
from pathlib import Path

COLLECTING = "record object unwind process runtime symbol sampler"
EVERYTHING = COLLECTING + " base bpf session profile format analyze render lib tui cli"

# room: (rooms that it may include, single headers of other rooms that it may include)
RULES = {
    "base": ("", ""),
    "record": ("base", ""),
    "profile": ("base", ""),
    "object": ("base", ""),
    "unwind": ("base record object", ""),
    "process": ("base record object", ""),
    "runtime": ("base record object unwind process", ""),
    "symbol": ("base record object", ""),
    "bpf": ("", "record/wire.h record/reasons.h unwind/step.h unwind/rows.h unwind/registers.h"),
    "sampler": ("base record process bpf", "unwind/rows.h"),
    "session": (COLLECTING + " base profile", ""),
    "format": ("base profile", ""),
    "analyze": ("base profile", ""),
    "render": ("base profile analyze", ""),
    "lib": ("base profile format", "perfprof.h"),
    "tui": ("base profile analyze render", ""),
    "cli": (EVERYTHING, "perfprof.h"),
}
# What BPF programs share with user space may itself include nothing but integer types.
SHARED_WITH_BPF = RULES["bpf"][1].split()
SHARED_SYSTEM = {"stdint.h", "stddef.h", "stdbool.h", "linux/types.h"}

# Linux's profiling is for the collecting rooms; the reading half must build anywhere.
READING = "profile format analyze render lib tui".split()
COLLECTING_SYSTEM = re.compile(r"linux/|sys/ptrace|libunwind|elf|dwarf|gelf|bpf/|libiberty")

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')


def allowed(room, target):
    rooms, headers = RULES[room]
    return target.split("/")[0] in [room, *rooms.split()] or target in headers.split()


def check_line(room, name, quoted, system):
    """@return what is wrong with one include, or None"""
    if system:
        if name in SHARED_WITH_BPF and system not in SHARED_SYSTEM:
            return f"<{system}>: shared with BPF, so integer types only"
        if room in READING and COLLECTING_SYSTEM.match(system):
            return f"<{system}>: the reading half never sees how profiles are collected"
        return None
    if quoted == "vmlinux.h" and (room == "bpf" or name in SHARED_WITH_BPF):
        return None  # the integer types of a BPF program
    if name in SHARED_WITH_BPF and quoted not in SHARED_WITH_BPF:
        return f'"{quoted}": shared with BPF, so integer types only'
    if "/" not in quoted and quoted != "perfprof.h":
        return f'"{quoted}": names no room; write "{room}/{quoted}"'
    if ".." in quoted.split("/"):
        return f'"{quoted}": write it from src/'
    # Headers that the build makes (build/web/page.h) belong to the room that includes them.
    if quoted.startswith(("web/", "generated/")):
        return None
    if not allowed(room, quoted):
        return f'"{quoted}": {room}/ may include {RULES[room][0] or "no other room"}' + (
            f" and {RULES[room][1]}" if RULES[room][1] else "")
    return None


def check_tree(src):
    """@return one sentence for each wrong room or include below `src`"""
    findings = []
    for path in sorted(src.rglob("*")):
        if path.suffix not in (".c", ".h", ".inc", ".def") or not path.is_file():
            continue
        name = str(path.relative_to(src))
        room = name.split("/")[0]
        if room not in RULES:
            findings.append(f"src/{name}: there is no room '{room}'")
            continue
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            m = INCLUDE.match(line)
            wrong = m and check_line(room, name, m.group(1), m.group(2))
            if wrong:
                findings.append(f"src/{name}:{number}: {wrong}")
    return findings


def main():
    src = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent / "src")
    findings = check_tree(src)
    print("\n".join(findings) or "every include is allowed")
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
