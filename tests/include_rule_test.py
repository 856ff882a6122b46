# SPDX-License-Identifier: MIT
import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
spec = importlib.util.spec_from_file_location("include_rule", ROOT / "tests/include_rule.py")
rule = importlib.util.module_from_spec(spec)
spec.loader.exec_module(rule)


def test_the_tree_keeps_the_rule():
    assert rule.check_tree(ROOT / "src") == []


def findings(tmp_path, name, text):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return rule.check_tree(tmp_path)


@pytest.mark.parametrize("name, text", [
    ("base/x.c", '#include "record/record.h"\n'),
    ("profile/x.c", '#include "object/object.h"\n'),
    ("symbol/x.c", '#include "process/process.h"\n'),
    ("sampler/x.c", '#include "unwind/unwind.h"\n'),
    ("sampler/x.c", '#  include   "symbol/symbol.h"\n'),
    ("render/x.c", '#include "format/folded.h"\n'),
    ("render/x.h", '#include "session/session.h"\n'),
    ("render/deep/x.h", '#include "session/session.h"\n'),
    ("session/x.c", '#include "render/svg.h"\n'),
    ("format/x.c", "#include <linux/perf_event.h>\n"),
    ("unwind/rows.h", "#include <stdio.h>\n"),
    ("unwind/rows.h", '#include "base/vec.h"\n'),
    ("bpf/x.bpf.c", '#include "unwind/unwind.h"\n'),
    ("base/x.c", '#include "vec.h"\n'),
    ("base/x.c", '#include "../cli/cli.h"\n'),
    ("tools/x.c", "int x;\n"),
])
def test_what_is_not_in_the_table_is_found(tmp_path, name, text):
    assert len(findings(tmp_path, name, text)) == 1


@pytest.mark.parametrize("name, text", [
    ("base/x.c", '#include "base/vec.h"\n#include <stdio.h>\n'),
    ("sampler/x.c", '#include "unwind/rows.h"\n#include <linux/perf_event.h>\n'),
    ("bpf/x.bpf.c", '#include "unwind/step.h"\n#include "record/wire.h"\n'),
    ("unwind/step.h", '#include "unwind/rows.h"\n#include <stdint.h>\n'),
    ("cli/x.c", '#include "session/session.h"\n#include "render/svg.h"\n'),
    ("session/x.c", '#include "profile/builder.h"\n'),
])
def test_what_is_in_the_table_passes(tmp_path, name, text):
    assert findings(tmp_path, name, text) == []
