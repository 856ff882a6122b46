# SPDX-License-Identifier: MIT
"""`diff` on real programs that differ by a known amount, and what it says about files."""

import json

import pytest

from harness import needs_perf, perfprof, program

MILLIONS = 200  # of steps: some 0.1 to 0.2 s
RUNS = 8
truths = {}  # of captures: what the program measured in each run


@pytest.fixture(name="captures", scope="module")
def recorded(tmp_path_factory):
    """@return a function that records the program in 8 runs, once for each set of arguments"""
    needs_perf()
    folder = tmp_path_factory.mktemp("diff")

    def record(name, *arguments):
        path = folder / f"{name}.pb.gz"
        if not path.exists():
            result = perfprof("run", "--repeat", RUNS, "-o", path, "--", program("change"), MILLIONS, *arguments)
            assert result.returncode == 0, result.stderr
            truths[path] = [json.loads(line) for line in result.stdout.splitlines()]
        return path
    return record


def truth_s(path, function):
    """CPU seconds a run by the program's own clock."""
    return sum(run[function] for run in truths[path]) / len(truths[path]) / 1e9


def diff(*arguments):
    result = perfprof("diff", *arguments, "--format", "json")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def changes(document):
    return {c["function"]: c for c in document["changes"]}


def test_a_function_that_does_twice_the_work_is_slower_and_no_other(captures):
    """The others do what they did; that one of six is called changed by chance is possible, that it is the same one twice
    is not: see the false alarms of tests/unit/analyze/diff_test.c."""
    base, double = captures("base"), captures("double", "copy=200")
    document = diff(base, double)
    assert document["by"] == "seconds" and document["base"]["units"] == document["new"]["units"] == RUNS
    found = changes(document)
    assert found["copy"]["verdict"] == "slower" and found["copy"]["match"] == "same"
    assert found["copy"]["cost"]["low"] > 0
    assert found["copy"]["cost"]["low"] <= truth_s(double, "copy") - truth_s(base, "copy") <= found["copy"]["cost"]["high"]
    others = {name for name in ("parse", "match", "sort", "hash") if found[name]["verdict"] != "no-change"}
    if others:
        again = changes(diff(captures("base2"), captures("double2", "copy=200")))
        assert not {name for name in others if again[name]["verdict"] == found[name]["verdict"]}


def test_the_mirror_image(captures):
    there = diff(captures("base"), captures("double", "copy=200"))
    back = changes(diff(captures("double", "copy=200"), captures("base")))
    word = {"slower": "faster", "faster": "slower", "appeared": "vanished", "vanished": "appeared"}
    for name, change in changes(there).items():
        assert back[name]["verdict"] == word.get(change["verdict"], change["verdict"])
        assert (back[name]["low"], back[name]["high"]) == pytest.approx((-change["high"], -change["low"]), abs=2e-6)


def test_a_function_that_is_not_called_any_more_has_vanished(captures):
    found = changes(diff(captures("base"), captures("without", "sort=0")))
    assert found["sort"]["verdict"] == "vanished" and found["sort"]["new_samples"] == 0


def test_several_files_of_a_side_are_runs_of_it(tmp_path):
    for name, hot in (("a", 300), ("b", 310), ("c", 500), ("d", 490)):
        (tmp_path / name).write_text(f"p;hot {hot}\np;rest 700\n")
    document = diff("-b", tmp_path / "a", "-b", tmp_path / "b", tmp_path / "c", tmp_path / "d")
    assert document["by"] == "share" and document["base"]["units"] == document["new"]["units"] == 2
    assert document["base"]["samples"] == 2010 and document["new"]["samples"] == 2390


def test_one_sample_against_none_is_no_difference(tmp_path):
    (tmp_path / "a").write_text("p;main 5000\n")
    (tmp_path / "b").write_text("p;main 5000\np;rare 1\n")
    for by in ("auto", "share"):
        found = changes(diff(tmp_path / "a", tmp_path / "b", "--by", by))
        assert found["rare"]["verdict"] == "no-change" and not found["rare"]["judged"]


@pytest.mark.parametrize("arguments, status, words", [
    (["a"], 2, "BASE and NEW"),
    (["-b", "a"], 2, "NEW"),
    (["a", "b", "--by", "seconds"], 2, "--by share"),
    (["a", "missing"], 3, "missing"),
    (["a", "bad"], 4, "bad"),
    (["a", "b", "-o", "x.svg"], 2, "x.svg"),
    (["a", "b", "--fail-if", "total > 3"], 2, "total > 3"),
    (["a", "b", "--budget", "budget"], 2, "'budget', line 2"),
    (["a", "b", "--budget", "missing"], 3, "missing"),
])
def test_what_cannot_be_compared_is_said(tmp_path, arguments, status, words):
    (tmp_path / "a").write_text("p;main 5\n")
    (tmp_path / "b").write_text("p;main 6\n")
    (tmp_path / "budget").write_text("# limits\nfunc(main) < 3%\n")
    (tmp_path / "bad").write_bytes(bytes(range(256)))
    result = perfprof("diff", *arguments, cwd=tmp_path)
    assert (result.returncode, result.stdout) == (status, "")
    assert words in result.stderr and len(result.stderr.splitlines()) == 1


def test_a_gate_ends_with_1_and_says_which(captures, tmp_path):
    base, double = captures("base"), captures("double", "copy=200")
    (tmp_path / "budget").write_text("# what we allow\n\nfunc(sort) > 90%\nfunc(co*) > +10%  # of all that copies\n")
    for option, value in (("--fail-if", "func(co*) > +10%"), ("--budget", tmp_path / "budget")):
        result = perfprof("diff", base, double, option, value)
        assert result.returncode == 1 and result.stdout.startswith("What changed")
        assert "func(co*) > +10%" in result.stderr and "copy" in result.stderr and len(result.stderr.splitlines()) == 1
    for kept in ("func(co*) > +900%", "func(copy) > 99%", "total_cpu > +900%"):
        result = perfprof("diff", base, double, "--fail-if", kept)
        assert (result.returncode, result.stderr) == (0, "")
    assert perfprof("diff", double, base, "--fail-if", "func(copy) > +0%").returncode == 0
    result = perfprof("diff", base, double, "--fail-if", "func(cpy) > +10%")
    assert result.returncode == 0 and "no function has such a name: func(cpy)" in result.stderr
