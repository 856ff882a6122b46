# SPDX-License-Identifier: MIT
"""Where perf_event_open and ptrace are refused: what is said, with which status, and what `make demo` shows then."""

import os
import shutil
import subprocess

from harness import BUILD, LIMIT_S, PERFPROF, PROGRAMS, ROOT

DENY = str(PROGRAMS / "deny")


def denied(*command, **more):
    return subprocess.run([DENY, "--ptrace", *map(str, command)], capture_output=True, text=True, timeout=LIMIT_S,
                          check=False, **more)


def assert_names_right_and_remedy(text):
    assert "perf_event_open" in text or "perf_event_paranoid" in text
    assert "--cap-add PERFMON" in text  # here a seccomp filter stands in the way
    assert len(text.strip().splitlines()) == 1


def test_run_says_what_is_missing_and_does_not_start_cmd(tmp_path):
    result = denied(PERFPROF, "run", "-o", tmp_path / "x.folded", "--", "touch", tmp_path / "started")
    assert result.returncode == 125
    assert_names_right_and_remedy(result.stderr)
    assert not (tmp_path / "started").exists()
    assert not list(tmp_path.iterdir())


def test_attach_says_what_is_missing(tmp_path):
    result = denied(PERFPROF, "attach", "-p", os.getpid(), "-d", "1", "-o", tmp_path / "x.folded")
    assert result.returncode == 3
    assert_names_right_and_remedy(result.stderr)
    assert not list(tmp_path.iterdir())


def test_readers_need_no_right():
    result = denied(PERFPROF, "report", ROOT / "tests/golden/demo.pb.gz")
    assert result.returncode == 0
    assert "sqlite3" in result.stdout


def test_the_demo_shows_its_recording(tmp_path):
    shutil.copy(PERFPROF, tmp_path / "perfprof")
    result = denied("sh", ROOT / "tools/demo.sh", tmp_path)
    assert result.returncode == 0, result.stderr
    assert "may not sample" in result.stdout
    assert "tests/golden/demo.pb.gz" in result.stdout
    assert "sqlite3VdbeExec" in result.stdout
    assert (tmp_path / "demo/demo.svg").read_text().startswith("<?xml")


def test_the_runner_skips_with_the_rights_name(tmp_path):
    environment = dict(os.environ, CHECK_REQUIRE="")
    command = ["/usr/bin/python3", ROOT / "tests/check.py", "--build", BUILD, "--only", "tests/e2e/shares_test.py"]
    result = denied(*command, env=environment)
    assert "needs perf" in result.stdout
    passed, failed, skipped = result.stdout.strip().splitlines()[-1].split(", ")
    assert failed == "0 failed" and skipped != "0 skipped"
    environment["CHECK_REQUIRE"] = "perf,ptrace"
    result = denied(*command, env=environment)
    assert result.returncode == 1
    assert ", 0 failed, " not in result.stdout
