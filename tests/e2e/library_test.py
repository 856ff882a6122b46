# SPDX-License-Identifier: MIT
"""libperfprof as strangers see it: installed below a DESTDIR, found through pkg-config, linked both ways."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from harness import BUILD, LIMIT_S, PERFPROF, ROOT, needs_program

ROOMS = ("lib", "base", "profile", "format")
CAPTURES = ["tests/golden/demo.pb.gz", "tests/golden/capture/small.pb.gz", "tests/golden/capture/small.folded"]


def run(*argv, status=0, **more):
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, check=False, timeout=LIMIT_S,
                          **more)
    assert done.returncode == status, f"{argv}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def make(target, destdir):
    """B as `make check` had it: spelled otherwise, everything would be built anew. There is no sanitized library."""
    folder = BUILD.relative_to(ROOT) if BUILD.is_relative_to(ROOT) else BUILD
    return run("make", "-C", ROOT, target, f"B={folder}", "SAN=", "prefix=/usr", f"DESTDIR={destdir}")


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """@return (where it is installed, the environment in which pkg-config finds it there)"""
    needs_program("pkg-config")
    root = tmp_path_factory.mktemp("installed")
    make("install", root)
    return root, dict(os.environ, PKG_CONFIG_PATH=f"{root}/usr/lib/pkgconfig", PKG_CONFIG_SYSROOT_DIR=str(root),
                      LD_LIBRARY_PATH=f"{root}/usr/lib")


def flags(installed, *options):
    # The system's zlib.pc would get the sysroot in front too.
    text = run("pkg-config", *options, "perfprof", env=installed[1]).split()
    return [f.replace(f"{installed[0]}/usr/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu") for f in text]


def build(installed, source, out, *, static=False):
    compiler, language = ("g++", "c++17") if source.suffix == ".cc" else ("gcc", "c99")
    libs = flags(installed, "--libs", *(["--static"] if static else []))
    if static:
        libs = ["-l:libperfprof.a" if f == "-lperfprof" else f for f in libs]
    run(needs_program(compiler), f"-std={language}", "-Wall", "-Wextra", "-Wpedantic", "-Werror", source,
        *flags(installed, "--cflags"), *libs, "-o", out)
    needed = run("readelf", "-d", out)
    assert ("libperfprof.so.0" in needed) != static
    return out


# What is exported --------------------------------------------------------------------------

def exported_by_list():
    """The names in the version script, which is the list of exports."""
    text = (ROOT / "src/lib/perfprof.map").read_text()
    return set(re.findall(r"^\t(\w+);$", text.partition("global:")[2].partition("local:")[0], re.M))


def test_the_header_declares_what_the_list_has():
    header = re.sub(r"/\*.*?\*/", "", (ROOT / "include/perfprof.h").read_text(), flags=re.S)
    declared = re.findall(r"^PERFPROF_API\s[^;]*?(\w+)\(", header, re.M)
    assert len(declared) > 50
    assert sorted(declared) == sorted(exported_by_list())


@pytest.mark.parametrize("library, options", [("libperfprof.so", ["-D"]), ("libperfprof.a", ["-g"])])
def test_a_library_exports_the_list_and_nothing_else(library, options):
    symbols = run("nm", *options, "--defined-only", BUILD / library)
    names = {m.split("@")[0] for m in re.findall(r"^[0-9a-f]+ [A-Zuvw] (\S+)$", symbols, re.M)}
    assert names - {"PERFPROF_0"} == exported_by_list()


def test_the_shared_library_needs_libc_and_zlib_only():
    dynamic = run("readelf", "-d", BUILD / "libperfprof.so")
    assert re.findall(r"SONAME.*\[(.*)\]", dynamic) == ["libperfprof.so.0"]
    assert set(re.findall(r"NEEDED.*\[(.*)\]", dynamic)) <= {"libz.so.1", "libc.so.6"}


# The header and the rooms ------------------------------------------------------------------

@pytest.mark.parametrize("compiler, options", [
    ("gcc", ["-std=c99", "-x", "c"]), ("g++", ["-std=c++11", "-x", "c++"]), ("clang", ["-std=c2x", "-x", "c"]),
    ("clang++", ["-std=c++20", "-x", "c++"])])
def test_the_header_stands_alone(tmp_path, compiler, options):
    source = tmp_path / "alone"
    source.write_text("#include <perfprof.h>\n#include <perfprof.h>\nint main() { return perfprof_version() == 0; }\n"
                      .replace("main()", "main(void)"))
    run(needs_program(compiler), *options, "-Wall", "-Wextra", "-Wpedantic", "-Wstrict-prototypes" if "c" in options
        else "-Wold-style-cast", "-Werror", "-fsyntax-only", "-I", ROOT / "include", source)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_builds_with_c_and_posix_alone(tmp_path, room):
    """No Linux in the library: ISO C, POSIX and zlib. POSIX.1-2024 took in functions that older libcs hide."""
    (tmp_path / "posix2024.h").write_text(
        "#include <stddef.h>\nint asprintf(char **, const char *, ...);\n"
        "void *memmem(const void *, size_t, const void *, size_t);\n"
        "void qsort_r(void *, size_t, size_t, int (*)(const void *, const void *, void *), void *);\n")
    sources = {p for p in (ROOT / "src" / room).glob("*.c")} - {ROOT / "src/base/part_file.c"}  # as lib.mk has it
    assert sources
    run(needs_program("gcc"), "-std=c11", "-D_POSIX_C_SOURCE=200809L", '-DPERFPROF_VERSION=""', "-Wall", "-Werror",
        "-fsyntax-only", "-include", tmp_path / "posix2024.h", "-I", ROOT / "src", "-I", ROOT / "include", *sources)


# Strangers ---------------------------------------------------------------------------------

@pytest.fixture(scope="module", params=["shared", "static"])
def top(request, installed, tmp_path_factory):
    out = tmp_path_factory.mktemp("top") / "top"
    return build(installed, ROOT / "tests/library/top.c", out, static=request.param == "static"), installed[1]


@pytest.mark.parametrize("capture", CAPTURES)
@pytest.mark.parametrize("how", ["path", "memory", "fd"])
def test_a_stranger_finds_the_function_that_the_report_names(top, capture, how):
    report = json.loads(run(PERFPROF, "report", ROOT / capture, "--format", "json"))
    first = report["hotspots"][0]
    found = run(top[0], ROOT / capture, how, env=top[1]).rstrip("\n").split("\t")
    assert found == [str(first["self_samples"]), str(first["total_samples"]), first["function"], first["module"]]


def test_a_stranger_is_told_what_is_wrong(top, tmp_path):
    damaged = tmp_path / "damaged.pb.gz"
    damaged.write_bytes((ROOT / CAPTURES[1]).read_bytes()[:200])
    done = subprocess.run([top[0], damaged], env=top[1], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert re.match(rf"-74 '{damaged}': .*byte \d+", done.stderr), done.stderr


@pytest.fixture(scope="module")
def built(installed, tmp_path_factory):
    """What the C++ program makes of four lines: (its folder, its environment, its path)"""
    folder = tmp_path_factory.mktemp("built")
    program = build(installed, ROOT / "tests/library/build.cc", folder / "build")
    run(program, folder / "b.pb.gz", folder / "b.folded", env=installed[1], input=(
        "/bin/a 0 main:1;work:5>inner:7 10\n"
        "/bin/a 0 main:1;work:5 20\n"
        "/bin/a 0 main:1;main:1;work:5 4\n"
        "/lib/b.so 2 other:9 30\n"))
    return folder, installed[1], program


def test_what_a_stranger_has_built_is_collapsed_as_it_was_given(built):
    assert (built[0] / "b.folded").read_text().splitlines() == [
        "stranger;main;main;work 4", "stranger;main;work 20", "stranger;main;work;inner 10", "stranger;other 30"]


@pytest.mark.parametrize("name, key", [("b.speedscope.json", "$schema"), ("b.firefox.json", "meta")])
def test_what_a_stranger_has_built_goes_elsewhere(built, name, key):
    run(built[2], built[0] / name, env=built[1], input="/bin/a 0 main:1 10\n")
    assert key in json.loads((built[0] / name).read_text())


def test_what_a_stranger_has_built_is_a_capture(built):
    report = json.loads(run(PERFPROF, "report", built[0] / "b.pb.gz", "--format", "json"))
    assert report["capture"]["samples"] == 64
    rows = {h["function"]: (h["self_samples"], h["total_samples"], h["module"], h["line"]) for h in
            report["hotspots"]}
    assert rows == {"other": (30, 30, "/lib/b.so", 9), "work": (24, 34, "/bin/a", 5),
                    "inner": (10, 10, "/bin/a", 7), "main": (0, 34, "/bin/a", 1)}


def test_a_name_without_a_format_is_refused(built):
    done = subprocess.run([built[2], "x.tar"], env=built[1], input="", capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("-22 cannot tell the format of 'x.tar'")


# The manual --------------------------------------------------------------------------------

def examples():
    page = (ROOT / "docs/libperfprof.3").read_text().partition(".Sh EXAMPLES")[2]
    return [e.replace("\\e", "\\") for e in re.findall(r"^\.Bd -literal\n(.*?)^\.Ed$", page, re.S | re.M)]


def test_the_manual_has_examples_that_work(installed, tmp_path):
    top_source, counted_source = examples()
    programs = []
    for name, text in (("top", top_source), ("counted", counted_source)):
        (tmp_path / f"{name}.c").write_text(text)
        programs.append(build(installed, tmp_path / f"{name}.c", tmp_path / name))
    run(programs[1], cwd=tmp_path, env=installed[1])
    assert run(programs[0], tmp_path / "counted.pb.gz", env=installed[1]) == "5 of 7 samples in next_token\n"


def test_mandoc_has_no_warning():
    run("mandoc", "-T", "lint", "-W", "warning", ROOT / "docs/libperfprof.3")


# Installing --------------------------------------------------------------------------------

def files_below(root):
    return {str(p.relative_to(root)) for p in Path(root).rglob("*") if not p.is_dir()}


def test_what_is_installed(installed):
    files = files_below(installed[0])
    assert files >= {"usr/bin/perfprof", "usr/include/perfprof.h", "usr/lib/libperfprof.a", "usr/lib/libperfprof.so",
                     "usr/lib/libperfprof.so.0", "usr/lib/pkgconfig/perfprof.pc", "usr/share/man/man1/perfprof.1",
                     "usr/share/man/man3/libperfprof.3", "usr/share/doc/perfprof/LICENSE"}
    version = run(installed[0] / "usr/bin/perfprof", "--version").split()[-1]
    assert f"usr/lib/libperfprof.so.{version}" in files
    assert run("pkg-config", "--modversion", "perfprof", env=installed[1]).strip() == version


def test_uninstall_leaves_nothing(tmp_path):
    make("install", tmp_path)
    (tmp_path / "usr/bin/somebody-elses").write_text("x")
    make("uninstall", tmp_path)
    assert files_below(tmp_path) == {"usr/bin/somebody-elses"}
