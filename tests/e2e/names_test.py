# SPDX-License-Identifier: MIT
"""Names of outputs: %p, %t and %%, in files, in the journal beside them and in messages; extensions."""

import os
import re
import subprocess
import time
from pathlib import Path

import pytest

from harness import LIMIT_S, PERFPROF, Target, needs_perf, perfprof, program, wait_until

STAMP = re.compile(r"\d{8}-\d{6}")


@pytest.fixture(autouse=True)
def _rights():
    needs_perf()


def moments(begin, end):
    """All that %t may be between two points in time."""
    return {time.strftime("%Y%m%d-%H%M%S", time.localtime(t)) for t in range(int(begin), int(end) + 1)}


def test_pid_and_time_in_the_name(tmp_path):
    """The time is one for all, so that files of one run look alike."""
    begin = time.time()
    result = perfprof("run", "-o", "a-%p-%t.folded", "-o", "b-%t-%p.json", "-o", "c-%%p-%x-%.txt", "--", "sh", "-c",
                      "echo $$", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    pid, names = result.stdout.strip(), sorted(os.listdir(tmp_path))
    stamp = STAMP.search(names[0]).group()
    assert stamp in moments(begin, time.time())
    assert names == [f"a-{pid}-{stamp}.folded", f"b-{stamp}-{pid}.json", "c-%p-%x-%.txt"]


def test_a_journal_and_messages_have_the_name_of_the_file(tmp_path):
    """A file that cannot be written any more, and a perfprof that is killed."""
    gone = tmp_path / "gone"
    gone.mkdir()
    result = perfprof("run", "-o", gone / "x-%p.folded", "--", "sh", "-c", f"echo $$; rm -r {gone}")
    pid = result.stdout.strip()
    assert result.returncode == 125 and f"gone/x-{pid}.folded'" in result.stderr
    with Target(program("shape"), "60") as target:
        target.wait_ready()
        with subprocess.Popen([PERFPROF, "attach", "-p", str(target.pid), "-o", tmp_path / "y-%p.svg"],
                              stderr=subprocess.PIPE) as ours:
            part = tmp_path / f"y-{target.pid}.svg.part"
            wait_until(lambda: part.exists() and part.stat().st_size, what="the journal")
            ours.kill()
            ours.communicate(timeout=LIMIT_S)
        result = perfprof("attach", "-p", target.pid, "-d", "0.2", "-o", tmp_path / "y-%p.svg")
    assert result.returncode == 0 and f"'{part}' was left behind" in result.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"y-{target.pid}.svg", f"y-{target.pid}.svg.part.1"]


def test_messages_before_the_pid_is_known_show_what_was_asked_for(tmp_path):
    for output, status, words in (("no/%p-%t.svg", 125, "cannot write 'no/%p-%t.svg': No such file or directory"),
                                  ("x-%p.foo", 2, "cannot tell the format of 'x-%p.foo': the name must end in"),
                                  ("%p", 2, "cannot tell the format of '%p'")):
        result = perfprof("run", "-o", output, "--", "touch", "ran", cwd=tmp_path)
        assert result.returncode == status and words in result.stderr
        assert len(result.stderr.splitlines()) == 1
    assert not os.listdir(tmp_path)


def test_what_is_not_in_this_version_says_what_is(tmp_path):
    assert perfprof("run", "-o", tmp_path / "x.pb.gz", "--", program("shape"), "0.2").returncode == 0
    page, capture = tmp_path / "x.html", tmp_path / "x.pb.gz"
    for command in (["run", "-o", page, "--", "touch", tmp_path / "ran"], ["flame", capture, "-o", page],
                    ["convert", capture, "-o", page], ["attach", "-p", os.getpid(), "-o", page]):
        result = perfprof(*command)
        assert result.returncode == 2, command
        assert f"cannot write '{page}': .html pages are not in this version; an .svg zooms and searches" in result.stderr
    for command, has in ((["run", "-o", "-", "--format", "html", "--", "true"], "folded, svg, text"),
                         (["report", capture, "--format", "html"], "text, md, json")):
        result = perfprof(*command)
        assert result.returncode == 2
        assert f"--format html is not in this version; it has {has}" in result.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["x.pb.gz"]


def test_a_journal_is_converted_like_any_capture(tmp_path):
    part = tmp_path / "x.pb.gz.part"
    with subprocess.Popen([PERFPROF, "run", "-o", tmp_path / "x.pb.gz", "--", program("shape"), "60"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as ours:
        wait_until(lambda: part.exists() and part.read_bytes().count(b"\x1f\x8b\x08") >= 3, what="some members")
        cmd = int(Path(f"/proc/{ours.pid}/task/{ours.pid}/children").read_text().split()[0])
        ours.kill()
        os.kill(cmd, 9)
        ours.communicate(timeout=LIMIT_S)
    torn = tmp_path / "torn.part"
    torn.write_bytes(part.read_bytes()[:-1])
    for source, said in ((part, "read from a journal"), (torn, "torn write")):
        result = perfprof("convert", source, "-o", tmp_path / "y.pb.gz", "-o", tmp_path / "y.folded", "-o",
                          tmp_path / "y.svg")
        assert result.returncode == 0 and said in result.stderr
        stacks = (tmp_path / "y.folded").read_text()
        assert "inner" in stacks
        for again in "y.pb.gz", "y.svg":  # it is a capture now, with the note in it
            result = perfprof("convert", tmp_path / again, "-o", "-")
            assert (result.returncode, result.stdout) == (0, stacks)
            assert said in perfprof("report", tmp_path / again).stdout.replace("\n  ", " ")
    result = perfprof("convert", part, part, "-o", tmp_path / "sum.folded")
    assert result.returncode == 0
