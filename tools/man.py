#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the OPTIONS of the manual pages from the tables that the binary parses with.

tools/man.py [--check] [BINARY]: --check changes nothing and exits with 1 if a page would change.
"""

import re
import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BEGIN = '.\\" From here on made by tools/man.py from the option tables.\n'
END = '.\\" Up to here.\n'


def tables(binary):
    """Yields (command, type, letter, name, argument, help, words) as `perfprof help --tables` has them."""
    text = subprocess.run([binary, "help", "--tables"], capture_output=True, text=True, check=True).stdout
    for line in text.splitlines():
        yield line.split("\t")


def escape(text):
    text = text.replace("\\", "\\e")
    return "\\&" + text if text[:1] in (".", "'") else text


def sentence(text, words):
    text = text[:1].upper() + text[1:]
    if words:
        first, *rest = words.split()
        names = [f"{first} (default)", *rest]
        text += ": " + ", ".join(names[:-1]) + " or " + names[-1]
    lines = re.sub(r"\. (?=[A-Z])", ".\n", text).split("\n")
    lines = [piece for line in lines for piece in textwrap.wrap(line, 78, break_long_words=False)]
    return "\n".join(map(escape, lines)) + "."


def option(letter, name, argument, text, words):
    names = [f"Fl {letter}"] if letter else []
    names += [f"Fl -{name}"] if name else []
    item = ".It " + " , ".join(names) + (f" Ar {argument}" if argument else "")
    return f"{item}\n{sentence(text, words)}\n"


def options_of(rows):
    out, listed = "", False
    for kind, letter, name, argument, text, words in rows:
        if kind == "heading":
            out += (".El\n" if listed else "") + f".Ss {text[:1].upper() + text[1:]}\n.Bl -tag -width Ds\n"
            listed = True
        elif text:
            out += "" if listed else ".Bl -tag -width Ds\n"
            listed = True
            out += option(letter, name, argument, text, words)
    return out + ".El\n"


def main(arguments):
    check = "--check" in arguments
    binary = ([a for a in arguments if a != "--check"] or [str(ROOT / "build/perfprof")])[0]
    commands = {}
    for command, *row in tables(binary):
        commands.setdefault(command, []).append(row)
    wrong = 0
    for command, rows in commands.items():
        page = ROOT / f"docs/perfprof-{command}.1"
        if not page.exists():
            print(f"{page.name} is missing")
            wrong = 1
            continue
        old = page.read_text()
        before, begin, rest = old.partition(BEGIN)
        _, end, after = rest.partition(END)
        if not begin or not end:
            print(f"{page.name} has no place for its options")
            wrong = 1
            continue
        new = before + BEGIN + options_of(rows) + END + after
        if new != old and check:
            print(f"{page.name} has other options than the binary: run tools/man.py")
            wrong = 1
        elif new != old:
            page.write_text(new)
    return wrong


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
