# SPDX-License-Identifier: MIT
"""What `report` and `flame` read, by content alone, and what they say about files that are no profiles:
status 4, and where it is wrong."""

import gzip
import json
import os
import pty
import random
import shutil
import subprocess

import pytest

from harness import PERFPROF, ROOT, perfprof

NO_PROFILES = [
    (b"", "empty"),
    (b"\n\n", "no stacks"),
    (b"a;b 1\nbad line\n", "line 2 "),
    (b"a;b 1\nc;d -5\n", "line 2 "),
    (b"a 1 2.5: 1 cpu-clock:\n\t55d0 main (/bin/x)\nno sample\n", "line 3 "),
    (b"PERFILE2" + bytes(200), "byte 8"),
    (b'<?xml version="1.0"?>\n<svg/>\n', "carries no capture"),
    (b'<svg><metadata id="capture">H4sI!</metadata></svg>', "damaged at byte 32"),
    (b'<svg><metadata id="capture">H4sI', "cut off at byte 32"),
    (b'<svg><metadata id="capture" data-left-out="3000000"></metadata></svg>', "3000000 bytes"),
    (b'{"schema": "perfprof.report/1"}\n', "JSON"),
    (bytes(range(256)), "byte 0"),
    (b"\x1f\x8b\x08\x00" + bytes(range(100)), "byte "),
]


@pytest.mark.parametrize("command", ["report", "flame"])
@pytest.mark.parametrize("content, words", NO_PROFILES)
def test_what_is_no_profile_is_said_to_be_none(tmp_path, command, content, words):
    path = tmp_path / "input"
    path.write_bytes(content)
    result = perfprof(command, path)
    assert (result.returncode, result.stdout) == (4, "")
    assert words in result.stderr and str(path) in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_file_of_no_known_kind_is_told_which_kinds_are_known(tmp_path):
    (tmp_path / "input").write_text("Lorem ipsum\n")
    result = perfprof("report", tmp_path / "input")
    assert result.returncode == 4
    assert all(kind in result.stderr for kind in ("pprof", "collapsed stacks", "perf script", "pictures"))


PERF_SCRIPT = """# hostname : box
Web Content 7  4711/4712 [001]    10.000100:    1001001 cpu-clock:
\t            1221 inner+0x4 (inlined)
\t            1221 outer+0x21 (/opt/x (deleted))
\t           2724a [unknown] (/lib/libc.so.6)

Web Content 7  4711/4712 [000]    10.001100:    1001001 cpu-clock:
\tffffffff81000123 do_read+0x3 ([kernel.kallsyms])
\t           2724a [unknown] (/lib/libc.so.6)

"""


def test_perf_script_text_is_read_from_standard_input():
    result = perfprof("report", "-", "--format", "json", input=PERF_SCRIPT)
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["capture"]["samples"] == 2 and report["capture"]["host"] == "box"
    assert {h["function"]: h["self_samples"] for h in report["hotspots"]} == {
        "inner": 1, "do_read": 1, "outer": 0, "[libc.so.6+0x2724a]": 0}


def test_a_picture_reports_as_its_capture_does(tmp_path):
    capture = ROOT / "tests/golden/demo.pb.gz"
    assert perfprof("flame", capture, "-o", tmp_path / "x.svg").returncode == 0
    shutil.copy(tmp_path / "x.svg", tmp_path / "no-name")
    packed = gzip.compress((tmp_path / "x.svg").read_bytes())
    (tmp_path / "packed").write_bytes(packed)
    expected = perfprof("report", capture, "--format", "json").stdout
    assert json.loads(expected)["capture"]["samples"] > 0
    for name in ("x.svg", "no-name", "packed"):
        assert perfprof("report", tmp_path / name, "--format", "json").stdout == expected
    assert perfprof("flame", tmp_path / "x.svg").stdout == (tmp_path / "x.svg").read_text()


def test_a_picture_of_a_large_capture_stays_small(tmp_path):
    """Names that do not compress: the capture is beyond what a picture may carry."""
    noise = random.Random(1)
    lines = [f"t;main;{noise.randbytes(40).hex()} 1" for _ in range(80000)]
    (tmp_path / "x.folded").write_text("\n".join(lines))
    result = perfprof("flame", tmp_path / "x.folded", "-o", tmp_path / "x.svg")
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "x.svg").stat().st_size < 3_000_000
    result = perfprof("report", tmp_path / "x.svg")
    assert result.returncode == 4 and "too large" in result.stderr


@pytest.mark.parametrize("command", ["report", "flame"])
def test_without_a_name_it_reads_the_default_one(tmp_path, command):
    assert perfprof(command, cwd=tmp_path).returncode == 2
    (tmp_path / "perfprof.pb.gz").write_bytes(b"a;b 1\n")
    result = perfprof(command, cwd=tmp_path)
    assert result.returncode == 0 and "1 sample" in result.stdout


def on_a_terminal(*arguments, **environment):
    """@return what perfprof writes to a terminal that is its own"""
    master, slave = pty.openpty()
    result = subprocess.Popen([PERFPROF, *arguments], stdin=subprocess.PIPE, stdout=slave, env=environment)
    os.close(slave)
    result.stdin.write(b"a;main;work 300\na;main 100\n")
    result.stdin.close()
    text = b""
    try:
        while chunk := os.read(master, 65536):
            text += chunk
    except OSError:  # how Linux says that nobody has the other end open
        pass
    os.close(master)
    assert result.wait() == 0
    return text.decode()


@pytest.mark.parametrize("options, environment, colored", [
    ([], {}, True), ([], {"NO_COLOR": "1"}, False), ([], {"NO_COLOR": ""}, True), ([], {"TERM": "dumb"}, False),
    (["--color", "never"], {}, False), (["--color=always"], {"NO_COLOR": "1"}, True),
])
def test_colours_on_a_terminal(options, environment, colored):
    text = on_a_terminal("report", "-", *options, **environment)
    assert ("\033[" in text) == colored
    assert "work" in text


def test_no_colours_in_files(tmp_path):
    (tmp_path / "x").write_text("a;main;work 300\n")
    assert "\033" not in perfprof("report", tmp_path / "x").stdout
    assert "\033[1m" in perfprof("report", tmp_path / "x", "--color", "always").stdout
    assert "did you mean 'always'" in perfprof("report", tmp_path / "x", "--color", "alwys").stderr


def test_columns_are_kept():
    text = on_a_terminal("report", "-", COLUMNS="60", NO_COLOR="1")
    assert max(map(len, text.splitlines())) <= 60
