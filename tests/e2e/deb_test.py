# SPDX-License-Identifier: MIT
"""`make deb` builds packages that Debian's own tools are content with, and that run."""

import os
import re
import subprocess

import pytest

from harness import LIMIT_S, ROOT, needs_perf, needs_program

pytestmark = pytest.mark.slow


def run(*argv, **more):
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, check=False, timeout=10 * LIMIT_S,
                          **more)
    assert done.returncode == 0, f"{argv}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """@return ({package: path of its .deb}, the .changes file)"""
    needs_program("dpkg-buildpackage")
    needs_program("dh")
    top = tmp_path_factory.mktemp("deb")
    run("make", "-C", ROOT, "deb", f"B={top}", "SAN=",
        env=dict(os.environ, DEBFULLNAME="A Builder", DEBEMAIL="builder@perfprof.dev"))
    made = {p.name.split("_")[0]: p for p in (top / "deb").glob("*.deb")}
    return made, next((top / "deb").glob("*.changes"))


@pytest.fixture(scope="module")
def unpacked(packages, tmp_path_factory):
    root = tmp_path_factory.mktemp("unpacked")
    for package in ("perfprof", "libperfprof0", "libperfprof-dev"):
        run("dpkg", "-x", packages[0][package], root)
    return root


def field(path, name):
    return run("dpkg-deb", "-f", path, name).strip()


def test_the_version_is_the_makefile_s(packages):
    version = re.search(r"^VERSION := (.*)$", (ROOT / "Makefile").read_text(), re.M).group(1)
    assert {field(p, "Version") for p in packages[0].values()} == {version}
    assert field(packages[0]["libperfprof-dev"], "Depends").startswith(f"libperfprof0 (= {version})")


def test_dependencies_are_those_of_the_files(packages):
    needed = set(re.findall(r"([a-z0-9.+-]+)(?: \(.*?\))?(?:, |$)", field(packages[0]["perfprof"], "Depends")))
    assert {"libc6", "libcjson1", "zlib1g"} <= needed
    assert any(d.startswith("libdw1") for d in needed) and any(d.startswith("libelf1") for d in needed)
    assert set(re.findall(r"([a-z0-9.+-]+) \(", field(packages[0]["libperfprof0"], "Depends"))) == {"libc6", "zlib1g"}


def test_what_building_needs_is_what_setup_installs():
    """One list for `make setup`, one for Debian's builders: they say the same."""
    setup = re.search(r'^build="(.*?)"', (ROOT / "tools/setup").read_text(), re.M | re.S).group(1).split()
    control = (ROOT / "tools/debian/control").read_text()
    depends = re.search(r"^Build-Depends: (.*?)^\S*$", control, re.M | re.S).group(1)
    listed = {re.sub(r" \(.*", "", d).strip() for d in depends.replace("\n", " ").split(",")}
    assert listed - {"debhelper-compat"} == set(setup) - {"gcc", "libc6-dev", "make"}  # build-essential has these


def test_lintian_is_content(packages):
    needs_program("lintian")
    found = subprocess.run(["lintian", "--allow-root", "--fail-on", "error,warning", packages[1]], capture_output=True,
                           text=True, check=False, timeout=LIMIT_S)
    assert found.returncode == 0, found.stdout


def test_the_program_runs_from_the_package(unpacked, tmp_path):
    needs_perf()
    perfprof = unpacked / "usr/bin/perfprof"
    assert run(perfprof, "--version").startswith("perfprof ")
    run(perfprof, "run", "-o", "p.pb.gz", "--", "xz", "-k", "-c", "/usr/bin/perl", cwd=tmp_path, encoding="latin-1")
    assert "liblzma" in run(perfprof, "report", "p.pb.gz", cwd=tmp_path)


def test_a_program_is_built_with_the_library_s_package(unpacked, tmp_path):
    lib = unpacked / "usr/lib/x86_64-linux-gnu"
    run("gcc", ROOT / "tests/library/top.c", "-I", unpacked / "usr/include", "-L", lib, "-lperfprof", "-o",
        tmp_path / "top")
    out = run(tmp_path / "top", ROOT / "tests/golden/capture/small.folded", env={"LD_LIBRARY_PATH": str(lib)})
    assert out.split("\t")[0] == "9"
