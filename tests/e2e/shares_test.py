# SPDX-License-Identifier: MIT
"""Programs that know what each of their functions costs: the profile must agree with them."""

import json
import statistics

import pytest

from harness import BACKENDS, assert_share, each_backend, needs_perf, profile, program

NAMES = ("alpha", "beta", "gamma_", "delta", "epsilon")


@pytest.fixture(autouse=True, params=BACKENDS)
def _backend(request, monkeypatch):
    each_backend(request, monkeypatch)


@pytest.fixture(autouse=True)
def _rights():
    needs_perf()


def assert_shares(run, names=NAMES):
    truth, stacks = run.truth, run.stacks
    assert stacks.truncated() == 0
    for name in names:
        assert_share(stacks.having(name), stacks.total, truth[name] / truth["total_ns"], name)


def test_one_thread(tmp_path):
    assert_shares(profile(tmp_path, program("shares"), 2))


def test_user_leaves(tmp_path):
    run = profile(tmp_path, program("shares"), 2, options=["--no-kernel"])
    truth, stacks = run.truth, run.stacks
    for name in NAMES:
        assert_share(stacks.leaf(name), stacks.total, truth[name] / truth["total_ns"], name)


def test_cycles_of_a_third_of_the_nominal_period(tmp_path):
    assert_shares(profile(tmp_path, program("shares"), 2, 333))


def test_cycles_of_the_nominal_period(tmp_path):
    # 1001 us at 999 Hz: a period that never changed would see the same function each time.
    assert_shares(profile(tmp_path, program("shares"), 2, 1001))


def test_cycles_that_fill_a_fixed_grid(tmp_path):
    assert_shares(profile(tmp_path, program("shares"), 2, 10010))


def test_two_threads_started_after_exec(tmp_path):
    assert_shares(profile(tmp_path, program("shares"), 1.5, 1001, 2))


def test_work_driven_by_a_timer(tmp_path):
    assert_shares(profile(tmp_path, program("shares"), 3, 4000, 0, 10))


def test_sixty_four_threads(tmp_path):
    run = profile(tmp_path, program("threads"), 64, 40)
    truth, stacks = run.truth, run.stacks
    assert truth["threads"] == 64
    for name in ("even_work", "odd_work"):
        assert_share(stacks.having(name), stacks.total,
                     truth[name] / (truth["even_work"] + truth["odd_work"]), name)
    missing = {f"worker-{i}" for i in range(64)} - stacks.comms()
    assert not missing, "threads without a single sample of 40 ms CPU time each"


def test_a_higher_rate(tmp_path):
    run = profile(tmp_path, program("shares"), 1, options=["-F", 4000])
    assert_shares(run)
    assert 3000 <= run.stacks.total <= 5000


def test_samples_follow_the_rate(tmp_path):
    """999 a second of CPU time, whatever the machine does beside."""
    run = profile(tmp_path, program("shares"), 2)
    expected = 999 * run.truth["total_ns"] / 1e9
    assert 0.9 * expected <= run.stacks.total <= 1.15 * expected


def test_bursts_are_corrected_by_the_clock(tmp_path):
    """300 us of work at each tick of a 10 ms timer: ticks that are due at the end of a burst find its thread gone."""
    run = profile(tmp_path, program("shares"), 2, 300, 8, 10, options=["-o", tmp_path / "x.json"])
    capture = json.loads((tmp_path / "x.json").read_text())["capture"]
    cpu_s = run.truth["total_ns"] / 1e9
    # Threads begin, end and sleep outside of what they measure themselves.
    assert 0.98 * cpu_s <= capture["cpu_s"] <= 1.1 * cpu_s + 0.02
    stood_for_s = (capture["samples"] + capture["lost_samples"]) / capture["rate_hz"]
    sampled_s = capture["cpu_s"] - capture["unsampled_cpu_s"] - capture["unsampled_kernel_s"]
    assert capture["clock_percent"] == pytest.approx(100 * (sampled_s / stood_for_s - 1), abs=0.001)


def mean_error(tmp_path, runs, seconds):
    errors = {name: [] for name in NAMES}
    for _ in range(runs):
        run = profile(tmp_path, program("shares"), seconds, 1001)
        truth, stacks = run.truth, run.stacks
        for name in NAMES:
            errors[name].append(stacks.having(name) / stacks.total - truth[name] / truth["total_ns"])
    return {name: statistics.mean(values) for name, values in errors.items()}


def test_the_mean_of_runs_is_unbiased(tmp_path):
    """12 runs of 0.5 s: 6,000 samples, of which 0.65 points are the standard error of 50 %. Cycles of the nominal
    period may have 1.5 times the binomial variance: 2.6 points are then 3.3 standard errors, for ten shares."""
    for name, error in mean_error(tmp_path, 12, 0.5).items():
        assert abs(error) < 0.026, name


@pytest.mark.slow
def test_the_mean_of_thirty_runs_is_within_three_tenths_of_a_point(tmp_path):
    # 240,000 samples: the standard error of 50 % is 0.1 points.
    for name, error in mean_error(tmp_path, 30, 8).items():
        assert abs(error) < 0.003, name


CYCLES = {
    "a third of a millisecond": [0.3, 333],
    "a timer of 10 ms": [0.8, 4000, 0, 10],
    "two threads": [0.2, 1001, 2],
    "the nominal period": [0.3, 1001],
}


def variance_ratio(tmp_path, arguments, runs):
    """@return {function: variance of its share around the truth / that of independent samples}"""
    squares, binomial = dict.fromkeys(NAMES, 0.0), dict.fromkeys(NAMES, 0.0)
    for _ in range(runs):
        run = profile(tmp_path, program("shares"), *arguments)
        truth, stacks = run.truth, run.stacks
        for name in NAMES:
            share = truth[name] / truth["total_ns"]
            squares[name] += (stacks.having(name) / stacks.total - share) ** 2
            binomial[name] += share * (1 - share) / stacks.total
    return {name: squares[name] / binomial[name] for name in NAMES}


@pytest.mark.parametrize("what", CYCLES)
def test_periodic_work_is_not_aliased(tmp_path, what):
    """The variance of 12 runs is itself known to +-41 %: 1.5 times the binomial one and three of these."""
    for name, ratio in variance_ratio(tmp_path, CYCLES[what], 12).items():
        assert ratio < 1.5 * (1 + 3 * 0.41), f"{name}: {ratio:.2f}"


@pytest.mark.slow
@pytest.mark.parametrize("what", CYCLES)
def test_periodic_work_has_the_binomial_variance(tmp_path, what):
    for name, ratio in variance_ratio(tmp_path, CYCLES[what], 200).items():
        assert ratio < 1.5, f"{name}: {ratio:.2f}"
