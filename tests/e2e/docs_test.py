# SPDX-License-Identifier: MIT
"""The manual tells the truth: its examples run, and it knows every option that --help lists."""

import os
import re
import shlex
import subprocess

import pytest

from harness import LIMIT_S, PERFPROF, ROOT, needs_perf

PAGES = sorted((ROOT / "docs").glob("perfprof*.1"))


def examples():
    for page in PAGES:
        section = page.read_text().partition(".Sh EXAMPLES")[2].partition(".Sh")[0]
        for line in section.splitlines():
            if line.startswith(".Dl "):
                yield pytest.param(line[4:].replace("\\\\", "\\"), id=f"{page.stem}: {line[4:]}")


@pytest.mark.parametrize("example", examples())
def test_an_example_works_as_it_stands(tmp_path, example):
    needs_perf()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/perfprof").symlink_to(PERFPROF)
    environment = dict(os.environ, PATH=f"{tmp_path}/bin:{os.environ['PATH']}")
    result = subprocess.run(["sh", "-ec", example], cwd=tmp_path, env=environment, capture_output=True,
                            timeout=LIMIT_S, check=False)
    assert result.returncode == 0, result.stderr
    written = re.findall(r"-o (\S+)", example)
    assert all((tmp_path / name).stat().st_size for name in written)


@pytest.mark.parametrize("command", ["run", "attach", "report", "flame", "check"])
def test_the_page_knows_every_option(command):
    shown = subprocess.run([PERFPROF, command, "--help"], capture_output=True, text=True, check=True).stdout
    page = (ROOT / f"docs/perfprof-{command}.1").read_text()
    options = set(re.findall(r"^ +(?:-\w, +)?--([\w-]+)", shown, re.M)) - {"help"}
    assert len(options) > (0 if command == "check" else 5)
    missing = {o for o in options if f"Fl -{o}" not in page}
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_mandoc_has_no_warning(page):
    lint = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", page], capture_output=True, text=True,
                          check=False)
    assert lint.returncode == 0, lint.stdout


def test_links_in_documents_lead_somewhere():
    for document in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for link in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
            assert (document.parent / link).exists(), f"{document.name}: {shlex.quote(link)}"
