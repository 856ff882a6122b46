# SPDX-License-Identifier: MIT
"""What the shells complete, in the shells themselves."""

import os
import pty
import select
import subprocess
import time

import pytest

from harness import PERFPROF, needs_program, perfprof

# (words so far, some that must be offered, some that must not)
CASES = [
    (["re"], {"report"}, {"run", "record"}),
    (["report", "--fo"], {"--format", "--focus"}, {"--top"}),
    (["report", "--format", "m"], {"md"}, {"text", "json"}),
    (["flame", "--colors", ""], {"kind", "hot", "java"}, {"capture.pb.gz"}),
    (["flame", "cap"], {"capture.pb.gz"}, {"kind"}),
    (["flame", "-o", "cap"], {"capture.pb.gz"}, set()),
    (["run", "--bac"], {"--backend"}, {"--pid"}),
    (["run", "--backend", ""], {"auto", "perf"}, set()),
    (["run", "-F", "99", "--", "sha256s"], {"sha256sum"}, {"--rate"}),
    (["attach", "-p", str(os.getpid())], {str(os.getpid())}, set()),
    (["completion", ""], {"bash", "zsh", "fish"}, set()),
]


ZSH_CASES = [
    ("perfprof rep", "perfprof report"),
    ("perfprof report --foc", "perfprof report --focus"),
    ("perfprof report --format=js", "perfprof report --format=json"),
    ("perfprof flame cap", "perfprof flame capture.pb.gz"),
    ("perfprof run -F 99 sha256s", "perfprof run -F 99 sha256sum"),
    ("perfprof run -F 99 -- sha256s", "perfprof run -F 99 -- sha256sum"),
    ("perfprof completion fi", "perfprof completion fish"),
]


def ids(case):
    return " ".join(case) if isinstance(case, list) else None


@pytest.fixture(name="place")
def place_with_scripts(tmp_path):
    (tmp_path / "capture.pb.gz").touch()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/perfprof").symlink_to(PERFPROF)
    for shell, name in (("bash", "perfprof.bash"), ("zsh", "_perfprof"), ("fish", "perfprof.fish")):
        result = perfprof("completion", shell)
        assert result.returncode == 0
        (tmp_path / name).write_text(result.stdout)
    return tmp_path


def run_shell(place, *command):
    environment = dict(os.environ, PATH=f"{place}/bin:{os.environ['PATH']}", HOME=str(place),
                       XDG_CONFIG_HOME=str(place), XDG_DATA_HOME=str(place))
    result = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, timeout=60,
                            check=False)
    assert result.returncode == 0 and not result.stderr, result.stderr
    return result.stdout


def bash(place, words):
    quoted = " ".join(f"'{w}'" for w in ["perfprof", *words])
    return set(run_shell(place, needs_program("bash"), "--norc", "-c",
                         f"source perfprof.bash; COMP_WORDS=({quoted}); COMP_CWORD={len(words)}; "
                         "_perfprof perfprof; printf '%s\\n' \"${COMPREPLY[@]}\"").split())


@pytest.mark.parametrize("words, offered, others", CASES, ids=ids)
def test_bash_completes(place, words, offered, others):
    found = bash(place, words)
    assert offered <= found and not others & found


def test_bash_splits_at_the_sign(place):
    assert bash(place, ["report", "--format", "=", "js"]) == {"json"}
    assert bash(place, ["report", "--format", "="]) == {"text", "md", "json"}
    assert "sha256sum" in bash(place, ["run", "--rate", "=", "99", "sha256s"])


def test_fish_completes(place):
    """One fish for all: it takes half a second to start."""
    cases = [c for c in CASES if c[0][:2] != ["attach", "-p"]]  # fish knows processes by their names
    script = "source perfprof.fish"
    for words, _, _ in cases:
        script += f"; echo ::; complete -C 'perfprof {' '.join(words)}'"
    parts = run_shell(place, needs_program("fish"), "-N", "-c", script).split("::\n")[1:]
    for (words, offered, others), part in zip(cases, parts, strict=True):
        found = {row.split("\t")[0].strip() for row in part.splitlines()}
        assert offered <= found and not others & found, words


def test_zsh_completes(place):
    shell = needs_program("zsh")
    pid, fd = pty.fork()
    if pid == 0:
        os.chdir(place)
        os.execve(shell, ["zsh", "-f", "-i"], {"PATH": f"{place}/bin:{os.environ['PATH']}", "HOME": str(place),
                                              "TERM": "dumb", "PS1": "> "})
    os.write(fd, b"fpath=($PWD $fpath); autoload -U compinit; compinit -u -D; echo READY\n")
    read_until(fd, "READY\r")
    for typed, line in ZSH_CASES:
        os.write(fd, b"\x15" + typed.encode() + b"\t")  # ^U: what stood there is not run
        assert line in read_until(fd, line)
    os.write(fd, b"\x15exit\n")
    os.close(fd)
    os.waitpid(pid, 0)


def read_until(fd, words, seconds=30):
    seen, end = "", time.monotonic() + seconds
    while words not in seen and time.monotonic() < end:
        if select.select([fd], [], [], 0.1)[0]:
            seen += os.read(fd, 65536).decode(errors="replace")
    return seen


def test_no_shell_is_2():
    for arguments, words in (([], "one of bash, zsh, fish"), (["bsh"], "did you mean 'bash'")):
        result = perfprof("completion", *arguments)
        assert (result.returncode, result.stdout) == (2, "") and words in result.stderr
