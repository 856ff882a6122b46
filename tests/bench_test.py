# SPDX-License-Identifier: MIT
"""The arithmetic of `make bench`, on numbers whose answers are known; nothing here measures."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BUILD = Path(os.environ.get("PERFPROF_BUILD", ROOT / "build"))
sys.path.insert(0, str(ROOT / "tools/bench"))
import bench  # noqa: E402
import figures  # noqa: E402
import measures  # noqa: E402


def row(value, spread=0.1, figure="target_cost", tool="perfprof bpf", machine="here", commit="c1"):
    return figures.Row("2026-01-01 10:00", commit, machine, figure, tool, value, spread, "%", 5)


def test_median_and_spread():
    assert figures.summarize([5.0, 1.0, 2.0]) == (2.0, 2.0)
    assert figures.summarize([1.0, 2.0, 4.0, 10.0]) == (3.0, 4.5)
    assert figures.summarize([7.0]) == (7.0, 0.0)


def windows(*cpu_of):
    """Of (twin, CPU time): each lasts 10."""
    return [(twin, 10 * i, 10 * i + 9, cpu) for i, (twin, cpu) in enumerate(cpu_of)]


def test_a_window_is_held_against_the_next_one():
    # The second pair is slower as a whole, which is not the profiler's doing.
    seen = windows((0, 102), (1, 100), (0, 204), (1, 200), (0, 510), (1, 500))
    assert figures.cost_percent(seen, 0, 100) == pytest.approx(2)
    # A window that was hit by something else does not count.
    seen = windows((0, 102), (1, 100), (0, 900), (1, 100), (0, 102), (1, 100))
    assert figures.cost_percent(seen, 0, 100) == pytest.approx(2)


def test_only_windows_inside_the_time_count():
    seen = windows((0, 150), (1, 100), (0, 101), (1, 100), (0, 150), (1, 100))
    assert figures.cost_percent(seen, 20, 39) == pytest.approx(1)
    assert figures.cost_percent(seen, 20, 38) is None
    assert figures.cost_percent([], 0, 100) is None


def test_drawing_by_lot_has_the_variance_one():
    # A share of 1/2 from 100 samples has a standard deviation of 0.05.
    assert figures.variance_ratio([(0.55, 0.5, 100), (0.45, 0.5, 100)]) == pytest.approx(1)
    assert figures.variance_ratio([(0.6, 0.5, 100)]) == pytest.approx(4)
    assert figures.variance_ratio([(0.5, 0.5, 100)]) == 0


@pytest.mark.parametrize("value, spread, last, last_spread, worse", [
    (1.21, 0.0, 1.0, 0.0, True),
    (1.19, 0.0, 1.0, 0.0, False),   # not by a fifth
    (1.50, 0.3, 1.0, 0.3, False),   # within the spreads
    (1.70, 0.3, 1.0, 0.3, True),
    (0.50, 0.0, 1.0, 0.0, False),   # better
    (0.02, 0.1, 0.0, 0.1, False),   # nothing to divide by
    (0.50, 0.1, 0.0, 0.1, True),
    (0.30, 0.1, -0.2, 0.1, True),   # a cost that came out below 0
])
def test_when_a_figure_is_worse(value, spread, last, last_spread, worse):
    assert figures.is_worse(row(value, spread), row(last, last_spread)) == worse


@pytest.mark.parametrize("value, worse", [(79, True), (81, False), (130, False)])
def test_of_some_figures_less_is_worse(value, worse):
    assert figures.is_worse(row(value, figure="whole_stacks xz"), row(100, figure="whole_stacks xz")) == worse
    assert figures.verdict(row(value, figure="whole_stacks xz"), row(100, figure="whole_stacks xz")) == (
        "better" if value > 100 else "worse")


def test_the_last_figure_is_of_the_same_tool_and_machine():
    earlier = [row(1.0, commit="old"), row(5.0, commit="new"), row(1.0, machine="elsewhere"),
               row(1.0, tool="perf dwarf"), row(1.0, figure="unwind")]
    assert figures.last_of(row(2.0), earlier).commit == "new"
    assert not figures.regressions([row(2.0)], earlier)
    assert figures.last_of(row(2.0, machine="nowhere"), earlier) is None
    (worse, last), = figures.regressions([row(7.0)], earlier)
    assert (worse.value, last.value) == (7.0, 5.0)


def test_no_verdict_within_the_spreads():
    assert figures.verdict(row(1.0), row(2.0)) == "better"
    assert figures.verdict(row(2.0), row(1.0)) == "worse"
    assert figures.verdict(row(1.0, 0.6), row(2.0, 0.6)) == "no verdict"
    assert figures.verdict(row(1.0), row(2.0), least=1.5) == "no verdict"


def test_what_nobody_costs_bounds_the_verdicts():
    rows = [row(0.9, 0.4, tool="none"), row(1.0, 0.1), row(2.0, 0.1, tool="perf dwarf")]
    assert any("perf dwarf" in line and "no verdict" in line for line in figures.lines_of(rows))
    rows[0] = row(0.1, 0.1, tool="none")
    assert any("perf dwarf" in line and "perfprof bpf: better" in line for line in figures.lines_of(rows))


def test_the_table_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "bench.tsv"
    assert figures.read(path) == []
    figures.append(path, [row(1.25), row(0.001234, tool="perf dwarf")])
    figures.append(path, [row(3.0, commit="c2")])
    assert figures.read(path) == [row(1.25), row(0.001234, tool="perf dwarf"), row(3.0, commit="c2")]
    assert path.read_text().count("date\tcommit\tmachine\tfigure") == 1


def test_a_worse_figure_is_printed_first(capsys):
    bench.print_worse([row(1.0), row(9.0, tool="perf dwarf")], [row(1.0), row(5.0, tool="perf dwarf")])
    assert capsys.readouterr().out.startswith("WORSE: target_cost, perf dwarf: 9 +- 0.1 %; it was 5 +- 0.1 on 2026")
    bench.print_worse([row(1.0)], [row(1.0)])
    assert capsys.readouterr().out.startswith("nothing is worse")
    bench.print_worse([row(1.0)], [row(1.0, machine="elsewhere")])
    assert capsys.readouterr().out.startswith("no earlier figures of this machine")


@pytest.mark.parametrize("whole, busy, kept", [(True, 0.02, True), (True, 0.5, False), (False, 0.02, False)])
def test_only_whole_runs_on_a_quiet_machine_are_kept(tmp_path, monkeypatch, whole, busy, kept):
    monkeypatch.setattr(bench, "KEPT", bench.ROOT / os.path.relpath(tmp_path / "kept.tsv", bench.ROOT))
    monkeypatch.delenv("BENCH_KEEP", raising=False)
    (tmp_path / "bench").mkdir()
    bench.keep([row(1.0)], whole, busy, tmp_path)
    assert figures.read(tmp_path / "bench/bench.tsv") == [row(1.0)]
    assert (tmp_path / "kept.tsv").exists() == kept


def test_a_shorter_bench_is_shorter():
    assert bench.plan(480) == (bench.ROUNDS, bench.WINDOW_S, 6)
    assert bench.plan(10000) == bench.plan(480)
    rounds, window_s, runs = bench.plan(20)
    assert rounds == 2 and window_s < bench.WINDOW_S and runs >= 3


def test_what_the_unwinders_bench_prints():
    text = ("   0.035 MB .eh_frame    0.28 ms    127 MB/s  memory 0.86 MB/MB  libm.so.6\n"
            "   2.600 MB .eh_frame   20.10 ms    129 MB/s  memory 1.10 MB/MB  cc1plus\n"
            "hot                          10.1 ns/frame\n"
            "hot, no cache                28.6 ns/frame\n"
            "stream                       16.0 ns/frame; 26.3 frames a stack, 0.42 us a stack\n"
            "libunwind, hot              650.9 ns/frame\n")
    assert [(figure, tool, value) for figure, _, tool, value in measures.parse_unwind(text)] == [
        ("unwind", "perfprof, in cache", 10.1), ("unwind", "perfprof, from memory", 16.0),
        ("unwind", "libunwind, in cache", 650.9), ("unwind_tables", "perfprof", 129.0)]


def test_twins_take_turns_and_are_nearly_equal():
    with measures.Twins(BUILD / "programs") as twins:
        time.sleep(0.3)
        os.kill(twins.pid, signal.SIGUSR1)  # the bare timer disturbs nothing
        time.sleep(1)
        seen = twins.windows()
    assert len(seen) >= 2
    assert [w[0] for w in seen] == [i % 2 for i in range(len(seen))]
    assert all(end > begin and cpu > 0 for _, begin, end, cpu in seen)
    assert all(a[2] <= b[1] for a, b in zip(seen, seen[1:])), "two windows at once"


def test_help_names_the_measurements():
    text = subprocess.run([ROOT / "tools/bench/bench.py", "--help"], capture_output=True, text=True, check=True).stdout
    assert all(word in text for word in ("BENCH_SECONDS", "target", "picture", "unwind", "threads", "aliasing"))
