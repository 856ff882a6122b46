# SPDX-License-Identifier: MIT
import importlib.util
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
spec = importlib.util.spec_from_file_location("check", ROOT / "tests/check.py")
check = importlib.util.module_from_spec(spec)
spec.loader.exec_module(check)

# As cmocka 1.1.5 prints it.
TAP = """1..4
ok 1 - a
not ok 2 - b
# 0x1 != 0x2
# t.c:8: error: Failure!
not ok 3 # SKIP c_needs_perf
ok 4 - d
# not ok - x/y
"""


def outcomes(results):
    return [r.outcome for r in results]


def test_tap_counts_each_case():
    results = check.parse_tap("t", TAP, 1)
    assert outcomes(results) == ["passed", "failed", "skipped", "passed"]
    assert "t.c:8" in results[1].text


def test_a_program_that_dies_has_failed():
    assert outcomes(check.parse_tap("t", "1..2\nok 1 - a\n", -11)) == ["passed", "failed"]
    assert outcomes(check.parse_tap("t", "1..1\nok 1 - a\n", -6)) == ["passed", "failed"]
    assert outcomes(check.parse_tap("t", "", 127)) == ["failed"]


def test_a_leak_found_at_the_end_has_failed():
    assert outcomes(check.parse_tap("t", "1..1\nok 1 - a\nLeakSanitizer\n", 23))[-1] == "failed"


def test_pytest_that_did_not_run_has_failed(tmp_path):
    assert outcomes(check.parse_junit("t", tmp_path / "none.xml", 4, "")) == ["failed"]


def test_junit_counts_each_case(tmp_path):
    path = tmp_path / "j.xml"
    path.write_text("<testsuites><testsuite><testcase name='a'/><testcase name='b'><failure "
                    "message='m'>why</failure></testcase><testcase name='c'><skipped message="
                    "'needs perf: no'/></testcase></testsuite></testsuites>")
    assert outcomes(check.parse_junit("t", path, 1, "")) == ["passed", "failed", "skipped"]


def test_a_required_right_turns_its_skip_into_a_failure():
    results = [check.Result("a", "skipped", "needs perf: paranoid is 4"),
               check.Result("b", "skipped", "needs ptrace: yama"),
               check.Result("c", "skipped", "no nginx here")]
    assert outcomes(check.require(results, {"perf"})) == ["failed", "skipped", "skipped"]


def test_unit_skips_can_name_a_right():
    results = check.require(check.parse_tap("t", TAP, 1), {"perf"})
    assert outcomes(results)[2] == "failed"


def test_the_last_line_and_the_status(tmp_path):
    unit = tmp_path / "san/unit/room"
    unit.mkdir(parents=True)
    program = unit / "x_test"
    program.write_text("#!/bin/sh\nprintf '1..2\\nok 1 - a\\nnot ok 2 - b\\n'\nexit 1\n")
    program.chmod(0o755)
    code = (f"import sys; sys.path.insert(0, {str(ROOT / 'tests')!r}); import check\n"
            "from pathlib import Path\ncheck.ROOT = Path(sys.argv.pop(1))\ncheck.main()")
    run = lambda: subprocess.run([sys.executable, "-c", code, str(tmp_path), "--build", str(tmp_path)],
                                 capture_output=True, text=True)
    result = run()
    assert (result.stdout.splitlines()[-1], result.returncode) == ("1 passed, 1 failed, 0 skipped", 1)
    program.write_text("#!/bin/sh\nprintf '1..1\\nok 1 - a\\n'\n")
    result = run()
    assert (result.stdout.splitlines()[-1], result.returncode) == ("1 passed, 0 failed, 0 skipped", 0)


FAILS_ONCE = """
from pathlib import Path
def test_once(): 
    seen = Path(__file__).with_name("seen")
    assert seen.exists() or seen.touch()
def test_fine(): pass
"""


def checked(folder, text):
    tests = folder / "tests"
    tests.mkdir()
    (tests / "pytest.ini").write_text("[pytest]\nmarkers =\n\tslow: s\n\tnetwork: n\n")
    (tests / "x_test.py").write_text(text)
    code = (f"import sys; sys.path.insert(0, {str(ROOT / 'tests')!r}); import check\n"
            "from pathlib import Path\ncheck.ROOT = Path(sys.argv.pop(1))\ncheck.main()")
    return subprocess.run([sys.executable, "-c", code, str(folder), "--build", str(folder)],
                          capture_output=True, text=True)


def test_a_failure_by_chance_is_judged_again_and_named(tmp_path):
    result = checked(tmp_path, FAILS_ONCE)
    assert result.stdout.splitlines()[-2:] == [
        "failed beside other tests, passed alone: x_test.py: test_once", "2 passed, 0 failed, 0 skipped"]
    assert result.returncode == 0


def test_what_fails_again_has_failed(tmp_path):
    result = checked(tmp_path, "def test_a(): assert 0\n")
    assert result.stdout.splitlines()[-1] == "0 passed, 1 failed, 0 skipped" and result.returncode == 1
    assert "--- again x_test.py: test_a" in result.stdout


def test_many_do_not_fail_by_chance(tmp_path):
    result = checked(tmp_path, FAILS_ONCE + "".join(f"def test_{i}(): assert 0\n" for i in range(5)))
    assert result.stdout.splitlines()[-1] == "1 passed, 6 failed, 0 skipped" and result.returncode == 1
