# SPDX-License-Identifier: MIT
"""Too little room, too few descriptors, outputs that are no files: a sentence, the right status, CMD unharmed."""

import json
import math
import os
import re
import resource
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from harness import LIMIT_S, PERFPROF, Stacks, Target, is_sanitized, needs_perf, needs_root, perfprof, program

NOBODY = 65534


def limited(what, most, *, user=None):
    """@return a preexec function: a limit, soft and hard, then perhaps another user"""
    def apply():
        resource.setrlimit(what, (most, most))
        if user:
            os.setgroups([])
            os.setgid(user)
            os.setuid(user)
    return apply


@pytest.fixture(name="open_folder")
def open_to_everybody():
    """pytest's own folders are closed to other users."""
    folder = Path(tempfile.mkdtemp(prefix="perfprof-test-", dir="/tmp"))
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


def truth(result):
    return json.loads(result.stdout.strip().splitlines()[-1])


def test_a_full_disk(tmp_path):
    needs_root()
    needs_perf()
    folder = tmp_path / "disk"
    folder.mkdir()
    script = (f"mount -t tmpfs -o size=32k none {folder} && dd if=/dev/zero of={folder}/fill bs=4k count=7 2>/dev/null && "
              f"{PERFPROF} run -o {folder}/x.pb.gz -- {program('shares')} 1.3; echo $?; ls {folder};"
              f"{PERFPROF} report {folder}/x.pb.gz.part --format json | tr -d '\\n'")
    result = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, timeout=LIMIT_S,
                            check=False)
    if "Operation not permitted" in result.stderr:
        pytest.skip("needs root: CAP_SYS_ADMIN, to mount a small disk")
    assert result.stdout.count("\n") >= 4, result.stderr
    cmd, status, *names, report = result.stdout.splitlines()
    assert json.loads(cmd)["total_ns"] > 1.2e9, "CMD went on"
    assert status == "125" and names == ["fill", "x.pb.gz.part"], "nothing half written is left"
    said = result.stderr.splitlines()
    assert sum("x.pb.gz.part': No space left on device" in line for line in said) == 1
    assert sum("x.pb.gz': cannot write: No space left on device" in line for line in said) == 1
    assert "until there was no room is in" in result.stderr
    assert json.loads(report)["capture"]["command"].startswith(program("shares"))


def test_a_limit_on_the_size_of_files(tmp_path):
    needs_perf()
    result = perfprof("run", "-o", tmp_path / "x.svg", "--", program("shares"), "0.3",
                      preexec_fn=limited(resource.RLIMIT_FSIZE, 2048))
    assert result.returncode == 125 and truth(result)["total_ns"] > 2.5e8
    assert "x.svg': cannot write: File too large" in result.stderr
    assert not (tmp_path / "x.svg").exists()
    result = perfprof("run", "-o", tmp_path / "y.folded", "--", "sh", "-c", "ulimit -f; kill -XFSZ $$",
                      preexec_fn=limited(resource.RLIMIT_FSIZE, 1 << 20))
    assert result.stdout == "2048\n" and result.returncode == 128 + 25, "CMD's signal is as it was"


@pytest.mark.parametrize("most", [6, 8, 10, 12, 14, 15, 16, 17, 18, 20, 24, 32, 64])
def test_few_descriptors(open_folder, most):
    """Either CMD does not begin, and a sentence says why; or the profile is whole, or says why it is not."""
    needs_root()
    needs_perf()
    result = perfprof("run", "-o", open_folder / "x.json", "--", "sh", "-c",
                      f"ulimit -n; exec {program('shares')} 0.2",
                      preexec_fn=limited(resource.RLIMIT_NOFILE, most, user=NOBODY))
    if result.returncode == 125:
        assert most < 20 and result.stdout == ""
        assert "open files" in result.stderr or "may open no more files" in result.stderr
        assert not list(open_folder.iterdir())
        return
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[0] == str(most)
    document = json.loads((open_folder / "x.json").read_text())
    capture = document["capture"]
    if most >= 24:
        assert document["hotspots"][0]["function"] == "alpha"
        assert capture["truncated_samples"] == 0 or is_sanitized()
    if capture["truncated_samples"] > 0.5 * capture["samples"] and not is_sanitized():
        assert any(f"may have only {most} files open" in note for note in capture["notes"])


def test_more_threads_than_descriptors(open_folder):
    """41 threads and events for 10: they take turns, and it is said."""
    needs_root()
    needs_perf()
    with Target(program("shares"), "60", "700", "40",
                preexec_fn=limited(resource.RLIMIT_CORE, 0, user=NOBODY)) as target:
        while len(os.listdir(f"/proc/{target.pid}/task")) < 41:
            assert target.process.poll() is None
        result = perfprof("attach", "-p", target.pid, "-d", 2, "--threads", "-o", open_folder / "x.folded", "-o",
                          open_folder / "x.json", preexec_fn=limited(resource.RLIMIT_NOFILE, 64, user=NOBODY))
        assert target.process.poll() is None
    assert result.returncode == 0, result.stderr
    said = re.search(r"(\d+) threads shared the events of (\d+) by turns", result.stderr)
    assert said and len(result.stderr.splitlines()) <= 2, result.stderr
    threads, turns = map(int, said.groups())
    assert threads >= 41 > turns >= 1
    notes = json.loads((open_folder / "x.json").read_text())["capture"]["notes"]
    assert any(f"shared the events of {turns} by turns" in n and "sudo prlimit --pid $$ --nofile=" in n for n in notes)
    stacks = Stacks((open_folder / "x.folded").read_text())
    assert len(stacks.comms()) > 2 * turns, "events were passed on"
    parts = {name: stacks.leaf(name) for name in ("alpha", "beta", "gamma_", "delta", "epsilon")}
    total = sum(parts.values())
    assert total > 50
    assert abs(parts["alpha"] / total - 0.5) < 5 * math.sqrt(0.25 / total) + 0.02


def test_no_locked_memory(open_folder):
    needs_root()
    needs_perf()
    result = perfprof("run", "-o", open_folder / "x.folded", "--", program("shares"), "0.3",
                      preexec_fn=limited(resource.RLIMIT_MEMLOCK, 0, user=NOBODY))
    assert result.returncode == 0, result.stderr
    stacks = Stacks((open_folder / "x.folded").read_text())
    assert stacks.leaf("alpha") > 0.3 * stacks.total > 50


def test_a_folder_that_cannot_be_written(open_folder, tmp_path):
    needs_root()
    open_folder.chmod(0o755)
    started = tmp_path / "started"
    result = perfprof("run", "-o", open_folder / "x.folded", "--", "touch", started,
                      preexec_fn=limited(resource.RLIMIT_CORE, 0, user=NOBODY))
    assert result.returncode == 125 and "x.folded': Permission denied" in result.stderr
    result = perfprof("attach", "-p", os.getpid(), "-d", 1, "-o", open_folder / "x.folded",
                      preexec_fn=limited(resource.RLIMIT_CORE, 0, user=NOBODY))
    assert result.returncode == 3 and "x.folded': Permission denied" in result.stderr
    result = perfprof("run", "-o", open_folder / "no/x.folded", "--", "touch", started)
    assert result.returncode == 125 and "No such file or directory" in result.stderr
    assert not started.exists() and not list(open_folder.iterdir())


def test_a_fifo(tmp_path):
    needs_perf()
    fifo = tmp_path / "x.folded"
    os.mkfifo(fifo)
    result = perfprof("run", "-o", fifo, "--", "touch", tmp_path / "started", timeout=20)
    assert result.returncode == 125 and "a FIFO that nobody reads" in result.stderr
    assert not (tmp_path / "started").exists()
    with subprocess.Popen(["cat", fifo], stdout=subprocess.PIPE, text=True) as reader:
        while Path(f"/proc/{reader.pid}/comm").read_text() != "cat\n":
            pass
        for _ in range(200):  # until cat waits in open()
            result = perfprof("run", "-o", fifo, "--", program("shares"), "0.2", timeout=20)
            if result.returncode == 0:
                break
        assert result.returncode == 0, result.stderr
        assert Stacks(reader.stdout.read()).having("alpha") > 20
    assert fifo.is_fifo() and [p.name for p in tmp_path.iterdir()] == ["x.folded"]


def test_devices_are_written_in_place(tmp_path):
    needs_perf()
    for device, status in (("null", 0), ("full", 125)):
        link = tmp_path / f"{device}.folded"
        link.symlink_to(f"/dev/{device}")
        result = perfprof("run", "-o", link, "--", program("shares"), "0.1")
        assert result.returncode == status and truth(result)
        assert ("No space left on device" in result.stderr) == (status != 0)
        assert link.is_symlink() and Path(f"/dev/{device}").is_char_device()
        link.unlink()
    assert not list(tmp_path.iterdir())
    result = perfprof("run", "-o", "/dev/stdout", "--", "true")
    assert result.returncode == 2 and "'-o -'" in result.stderr
