# SPDX-License-Identifier: MIT
"""`perfprof check`: what it says as root, as an ordinary user, and where perf_event_open is refused."""

import json
import os
import re
import shutil
import subprocess

import pytest

from harness import LIMIT_S, PERFPROF, PROGRAMS, needs_perf, open_to_everybody, needs_program, needs_root, perfprof

NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]


def run(*command, **more):
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=LIMIT_S, check=False,
                          **more)


def as_nobody(binary, *arguments):
    needs_root()
    needs_program("setpriv")
    return run(*NOBODY, binary, *arguments)


@pytest.fixture(name="everybodys")
def everybodys_binary(tmp_path):
    """A copy that an ordinary user can reach."""
    return shutil.copy(PERFPROF, open_to_everybody(tmp_path) / "perfprof")


def items(result):
    document = json.loads(result.stdout)
    assert document["schema"] == "perfprof.check/1"
    return document, {i["id"]: i for i in document["items"]}


def test_where_all_works_nothing_lacks():
    needs_perf()
    needs_root()
    result = perfprof("check")
    assert result.returncode == 0
    assert not result.stderr
    assert "\nok     perf_event_open       your processes, user and kernel mode\n" in result.stdout
    assert "STOPS" not in result.stdout


def test_an_ordinary_user_learns_what_each_command_opens(everybodys):
    needs_perf()
    text = as_nobody(everybodys, "check")
    assert text.returncode == 0, text.stderr
    lines = text.stdout.splitlines()
    assert lines[1] == "Your own processes can be profiled, in user mode."
    assert lines[3].startswith("LACKS  perf_event_open")  # first what is wrong
    document, by_id = items(as_nobody(everybodys, "check", "--json"))
    assert document["own_processes"] and not document["kernel_mode"] and not document["other_users"]
    offered = {r["command"]: r["opens"] for r in by_id["perf_event_open"]["remedies"]}
    assert "sudo sysctl kernel.perf_event_paranoid=1" in offered
    for command, opens in offered.items():
        assert command in text.stdout and f"opens {opens}" in text.stdout


def test_what_setcap_promises_it_keeps(everybodys):
    """The command is taken from the output, without its sudo."""
    needs_perf()
    needs_program("setcap")
    offered = [line.partition("sudo ")[2] for line in as_nobody(everybodys, "check").stdout.splitlines()
               if "sudo setcap" in line]
    assert len(offered) == 1 and str(everybodys) in offered[0]
    assert run("sh", "-c", offered[0]).returncode == 0
    document, _ = items(as_nobody(everybodys, "check", "--json"))
    assert document["kernel_mode"] and document["other_users"]
    attached = as_nobody(everybodys, "attach", "-p", os.getpid(), "-d", "0.2", "-o", "-")  # ours is root's
    assert attached.returncode == 0, attached.stderr


def test_where_nothing_can_be_profiled_the_status_is_3():
    result = run(PROGRAMS / "deny", "--ptrace", PERFPROF, "check")
    assert result.returncode == 3
    assert "Nothing can be profiled here." in result.stdout
    assert "STOPS  perf_event_open       refused: a seccomp filter forbids it" in result.stdout
    assert "docker run --cap-add PERFMON" in result.stdout


def test_where_only_ptrace_is_left():
    result = run(PROGRAMS / "deny", PERFPROF, "check")
    assert result.returncode == 0
    assert "can be profiled, by ptrace." in result.stdout
    assert "LACKS  perf_event_open       refused: a seccomp filter forbids it" in result.stdout
    assert "note   ptrace backend        '--backend ptrace' works" in result.stdout
    assert "time-out may last longer" in result.stdout


@pytest.mark.parametrize("level", [3, 4])
def test_debian_and_ubuntu(everybodys, tmp_path, level):
    """Their kernels' levels, made of a file over perf_event_paranoid and a filter that refuses."""
    needs_root()
    number = tmp_path / "level"
    number.write_text(f"{level}\n")
    script = f"mount --bind {number} /proc/sys/kernel/perf_event_paranoid && exec \"$@\""
    view = ["unshare", "-m", "sh", "-c", script, "sh", *NOBODY, shutil.copy(PROGRAMS / "deny", tmp_path / "deny"), "--ptrace",
            everybodys]
    if run("unshare", "-m", "sh", "-c", script, "sh", "true").returncode:
        pytest.skip("needs root: may not mount over /proc/sys")
    result = run(*view, "check")
    assert result.returncode == 3
    assert "perf_event_paranoid forbids it" in result.stdout
    assert "sudo sysctl kernel.perf_event_paranoid=2" in result.stdout
    for command, status in (["run", "-o", "-", "--", "true"], 125), (["attach", "-o", "-", "-p", os.getpid()], 3):
        refused = run(*view, *command)
        assert refused.returncode == status
        assert f"kernel.perf_event_paranoid is {level}" in refused.stderr
        assert "'sudo sysctl kernel.perf_event_paranoid=2' (it opens to every user" in refused.stderr
        assert len(refused.stderr.splitlines()) == 1


ROW = re.compile(r"^  (accuracy_\w+) +([\d.]+) % +([\d.]+) % +([\d.]+) to +([\d.]+)   (ok|OFF)$", re.M)


def test_accuracy_is_measured_with_each_backend():
    """The truth's sum and the program's names are known; the binary here has its symbols."""
    needs_perf()
    result = perfprof("check", "--accuracy")
    rows = ROW.findall(result.stdout)
    assert result.returncode == (1 if any(row[5] == "OFF" for row in rows) else 0), result.stdout
    for backend in "perf", "bpf", "ptrace":
        assert re.search(rf"^{backend}: ", result.stdout, re.M)
    assert len(rows) in (5, 10, 15)
    for i in range(0, len(rows), 5):
        truth, measured = ([float(row[k]) for row in rows[i:i + 5]] for k in (1, 2))
        assert 95 < sum(truth) <= 100.1 and truth == sorted(truth, reverse=True)
        # On a busy machine ptrace takes few samples without root's rights, and not at chance.
        assert all(abs(t - m) < (10 if i < 10 else 30) for t, m in zip(truth, measured))
    assert all(float(row[3]) <= float(row[2]) <= float(row[4]) for row in rows)


def test_accuracy_of_a_stripped_binary_as_an_ordinary_user(everybodys):
    needs_perf()
    needs_program("strip")
    run("strip", everybodys)
    result = as_nobody(everybodys, "check", "--accuracy")
    assert result.returncode in (0, 1), result.stderr
    assert all(float(row[2]) > 1 for row in ROW.findall(result.stdout)[:5])


def test_accuracy_needs_the_right():
    result = run(PROGRAMS / "deny", "--ptrace", PERFPROF, "check", "--accuracy")
    assert result.returncode == 3
    assert "a seccomp filter forbids perf_event_open" in result.stderr
    assert not result.stdout


def test_it_takes_nothing_but_options():
    result = perfprof("check", "all")
    assert result.returncode == 2
    assert result.stderr == "perfprof: check takes no 'all'\n"
