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


def test_the_fields_that_scripts_rely_on():
    """The capture is that of tests/unit/profile/fixture.h: its content is known by construction."""
    report = json.loads(render("small", "json"))
    capture = report["capture"]
    assert report["schema"] == "perfprof.report/1"
    known = {"command": "work --fast", "pids": [100], "inner_pids": [100], "backend": "perf", "unwind": "auto", "event": "cpu",
             "rate_hz": 999, "duration_s": 2.5, "samples": 28, "lost_samples": 5, "throttled": 6,
             "truncated_samples": 7, "profiler_cpu_s": 8e-9, "profiler_kernel_s": 10e-9, "profiler_written_bytes": 11,
             "wanted_rate_hz": 1999, "unsampled_cpu_s": 77e-9,
             "unsampled_kernel_s": 9e-9, "kernel_sampled": True, "foreign": False, "selection": "",
             "samples_before_selection": 28, "notes": ["2 children outlived CMD"]}
    assert {k: capture[k] for k in known} == known
    assert capture["truncated_reasons"] == [
        {"id": "read-failed", "sentence": "stack memory could not be read", "samples": 7}]
    # Of the 28 samples 1 + 7 end in the inlined swap, called by sort, which stands nowhere else.
    by_name = {h["function"]: h for h in report["hotspots"]}
    swap, sort = by_name["swap<int>(int&, int&)"], by_name["sort(int*, int)"]
    known = {"module": "/usr/bin/work", "file": "/src/swap.h", "line": 3, "kind": "user", "unnamed": False,
             "self_samples": 8, "total_samples": 8}
    assert {k: swap[k] for k in known} == known
    assert (sort["self_samples"], sort["total_samples"], sort["line"]) == (0, 8, 44)
    # Wilson's interval of 8 in 28, by its formula.
    n, p, z = 28, 8 / 28, 1.959963984540054
    centre, half = p + z * z / (2 * n), z * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5
    for kind in ("self", "total"):
        assert abs(swap[f"{kind}_percent"] - 100 * p) < 1e-5
        assert abs(swap[f"{kind}_low"] - 100 * (centre - half) / (1 + z * z / n)) < 1e-5
        assert abs(swap[f"{kind}_high"] - 100 * (centre + half) / (1 + z * z / n)) < 1e-5
    assert [h["self_samples"] for h in report["hotspots"]] == sorted(
        (h["self_samples"] for h in report["hotspots"]), reverse=True)
    plugin = next(m for m in report["modules"] if m["module"] == "/opt/plug;in.so")
    assert (plugin["samples"], plugin["unnamed"], plugin["truncated"], plugin["deleted"]) == (9, 9, 0, True)
    assert "record again" in plugin["why"]
