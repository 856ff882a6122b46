# SPDX-License-Identifier: MIT
"""The journal beside the output: what is left of a recording when perfprof is killed, and who finds it."""

import gzip
import json
import math
import os
import random
import subprocess
import threading
import time
from pathlib import Path

import pytest

from harness import (LIMIT_S, PERFPROF, Pprof, Target, may_sample_kernel, needs_perf, perfprof, program,
                     protobuf_fields, wait_until)

RATE = 999


def start(*arguments, **options):
    options = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True} | options
    return subprocess.Popen([PERFPROF, *map(str, arguments)], stdin=subprocess.DEVNULL, **options)


def cpu_ns(pid):
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])


class CpuClock(threading.Thread):
    """Writes down what CPU time a process has used, every few milliseconds."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.readings, self.going = pid, [], True

    def run(self):
        while self.going:
            self.readings.append((time.monotonic(), cpu_ns(self.pid)))
            time.sleep(0.005)

    def at(self, moment):
        return max((c for t, c in self.readings if t <= moment), default=self.readings[0][1])


def report(path, **options):
    result = perfprof("report", path, "--format", "json", **options)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def killed_round(folder, pid, rng):
    """Profiles `pid` and is killed at some moment. @return (begin, end) or None if nothing was begun"""
    perf = start("attach", "-p", pid, "-o", folder / "x.pb.gz")
    part = folder / "x.pb.gz.part"
    wait_until(lambda: part.exists() and part.stat().st_size, what="the journal")
    begin = time.monotonic()
    time.sleep(rng.uniform(0, 2.6))
    perf.kill()
    end = time.monotonic()
    perf.communicate(timeout=LIMIT_S)
    return begin, end


def kill_in_a_loop(tmp_path, target, rounds, seed):
    clock = CpuClock(target.pid)
    clock.start()
    results = [None] * rounds
    folders = [tmp_path / str(i) for i in range(rounds)]

    def one(i):
        folders[i].mkdir()
        results[i] = killed_round(folders[i], target.pid, random.Random(seed + i))

    at_once = 4
    for first in range(0, rounds, at_once):
        threads = [threading.Thread(target=one, args=(i,)) for i in range(first, min(first + at_once, rounds))]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    clock.going = False
    clock.join()
    return [(folder, *times) for folder, times in zip(folders, results, strict=True)], clock


def assert_recovered(folder, begin, end, clock):
    assert sorted(p.name for p in folder.iterdir()) == ["x.pb.gz.part"]
    document = report(folder / "x.pb.gz.part")
    samples = document["capture"]["samples"]
    # All but the last second, and the tenth that sampling needs to begin and a busy machine to write.
    least = (clock.at(end - 1.15) - clock.at(begin + 0.05)) / 1e9 * RATE
    most = (clock.at(end + 0.05) - clock.at(begin - 0.5)) / 1e9 * RATE
    assert least - 5 * math.sqrt(max(least, 1)) - 5 <= samples <= most + 5 * math.sqrt(most) + 5
    assert document["capture"]["rate_hz"] == RATE
    assert document["capture"]["command"].startswith("attach ")
    assert any("read from a journal" in note for note in document["capture"]["notes"])
    if samples >= 100:
        hot = document["hotspots"][0]
        assert hot["function"] == "target_work" and hot["self_percent"] > 80
        assert document["capture"]["truncated_samples"] == 0
    return samples


def test_killed_at_any_moment_the_target_lives_and_the_journal_is_read(tmp_path):
    needs_perf()
    with Target(program("target")).wait_ready() as target:
        rounds, clock = kill_in_a_loop(tmp_path, target, 8, random.randrange(1 << 30))
        samples = [assert_recovered(*r, clock) for r in rounds]
        assert max(samples) > 100
        assert target.process.poll() is None
        stdout, stderr = target.finish()
        assert json.loads(stdout)["interrupted"] == 0 and not stderr


@pytest.mark.slow
def test_killed_two_hundred_times(tmp_path):
    needs_perf()
    with Target(program("target")).wait_ready() as target:
        rounds, clock = kill_in_a_loop(tmp_path, target, 200, random.randrange(1 << 30))
        for r in rounds:
            assert_recovered(*r, clock)
        stdout, stderr = target.finish()
        assert json.loads(stdout)["interrupted"] == 0 and not stderr


def test_run_killed_leaves_cmd_alone(tmp_path):
    needs_perf()
    done = tmp_path / "done"
    perf = start("run", "-o", tmp_path / "x.svg", "--", "sh", "-c",
                 f"{program('shares')} 1.8 && touch {done}")
    part = tmp_path / "x.svg.part"
    wait_until(lambda: part.exists() and part.stat().st_size, what="the journal")
    time.sleep(1.5)
    perf.kill()
    perf.communicate(timeout=LIMIT_S)
    document = report(part)
    assert document["hotspots"][0]["function"] == "alpha"
    assert document["capture"]["command"].startswith("sh -c ")
    assert perfprof("flame", part).stdout.startswith("<?xml")
    wait_until(done.exists, what="CMD's end")


@pytest.fixture(scope="module", name="left")
def left_by_a_killed_one(tmp_path_factory):
    """A journal of some seconds of `shares`."""
    needs_perf()
    folder = tmp_path_factory.mktemp("left")
    perf = start("run", "-o", folder / "x.pb.gz", "--", program("shares"), "30")
    part = folder / "x.pb.gz.part"
    # Names and build-ids are in it once perfprof knows them.
    wait_until(lambda: part.exists() and part.read_bytes().count(GZIP_MAGIC) >= 4, what="some members")
    time.sleep(0.4)
    child = int(Path(f"/proc/{perf.pid}/task/{perf.pid}/children").read_text().split()[0])
    perf.kill()
    os.kill(child, 9)
    perf.communicate(timeout=LIMIT_S)
    return part


GZIP_MAGIC = b"\x1f\x8b\x08"


def members(raw):
    """Where each gzip member begins."""
    import zlib
    at, begins = 0, []
    while at < len(raw):
        begins.append(at)
        unpack = zlib.decompressobj(31)
        unpack.decompress(raw[at:])
        assert unpack.eof
        at = len(raw) - len(unpack.unused_data)
    return begins


def test_the_members_are_one_pprof_file(left):
    raw = left.read_bytes()
    assert len(members(raw)) >= 3
    message = Pprof(left)  # unpacks all members and reads them as one message
    assert message.sample_types == [("samples", "count"), ("cpu", "nanoseconds")]
    samples = sum(values[0] for _, values, _ in message.samples)
    assert samples == report(left)["capture"]["samples"]
    # What was written before its name was known has none here; `report` looks it up.
    named = {name: sum(values[0] for frames, values, _ in message.samples if name in frames)
             for name in ("alpha", "main")}
    assert 0.4 < named["alpha"] / named["main"] < 0.6
    ours = [value for number, value in protobuf_fields(gzip.decompress(raw)) if number == 536870911]
    assert len(ours) == len(members(raw))


def test_a_torn_member_is_left_out_and_said(left, tmp_path):
    raw = left.read_bytes()
    last = members(raw)[-1]
    torn = tmp_path / "torn.part"
    for cut in (last + 1, (last + len(raw)) // 2, len(raw) - 1):
        torn.write_bytes(raw[:cut])
        document = report(torn)
        assert 0 < document["capture"]["samples"] < report(left)["capture"]["samples"]
        assert any(f"last {cut - last} bytes of the journal are a torn write" in note and "at most a second" in note
                   for note in document["capture"]["notes"])
        result = perfprof("flame", torn)
        assert result.returncode == 0 and f"last {cut - last} bytes" in result.stderr
    torn.write_bytes(raw[:members(raw)[1] // 2])
    result = perfprof("report", torn)
    assert result.returncode == 4 and "cut off" in result.stderr


def _varint(value):
    out = b""
    while value >= 0x80:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def encoded(fields):
    """A message of (number, int or bytes)."""
    out = b""
    for number, value in fields:
        if isinstance(value, int):
            out += _varint(number << 3) + _varint(value)
        else:
            out += _varint(number << 3 | 2) + _varint(len(value)) + value
    return out


def without_names(raw, replace=(b"", b"")):
    """The journal as it is when perfprof had no time for any name."""
    fields = []
    for number, value in protobuf_fields(gzip.decompress(raw)):
        if number == 4:
            value = encoded(f for f in protobuf_fields(value) if f[0] != 4)
        if number == 6 and value and value == replace[0]:
            value = replace[1]
        fields.append((number, value))
    return gzip.compress(encoded(fields))


def test_names_come_from_the_files_with_the_build_ids(left, tmp_path):
    part = tmp_path / "x.part"
    part.write_bytes(without_names(left.read_bytes()))
    document = report(part)
    assert document["hotspots"][0]["function"] == "alpha"
    assert document["hotspots"][0]["file"].endswith("shares.c")
    assert document["capture"]["samples"] == report(left)["capture"]["samples"]
    build_ids = {Pprof(left).text(m, 6).encode() for m in Pprof(left).mappings.values()
                 if Pprof(left).text(m, 5) == program("shares")}
    if b"" in build_ids:  # a member was due before the file was open
        return
    build_id, = build_ids
    part.write_bytes(without_names(left.read_bytes(), (build_id, b"0" * len(build_id))))
    names = {h["function"] for h in report(part)["hotspots"]}
    assert "alpha" not in names and any(name.startswith("[shares+0x") for name in names), "it is another file"


def kernel_stacks(part):
    """@return the collapsed stacks of a journal, counted"""
    result = perfprof("convert", part, "-o", "-", "--annotate")
    assert result.returncode == 0, result.stderr
    return sorted(result.stdout.splitlines())


def with_kernel_frames(raw, change):
    """`change` gets the fields of each location in the kernel, and says what they shall be."""
    message = Pprof.message(gzip.decompress(raw))
    strings = [s.decode() for s in message[6]]
    kernel = {m[1][0] for m in map(Pprof.message, message.get(3, []))
              if strings[m.get(5, [0])[0]].startswith("[kernel")}
    fields = []
    for number, value in protobuf_fields(gzip.decompress(raw)):
        if number == 4 and Pprof.message(value).get(2, [0])[0] in kernel:
            value = encoded(change(list(protobuf_fields(value))))
        fields.append((number, value))
    return gzip.compress(encoded(fields))


def test_kernel_frames_get_their_names_from_this_kernel(tmp_path):
    """Those that were named prove that it is the one that was sampled; a moved one has other names there."""
    needs_perf()
    if not may_sample_kernel() or os.geteuid() != 0:
        pytest.skip("needs root: CAP_PERFMON and CAP_SYSLOG, for the kernel's names")
    part = tmp_path / "x.pb.gz.part"
    perf = start("run", "-o", tmp_path / "x.pb.gz", "--", program("split"), "60")
    wait_until(lambda: part.exists() and part.read_bytes().count(GZIP_MAGIC) >= 3, what="some members")
    child = int(Path(f"/proc/{perf.pid}/task/{perf.pid}/children").read_text().split()[0])
    perf.kill()
    os.kill(child, 9)
    perf.communicate(timeout=LIMIT_S)
    raw, whole = part.read_bytes(), kernel_stacks(part)
    assert any("_[k]" in line for line in whole)
    seen = []

    def forget_half(fields):
        seen.append(fields)
        return [f for f in fields if f[0] != 4] if len(seen) % 2 else fields
    part.write_bytes(with_kernel_frames(raw, forget_half))
    if len(seen) < 8:
        pytest.skip("needs kernel: its stacks have too few frames here")
    assert kernel_stacks(part) == whole

    def move(fields):
        return [(n, v + (64 << 10) if n == 3 else v) for n, v in forget_half(fields)]
    part.write_bytes(with_kernel_frames(raw, move))
    assert any("[kernel.kallsyms+0x" in line for line in kernel_stacks(part)), "not a name is made up"


def test_times_are_exact(left):
    """Steps add up to the time sampled; the CPU ticks of one busy thread are about 1 ms apart."""
    steps = []
    for number, value in protobuf_fields(gzip.decompress(left.read_bytes())):
        for n, v in protobuf_fields(value) if number == 536870911 else ():
            for m, w in protobuf_fields(v) if n == 23 else ():
                if m == 3:
                    at = 0
                    while at < len(w):
                        step = shift = 0
                        while True:
                            byte = w[at]
                            at += 1
                            step |= (byte & 0x7F) << shift
                            shift += 7
                            if byte < 0x80:
                                break
                        steps.append(step)
    document = report(left)
    assert len(steps) == document["capture"]["samples"]
    assert sum(steps) / 1e9 <= document["capture"]["duration_s"] + 0.1
    assert len({s % 1000 for s in steps}) > 100, "nanoseconds, not a coarser unit"


def quick(folder, *options, name="x.pb.gz", command=("true",), **more):
    return perfprof("run", *options, "-o", folder / name, "--", *command, **more)


def test_a_leftover_is_kept_aside(left, tmp_path):
    part = tmp_path / "x.pb.gz.part"
    part.write_bytes(left.read_bytes())
    result = quick(tmp_path)
    assert result.returncode == 0
    assert f"'{part}.1'" in result.stderr and "was left behind" in result.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x.pb.gz", "x.pb.gz.part.1"]
    assert report(f"{part}.1")["capture"]["samples"] == report(left)["capture"]["samples"]
    assert quick(tmp_path).stderr == "", "it is mentioned once"


def test_a_link_is_not_followed(tmp_path):
    needs_perf()
    precious = tmp_path / "precious"
    precious.write_text("precious")
    part = tmp_path / "x.pb.gz.part"
    part.symlink_to(precious)
    result = quick(tmp_path, command=(program("shares"), "0.2"))
    assert result.returncode == 0 and "not ours to use" in result.stderr
    assert precious.read_text() == "precious" and part.is_symlink()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["precious", "x.pb.gz", "x.pb.gz.part"]


def test_two_at_once_keep_journals_of_their_own(tmp_path):
    needs_perf()
    part = tmp_path / "x.pb.gz.part"
    first = start("run", "-o", tmp_path / "x.pb.gz", "--", "sleep", "2")
    wait_until(lambda: part.exists() and part.stat().st_size, what="the journal")
    second = start("run", "-o", tmp_path / "x.pb.gz", "--", "sleep", "0.2")
    name = tmp_path / f"x.pb.gz.{second.pid}.part"
    wait_until(lambda: name.exists() or second.poll() is not None, what="the second journal")
    _, stderr = second.communicate(timeout=LIMIT_S)
    assert second.returncode == 0 and f"'{name}'" in stderr and "another perfprof" in stderr
    assert part.exists()
    _, stderr = first.communicate(timeout=LIMIT_S)
    assert first.returncode == 0 and stderr == ""
    assert [p.name for p in tmp_path.iterdir()] == ["x.pb.gz"]


def test_only_files_have_a_journal(tmp_path):
    needs_perf()
    result = perfprof("run", "-o", "-", "--", program("shares"), "0.2", cwd=tmp_path)
    assert result.returncode == 0 and not list(tmp_path.iterdir())


def test_what_was_given_to_the_sudo_user_is_the_journal_too(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("needs root: files are given away")
    needs_perf()
    perf = start("run", "-o", tmp_path / "x.pb.gz", "--", "sleep", "1",
                 env=dict(os.environ, SUDO_UID="65534", SUDO_GID="65534"))
    part = tmp_path / "x.pb.gz.part"
    wait_until(lambda: part.exists() and part.stat().st_size, what="the journal")
    assert part.stat().st_uid == 65534 and part.stat().st_mode & 0o777 == 0o600
    perf.communicate(timeout=LIMIT_S)
    assert perf.returncode == 0
