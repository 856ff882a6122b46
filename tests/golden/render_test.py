# SPDX-License-Identifier: MIT
"""What reports and pictures of recorded profiles looked like: a change of them is to be seen.

PERFPROF_GOLDEN=record writes them anew. The script and the style of the pictures stand in web/ and
are left out, as is the capture that pictures carry: another zlib packs it otherwise.
"""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
BUILD = Path(os.environ.get("PERFPROF_BUILD", HERE.parent.parent / "build"))
RECORD = os.environ.get("PERFPROF_GOLDEN") == "record"

INPUTS = {"small": "capture/small.pb.gz", "empty": "capture/empty.pb.gz", "kinds": "render/kinds.folded"}
FORMS = {
    "txt": ("report", "--format", "text"),
    "md": ("report", "--format", "md"),
    "json": ("report", "--format", "json"),
    "svg": ("flame", "-o", "-"),
    "speedscope.json": ("convert", "-q", "-o", "-", "--format", "speedscope"),
    "firefox.json": ("convert", "-q", "-o", "-", "--format", "firefox"),
}


def render(name, form):
    command, *options = FORMS[form]
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1"}
    result = subprocess.run([BUILD / "perfprof", command, HERE / INPUTS[name], *options], check=True,
                            capture_output=True, env=environment)
    text = result.stdout.decode()
    text = re.sub(r'(<metadata id="capture">).*?(</metadata>)', r"\1\2", text, flags=re.DOTALL)
    return re.sub(r"<(script|style)>.*?</\1>", r"<\1/>", text, flags=re.DOTALL)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", INPUTS)
def test_the_output_is_the_recorded_one(name, form):
    path = HERE / f"render/{name}.{form}"
    text = render(name, form)
    if RECORD:
        path.write_text(text)
    assert text == path.read_text()


def documented(section):
    """The fields in the tables of docs/json.md below a heading."""
    text = (HERE.parent.parent / "docs/json.md").read_text()
    part = text.split(f"## {section}\n")[1].split("\n## ")[0]
    cells = [line.split("|")[1] for line in part.splitlines() if line.startswith("| `")]
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


@pytest.mark.parametrize("name", INPUTS)
def test_the_json_is_as_documented(name):
    report = json.loads(render(name, "json"))
    assert set(report) == documented("The document")
    assert set(report["capture"]) == documented("`capture`")
    for section in ("hotspots", "modules"):
        for row in report[section]:
            assert set(row) == documented(f"`{section}[]`")
    assert sum(h["self_samples"] for h in report["hotspots"]) == report["capture"]["samples"]


def test_the_example_of_the_document():
    result = subprocess.run([BUILD / "perfprof", "report", "-", "--format", "json"], check=True,
                            input=b"t;main;hot 3\nt;main 1\n", capture_output=True)
    hot = json.loads(result.stdout)["hotspots"][0]
    examples = re.findall(r"```json\n(.*?)\n```", (HERE.parent.parent / "docs/json.md").read_text(), re.DOTALL)
    example = json.loads(examples[-1])
    assert {k: hot[k] for k in example} == example
