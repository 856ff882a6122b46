# SPDX-License-Identifier: MIT
"""`run -u USER`: root profiles a command that runs as somebody else."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import harness
from harness import (LIMIT_S, PERFPROF, assert_share, may_sample_kernel, needs_perf, needs_root, open_to_everybody,
                     perfprof, profile, program)

NOBODY = 65534
PASSWD = "prober:x:4711:4712:Prober:/home/of/prober:/bin/prober-shell\n"
GROUPS = "prober:x:4712:\nfirst:x:4713:prober,root\nother:x:4714:root\nsecond:x:4715:prober\n"


@pytest.fixture(autouse=True)
def _rights():
    needs_perf()
    needs_root()


@pytest.fixture(name="place")
def place_of_everybody(tmp_path):
    return open_to_everybody(tmp_path)


def with_prober(folder, *command):
    """Runs a command where there is a user `prober` with groups of its own."""
    for name, more in (("passwd", PASSWD), ("group", GROUPS)):
        (folder / name).write_text(Path("/etc", name).read_text() + more)
        (folder / name).chmod(0o644)
    script = 'mount --bind "$0/passwd" /etc/passwd && mount --bind "$0/group" /etc/group && exec "$@"'
    result = subprocess.run(["unshare", "-m", "sh", "-c", script, folder, *command], capture_output=True, text=True,
                            check=False, timeout=LIMIT_S, stdin=subprocess.DEVNULL,
                            env=dict(os.environ, HOME="/root", USER="root", ODD="1"))
    if "unshare" in result.stderr or "mount:" in result.stderr:
        pytest.skip("needs root: CAP_SYS_ADMIN, for users that only the test sees")
    return result


WHO = """import json, os
print(json.dumps({"uids": os.getresuid(), "gids": os.getresgid(), "groups": sorted(os.getgroups()),
                  "environment": {k: os.environ.get(k) for k in ("HOME", "USER", "LOGNAME", "SHELL", "ODD")}}))"""


@pytest.mark.parametrize("name", ["prober", "4711"])
def test_cmd_is_that_user_in_every_respect(place, name):
    result = with_prober(place, PERFPROF, "run", "-u", name, "-o", place / "x.folded", "--", "/usr/bin/env", "python3",
                         "-c", WHO)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == {
        "uids": [4711] * 3, "gids": [4712] * 3, "groups": [4712, 4713, 4715],
        "environment": {"HOME": "/home/of/prober", "USER": "prober", "LOGNAME": "prober",
                        "SHELL": "/bin/prober-shell", "ODD": "1"}}


@pytest.mark.parametrize("backend", harness.BACKENDS)
def test_events_survive_the_change(place, backend, monkeypatch):
    monkeypatch.setattr(harness, "backend_options", ["--backend", backend])
    refusal = harness._refusal_of(backend)  # pylint: disable=protected-access
    if refusal:
        pytest.skip(f"needs {backend}: {refusal}")
    split = shutil.copy(program("split"), place / "split")
    run = profile(place, split, 0.7, options=["-u", "nobody"])
    truth = run.truth
    total = sum(truth.values())
    assert_share(run.stacks.leaf("alpha"), run.stacks.total, truth["alpha"] / total, "alpha")
    if may_sample_kernel():
        assert_share(run.stacks.having("zeroes"), run.stacks.total, truth["kernel"] / total, "kernel")
    assert run.stderr == ""


def test_runs_are_repeated_as_that_user(place):
    mark = place / "who"
    result = perfprof("run", "-u", "nobody", "--repeat", 2, "-o", place / "x.folded", "--", "sh", "-c",
                      f"id -u >> {mark}")
    assert (result.returncode, result.stderr) == (0, "")
    assert mark.read_text() == "65534\n65534\n"


def test_outputs_belong_to_whom_sudo_ran_us_for(place):
    sudo = dict(os.environ, SUDO_UID="4711", SUDO_GID="4712")
    outputs = [place / f"x{suffix}" for suffix in (".pb.gz", ".svg", ".folded", ".json")]
    result = perfprof("run", "-u", "nobody", *(w for o in outputs for w in ("-o", o)), "--", "sh", "-c",
                      f"touch {place}/of-cmd; stat -c '%u %g %a' {place}/x.pb.gz.part", env=sudo)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == "4711 4712 600\n", "the journal, too"
    for path in outputs:
        st = path.stat()
        assert (st.st_uid, st.st_gid, st.st_mode & 0o777) == (4711, 4712, 0o600), path
    assert (place / "of-cmd").stat().st_uid == NOBODY
    assert perfprof("run", "-o", outputs[0], "--", "true", env=dict(sudo, SUDO_UID="root")).returncode == 0
    assert outputs[0].stat().st_uid == os.geteuid(), "what is no number says nothing"


def test_an_unknown_user_is_a_wrong_command_line(place):
    for name, words in (("nobdy", "did you mean 'nobody'?"), ("zz-nobody-of-that-name", "getent passwd"),
                        ("4000000000", "getent passwd"), ("", "getent passwd")):
        result = perfprof("run", "-u", name, "-o", place / "x.folded", "--", "touch", place / "ran")
        assert result.returncode == 2
        assert f"no user '{name}' on this machine" in result.stderr and words in result.stderr
    assert not list(place.iterdir())


def test_only_root_may(place):
    shutil.copy(PERFPROF, place / "perfprof")
    result = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", place / "perfprof", "run",
                             "-u", "daemon", "-o", place / "x.folded", "--", "touch", place / "ran"],
                            capture_output=True, text=True, check=False, timeout=LIMIT_S)
    assert result.returncode == 125
    assert "only root may run a command as user 'daemon'" in result.stderr
    assert "sudo perfprof run -u daemon" in result.stderr and len(result.stderr.splitlines()) == 1
    assert {p.name for p in place.iterdir()} == {"perfprof"}


def test_root_of_a_namespace_without_other_users(place):
    """There root may not become anybody else: CMD does not run."""
    command = ["unshare", "-Ur", PERFPROF, "run", "--backend", "perf", "-u", "nobody", "-o", place / "x.folded", "--",
               "touch", place / "ran"]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT_S)
    if "unshare" in result.stderr or "perf_event_open" in result.stderr:
        pytest.skip("needs root: CAP_SYS_ADMIN, for a user namespace that may sample")
    assert result.returncode == 125
    assert "cannot become user 'nobody': Operation not permitted" in result.stderr
    assert not list(place.iterdir())


def test_what_that_user_may_not_execute(place):
    path = shutil.copy(sys.executable, place / "program")
    os.chmod(path, 0o700)
    result = perfprof("run", "-u", "nobody", "-o", place / "x.folded", "--", path, "-c", "")
    assert result.returncode == 126
    assert f"'{path}': cannot execute as user 'nobody': Permission denied" in result.stderr


def test_a_set_user_id_command_of_another_user(place):
    """Events of the perf backend end there, whoever opened them: that is said, and what helps."""
    path = shutil.copy(program("ending"), "/tmp/perfprof-test-setuid-user")
    os.chmod(path, 0o4755)
    try:
        result = perfprof("run", "--backend", "perf", "-u", "nobody", "-o", place / "x.folded", "--", path, "exit", 3)
    finally:
        os.unlink(path)
    assert result.returncode == 3
    assert "set-user-ID" in result.stderr and "leave -u out" in result.stderr
