# SPDX-License-Identifier: MIT
"""What reports and pictures of recorded profiles looked like: a change of them is to be seen.

PERFPROF_GOLDEN=record writes them anew. The script and the style of the pictures stand in web/ and
are left out.
"""

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
}


def render(name, form):
    command, *options = FORMS[form]
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1"}
    result = subprocess.run([BUILD / "perfprof", command, HERE / INPUTS[name], *options], check=True,
                            capture_output=True, env=environment)
    text = result.stdout.decode()
    return re.sub(r"<(script|style)>.*?</\1>", r"<\1/>", text, flags=re.DOTALL)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", INPUTS)
def test_the_output_is_the_recorded_one(name, form):
    path = HERE / f"render/{name}.{form}"
    text = render(name, form)
    if RECORD:
        path.write_text(text)
    assert text == path.read_text()
