# SPDX-License-Identifier: MIT
"""Our names, inlined calls and lines agree with llvm-symbolizer's: see symbol_oracle.py."""

import os
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import symbol_oracle  # noqa: E402

BUILD = Path(os.environ.get("PERFPROF_BUILD", HERE.parent.parent / "build"))
QUICK, LONG = symbol_oracle.labels()


def check(label, count):
    if symbol_oracle.missing_tools():
        pytest.skip("needs tools: " + " ".join(symbol_oracle.missing_tools()))
    verdict = symbol_oracle.Oracle(BUILD, count, verbose=True).check(label)
    if isinstance(verdict, str):
        pytest.skip(verdict)
    assert verdict


@pytest.mark.parametrize("label", QUICK)
def test_agrees(label):
    check(label, 1000)


@pytest.mark.slow
@pytest.mark.parametrize("label", LONG)
def test_agrees_in_all_forms(label):
    check(label, 4000)
