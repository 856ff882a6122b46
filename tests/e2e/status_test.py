# SPDX-License-Identifier: MIT
"""Exit statuses and signals, one by one. Those that stand elsewhere:

run    CMD's status, 128+N, 126, 127, 2, 125 before CMD runs: run_test, rights_test, shortage_test, run_user_test
       signals of a process and of the terminal, the second ^C (130): run_test, run_corners_test
attach 0 by SIGINT, SIGTERM, SIGHUP and at the target's end, 2, 3 for a pid that is not there: attach_test
       3 for a right that is missing: users_test, wide_test
readers 4 with byte or line: reading_test, damage_test; filters that are none: filters_test
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness import LIMIT_S, PERFPROF, Stacks, Target, needs_perf, needs_root, perfprof, program, wait_until

COMMANDS = ["run", "attach", "record", "report", "flame", "convert", "annotate", "check", "completion"]
LATER = ["review", "diagnose", "scale", "top"]


@pytest.fixture(name="capture", scope="module")
def recorded(tmp_path_factory):
    needs_perf()
    path = tmp_path_factory.mktemp("status") / "x.pb.gz"
    assert perfprof("run", "-o", path, "--", program("shares"), "0.2").returncode == 0
    return path


def one_line(result):
    return len(result.stderr.splitlines()) == 1 and result.stderr.startswith("perfprof: ")


# All commands ----------------------------------------------------------------------------------

@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_0_and_an_unknown_option_2(command):
    result = perfprof(command, "--help")
    assert (result.returncode, result.stderr) == (0, "") and "perfprof" in result.stdout
    result = perfprof(command, "--no-such-option")
    assert (result.returncode, result.stdout) == (2, "") and one_line(result)
    assert "unknown option '--no-such-option'" in result.stderr


@pytest.mark.parametrize("command", LATER)
def test_a_command_of_a_later_version_is_2(command):
    result = perfprof(command, "x")
    assert (result.returncode, result.stdout) == (2, "") and one_line(result)
    assert f"'{command}' is not in this version" in result.stderr


def test_an_unknown_command_is_2():
    result = perfprof("reprot", "x")
    assert result.returncode == 2 and "did you mean 'report'?" in result.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["help", "run"], ["run", "--help"], ["--version"],
                                       ["completion", "bash"], ["check"]])
def test_what_cannot_be_printed_is_an_error(arguments):
    """A full disk must not look like an answer without content."""
    with open("/dev/full", "w", encoding="ascii") as full:
        result = subprocess.run([PERFPROF, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False,
                                timeout=LIMIT_S)
    assert result.returncode == (125 if arguments[0] == "run" else 3)
    assert one_line(result) and "standard output" in result.stderr and "No space left" in result.stderr


# Readers -----------------------------------------------------------------------------------------

READERS = {"report": ["report", "IN"], "flame": ["flame", "IN", "-o", "y.svg"], "convert": ["convert", "IN", "-o", "y.json"],
           "annotate": ["annotate", "main", "IN"]}


def reading(name, path):
    return [str(path) if word == "IN" else word for word in READERS[name]]


@pytest.mark.parametrize("name", READERS)
def test_readers_end_with_0_3_or_4(tmp_path, capture, name):
    if name != "annotate":
        assert perfprof(*reading(name, capture), cwd=tmp_path).returncode == 0
    (tmp_path / "folder").mkdir()
    (tmp_path / "bad").write_text("a;b 1\nno count\n")
    (tmp_path / "y.json").unlink(missing_ok=True)
    (tmp_path / "y.svg").unlink(missing_ok=True)
    for path, status, words in (("missing", 3, "No such file or directory"), ("folder", 3, "Is a directory"),
                                ("bad", 4, "line 2")):
        result = perfprof(*reading(name, tmp_path / path), cwd=tmp_path)
        assert (result.returncode, result.stdout) == (status, ""), path
        assert one_line(result) and words in result.stderr and str(tmp_path / path) in result.stderr
    assert sorted(os.listdir(tmp_path)) == ["bad", "folder"]


def test_a_file_that_may_not_be_read_is_3(tmp_path, capture):
    needs_root()
    closed = tmp_path / "closed"
    closed.write_bytes(capture.read_bytes())
    closed.chmod(0)
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)

    def leave():
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    result = perfprof("report", closed, preexec_fn=leave)
    assert result.returncode == 3 and "Permission denied" in result.stderr


def test_an_output_that_cannot_be_written_is_3(tmp_path, capture):
    for command in (["flame", capture, "-o", "no/x.svg"], ["convert", capture, "-o", "no/x.json"]):
        result = perfprof(*command, cwd=tmp_path)
        assert result.returncode == 3 and "no/x." in result.stderr and one_line(result)
    assert not os.listdir(tmp_path)


def test_a_reader_of_ours_that_goes_away_is_no_failure(capture):
    """Where SIGPIPE is ignored: where it is not, the signal ends us, as it does all programs."""
    reader, writer = os.pipe()
    os.close(reader)
    for command in (["report", capture], ["flame", capture], ["convert", capture, "-o", "-"]):
        result = subprocess.run([PERFPROF, *map(str, command)], stdout=writer, stderr=subprocess.PIPE, text=True,
                                restore_signals=False, check=False, timeout=LIMIT_S,
                                preexec_fn=lambda: signal.signal(signal.SIGPIPE, signal.SIG_IGN))
        assert result.returncode == 0 and "pipe" not in result.stderr, command
    os.close(writer)


# run -----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("ending, status", [("exit 0", 125), ("exit 3", 3), ("kill -9 $$", 137), ("kill -TERM $$", 143)])
def test_an_output_that_cannot_be_written_any_more(tmp_path, ending, status):
    """Ours is said in any case, and is the status only if CMD had none."""
    needs_perf()
    gone = tmp_path / "gone"
    gone.mkdir()
    result = perfprof("run", "-o", gone / "x.folded", "--", "sh", "-c", f"rm -r {gone}; {ending}")
    assert result.returncode == status
    assert "gone/x.folded'" in result.stderr


def test_two_interrupts_of_a_process_are_both_passed_on(tmp_path):
    """Only a second ^C of the terminal means us."""
    needs_perf()
    with subprocess.Popen([PERFPROF, "run", "-o", tmp_path / "x.folded", "--", program("signals")],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as ours:
        assert ours.stdout.readline() == "ready\n"
        for _ in range(3):
            ours.send_signal(signal.SIGINT)
            assert ours.stdout.readline() == "2\n"
        ours.send_signal(signal.SIGTERM)
        assert ours.stdout.readline() == "15\n"
        assert ours.wait(timeout=LIMIT_S) == 5


def test_a_command_that_stops_is_waited_for(tmp_path):
    needs_perf()
    with subprocess.Popen([PERFPROF, "run", "-o", tmp_path / "x.folded", "--", "sh", "-c",
                           "echo $$; kill -STOP $$; exit 9"], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL,
                          text=True) as ours:
        cmd = int(ours.stdout.readline())
        stat = Path(f"/proc/{cmd}/stat")
        wait_until(lambda: stat.read_text().rpartition(")")[2].split()[0] == "T", what="the stop")
        time.sleep(0.2)
        assert ours.poll() is None
        os.kill(cmd, signal.SIGCONT)
        assert ours.wait(timeout=LIMIT_S) == 9
    assert (tmp_path / "x.folded").exists()


def test_with_a_duration_signals_reach_cmd_after_the_outputs_are_written(tmp_path):
    needs_perf()
    output = tmp_path / "x.folded"
    with subprocess.Popen([PERFPROF, "run", "-d", "0.2", "-o", output, "--", program("signals")],
                          stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as ours:
        assert ours.stdout.readline() == "ready\n"
        wait_until(output.exists, what="the output")
        assert ours.poll() is None
        ours.send_signal(signal.SIGUSR1)
        assert ours.stdout.readline() == "10\n"
        ours.send_signal(signal.SIGTERM)
        assert ours.wait(timeout=LIMIT_S) == 5


# attach --------------------------------------------------------------------------------------------

def test_other_signals_do_not_stop_attach(tmp_path):
    needs_perf()
    with Target(program("target")) as target:
        target.wait_ready()
        with subprocess.Popen([PERFPROF, "attach", "-p", str(target.pid), "-o", tmp_path / "x.folded"],
                              stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as ours:
            wait_until((tmp_path / "x.folded.part").exists, what="the journal")
            # The journal is begun when signals are blocked: what comes now is kept for the loop.
            for number in (signal.SIGUSR1, signal.SIGUSR2):
                ours.send_signal(number)
            time.sleep(0.5)
            assert ours.poll() is None and not (tmp_path / "x.folded").exists()
            ours.send_signal(signal.SIGINT)
            assert ours.wait(timeout=LIMIT_S) == 0
        assert target.process.poll() is None
    assert Stacks((tmp_path / "x.folded").read_text()).rows is not None


def test_an_output_of_attach_that_cannot_be_written_any_more_is_3(tmp_path):
    needs_perf()
    gone = tmp_path / "gone"
    gone.mkdir()
    code = "import time\nend = time.time() + 60\nwhile time.time() < end: pass"
    with Target(sys.executable, "-c", code) as target:
        with subprocess.Popen([PERFPROF, "attach", "-p", str(target.pid), "-o", gone / "x.folded"],
                              stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as ours:
            wait_until((gone / "x.folded.part").exists, what="the journal")
            for path in gone.iterdir():
                path.unlink()
            gone.rmdir()
            ours.send_signal(signal.SIGINT)
            stderr = ours.communicate(timeout=LIMIT_S)[1]
        assert ours.returncode == 3 and "gone/x.folded'" in stderr
        assert target.process.poll() is None
