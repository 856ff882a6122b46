# SPDX-License-Identifier: MIT
"""What `report` and `flame` say about files that are no profiles: status 4, and where it is wrong."""

import pytest

from harness import perfprof

NO_PROFILES = [
    (b"", "empty"),
    (b"\n\n", "no stacks"),
    (b"a;b 1\nbad line\n", "line 2 "),
    (b"a;b 1\nc;d -5\n", "line 2 "),
    (b"sqlite3  4711  100.25:  1001001 cpu-clock:\n\t55d0 main (/bin/x)\n", "stackcollapse"),
    (b"PERFILE2" + bytes(200), "perf.data"),
    (b'<?xml version="1.0"?>\n<svg/>\n', "picture"),
    (b'{"schema": "perfprof.report/1"}\n', "JSON"),
    (bytes(range(256)), "byte 0"),
    (b"\x1f\x8b\x08\x00" + bytes(range(100)), "byte "),
]


@pytest.mark.parametrize("command", ["report", "flame"])
@pytest.mark.parametrize("content, words", NO_PROFILES)
def test_what_is_no_profile_is_said_to_be_none(tmp_path, command, content, words):
    path = tmp_path / "input"
    path.write_bytes(content)
    result = perfprof(command, path)
    assert (result.returncode, result.stdout) == (4, "")
    assert words in result.stderr and str(path) in result.stderr
    assert len(result.stderr.splitlines()) == 1
