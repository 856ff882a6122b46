# SPDX-License-Identifier: MIT
"""The contract of `perfprof run`: what CMD sees, and how perfprof ends."""

import json
import os
import pty
import resource
import shutil
import signal
import stat
import subprocess
import sys
import time

import pytest

from harness import (LIMIT_S, PERFPROF, Pprof, Stacks, needs_perf, needs_program, needs_root, perfprof, profile,
                     program, wait_until)


@pytest.fixture(autouse=True)
def _rights():
    needs_perf()


def run(tmp_path, *command, options=(), **more):
    return perfprof("run", *options, "-o", tmp_path / "x.folded", "--", *command, **more)


@pytest.mark.parametrize("status", [0, 1, 3, 77, 255])
def test_exits_with_the_status_of_cmd(tmp_path, status):
    assert run(tmp_path, program("ending"), "exit", status).returncode == status
    assert (tmp_path / "x.folded").exists()


@pytest.mark.parametrize("number", 
                         [n for n in range(1, 32) if n not in (17, 18, 19, 20, 21, 22, 23, 28)] + [34, 64])
def test_exits_with_128_and_the_signal_that_ended_cmd(tmp_path, number):
    assert run(tmp_path, program("ending"), "signal", number).returncode == 128 + number
    assert (tmp_path / "x.folded").exists()


def test_a_missing_command_is_127(tmp_path):
    result = run(tmp_path, "no-such-program-here")
    assert result.returncode == 127
    assert "no-such-program-here" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_command_that_cannot_be_executed_is_126(tmp_path):
    path = tmp_path / "plain"
    path.write_text("not a program\n")
    assert run(tmp_path, path).returncode == 126
    assert run(tmp_path, tmp_path).returncode == 126


def test_a_script_without_interpreter_is_127(tmp_path):
    path = tmp_path / "script"
    path.write_text("#!/no/such/interpreter\n")
    path.chmod(0o755)
    assert run(tmp_path, path).returncode in (126, 127)


@pytest.mark.parametrize("arguments", [
    ["run"], ["run", "--"], ["run", "--no-such-option", "--", "true"], ["run", "-F", "abc", "--", "true"],
    ["run", "-F", "0", "--", "true"], ["run", "-F", "-5", "--", "true"], ["run", "-d", "10x", "--", "true"],
    ["run", "-o", "x.unknown", "--", "true"], ["run", "-o", "noextension", "--", "true"],
    ["run", "-e", "no-such-event", "--", "true"], ["run", "--backend", "magic", "--", "true"],
    ["run", "--unwind", "magic", "--", "true"], [], ["no-such-command"]])
def test_a_wrong_command_line_is_2(tmp_path, arguments):
    result = perfprof(*arguments, cwd=tmp_path)
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.strip()
    assert len(result.stderr.splitlines()) <= 2 or not arguments
    assert os.listdir(tmp_path) == []


def test_a_wrong_extension_is_found_before_cmd_starts(tmp_path):
    mark = tmp_path / "started"
    assert perfprof("run", "-o", tmp_path / "x.nonsense", "--", "touch", mark).returncode == 2
    assert not mark.exists()


def test_an_output_that_cannot_be_written_is_125(tmp_path):
    result = perfprof("run", "-o", tmp_path / "no/such/folder/x.folded", "--", "true")
    assert result.returncode == 125
    assert "no/such/folder" in result.stderr


def test_cmds_own_failure_outranks_ours(tmp_path):
    result = perfprof("run", "-o", "/dev/full", "--format", "folded", "--", "sh", "-c", "exit 3")
    assert result.returncode in (2, 3)
    folder = tmp_path / "gone"
    folder.mkdir()
    result = perfprof("run", "-o", folder / "x.folded", "--", "sh", "-c", f"rm -rf {folder}; exit 3")
    assert result.returncode == 3
    assert result.stderr


def test_streams_are_untouched(tmp_path):
    script = "cat; echo to-stderr >&2; printf 'no newline'"
    result = run(tmp_path, "sh", "-c", script, input="line 1\nline 2\n")
    assert result.stdout == "line 1\nline 2\nno newline"
    assert result.stderr == "to-stderr\n"


def test_bytes_are_untouched(tmp_path):
    data = bytes(range(256)) * 4000
    result = run(tmp_path, "cat", input=data, text=False)
    assert result.stdout == data


def test_nothing_but_what_was_asked_for_is_written(tmp_path):
    assert run(tmp_path, program("ending"), "exit", 0, cwd=tmp_path).returncode == 0
    assert os.listdir(tmp_path) == ["x.folded"]


def test_the_default_output(tmp_path):
    assert perfprof("run", "--", "true", cwd=tmp_path).returncode == 0
    assert os.listdir(tmp_path) == ["perfprof.pb.gz"]


def inherited(text):
    return [line for line in text.splitlines() if not line.startswith("environment _=")]


def test_all_that_cmd_inherits_is_as_without_us(tmp_path):
    command = [program("environ"), "one", "two three", ""]
    plain = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=True)
    # Descriptors 1 and 2 are pipes of their own in each run.
    clean = lambda text: [l.split("pipe:")[0] for l in inherited(text)]
    ours = run(tmp_path, *command)
    assert ours.returncode == 0
    ours_lines, plain_lines = clean(ours.stdout), clean(plain.stdout)
    # The group that a shell without job control gives: ours is the same as our caller's.
    assert ours_lines == plain_lines


def odd_state():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP, signal.SIGUSR2, signal.SIGCHLD, signal.SIGTERM})
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 128))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_STACK, (4 << 20, 8 << 20))
    os.nice(3)
    os.umask(0o027)
    os.dup2(os.open("/dev/zero", os.O_RDONLY), 9)
    os.setsid()


def test_odd_limits_signals_and_descriptors_reach_cmd(tmp_path):
    command = [program("environ")]
    environment = {"PATH": "/usr/bin:/bin", "ODD": "a=b\nc", "LD_PRELOAD_NOT": ""}
    runs = []
    for argv in (command, [PERFPROF, "run", "-o", str(tmp_path / "x.folded"), "--", *command]):
        result = subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=True,
                                env=environment, preexec_fn=odd_state, close_fds=False, timeout=LIMIT_S)
        text = [l.split("pipe:")[0] for l in inherited(result.stdout)]
        # Each run is the leader of a session with a number of its own.
        runs.append([l for l in text if not l.startswith("session ")])
    assert runs[0] == runs[1]
    assert any(l.startswith("descriptor 9 /dev/zero") for l in runs[1])
    assert "signal 2 ignored" in runs[1] and "signal 12 default blocked" in runs[1]


def test_cmd_is_in_our_session_and_group(tmp_path):
    out = run(tmp_path, sys.executable, "-c",
              "import os; print(os.getsid(0), os.getpgrp())").stdout.split()
    assert out == [str(os.getsid(0)), str(os.getpgrp())]


def start(tmp_path, *command, **more):
    return subprocess.Popen([PERFPROF, "run", "-o", str(tmp_path / "x.folded"), "--", *command],
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True, **more)


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGINT, signal.SIGQUIT])
def test_a_signal_that_a_process_sends_is_passed_on(tmp_path, number):
    with start(tmp_path, program("signals")) as ours:
        assert ours.stdout.readline() == "ready\n"
        ours.send_signal(number)
        assert ours.stdout.readline() == f"{int(number)}\n"
        ours.send_signal(signal.SIGTERM)
        assert ours.stdout.readline() == "15\n"
        assert ours.wait(timeout=LIMIT_S) == 5
    assert (tmp_path / "x.folded").exists()


def test_sigterm_that_ends_cmd_is_its_status(tmp_path):
    with start(tmp_path, "sleep", "60") as ours:
        time.sleep(0.5)
        ours.terminate()
        assert ours.wait(timeout=LIMIT_S) == 128 + 15
    assert (tmp_path / "x.folded").exists()


def on_a_terminal(tmp_path, *command, options=()):
    """Starts perfprof as the leader of a terminal of its own. @return (pid, master)"""
    pid, master = pty.fork()
    if pid == 0:
        # A test run in the background inherits them ignored, and no shell can trap them then.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.signal(signal.SIGQUIT, signal.SIG_DFL)
        os.execv(PERFPROF, [PERFPROF, "run", *options, "-o", str(tmp_path / "x.folded"), "--", *command])
    return pid, master


def read_until(master, text):
    seen = b""
    while text not in seen:
        seen += os.read(master, 4096)
    return seen.decode()


def ended(pid):
    """@return the exit status once it has ended, else None"""
    done, status = os.waitpid(pid, os.WNOHANG)
    return (os.waitstatus_to_exitcode(status),) if done else None


def test_an_interrupt_of_the_terminal_is_cmds_own(tmp_path):
    """CMD gets it once, from the terminal, and perfprof waits for it."""
    pid, master = on_a_terminal(tmp_path, "sh", "-c",
                                "trap 'echo got; n=$((n+1))' INT; echo ready; sleep 9; sleep 0.5; exit $n")
    read_until(master, b"ready")
    time.sleep(0.3)
    os.write(master, b"\x03")
    assert wait_until(lambda: ended(pid), 20) == (1,)
    os.close(master)
    assert (tmp_path / "x.folded").exists()


def test_a_second_interrupt_stops_at_once(tmp_path):
    """CMD ignores both; perfprof writes and exits 130, CMD goes on."""
    pid, master = on_a_terminal(tmp_path, "sh", "-c", "trap '' INT HUP; echo ready $$; exec sleep 60")
    cmd = int(read_until(master, b"\n").split()[1])
    try:
        time.sleep(0.2)
        os.write(master, b"\x03")
        time.sleep(0.5)
        assert ended(pid) is None
        os.write(master, b"\x03")
        assert wait_until(lambda: ended(pid), 20) == (130,)
        os.kill(cmd, 0)
    finally:
        os.kill(cmd, signal.SIGKILL)
        os.close(master)
    assert (tmp_path / "x.folded").exists()


def test_a_daemon_that_outlives_cmd_is_left_alone(tmp_path):
    pidfile = tmp_path / "pid"
    begin = time.monotonic()
    result = run(tmp_path, program("ending"), "daemon", 20, pidfile)
    assert result.returncode == 0
    assert time.monotonic() - begin < 15
    pid = int(wait_until(lambda: pidfile.exists() and pidfile.read_text().strip()))
    os.kill(pid, 0)
    os.kill(pid, signal.SIGKILL)


def test_duration_writes_and_then_waits_for_cmd(tmp_path):
    with start_with(tmp_path, ["-d", "500ms"], "sh", "-c", "sleep 3; exit 9") as ours:
        wait_until((tmp_path / "x.folded").exists, 10, "the output")
        assert ours.poll() is None
        assert ours.wait(timeout=LIMIT_S) == 9


def start_with(tmp_path, options, *command):
    return subprocess.Popen([PERFPROF, "run", *options, "-o", str(tmp_path / "x.folded"), "--", *command],
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def test_few_samples_are_no_error(tmp_path):
    run_ = profile(tmp_path, "true")
    assert run_.pprof.sample_types
    assert Stacks((tmp_path / "x.folded").read_text()).total < 50


def test_both_outputs_hold_the_same_samples(tmp_path):
    result = profile(tmp_path, program("shares"), 0.5)
    pprof, stacks = result.pprof, result.stacks
    assert pprof.sample_types == [("samples", "count"), ("cpu", "nanoseconds")]
    assert sum(values[0] for _, values, _ in pprof.samples) == stacks.total
    alpha = sum(v[0] for frames, v, _ in pprof.samples if "alpha" in frames)
    assert alpha == stacks.having("alpha")
    # A thread's nanoseconds add up to its CPU time by the clock.
    cpu_ns = sum(v[1] for _, v, _ in pprof.samples)
    assert abs(cpu_ns - result.truth["total_ns"]) < 0.1 * result.truth["total_ns"] + 20e6


def test_the_extension_is_one_last_field(tmp_path):
    pprof = profile(tmp_path, "true").pprof
    assert len(pprof.fields.get(536870911, [])) == 1
    assert list(pprof.fields)[-1] == 536870911
    assert set(pprof.fields) <= set(range(1, 16)) | {536870911}


def test_outputs_are_private(tmp_path):
    profile(tmp_path, "true")
    for name in ("x.folded", "x.pb.gz"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_a_link_in_the_way_is_replaced_and_not_followed(tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("mine")
    (tmp_path / "x.folded").symlink_to(precious)
    assert run(tmp_path, "true").returncode == 0
    assert precious.read_text() == "mine"
    assert not (tmp_path / "x.folded").is_symlink()


def test_standard_output_on_request(tmp_path):
    result = perfprof("run", "--no-kernel", "-o", "-", "--", program("shape"), 0.3, cwd=tmp_path)
    assert result.returncode == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "ready"
    assert Stacks("\n".join(lines[1:])).having("inner") > 100
    assert os.listdir(tmp_path) == []


def test_several_outputs(tmp_path):
    names = ["x.pb.gz", "x.pprof", "x.svg", "x.folded", "x.txt", "x.json", "x.md"]
    options = [o for n in names for o in ("-o", tmp_path / n)]
    assert perfprof("run", *options, "--", program("shape"), 0.3).returncode == 0
    assert sorted(os.listdir(tmp_path)) == sorted(names)
    assert (tmp_path / "x.pprof").read_bytes() == (tmp_path / "x.pb.gz").read_bytes()


def test_killed_at_any_moment_the_target_goes_on(tmp_path):
    with start(tmp_path, program("signals")) as ours:
        assert ours.stdout.readline() == "ready\n"
        children = subprocess.run(["pgrep", "-P", str(ours.pid)], capture_output=True, text=True,
                                  check=True).stdout.split()
        pid = int(children[0])
        ours.kill()
        ours.wait()
        os.kill(pid, signal.SIGUSR1)
        assert ours.stdout.readline() == "10\n"
        os.kill(pid, signal.SIGTERM)
        assert ours.stdout.readline() == "15\n"


def test_the_capture_opens_again(tmp_path):
    """convert's work is the second issue's; report and flame read what run wrote."""
    profile(tmp_path, program("shape"), 0.5, options=["--no-kernel"])
    for name in ("x.pb.gz", "x.folded"):
        report = perfprof("report", tmp_path / name)
        assert report.returncode == 0 and "inner" in report.stdout, report.stderr
        flame = perfprof("flame", tmp_path / name, "-o", tmp_path / "x.svg")
        assert flame.returncode == 0, flame.stderr
        assert "inner" in (tmp_path / "x.svg").read_text()
    assert Pprof(tmp_path / "x.pb.gz").samples


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_descriptors_that_were_closed_stay_closed(tmp_path, closed):
    """None of ours takes their place: CMD finds them as without us, and no message goes astray."""
    look = f"ls /proc/$$/fd > {tmp_path}/seen; exit 6"
    ours = f"{PERFPROF} run -o {tmp_path}/x.folded -- sh -c '{look}' {closed}"
    seen = []
    for command in (f"sh -c '{look}' {closed}", ours):
        assert subprocess.run(command, shell=True, check=False, timeout=LIMIT_S).returncode == 6
        seen.append((tmp_path / "seen").read_text())
    assert seen[0] == seen[1]
    assert Stacks((tmp_path / "x.folded").read_text()).rows is not None


def test_standard_output_that_is_closed_is_an_error(tmp_path):
    command = f"{PERFPROF} run -o - -- true >&-"
    result = subprocess.run(command, shell=True, check=False, timeout=LIMIT_S, capture_output=True, text=True)
    assert result.returncode == 125
    assert "standard output" in result.stderr


def test_record_is_run_or_attach_by_its_arguments(tmp_path):
    """CMD's own -p is no process."""
    result = perfprof("record", "-g", "-F", 99, "-o", tmp_path / "x.folded", "echo", "-p", "1")
    assert (result.returncode, result.stdout) == (0, "-p 1\n")
    result = perfprof("record", "-p", 4194303, "-d", 1, "-o", tmp_path / "y.folded")
    assert result.returncode == 3
    assert "4194303" in result.stderr


def test_what_cannot_be_written_is_said_before_cmd_runs(tmp_path):
    (tmp_path / "folder.svg").mkdir()
    for output in (tmp_path / "folder.svg", tmp_path / "missing" / "x.svg"):
        result = perfprof("run", "-o", output, "--", "touch", tmp_path / "ran")
        assert result.returncode == 125
        assert str(output) in result.stderr
    assert not (tmp_path / "ran").exists()


def test_stacks_are_walked_where_descriptors_are_scarce(tmp_path):
    """64 descriptors, 60 threads: their events must not take what object files are opened with."""
    def scarce():
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    run = profile(tmp_path, program("threads"), 60, 20, preexec_fn=scarce)
    truncated = run.stacks.truncated()
    assert truncated < 0.1 * run.stacks.total, f"{truncated} of {run.stacks.total}"


def test_a_rate_above_the_limit_is_lowered_said_and_stored(tmp_path):
    result = perfprof("run", "-F", 100000000, "-o", tmp_path / "x.json", "--", "true")
    assert result.returncode == 0
    rate = json.loads((tmp_path / "x.json").read_text())["capture"]["rate_hz"]
    assert rate < 100000000
    assert f"sampled at {rate} Hz" in result.stderr


def test_verbose_says_what_could_not_be_done(tmp_path):
    """A file that is mapped but is no program, under a name that would move a terminal's cursor."""
    path = tmp_path / "odd\x1b[2J"
    path.write_bytes(b"x" * 8192)
    code = ("import ctypes, os, sys, time; libc = ctypes.CDLL(None); libc.mmap.restype = ctypes.c_void_p;"
            "libc.mmap(None, 4096, 5, 2, os.open(sys.argv[1], 0), ctypes.c_long(0)); time.sleep(0.5)")
    command = ["--", sys.executable, "-c", code, path]
    result = perfprof("run", "-v", "-o", tmp_path / "x.folded", *command)
    assert result.returncode == 0
    assert "object: " in result.stderr and "odd?[2J" in result.stderr
    assert perfprof("run", "-o", tmp_path / "x.folded", *command).stderr == ""


def test_a_script_without_a_first_line_is_run_as_shells_do(tmp_path):
    path = tmp_path / "plain"
    path.write_text("exit 5\n")
    path.chmod(0o755)
    assert run(tmp_path, path).returncode == 5


def test_a_32_bit_command_runs_and_its_stacks_say_why_they_are_cut(tmp_path):
    for tool in ("as", "ld"):
        needs_program(tool)
    (tmp_path / "x.s").write_text(".globl _start\n_start: movl $300000000, %ecx\nagain: decl %ecx\njnz again\n"
                                  "movl $1, %eax\nmovl $7, %ebx\nint $0x80\n")
    for command in (["as", "--32", "-o", "x.o", "x.s"], ["ld", "-m", "elf_i386", "-o", "x32", "x.o"]):
        subprocess.run(command, cwd=tmp_path, check=True)
    try:
        plain = subprocess.run([tmp_path / "x32"], check=False).returncode
    except OSError:
        plain = None
    if plain != 7:
        pytest.skip("needs program: this kernel runs no 32-bit programs")
    result = perfprof("run", "--no-kernel", "-o", tmp_path / "x.folded", "-o", tmp_path / "x.json", "--",
                      tmp_path / "x32")
    assert result.returncode == 7
    stacks = Stacks((tmp_path / "x.folded").read_text())
    assert stacks.having("[truncated]") == stacks.total > 20
    reasons = json.loads((tmp_path / "x.json").read_text())["capture"]["truncated_reasons"]
    assert "32-bit" in json.dumps(reasons)


def test_a_set_user_id_command_runs_unharmed_and_it_is_said(tmp_path):
    """An ordinary user runs a program that becomes root: the kernel removes the events of its caller."""
    needs_root()
    path = shutil.copy(program("ending"), "/tmp/perfprof-test-setuid")
    os.chmod(path, 0o4755)
    try:
        result = subprocess.run(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", PERFPROF, "run", "-o", "-", "--", path,
             "exit", "3"], capture_output=True, text=True, check=False, cwd="/", timeout=LIMIT_S)
    finally:
        os.unlink(path)
    if "Permission denied" in result.stderr and "setpriv" in result.stderr:
        pytest.skip("needs path: another user cannot reach the build folder")
    assert result.returncode == 3
    assert "set-user-ID" in result.stderr and "sudo" in result.stderr
    assert run(tmp_path, program("ending"), "exit", 3).stderr == ""


def test_a_command_that_closes_all_its_descriptors_is_profiled(tmp_path):
    code = ("import os, time\nos.closerange(0, 1024)\nend = time.process_time() + 0.3\n"
            "while time.process_time() < end: pass\nos._exit(4)")
    assert run(tmp_path, sys.executable, "-c", code).returncode == 4
    assert Stacks((tmp_path / "x.folded").read_text()).total > 100
