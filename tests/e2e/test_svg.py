# SPDX-License-Identifier: MIT
"""The flame graph as a file, and in a browser as a user drives it."""

import random
import re
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest

from browser import Browser
from harness import needs_program, perfprof

SVG = "{http://www.w3.org/2000/svg}"
TITLE = re.compile(r"^(.*) \((\d+) samples, (\d+\.\d\d)%\)", re.DOTALL)

STACKS = """\
worker;_start;main;parse;read_token 300
worker;_start;main;parse;memcpy 120
worker;_start;main;parse 30
worker;_start;main;run;eval;memcpy 200
worker;_start;main;run;eval;eval;memcpy 50
worker;_start;main;run;eval;operator()(int) 200
worker;_start;main;run;gc_[k] 60
helper;[truncated];memcpy 37
helper;clone;poll_[k] 3
"""


def rows(text):
    for line in text.splitlines():
        names, _, count = line.rpartition(" ")
        yield [re.sub(r"_\[[kij]\]$", "", n) for n in names.split(";")], int(count)


def total(text):
    return sum(n for _, n in rows(text))


def tree(text):
    """The truth: samples by path from the root."""
    counts = {("all",): total(text)}
    for names, count in rows(text):
        for depth in range(1, len(names) + 1):
            path = ("all", *names[:depth])
            counts[path] = counts.get(path, 0) + count
    return counts


def render(folder, text, *options, name="x.svg"):
    source = folder / "in.folded"
    source.write_text(text, encoding="utf-8", errors="surrogateescape")
    out = folder / name
    result = perfprof("flame", source, "-o", out, *options)
    assert result.returncode == 0, result.stderr
    return out


class Frame:
    def __init__(self, group):
        self.name, count, percent = TITLE.match(group.find(SVG + "title").text).groups()
        rect = group.find(SVG + "rect")
        self.samples, self.percent = int(count), float(percent)
        self.x, self.width = (float(rect.get(k).rstrip("%")) for k in ("x", "width"))
        self.y = int(rect.get("y"))
        text = group.find(SVG + "text")
        self.text = text.text if text is not None else None
        self.classes = group.get("class").split()


def frames_of(path):
    root = ElementTree.parse(path).getroot()
    container = next(g for g in root.iter(SVG + "g") if g.get("id") == "frames")
    return [Frame(g) for g in container]


def paths_of(frames, downwards=False):
    """Frames by the names below them, found by geometry alone."""
    paths, placed = {}, []
    for f in sorted(frames, key=lambda f: f.y if downwards else -f.y):
        below = [(q, p) for q, p in placed if abs(q.y - f.y) == 18 and q.x - 1e-3 <= f.x and
                 f.x + f.width <= q.x + q.width + 1e-3]
        assert len(below) == (1 if placed else 0), f.name
        path = (*(below[0][1] if below else ()), f.name)
        placed.append((f, path))
        paths[path] = f
    return paths


# The file ------------------------------------------------------------------------------------

def test_frames_are_the_stacks(tmp_path):
    paths = paths_of(frames_of(render(tmp_path, STACKS)))
    truth = tree(STACKS)
    assert {p: f.samples for p, f in paths.items()} == truth
    for p, f in paths.items():
        assert f.percent == pytest.approx(100 * truth[p] / total(STACKS), abs=0.0051)
        assert f.width == pytest.approx(100 * truth[p] / total(STACKS), abs=0.001)


def test_icicle_and_reverse(tmp_path):
    icicle = paths_of(frames_of(render(tmp_path, STACKS, "--inverted")), downwards=True)
    assert {p: f.samples for p, f in icicle.items()} == tree(STACKS)
    reverse = paths_of(frames_of(render(tmp_path, STACKS, "--reverse")))
    assert reverse[("all", "memcpy")].samples == 120 + 200 + 50 + 37
    assert reverse[("all", "memcpy", "eval")].samples == 250
    assert reverse[("all", "memcpy", "eval", "eval")].samples == 50


def test_random_stacks(tmp_path):
    """Recursion, shared prefixes, stacks that end in the middle of others, two threads."""
    r = random.Random(3)
    stacks = {tuple([r.choice(["t", "u"])] + [r.choice("abcde") for _ in range(r.randrange(1, 9))])
              for _ in range(150)}
    text = "".join(f"{';'.join(s)} {r.randrange(1, 40)}\n" for s in sorted(stacks))
    paths = paths_of(frames_of(render(tmp_path, text)))
    assert {p: f.samples for p, f in paths.items()} == tree(text)
    turned = "".join(f"{';'.join(reversed(names))} {count}\n" for names, count in rows(text))
    paths = paths_of(frames_of(render(tmp_path, text, "--reverse")))
    assert {p: f.samples for p, f in paths.items()} == tree(turned)


def test_equal_input_equal_bytes(tmp_path):
    lines = STACKS.splitlines()
    first = render(tmp_path, STACKS).read_bytes()
    random.Random(1).shuffle(lines)
    assert render(tmp_path, "\n".join(lines) + "\n").read_bytes() == first


def test_thin_frames_are_summed(tmp_path):
    """20,000 leaves of one sample, and one of 80,000: no level may lose a sample."""
    text = "".join(f"t;main;f{i};g{i} 1\n" for i in range(20000)) + "t;main;wide 80000\n"
    frames = frames_of(render(tmp_path, text))
    paths = paths_of(frames)
    thin = paths[("all", "t", "main", "[20000 thin frames]")]
    assert thin.samples == 20000 and thin.percent == 20.00
    assert paths[("all", "t", "main", "wide")].samples == 80000
    assert len(frames) == 5


def test_few_samples_are_hatched(tmp_path):
    paths = paths_of(frames_of(render(tmp_path, STACKS)))
    assert "few" in paths[("all", "helper", "clone", "poll")].classes
    assert "few" not in paths[("all", "helper", "[truncated]", "memcpy")].classes


def test_ten_thousand_levels(tmp_path):
    """Image viewers refuse more than 32,767 px: what lies deeper is summed, marked, and not lost."""
    path = render(tmp_path, "t;" + ";".join(f"f{i % 7}" for i in range(10000)) + " 90\nt;f0;g 10\n")
    frames = frames_of(path)
    assert int(ElementTree.parse(path).getroot().get("height")) < 32767
    deep = [f for f in frames if f.name == "[1 deeper frame]"]
    assert len(deep) == 1 and deep[0].samples == 90
    assert sum(f.samples == 90 for f in frames) == len(frames) - 4  # all, t, f0 and g


HOSTILE = ["</title></g><script>alert(1)</script>", "]]><script>alert(2)</script>", "\"'&<>&amp;&#60;",
           "a\x1b[31mred\x7f", "\u202egnirts\u202c", "\udcff\udc80bytes", "onload=alert(3)",
           "javascript:alert(4)", "{}$${x}`", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 漢字漢字漢字漢字", "x" * 100000]


def test_names_are_never_markup(tmp_path):
    text = "".join(f"{name.replace(';', ':')};{name.replace(';', ':')} 10\n" for name in HOSTILE)
    path = render(tmp_path, text, "--title", HOSTILE[0])
    plain = ElementTree.parse(render(tmp_path, "".join(f"n{i};m{i} 10\n" for i in range(len(HOSTILE))),
                                     name="plain.svg")).getroot()
    root = ElementTree.parse(path).getroot()
    assert sorted({e.tag for e in root.iter()}) == sorted({e.tag for e in plain.iter()})
    assert len(list(root.iter(SVG + "script"))) == 1
    for element in root.iter():
        for key, value in element.attrib.items():
            assert not key.lower().startswith("on") and "script:" not in value
            assert "href" not in key and "url(" not in value
    names = [f.name for f in frames_of(path)]
    assert HOSTILE[0] in names and HOSTILE[2].replace(";", ":") in names and "x" * 100000 in names
    subprocess.run([needs_program("xmllint"), "--noout", "--huge", path], check=True)
    with Browser() as b:
        b.open(path)
        assert b.console() == []
        assert b.run("document.scripts ? document.querySelectorAll('script').length : 1") == 1
        b.run("void (document.getElementById('search').value = a[0])", "</title>")
        b.click("document.getElementById('search')")
        b.keys("Enter")
        assert b.run("document.getElementById('matched').textContent") == "9.09%"


def test_no_samples_are_explained(tmp_path):
    path = render(tmp_path, "t;main 1\n")
    assert "1 sample a share of half" in path.read_text()
    empty = tmp_path / "empty.folded"
    empty.write_text("")
    result = perfprof("flame", empty, "-o", tmp_path / "empty.svg")
    if result.returncode == 0:  # an empty file may also be no profile at all
        assert "no samples" in (tmp_path / "empty.svg").read_text()


def test_an_image_viewer_shows_it(tmp_path):
    path = render(tmp_path, STACKS)
    png = tmp_path / "x.png"
    subprocess.run([needs_program("rsvg-convert"), path, "-o", png], check=True)
    assert png.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = (int.from_bytes(png.read_bytes()[k:k + 4], "big") for k in (16, 20))
    assert width == 1200 and height > 300
    text = "".join(ElementTree.parse(path).getroot().itertext())
    for words in ("1000 samples", "Truncated 3.70 %", "The hottest functions", "read_token", "kernel"):
        assert words in text


def test_width_and_title(tmp_path):
    path = render(tmp_path, STACKS, "--width", "800", "--title", "A <title>")
    root = ElementTree.parse(path).getroot()
    assert root.get("width") == "800"
    assert "A <title>" in "".join(root.itertext())
    wrong = perfprof("flame", tmp_path / "in.folded", "-o", path, "--colors", "mauve")
    assert wrong.returncode == 2 and "hot, mem, io" in wrong.stderr
    render(tmp_path, STACKS, "--colors", "hot")


# In a browser --------------------------------------------------------------------------------

FRAME = "[...document.querySelectorAll('#frames > g')].find(g => g.firstElementChild.textContent.startsWith(%r))"


def frame(name):
    return FRAME % (name + " (")


@pytest.fixture(scope="module")
def browser():
    with Browser() as b:
        yield b


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    return render(tmp_path_factory.mktemp("svg"), STACKS)


@pytest.fixture
def page(browser, picture):
    browser.resize(1200)
    browser.open(picture)
    yield browser
    assert browser.console() == []
    assert [u for u in browser.requests() if not u.startswith(("file:", "about:"))] == []


def matched(b):
    return b.run("document.getElementById('matched').textContent")


def focused(b):
    return b.run("(e => e.closest('#frames > g') ? e.querySelector('title').textContent : e.id)(document.activeElement)")


def shown(b):
    return b.run("[...document.querySelectorAll('#frames > g')].filter(g => g.getAttribute('display') !== 'none')"
                 ".map(g => g.firstElementChild.textContent.replace(/ \\(.*/s, ''))")


def width_of(b, name):
    return b.run(f"{frame(name)}.querySelector('rect').getBoundingClientRect().width")


def test_marks_and_names(page):
    assert page.run("performance.getEntriesByName('first-picture').length") == 1
    assert page.run("document.querySelector('[data-testid=total]').textContent") == "1000"
    for name in ("search", "matched", "reset"):
        assert page.run("document.querySelectorAll(`[data-testid=${a[0]}]`).length", name) == 1
    assert page.run("document.getElementById('search').tagName.toLowerCase()") == "input"
    assert page.run("document.getElementById('reset').getAttribute('role')") == "button"
    assert matched(page) == ""


def search(b, text):
    b.keys("Escape")
    b.keys("/")
    b.run("void (document.getElementById('search').value = '')")
    b.keys(text, "Enter")


@pytest.mark.parametrize("text, share", [
    ("memcpy", "40.70%"), ("eval", "45.00%"), ("^(eval|memcpy)$", "60.70%"), ("main", "96.00%"),
    ("operator()(int)", "20.00%"), ("(int", "20.00%"), ("nothing", "0.00%"), ("MEMCPY", "0.00%"),
    ("poll|gc", "6.30%")])
def test_search_counts_nothing_twice(page, text, share):
    search(page, text)
    assert matched(page) == share


def test_escape_clears_the_search(page):
    search(page, "memcpy")
    assert page.run("document.querySelectorAll('#frames .hit').length") == 4
    page.keys("Escape")
    assert matched(page) == ""
    assert page.run("document.getElementById('search').value") == ""
    assert page.run("document.querySelectorAll('#frames .hit').length") == 0


def test_click_zooms_and_escape_goes_back(page):
    whole = width_of(page, "all")
    page.click(frame("run"))
    assert width_of(page, "run") == pytest.approx(whole, abs=0.5)
    assert width_of(page, "gc") == pytest.approx(whole * 60 / 510, abs=1)
    assert "parse" not in shown(page) and "main" in shown(page)
    page.click(frame("gc"))
    assert "eval" not in shown(page)
    page.keys("Escape")
    assert "eval" in shown(page) and "parse" not in shown(page)
    page.keys("Escape")
    assert "parse" in shown(page)
    assert width_of(page, "run") == pytest.approx(whole * 0.51, abs=1)


def test_reset_by_mouse_and_keyboard(page):
    for press in (lambda: page.click("document.getElementById('reset')"),
                  lambda: (page.run("void document.getElementById('reset').focus()"), page.keys("Enter"))):
        search(page, "memcpy")
        page.click(frame("run"))
        assert "parse" not in shown(page)
        press()
        assert "parse" in shown(page)
        assert matched(page) == ""


def test_keyboard_alone(page):
    page.keys("Tab")
    for _ in range(10):
        if focused(page).startswith("all ("):
            break
        page.keys("Tab")
    assert focused(page).startswith("all (")
    page.keys("ArrowUp")
    assert focused(page).startswith("worker (")
    page.keys("ArrowLeft")
    assert focused(page).startswith("helper (")
    page.keys("ArrowRight", "ArrowUp", "ArrowUp")
    assert focused(page).startswith("main (")
    page.keys("ArrowUp")
    assert focused(page).startswith("run (")  # the heaviest
    page.keys("ArrowLeft")
    assert focused(page).startswith("parse (")
    page.keys("Enter")
    assert "run" not in shown(page)
    page.keys("ArrowDown")
    assert focused(page).startswith("main (")
    page.keys("Escape")
    assert "run" in shown(page)
    page.keys("/")
    assert focused(page) == "search"


def test_icicle_moves_the_other_way(browser, tmp_path):
    browser.open(render(tmp_path, STACKS, "--inverted"))
    browser.run(f"void {frame('all')}.focus()")
    browser.keys("ArrowDown")
    assert focused(browser).startswith("worker (")
    browser.keys("ArrowUp")
    assert focused(browser).startswith("all (")


def test_details_of_hover_and_focus(page):
    page.over(frame("eval"))
    name, figures = (page.run(f"document.getElementById('details-{k}').textContent") for k in ("name", "figures"))
    assert name.startswith("eval")
    assert "450 samples, 45.00% [41.9" in figures
    assert "self 0" in figures and "everywhere 450" in figures
    whole = width_of(page, "all")  # 450 of 1000: Wilson's interval is 41.9 to 48.1 %
    left, right = page.run("[...document.querySelectorAll('#interval line')].slice(1).map(e => e.getBoundingClientRect().left)")
    assert right - left == pytest.approx(whole * (0.4810 - 0.4194), abs=1)
    page.run(f"void {frame('gc')}.focus()")
    assert "kernel" in page.run("document.getElementById('details-name').textContent")


def test_state_is_in_the_address(page, picture):
    page.click(frame("run"))
    search(page, "^eval$")
    page.click(frame("eval"))
    fragment = page.run("location.hash")
    page.open(picture, fragment)
    assert "gc" not in shown(page)
    assert matched(page) == "45.00%"


@pytest.mark.parametrize("width", [720, 1000, 1200, 1900])
def test_text_stays_in_its_frame(page, width):
    page.resize(width)
    page.run("void 0")
    overflow = page.run("[...document.querySelectorAll('#frames > g')].filter(g => { const t = g.querySelector('text');"
                        "return t && t.textContent && t.getBoundingClientRect().right >"
                        " g.querySelector('rect').getBoundingClientRect().right + 0.5; }).length")
    assert overflow == 0
    assert page.run("document.querySelector('#flame').getBoundingClientRect().width") <= width
    assert width_of(page, "all") == pytest.approx(width - 24, abs=1)


CONTRASTS = """(() => {
    const paint = (c) => c.match(/[\\d.]+/g).map(Number);
    const light = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    const luminance = ([r, g, b]) => 0.2126 * light(r) + 0.7152 * light(g) + 0.0722 * light(b);
    const contrast = (a, b) => { const x = luminance(a), y = luminance(b);
        return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05); };
    const fill = (e) => { const f = getComputedStyle(e).fill, id = f.match(/#([^")]+)/);
        return paint(id ? getComputedStyle(document.getElementById(id[1]).querySelector('rect')).fill : f); };
    const page = fill(document.querySelector('rect.page'));
    const out = {};
    for (const t of document.querySelectorAll('text')) {
        if (!t.textContent || getComputedStyle(t).display === 'none')
            continue;
        const rect = t.parentNode.querySelector(':scope > rect');
        const on = rect && !t.classList.contains('key') ? fill(rect) : page;
        out[t.textContent.slice(0, 20)] = contrast(paint(getComputedStyle(t).fill), on);
    }
    return out;
})()"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast_of_text(page, scheme):
    page.scheme(scheme)
    page.click(frame("run"))
    search(page, "memcpy")
    for text, contrast in page.run(CONTRASTS).items():
        assert contrast >= 4.5, (scheme, text, contrast)
    background = page.run("getComputedStyle(document.querySelector('rect.page')).fill")
    assert (background == "rgb(255, 255, 255)") == (scheme == "light")
    page.scheme("light")


def test_a_large_picture_answers_at_once(browser, tmp_path):
    names = random.Random(2)
    text = "".join(f"t;main;{';'.join(f'f{names.randrange(40)}' for _ in range(30))} {names.randrange(20, 60)}\n"
                   for _ in range(3000))
    path = render(tmp_path, text)
    assert path.stat().st_size < 3_000_000
    browser.open(path)
    assert browser.run("document.querySelectorAll('#frames > g').length") > 5000
    zoom_ms = browser.run("(() => { const g = document.querySelectorAll('#frames > g')[5], t = performance.now();"
                          "g.dispatchEvent(new MouseEvent('click', { bubbles: true }));"
                          "g.getBoundingClientRect(); return performance.now() - t; })()")
    assert zoom_ms < 1000, "a click on a large picture takes too long"
    assert browser.console() == []
