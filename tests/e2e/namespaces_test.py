# SPDX-License-Identifier: MIT
"""Targets in other mount, pid and user namespaces, perfprof in one, and mounts that do not answer."""

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from harness import (LIMIT_S, PERFPROF, PROGRAMS, Stacks, Target, attach, needs_perf, open_to_everybody, needs_program, needs_root,
                     perfprof, program, wait_until)

NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]


@pytest.fixture(autouse=True)
def _rights():
    needs_perf()
    needs_root()
    needs_program("unshare")


def unshared(flags, script, *arguments):
    """A command line that runs a shell script in new namespaces; skips where they are not to be had."""
    trial = subprocess.run(["unshare", *flags, "true"], capture_output=True, text=True, check=False)
    if trial.returncode:
        pytest.skip(f"needs root: unshare {' '.join(flags)}: {trial.stderr.strip()}")
    return ["unshare", *flags, "sh", "-ec", script, "sh", *map(str, arguments)]


def descendants(pid):
    children = [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return children + [d for c in children for d in descendants(c)]


def pid_named(root, name):
    def find():
        for pid in [root, *descendants(root)]:
            if Path(f"/proc/{pid}/comm").read_text().strip() == name:
                return pid
        return None
    return wait_until(find, what=f"a process named {name}")


def whole(stacks, *leaf):
    return stacks.count(lambda f: f[-len(leaf):] == leaf and "[truncated]" not in f)


def chroot_with(folder, name):
    """@return a folder with a program in it that is nowhere else"""
    (folder / "bin").mkdir(parents=True)
    shutil.copy(program(name), folder / "bin/hidden")
    return folder


def test_a_program_that_only_its_own_root_has(tmp_path):
    root = chroot_with(tmp_path / "root", "shape_static")
    with Target("chroot", root, "/bin/hidden", 60) as target:
        target.wait_ready()
        stacks = attach(tmp_path, target.pid, "--no-kernel", seconds=0.5).stacks
    assert whole(stacks, "main", "outer", "middle", "inner") >= 0.95 * stacks.total > 20


@pytest.mark.parametrize("place", ["link", "build-id"])
def test_debug_files_that_only_the_targets_root_has(tmp_path, place):
    """A stripped program; its names are in a file that is found below the target's root, and not below ours."""
    root = tmp_path / "root"
    for library in subprocess.run(["ldd", program("shape")], capture_output=True, text=True,
                                  check=True).stdout.split():
        if library.startswith("/"):
            (root / library[1:]).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(library, root / library[1:])
    (root / "bin").mkdir(parents=True, exist_ok=True)
    if place == "link":
        shutil.copy(program("shape_debuglink"), root / "bin")
        shutil.copy(program("shape_debuglink") + ".debug", root / "bin")
        name = "shape_debuglink"
    else:
        name = "shape_stripped"
        notes = subprocess.run(["readelf", "-n", program("shape")], capture_output=True, text=True, check=True)
        build_id = notes.stdout.partition("Build ID: ")[2].split()[0]
        folder = root / f"usr/lib/debug/.build-id/{build_id[:2]}"
        folder.mkdir(parents=True)
        subprocess.run(["objcopy", "--only-keep-debug", program("shape"), folder / f"{build_id[2:]}.debug"],
                       check=True)
        subprocess.run(["strip", "-o", root / "bin" / name, program("shape")], check=True)
    private = tmp_path / "private"  # a mount that only the target sees
    private.mkdir()
    script = 'mount -t tmpfs none "$2" && cp -a "$1/." "$2" && exec chroot "$2" "$3" 60'
    with Target(*unshared(["-m"], script, root, private, f"/bin/{name}")) as target:
        target.wait_ready()
        assert not list(private.iterdir())
        shutil.rmtree(root)
        stacks = attach(tmp_path, target.pid, "--no-kernel", seconds=0.5).stacks
    assert whole(stacks, "main", "outer", "middle", "inner") >= 0.95 * stacks.total > 20


OVERLAY = """mount -t tmpfs none "$1"
mkdir "$1/up" "$1/work" "$1/all"
mount -t overlay overlay -o "lowerdir=$2,upperdir=$1/up,workdir=$1/work" "$1/all"
exec "$1/all/hidden" 60"""


def test_overlayfs_in_new_mount_pid_and_user_namespaces(tmp_path):
    lower = chroot_with(tmp_path / "lower", "shape") / "bin"
    (tmp_path / "mount").mkdir()
    command = unshared(["-m", "-p", "-U", "-r", "--fork"], OVERLAY, tmp_path / "mount", lower)
    with Target(*command) as target:
        line = target.process.stdout.readline()
        if line.strip() != "ready":
            pytest.skip(f"needs root: no overlayfs in a user namespace: {target.process.stderr.read().strip()}")
        pid = pid_named(target.pid, "hidden")
        assert not (tmp_path / "mount/all/hidden").exists()
        run = attach(tmp_path, pid, "--no-kernel", "-o", tmp_path / "x.json", seconds=0.5)
        os.kill(pid, signal.SIGKILL)
    assert whole(run.stacks, "main", "outer", "middle", "inner") >= 0.95 * run.stacks.total > 20
    capture = json.loads((tmp_path / "x.json").read_text())["capture"]
    assert capture["pids"] == [pid]  # as we see it
    assert capture["inner_pids"] == [1]  # as it sees itself
    assert capture["command"] == f"attach {pid} (hidden)"
    assert f"In its own pid namespace {pid} is 1." in perfprof("report", tmp_path / "x.pb.gz").stdout


def test_perfprof_inside_a_pid_namespace(tmp_path):
    script = """"$1" run -o x.folded -o x.json -- "$2" 0.3 >/dev/null
"$2" 60 >/dev/null & "$1" attach -p $! -d 0.5 -o y.folded; kill -9 $!"""
    result = subprocess.run(unshared(["-p", "--fork", "--mount-proc"], script, PERFPROF, program("shape")),
                            cwd=tmp_path, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert result.returncode == 0, result.stderr
    for name in "x.folded", "y.folded":
        stacks = Stacks((tmp_path / name).read_text())
        assert stacks.having("inner") >= 0.9 * stacks.total > 20
    assert json.loads((tmp_path / "x.json").read_text())["capture"]["pids"][0] < 100  # its own namespace's


def test_the_proc_of_another_pid_namespace_is_refused(tmp_path):
    """Its numbers mean other processes: what it says of them would be somebody else's."""
    for arguments, status in (["run", "--", "true"], 125), (["attach", "-p", "1"], 3):
        result = subprocess.run(unshared(["-p", "--fork"], 'exec "$0" "$@"'.replace('$0', PERFPROF), *arguments),
                                cwd=tmp_path, capture_output=True, text=True, timeout=LIMIT_S, check=False)
        assert result.returncode == status
        assert "/proc belongs to another pid namespace" in result.stderr
        assert "mount -t proc proc /proc" in result.stderr


def test_root_of_a_user_namespace_is_an_ordinary_user(tmp_path):
    script = """"$1" run -o x.folded -o x.json -- "$2" 0.3 >/dev/null; exec "$1" check"""
    result = subprocess.run(unshared(["-U", "-r"], script, PERFPROF, program("shape")), cwd=tmp_path,
                            capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert result.returncode == 0, result.stderr
    assert not json.loads((tmp_path / "x.json").read_text())["capture"]["kernel_sampled"]
    assert Stacks((tmp_path / "x.folded").read_text()).having("inner") > 50
    assert "Your own processes can be profiled, in user mode." in result.stdout
    assert "being root in it counts as an ordinary user" in result.stdout


SILENT = """sh -c 'echo $$; exec "$@"' sh "$1" "$2" "$3" &
while ! [ -e "$2/plugin.so" ]; do sleep 0.05; done
exec "$4" "$2/plugin.so" keep"""


@pytest.mark.parametrize("seconds", [0.5, 3])
def test_a_file_system_that_never_answers_hangs_nothing(tmp_path, seconds):
    """The library lies on the target's own FUSE, whose server takes requests and answers none."""
    (tmp_path / "mount").mkdir()
    command = unshared(["-m"], SILENT, PROGRAMS / "silent_fs", tmp_path / "mount", program("plug_one.so"),
                       program("library"))
    with Target(*command) as target:
        server = int(target.process.stdout.readline())
        try:
            words = [target.process.stdout.readline().strip() for _ in range(2)]
            if words != ["ready", "ready"]:
                pytest.skip(f"needs root: no FUSE here: {words}")
            os.kill(server, signal.SIGUSR1)
            begin = time.monotonic()
            stacks = attach(tmp_path, target.pid, "--no-kernel", seconds=seconds).stacks
            assert time.monotonic() - begin < seconds + 20
        finally:
            os.kill(server, signal.SIGKILL)
    plugin = stacks.count(lambda f: f[-1].startswith("[plugin.so+0x") or f[-1] == "plug_one")
    assert plugin >= 0.95 * stacks.total > 20
    if seconds > 2.5:  # its memory has what its file system does not give
        assert stacks.leaf("plug_one") >= 0.95 * plugin


@pytest.mark.parametrize("instead", ["fifo", "link"])
def test_what_stands_in_place_of_a_binary_misleads_nobody(tmp_path, instead):
    """For an ordinary user, to whom /proc/PID/map_files is closed: the library's path is all there is, and its
    memory. Another library is behind the link."""
    needs_program("setpriv")
    open_to_everybody(tmp_path)
    binary = shutil.copy(PERFPROF, tmp_path / "perfprof")
    library = shutil.copy(program("plug_one.so"), tmp_path / "plugin.so")
    other = shutil.copy(program("plug_two.so"), tmp_path / "other.so")
    with Target(*NOBODY, shutil.copy(program("library"), tmp_path / "library"), library, "delete") as target:
        target.wait_ready()
        if instead == "fifo":
            os.mkfifo(library)
        else:
            os.symlink(other, library)
        result = subprocess.run([*NOBODY, binary, "attach", "-p", str(target.pid), "-d", "0.5", "-o", "x.folded"],
                                cwd=tmp_path, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert result.returncode == 0, result.stderr
    stacks = Stacks((tmp_path / "x.folded").read_text())
    assert whole(stacks, "main", "run", "plug_one") >= 0.95 * stacks.total > 20


def test_check_names_the_namespaces():
    result = subprocess.run(unshared(["-p", "--fork", "--mount-proc"], f"exec {PERFPROF} check"),
                            capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert "the first user namespace, a pid namespace" in result.stdout
    assert "the first user namespace, the first pid namespace" in perfprof("check").stdout
