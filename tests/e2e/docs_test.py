# SPDX-License-Identifier: MIT
"""The manual tells the truth: its examples run, and it knows every option that --help lists."""

import glob
import os
import re
import shlex
import subprocess
import sys

import pytest

from harness import LIMIT_S, PERFPROF, ROOT, needs_perf

PAGES = sorted((ROOT / "docs").glob("perfprof*.1"))


def unescape(line):
    return line[4:].replace("\\\\", "\\").replace("\\-", "-")


def examples():
    for page in PAGES:
        section = page.read_text().partition(".Sh EXAMPLES")[2].partition(".Sh")[0]
        for line in section.splitlines():
            if line.startswith(".Dl "):
                yield pytest.param(unescape(line), id=f"{page.stem}: {unescape(line)}")


def beside(example):
    """Files of the system that an example names, and what lies beside them under such a name."""
    return {found for named in re.findall(r"(?<=\s)/\S+", example) for found in glob.glob(f"{named}*")}


@pytest.mark.parametrize("example", examples())
def test_an_example_works_as_it_stands(tmp_path, example):
    needs_perf()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/perfprof").symlink_to(PERFPROF)
    environment = dict(os.environ, PATH=f"{tmp_path}/bin:{os.environ['PATH']}")
    before = beside(example)
    result = subprocess.run(["sh", "-ec", example], cwd=tmp_path, env=environment, capture_output=True,
                            timeout=LIMIT_S, check=False)
    assert result.returncode == 0, result.stderr
    written = re.findall(r"-o (\S+)", example)
    assert all((tmp_path / name).stat().st_size for name in written)
    assert beside(example) == before, "an example leaves something behind on its reader's system"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_mandoc_has_no_warning(page):
    lint = subprocess.run(["mandoc", "-T", "lint", page], capture_output=True, text=True, check=False)
    # Where they are not installed, mandoc cannot find the other pages.
    wrong = [line for line in lint.stdout.splitlines() if "referenced manual not found" not in line]
    assert not wrong


def test_the_pages_have_the_options_of_the_binary():
    check = subprocess.run([sys.executable, ROOT / "tools/man.py", "--check", PERFPROF], capture_output=True,
                           text=True, check=False)
    assert check.returncode == 0, check.stdout + check.stderr


def test_links_in_documents_lead_somewhere():
    for document in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for link in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
            assert (document.parent / link).exists(), f"{document.name}: {shlex.quote(link)}"
