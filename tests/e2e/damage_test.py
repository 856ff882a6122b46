# SPDX-License-Identifier: MIT
"""Damaged files of every kind that perfprof reads: cut off at many points and with bits turned over. It says
where the damage is and ends with 4, or finds nothing wrong; it never dies, and takes neither long nor much."""

import functools
import gzip
import os
import random
import re
import struct
import subprocess
from pathlib import Path

import pytest
from harness import PERFPROF, ROOT, perfprof

CPU_S = 1
MEMORY_KIB = 1 << 20
IS_SANITIZED = "/san/" in PERFPROF
PLACE = re.compile(r"\b(byte|line) \d+")
DEMO = ROOT / "tests/golden/demo.pb.gz"


@functools.lru_cache
def picture():
    result = perfprof("flame", DEMO, "-o", "-", text=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


def journal():
    return (ROOT / "tools/fuzz/corpus/journal/second-by-second").read_bytes()


def replay(name):
    return lambda: (ROOT / "tests/replay" / name).read_bytes()


KINDS = {
    "capture": DEMO.read_bytes,
    "unpacked": lambda: gzip.decompress(DEMO.read_bytes()),
    "picture": picture,
    "journal": journal,
    "perf.data": replay("chains.data"),
    "packed perf.data": replay("copies.data"),
    "perf.data of a pipe": replay("pipe.data"),
    "perf script": (ROOT / "tools/fuzz/corpus/perf_script/chains.txt").read_bytes,
    "collapsed": (ROOT / "tools/fuzz/corpus/folded/marks.folded").read_bytes,
}
# What is left of some is whole too: of text, of messages that nothing packs, of journals, whose end may
# be missing.
PARTS_CAN_BE_WHOLE = {"unpacked", "journal", "perf script", "collapsed"}
# These say all that there is to say, without a place.
PLACELESS = re.compile("holds no stacks|carries no capture|was recorded on|which is the limit")


def needed_bytes(kind, content):
    """What lies behind is not read: facts behind the records of perf.data, the end of a picture."""
    if kind == "picture":
        return content.rindex(b"</metadata>")
    if kind == "perf.data of a pipe" or "perf.data" not in kind:
        return len(content)
    offset, size = struct.unpack_from("<QQ", content, 40)
    return offset + size


def read(path, content):
    """@return (status, standard error); fails if it took too long or too much"""
    path.write_bytes(content)
    with subprocess.Popen([PERFPROF, "report", path], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          stdin=subprocess.DEVNULL) as child:
        words = child.stderr.read().decode(errors="replace")
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    cpu_s = usage.ru_utime + usage.ru_stime
    assert child.returncode in (0, 4), f"status {child.returncode}: {words}"
    assert child.returncode == 0 or PLACE.search(words) or PLACELESS.search(words), f"no place in: {words}"
    assert IS_SANITIZED or (cpu_s < CPU_S and usage.ru_maxrss < MEMORY_KIB), (cpu_s, usage.ru_maxrss)
    return child.returncode, words


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_is_cut_off(tmp_path, kind):
    content = KINDS[kind]()
    chance = random.Random(4711)
    sizes = {1, 7, 16, 64, 104, len(content) - 1, *(chance.randrange(1, len(content)) for _ in range(24))}
    statuses = {n: read(tmp_path / "cut", content[:n])[0] for n in sizes if n < len(content)}
    assert read(tmp_path / "whole", content)[0] == 0
    whole = {n for n, status in statuses.items() if status == 0 and n < needed_bytes(kind, content)}
    if kind == "perf.data of a pipe":
        whole.discard(16)  # nothing but its header
    if kind not in PARTS_CAN_BE_WHOLE:
        assert not whole, f"{kind} was read as whole though only {whole} of {len(content)} bytes were there"


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_with_bits_turned_over(tmp_path, kind):
    content = KINDS[kind]()
    chance = random.Random(1147)
    for _ in range(30):
        damaged = bytearray(content)
        for _ in range(chance.choice((1, 1, 2, 8, 64))):
            damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        status, words = read(tmp_path / "damaged", bytes(damaged))
        # gzip's checksum sees all of it.
        assert kind != "capture" or status == 4, words


@pytest.mark.parametrize("kind", [k for k in KINDS if "perf" in k or k == "unpacked"])
def test_a_file_that_claims_to_hold_more_than_it_does(tmp_path, kind):
    """Sizes and counts of 32 and 64 bits, where there may be some, become as large as can be."""
    content = KINDS[kind]()
    chance = random.Random(99)
    for _ in range(20):
        damaged = bytearray(content)
        width = chance.choice((4, 8))
        at = chance.randrange(min(len(damaged), 4096) - width) // 4 * 4
        damaged[at:at + width] = chance.choice((b"\xff", b"\x7f", b"\x00")) * width
        read(tmp_path / "damaged", bytes(damaged))


def message(number, content):
    """A field of a protobuf message."""
    size, length = len(content), b""
    while size >= 0x80:
        length += bytes([size & 0x7f | 0x80])
        size >>= 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + content


# profile.proto: a string of no bytes, and a sample type of the strings 1 and 2
HEAD = b"".join(message(6, text) for text in (b"", b"samples", b"count")) + message(1, bytes([8, 1, 16, 2]))
BOMBS = {
    "2 GiB of zeros": (bytes(64 << 20), 32),
    "2 GiB of collapsed stacks": (b"a 1\n" * (16 << 20), 32),
    "30 million strings": (HEAD + message(6, b"") * 30_000_000, 1),
    "30 million locations": (HEAD + message(4, b"") * 30_000_000, 1),
    "a stack of 60 million frames": (HEAD + message(2, message(1, b"\1" * 60_000_000) + message(2, b"\1")), 1),
    "a stack of 30 million names": (b"a;" * 30_000_000 + b"b 1\n", 1),
}


@pytest.mark.parametrize("what", BOMBS)
def test_a_small_file_that_unpacks_to_much(tmp_path, what):
    content, members = BOMBS[what]
    packed = gzip.compress(content, 6) * members
    status, words = read(tmp_path / "bomb", packed)
    assert status == 4 and len(packed) < (3 << 20), words


def test_a_picture_that_is_cut_off_before_its_capture_is_no_strangers_picture(tmp_path):
    path = Path(tmp_path, "x.svg")
    path.write_bytes(picture()[:5000])
    result = perfprof("report", path)
    assert result.returncode == 4
    assert "is a picture that is cut off at byte 5000, before its capture" in result.stderr
