# SPDX-License-Identifier: MIT
"""Captures that earlier builds wrote: today's are the same, and those are still read.

Compared unpacked, since another zlib may pack the same bytes otherwise.
"""

import gzip
import os
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
BUILD = Path(os.environ.get("PERFPROF_BUILD", HERE.parent.parent / "build"))
RECORD = os.environ.get("PERFPROF_GOLDEN") == "record"


def run(what, stdin=b""):
    return subprocess.run([BUILD / "oracle/capture", what], input=stdin, stdout=subprocess.PIPE,
                          check=True).stdout


@pytest.mark.parametrize("name", ["small", "empty"])
def test_a_capture_is_the_recorded_one(name):
    path = HERE / f"capture/{name}.pb.gz"
    capture = run(name)
    if RECORD:
        if not path.exists() or gzip.decompress(path.read_bytes()) != gzip.decompress(capture):
            path.write_bytes(capture)
    assert gzip.decompress(capture) == gzip.decompress(path.read_bytes())


@pytest.mark.parametrize("path", sorted(HERE.glob("capture/*.pb.gz")), ids=lambda p: p.name)
def test_a_recorded_capture_is_read_and_written_the_same(path):
    recorded = path.read_bytes()
    assert gzip.decompress(run("copy", recorded)) == gzip.decompress(recorded)


def test_the_recorded_capture_folds_to_the_recorded_stacks():
    path = HERE / "capture/small.folded"
    folded = run("fold", (HERE / "capture/small.pb.gz").read_bytes())
    if RECORD:
        path.write_bytes(folded)
    assert folded == path.read_bytes()
