# SPDX-License-Identifier: MIT
"""What comparisons of recorded profiles looked like: a change of them is to be seen. PERFPROF_GOLDEN=record writes them anew."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
BUILD = Path(os.environ.get("PERFPROF_BUILD", HERE.parent.parent / "build"))
RECORD = os.environ.get("PERFPROF_GOLDEN") == "record"
PAIRS = {"shares": ("diff/base.folded", "diff/new.folded"), "seconds": ("capture/small.pb.gz", "capture/small.pb.gz"),
         "empty": ("capture/empty.pb.gz", "capture/small.pb.gz")}
FORMS = {"txt": "text", "md": "md", "json": "json"}


def render(name, form):
    environment = {**os.environ, "COLUMNS": "140", "NO_COLOR": "1"}
    result = subprocess.run([BUILD / "perfprof", "diff", *PAIRS[name], "--format", FORMS[form]], check=True, cwd=HERE,
                            capture_output=True, env=environment)
    return result.stdout.decode()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", PAIRS)
def test_the_output_is_the_recorded_one(name, form):
    path = HERE / f"diff/{name}.{form}"
    text = render(name, form)
    if RECORD:
        path.write_text(text)
    assert text == path.read_text()


def documented(heading):
    """The fields in the table of docs/json.md below a heading."""
    text = (HERE.parent.parent / "docs/json.md").read_text()
    part = re.split(r"\n#+ ", text.split(f"\n{heading}\n")[1])[0]
    cells = [line.split("|")[1] for line in part.splitlines() if line.startswith("| `")]
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


@pytest.mark.parametrize("name", PAIRS)
def test_the_json_is_as_documented(name):
    document = json.loads(render(name, "json"))
    assert set(document) == documented("# What changed, as JSON: `perfprof.diff/1`")
    assert document["schema"] == "perfprof.diff/1"
    for change in document["changes"]:
        assert set(change) == documented("## `changes[]`")
        assert change["low"] <= change["delta_percent"] <= change["high"]
