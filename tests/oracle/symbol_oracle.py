#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares our names, inlined call chains and lines with llvm-symbolizer's, and our demangling with
c++filt's, on thousands of addresses of real and of freshly compiled programs.

usage: symbol_oracle.py [--build DIR] [--count N] [--verbose]

Prints a line a program; exits 1 if agreement falls below the goals, 77 if a tool is missing.
"""
import argparse
import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
FUNCTIONS_GOAL = 99.9
LINES_GOAL = 99.9
TOOLS = ["llvm-symbolizer", "c++filt", "readelf", "gcc", "g++", "clang", "clang++", "objcopy", "nm"]

# name, compiler, source, flags
PROGRAMS = [
    ("cc-gcc-O2", "g++", "templates.cc", ["-g", "-O2"]),
    ("cc-gcc-O2-dwarf4", "g++", "templates.cc", ["-g", "-O2", "-gdwarf-4"]),
    ("cc-gcc-O2-types", "g++", "templates.cc", ["-g", "-O2", "-fdebug-types-section"]),
    ("cc-gcc-O2-zlib", "g++", "templates.cc", ["-g", "-O2", "-gz=zlib"]),
    ("cc-gcc-O0", "g++", "templates.cc", ["-g", "-O0"]),
    ("cc-gcc-O3-lto", "g++", "templates.cc", ["-g", "-O3", "-flto"]),
    ("cc-clang-O2-dwarf5", "clang++", "templates.cc", ["-std=c++17", "-g", "-O2", "-gdwarf-5"]),
    ("cc-clang-O2-dwarf4", "clang++", "templates.cc", ["-std=c++17", "-g", "-O2", "-gdwarf-4"]),
    ("cc-clang-lines", "clang++", "templates.cc", ["-std=c++17", "-gline-tables-only", "-O2"]),
    ("c-gcc-O2", "gcc", "plain.c", ["-g", "-O2"]),
    ("c-gcc-O2-sections", "gcc", "plain.c",
     ["-g", "-O2", "-ffunction-sections", "-Wl,--gc-sections"]),
    ("c-clang-O2", "clang", "plain.c", ["-g", "-O2"]),
]


def tool(name):
    """The tool, or Debian's versioned one. @return None if neither is here"""
    return shutil.which(name) or shutil.which(name + "-14")


def run(command, **keywords):
    command = [tool(command[0]) or command[0], *command[1:]]
    return subprocess.run(command, check=True, text=True, capture_output=True, **keywords).stdout


def code_ranges(path):
    """Executable sections, without those that the linker makes (PLT, start-up code)."""
    ranges = []
    for line in run(["readelf", "-SW", str(path)]).splitlines():
        match = re.match(r"\s*\[\s*\d+\]\s+(\.text\S*)\s+\S+\s+([0-9a-f]+)\s+[0-9a-f]+\s+([0-9a-f]+)", line)
        if match:
            start, size = int(match[2], 16), int(match[3], 16)
            ranges.append((start, start + size))
    return ranges


def pick_addresses(path, count):
    random.seed(1)
    ranges = code_ranges(path)
    population = sum(end - start for start, end in ranges)
    picked = set()
    for start, end in ranges:
        share = max(1, count * (end - start) // population)
        picked.update(random.sample(range(start, end), min(share, end - start)))
    return sorted(picked)


def parse(text):
    """A list of addresses, each a list of (function, file:line)."""
    answers = []
    for block in text.rstrip("\n").split("\n\n"):
        lines = block.split("\n")
        answers.append([(lines[i], lines[i + 1]) for i in range(0, len(lines) - 1, 2)])
    return answers


def ask_llvm(path, addresses):
    request = "".join(f"0x{a:x}\n" for a in addresses)
    text = run(["llvm-symbolizer", f"--obj={path}", "--inlines", "--no-demangle"], input=request)
    # FILE:LINE:COLUMN
    return [[(f, where.rsplit(":", 1)[0]) for f, where in answer] for answer in parse(text)]


def ask_ours(driver, path, addresses):
    request = "".join(f"{a:x}\n" for a in addresses)
    text = run([str(driver), str(path), "--mangled"], input=request)
    return parse(text)


def filt(names):
    names = sorted(names)
    plain = run(["c++filt"], input="\n".join(names) + "\n").splitlines()
    return dict(zip(names, plain))


def normal_name(name):
    """Compilers' clones (`.cold`, `.part.0`) count as the function that they are a part of."""
    while re.search(r" \[clone [^\]]*\]$", name):
        name = re.sub(r" \[clone [^\]]*\]$", "", name)
    return re.sub(r"(\.(cold|part|isra|constprop|lto_priv|llvm)(\.\d+)*)+$", "", name)


def normal_place(place):
    file, _, line = place.rpartition(":")
    if file == "??" or line == "0":
        return "??:0"  # a line of 0 means: made by the compiler
    # Where the compiler ran in a relative directory (glibc's -fdebug-prefix-map), llvm-symbolizer 14
    # joins it twice or drops "..": only the file's name is compared.
    file = os.path.normpath(file) if file.startswith("/") else os.path.basename(file)
    return f"{file}:{line}"


class Symbols:
    """What nm says, for the cases where llvm-symbolizer's answer is not the only right one."""

    def __init__(self, path=None):
        self.groups = {}  # name -> all names of its address
        self.ranges = {}  # name -> [(start, end)]
        by_address = {}
        for line in run(["nm", "-S", str(path)]).splitlines() if path else []:
            fields = line.split()
            if len(fields) == 4 and fields[2] in "tTwWiI":
                name = fields[3].partition("@")[0]
                start = int(fields[0], 16)
                by_address.setdefault(start, set()).add(name)
                self.ranges.setdefault(name, []).append((start, start + int(fields[1], 16)))
        for names in by_address.values():
            for name in names:
                self.groups.setdefault(name, set()).update(names)

    def same(self, address, their, our):
        """Equal, but for aliases (memcpy, __GI_memcpy) and for functions that have no debug
        information, whose names llvm-symbolizer does not take from a separate file."""
        if their == ["??"] and len(our) == 1:
            return any(start <= address < end for start, end in self.ranges.get(our[0], ()))
        return len(their) == len(our) and all(
            t == o or o in self.groups.get(t, ()) for t, o in zip(their, our))


class Tally:
    def __init__(self):
        self.addresses = self.functions = self.lines = self.demangled = self.names = 0
        self.explained = 0
        self.differences = []


def compare(addresses, theirs, ours, symbols):
    tally = Tally()
    plain = filt({f for answer in theirs for f, _ in answer} |
                 {f.split("\t")[0] for answer in ours for f, _ in answer})
    seen = set()
    for address, their, our in zip(addresses, theirs, ours):
        their_chain = [normal_name(plain[f]) for f, _ in their]
        our_chain = [normal_name(plain[f.split("\t")[0]]) if "\t" in f else f for f, _ in our]
        their_lines = [normal_place(p) for _, p in their]
        our_lines = [normal_place(p) for _, p in our]
        tally.addresses += 1
        same_chain = their_chain == our_chain
        if not same_chain and symbols.same(address, their_chain, our_chain):
            tally.explained += 1
            same_chain = True
        same_lines = their_lines == our_lines
        tally.functions += same_chain
        tally.lines += same_lines
        if not (same_chain and same_lines):
            tally.differences.append((address, list(zip(their_chain, their_lines)),
                                      list(zip(our_chain, our_lines))))
        for text, _ in our:
            system, tab, readable = text.partition("\t")
            # c++filt shows Rust's hashes, which we leave out.
            rust = system.startswith("_R") or re.search(r"17h[0-9a-f]{16}E", system)
            if tab and system.startswith("_Z") and not rust and system not in seen:
                seen.add(system)
                tally.names += 1
                tally.demangled += plain[system] == readable
    return tally


def report(label, tally, verbose):
    n = max(1, tally.addresses)
    functions, lines = 100 * tally.functions / n, 100 * tally.lines / n
    print(f"{label:24} {tally.addresses:6} addresses  functions {functions:7.3f} %  "
          f"lines {lines:7.3f} %  demangled {tally.demangled} of {tally.names}" +
          (f"  (of these {tally.explained} by nm)" if tally.explained else ""))
    for address, their, our in tally.differences[:20] if verbose else []:
        print(f"    0x{address:x}\n      llvm {their}\n      ours {our}")
    return (functions >= FUNCTIONS_GOAL and lines >= LINES_GOAL and
            tally.demangled == tally.names)


def check(label, driver, path, options, truth=None, symbols=None):
    """truth: the file that llvm-symbolizer reads, symbols: the one that nm reads, if not the same."""
    addresses = pick_addresses(path, options.count)
    tally = compare(addresses, ask_llvm(truth or path, addresses),
                    ask_ours(driver, path, addresses), Symbols(symbols or truth or path))
    return report(label, tally, options.verbose)


def split_debug(path, folder):
    """The same program, stripped, with its debug information behind .gnu_debuglink."""
    stripped = folder / (path.name + "-stripped")
    debug = folder / (path.name + "-stripped.debug")
    run(["objcopy", "--only-keep-debug", str(path), str(debug)])
    run(["objcopy", "--strip-all", "--remove-section=.note.gnu.build-id",
         f"--add-gnu-debuglink={debug}", str(path), str(stripped)])
    return stripped


def compressed(path, folder):
    """The program with zstd-compressed debug information; None where binutils cannot."""
    out = folder / (path.name + "-zstd")
    done = subprocess.run(["objcopy", "--compress-debug-sections=zstd", str(path), str(out)],
                          capture_output=True)
    return out if done.returncode == 0 else None


def shared_by_dwz(path, folder):
    """The program with what it shares with another one moved to an alternate file."""
    for name in ("dwz-a", "dwz-b"):
        shutil.copy(path, folder / name)
    run(["dwz", "-m", "dwz-common.debug", "-M", str(folder / "dwz-common.debug"), "dwz-a", "dwz-b"],
        cwd=folder)
    return folder / "dwz-a"


def debug_file(path):
    match = re.search(r"Build ID: ([0-9a-f]+)", run(["readelf", "-n", str(path)]))
    found = Path(f"/usr/lib/debug/.build-id/{match[1][:2]}/{match[1][2:]}.debug") if match else None
    return found if found and found.exists() else None


class Oracle:
    """Builds what is compared, in a folder of its own, and compares it."""

    def __init__(self, build, count, verbose=False):
        self.options = argparse.Namespace(count=count, verbose=verbose)
        self.driver = Path(build).resolve() / "oracle" / "symbolize"
        self.folder = self.driver.parent / "symbol-programs"
        self.folder.mkdir(parents=True, exist_ok=True)

    def program(self, name):
        compiler, source, flags = next(p[1:] for p in PROGRAMS if p[0] == name)
        binary, path = self.folder / name, HERE / "programs" / source
        if not binary.exists() or binary.stat().st_mtime < path.stat().st_mtime:
            run([compiler, *flags, str(path), "-o", str(binary)])
        return binary

    def check(self, label):
        """@return True, False, or why it cannot be done here"""
        if label in dict((p[0], p) for p in PROGRAMS):
            return check(label, self.driver, self.program(label), self.options)
        if label == "ourselves":
            return check(label, self.driver, self.driver, self.options)
        if label == "libc6-dbg":
            libc = Path("/lib/x86_64-linux-gnu/libc.so.6")
            if not libc.exists() or not debug_file(libc):
                return "libc6-dbg is not installed"
            return check(label, self.driver, libc, self.options, symbols=debug_file(libc))
        whole = self.program("cc-gcc-O2")
        if label == "dwz" and not shutil.which("dwz"):
            return "dwz is not installed"
        variant = {"debuglink": split_debug, "zstd": compressed, "dwz": shared_by_dwz}[label](
            whole, self.folder)
        if not variant:
            return "objcopy knows no zstd"
        return check(label, self.driver, variant, self.options, truth=whole)


def labels():
    """What `make check` compares, and what takes longer."""
    quick = ["cc-gcc-O2", "cc-clang-O2-dwarf5", "c-gcc-O2", "debuglink", "zstd", "libc6-dbg"]
    every = [p[0] for p in PROGRAMS] + ["debuglink", "zstd", "dwz", "libc6-dbg", "ourselves"]
    return quick, [label for label in every if label not in quick]


def missing_tools():
    return [name for name in TOOLS if not tool(name)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    if missing_tools():
        print(f"skipped: {', '.join(missing_tools())} not installed")
        return 77
    oracle = Oracle(options.build, options.count, options.verbose)
    good = True
    for label in sum(labels(), []):
        verdict = oracle.check(label)
        if isinstance(verdict, str):
            print(f"{label:24} skipped: {verdict}")
        good &= bool(verdict)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
