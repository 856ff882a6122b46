# SPDX-License-Identifier: MIT
"""`attach -a` and `attach --cgroup`: who is sampled, and who is not."""

import json
import os
import signal
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness import LIMIT_S, PERFPROF, Stacks, Target, assert_share, needs_perf, needs_root, perfprof, program

KINDS = ("alpha", "beta", "gamma_", "delta", "epsilon") # of the program `shares`


@pytest.fixture(autouse=True)
def _rights():
    needs_perf()


def cgroup_mounts():
    """@return (mount point, type, options) of each hierarchy that is mounted"""
    out = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields, _, rest = line.partition(" - ")
        kind, _, options = rest.split(" ", 2)
        if kind in ("cgroup", "cgroup2"):
            out.append((fields.split()[4], kind, options))
    return out


@contextmanager
def group(kind):
    """Makes a control group with another one in it; skips where that is not possible. @return the folder"""
    needs_root()
    # cpuset refuses processes until its files are filled, and perf_event is as good as cgroup2.
    points = [p for p, k, o in cgroup_mounts() if k == kind and "cpuset" not in o and "perf_event" not in o]
    for point in points:
        folder = Path(point) / f"perfprof-test-{os.getpid()}"
        try:
            (folder / "inner").mkdir(parents=True)
        except OSError:
            continue
        try:
            yield folder
        finally:
            for below in (folder / "inner", folder):
                for _ in range(200): # a process that was killed is there until it is gone
                    try:
                        below.rmdir()
                        break
                    except OSError:
                        time.sleep(0.02)
        return
    pytest.skip(f"needs {kind}: no hierarchy of that kind in which a group can be made")


def inside(folder, *command):
    """A shell command that enters the group and becomes `command`."""
    words = " ".join(str(c) for c in command)
    return f"echo $$ > {folder}/cgroup.procs && exec {words}"


@pytest.mark.parametrize("kind", ["cgroup2", "cgroup"])
def test_a_control_group_with_those_below_it_and_nobody_else(tmp_path, kind):
    """`shape` is in the group below, `shares` comes in while sampling runs, `target` stays outside."""
    with group(kind) as folder:
        shape = f"{program('shape')} 60"
        later = f"sleep 0.7; {inside(folder, program('shares'), 0.5)}"
        with Target("sh", "-c", inside(folder / "inner", shape)) as one, Target("sh", "-c", later), \
                Target(program("target")) as other:
            one.wait_ready()
            other.wait_ready()
            result = perfprof("attach", "--cgroup", folder, "-d", 2, "-o", tmp_path / "x.folded", "-o",
                              tmp_path / "x.json")
        assert (result.returncode, result.stdout) == (0, ""), result.stderr
        stacks = Stacks((tmp_path / "x.folded").read_text())
        assert stacks.having("inner") > 100
        assert stacks.having("alpha") > 50
        assert stacks.having("target_work") == 0
        assert stacks.truncated() <= 0.02 * stacks.total
        capture = json.loads((tmp_path / "x.json").read_text())["capture"]
        assert capture["command"] == f"attach --cgroup {folder}"
        assert one.pid in capture["pids"] and other.pid not in capture["pids"]


def test_a_group_is_found_by_its_name_in_proc_and_ends_with_its_last_process(tmp_path):
    with group("cgroup2") as folder:
        with Target("sh", "-c", inside(folder / "inner", program("shape"), 1.5)) as target:
            target.wait_ready()
            line = [l for l in Path(f"/proc/{target.pid}/cgroup").read_text().splitlines() if l.startswith("0::")]
            result = perfprof("attach", "--cgroup", line[0][3:], "-o", tmp_path / "x.folded")
        assert result.returncode == 0, result.stderr
        assert Stacks((tmp_path / "x.folded").read_text()).having("inner") > 100


def test_a_folder_may_be_relative(tmp_path):
    with group("cgroup2") as folder:
        with Target("sh", "-c", inside(folder / "inner", program("shape"), 60)) as target:
            target.wait_ready()
            result = perfprof("attach", "--cgroup", "inner", "-d", 0.5, "-o", tmp_path / "x.folded", cwd=folder)
        assert result.returncode == 0, result.stderr
        assert "inner" in (tmp_path / "x.folded").read_text()


def test_no_such_group_is_3_and_names_one_like_it(tmp_path):
    result = perfprof("attach", "--cgroup", "/no/such/group-of-mine", "-o", tmp_path / "x.folded")
    assert result.returncode == 3
    assert "'/no/such/group-of-mine'" in result.stderr
    result = perfprof("attach", "--cgroup", tmp_path, "-o", tmp_path / "x.folded")
    assert result.returncode == 3, "a folder that is no control group"
    with group("cgroup2") as folder:
        name = folder.name
        result = perfprof("attach", "--cgroup", "/" + name.replace("test", "tset"), "-o", tmp_path / "x.folded")
        assert result.returncode == 3
        assert f"did you mean '{folder}'" in result.stderr
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("arguments", [
    ["-a", "--no-children"], ["--cgroup", "/", "--no-children"], ["-a", "-p", "1"], ["-a", "--cgroup", "/"],
    ["--cgroup", ""], ["-a", "true"]])
def test_a_wrong_command_line_is_2(tmp_path, arguments):
    result = perfprof("attach", *arguments, cwd=tmp_path)
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 1
    assert os.listdir(tmp_path) == []


def test_the_whole_system(tmp_path):
    """A process that is there, one that comes, one that ends; their shares and their time by the clock."""
    needs_root()
    with Target(program("shape"), 60) as there:
        there.wait_ready()
        comes = subprocess.Popen(["sh", "-c", f"sleep 0.5; {program('shares')} 1"], stdout=subprocess.PIPE,
                                 text=True)
        cpu_before = cpu_s(there.pid)
        result = perfprof("attach", "-a", "-d", 4, "--max-overhead", 100, "-o", tmp_path / "x.folded", "-o", tmp_path / "x.json",
                          "-o", tmp_path / "x.pb.gz")
        cpu_used = cpu_s(there.pid) - cpu_before
        truth = json.loads(comes.communicate(timeout=LIMIT_S)[0].splitlines()[-1])
    assert result.returncode == 0, result.stderr
    stacks = Stacks((tmp_path / "x.folded").read_text())
    assert stacks.having("inner") > 100
    total = sum(stacks.leaf(n) for n in KINDS)
    assert_share(stacks.leaf("alpha"), total, truth["alpha"] / truth["total_ns"], "alpha")
    capture = json.loads((tmp_path / "x.json").read_text())["capture"]
    assert (capture["command"], capture["pids"]) == ("attach -a", [])
    assert "swapper" not in "".join(stacks.comms()), "the idle task"
    ours = stacks.count(lambda f: "shape" in f[:2])
    # 999 samples a second of its CPU time; perfprof's own start and end are in what was measured.
    assert 0.75 * cpu_used - 0.05 < ours / 999 < 1.05 * cpu_used + 0.05


def cpu_s(pid):
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def as_nobody(*arguments):
    return subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all",
                           PERFPROF, *map(str, arguments)], capture_output=True, text=True, check=False, cwd="/",
                          timeout=LIMIT_S)


def test_the_whole_system_is_not_everybodys(tmp_path):
    needs_root()
    if int(Path("/proc/sys/kernel/perf_event_paranoid").read_text()) <= 0:
        pytest.skip("needs paranoid: perf_event_paranoid permits it to everybody here")
    result = as_nobody("attach", "-a", "-d", "1", "-o", "-")
    if "Permission denied" in result.stderr and "setpriv" in result.stderr:
        pytest.skip("needs path: another user cannot reach the build folder")
    assert result.returncode == 3
    assert "sudo perfprof attach -a" in result.stderr and "CAP_PERFMON" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_record_goes_on_until_the_command_ends_as_perf_has_it(tmp_path):
    with Target(program("shape"), 60) as target:
        target.wait_ready()
        begin = time.monotonic()
        result = perfprof("record", "-F", 99, "-g", "-p", target.pid, "-o", tmp_path / "x.folded", "--", "sleep", 1)
        assert 1 <= time.monotonic() - begin
        assert result.returncode == 0, result.stderr
        stacks = Stacks((tmp_path / "x.folded").read_text())
        assert stacks.comms() == {"shape"} and stacks.having("inner") > 5  # of 99, on a machine that others use too
        assert perfprof("record", "-p", target.pid, "-o", tmp_path / "y.folded", "no-such-program").returncode == 127
    assert os.listdir(tmp_path) == ["x.folded"]


def test_a_signal_ends_the_command_that_only_tells_the_time(tmp_path):
    with Target(program("target")) as target:
        target.wait_ready()
        with subprocess.Popen([PERFPROF, "record", "-p", str(target.pid), "-o", str(tmp_path / "x.folded"), "sh",
                               "-c", "echo $$; exec sleep 60"], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, text=True) as ours:
            pid = int(ours.stdout.readline())
            time.sleep(0.4)
            ours.send_signal(signal.SIGTERM)
            assert ours.wait(timeout=LIMIT_S) == 0
        assert not Path(f"/proc/{pid}").exists()
        assert target.process.poll() is None
    assert "target_work" in (tmp_path / "x.folded").read_text()
