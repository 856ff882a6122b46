// The script of perfprof's SVG flame graph. It finds all that it needs in the file: the frames as
// groups (name and samples in their <title>), and columns of numbers in <metadata id="data">.
(function () {
"use strict";

const ROW_MIN_COLUMNS = 3; // shorter names say nothing
const PADDING = 6; // px of a frame that its name leaves free
const MARGIN = 12; // px, as in the static picture
const BASELINE = 12; // px below a frame's top
const MIN_WIDTH = 720; // px; a narrower window scrolls

const SVG = "http://www.w3.org/2000/svg";

const KINDS = {
	r: "", h: "thread", o: "own code", l: "library", k: "kernel", j: "JIT code",
	n: "no symbol", t: "truncated stack", z: "frames too thin to draw, summed",
};

// The picture may also stand inside a page.
const svg = document.currentScript ? document.currentScript.closest("svg") : document.documentElement;
const byId = (id) => document.getElementById(id);
const input = byId("search"), resetButton = byId("reset");
const data = JSON.parse(byId("data").textContent);
const total = data.samples || 1;

/** @typedef {{g: Element, rect: Element, text: Element|null, name: string, kind: string, depth: number,
 *   parent: number, end: number, x: number, w: number, shown: boolean, left: string, share: number}} Frame
 * x and w in samples; left and share as drawn; `end` is the first frame behind the subtree. */

/** @type {Frame[]} parents before children, depth first */
const frames = [];
let zoomed = 0;
let current = 0; // the frame that Tab reaches
let pattern = "";
const history_ = []; // frames that were zoomed before
let characterWidth = 7.3;
let described = null; // the frame that the details show; null: the help

const COLUMNS = 8;
const column = (i, k) => data.frames[i * COLUMNS + k];

function readFrames() {
	const open = [];
	for (const g of byId("frames").children) {
		const i = frames.length, x = column(i, 0), w = column(i, 1);
		while (open.length && !(frames[open[open.length - 1]].x + frames[open[open.length - 1]].w >= x + w))
			frames[open.pop()].end = i;
		const title = g.firstElementChild;
		frames.push({
			g, rect: title.nextElementSibling, text: g.querySelector("text"),
			name: title.textContent.replace(/ \(\d+ samples, [\d.]+%\)$/, ""),
			kind: g.getAttribute("class")[0],
			depth: open.length, parent: open.length ? open[open.length - 1] : 0,
			end: 0, x, w, shown: true,
			left: title.nextElementSibling.getAttribute("x"), share: i ? w / total : 1,
		});
		open.push(i);
		g.setAttribute("role", "treeitem");
		g.setAttribute("aria-level", String(open.length));
		if (i)
			g.setAttribute("tabindex", "-1");
	}
	for (const i of open)
		frames[i].end = frames.length;
	byId("frames").setAttribute("role", "tree");
}

// Placing

function flameWidth() {
	return Number(byId("flame").getAttribute("width"));
}

// Beyond Latin, Greek and Cyrillic characters may be twice as wide.
function clip(name, columns) {
	let used = 0, kept = 0, at = 0;
	for (const c of name) {
		used += c.codePointAt(0) >= 0x1000 ? 2 : 1;
		if (used > columns)
			return columns < ROW_MIN_COLUMNS ? "" : name.slice(0, kept) + "\u2026";
		at += c.length;
		if (used + 1 <= columns)
			kept = at;
	}
	return name;
}

function label(f) {
	const columns = Math.floor((f.share * flameWidth() - PADDING) / characterWidth);
	const shown = columns < ROW_MIN_COLUMNS ? "" : clip(f.name, columns);
	if (!f.text) {
		if (!shown)
			return;
		f.text = document.createElementNS(SVG, "text");
		f.text.setAttribute("dx", "3");
		f.text.setAttribute("y", String(Number(f.rect.getAttribute("y")) + BASELINE));
		f.g.appendChild(f.text);
	}
	if (f.text.textContent !== shown)
		f.text.textContent = shown;
	f.text.setAttribute("x", f.left);
}

function place(f, from, width) {
	const left = Math.max(0, (f.x - from) / width);
	f.share = Math.min(1, f.w / width);
	f.left = (100 * left).toFixed(4) + "%";
	f.rect.setAttribute("x", f.left);
	f.rect.setAttribute("width", (100 * f.share).toFixed(4) + "%");
	label(f);
}

function show(f, shown) {
	if (shown)
		f.g.removeAttribute("display");
	else
		f.g.setAttribute("display", "none");
	f.shown = shown;
}

function layOut() {
	const z = frames[zoomed], width = z.w || 1;
	frames.forEach((f, i) => {
		const above = i < zoomed && zoomed < f.end;
		const inside = i >= zoomed && i < z.end;
		show(f, above || inside);
		f.g.classList.toggle("above", above);
		if (above || inside)
			place(f, z.x, width);
	});
}

function relabel() {
	for (const f of frames)
		if (f.shown)
			label(f);
}

function resize() {
	if (svg.hasAttribute("data-fixed")) {
		relabel();
		return;
	}
	const around = svg === document.documentElement ? svg : svg.parentNode;
	const width = Math.max(MIN_WIDTH, around.clientWidth || window.innerWidth);
	svg.setAttribute("width", String(width));
	svg.removeAttribute("viewBox");
	byId("flame").setAttribute("width", String(width - 2 * MARGIN));
	byId("tools").setAttribute("x", String(width - MARGIN));
	byId("details").querySelector("rect").setAttribute("width", String(width - 2 * MARGIN));
	const rule = svg.querySelector("path.rule");
	if (rule)
		rule.setAttribute("d", rule.getAttribute("d").replace(/h.*/, "h" + (width - 2 * MARGIN)));
	relabel();
	if (described)
		describe(described);
}

function measureCharacter() {
	const probe = document.createElementNS(SVG, "text");
	probe.textContent = "M".repeat(100);
	svg.appendChild(probe);
	const width = probe.getComputedTextLength() / 100;
	probe.remove();
	if (width > 0)
		characterWidth = width;
}

// Zoom

function zoomTo(i, remember) {
	if (remember && i !== zoomed)
		history_.push(zoomed);
	zoomed = i;
	layOut();
	if (!frames[current].shown)
		setCurrent(i, false);
	if (described)
		showInterval(described);
	saveState();
}

function back() {
	if (history_.length)
		zoomTo(history_.pop(), false);
	else if (zoomed)
		zoomTo(0, false);
	else
		search("");
}

function reset() {
	history_.length = 0;
	input.value = "";
	search("");
	zoomTo(0, false);
}

// Search

function matcher(text) {
	const lower = text.toLowerCase(), fold = lower === text;
	let expression = null;
	try {
		expression = new RegExp(text, fold ? "iu" : "u");
	} catch (e) {
		expression = null; // no expression: plain text
	}
	return (name) => (expression && expression.test(name)) ||
		(fold ? name.toLowerCase() : name).includes(text);
}

function search(text) {
	const matches = text ? matcher(text) : () => false;
	let matched = 0, unsearched = 0, coveredUntil = 0;
	frames.forEach((f, i) => {
		const hit = f.kind !== "z" && i > 0 && matches(f.name);
		f.g.classList.toggle("hit", hit);
		if (i < coveredUntil)
			return;
		if (hit) {
			matched += f.w;
			coveredUntil = f.end;
		} else if (f.kind === "z") {
			unsearched += f.w;
		}
	});
	pattern = text;
	svg.classList.toggle("searched", text !== "");
	showMatched(text !== "", matched, unsearched);
	saveState();
}

function showMatched(searched, matched, unsearched) {
	byId("matched-label").textContent = searched ? "Matched " : "";
	byId("matched").textContent = searched ? percent(matched) : "";
	let more = "";
	if (searched && unsearched)
		more = " (+ up to " + percent(unsearched) + " in thin frames)";
	byId("matched-more").textContent = more;
}

// Words

function percent(samples) {
	return (100 * samples / total).toFixed(2) + "%";
}

// Wilson's score interval, 95 %: [low, high] in percent.
function wilson(samples) {
	const z = 1.959963984540054, n = total, p = samples / n, scale = 1 + z * z / n;
	const centre = (p + z * z / (2 * n)) / scale;
	const half = z * Math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / scale;
	return [Math.max(0, 100 * (centre - half)), Math.min(100, 100 * (centre + half))];
}

function interval(samples) {
	const [low, high] = wilson(samples);
	return "[" + low.toFixed(1) + " \u2013 " + high.toFixed(1) + "]";
}

// A bracket from where the described frame's right edge may be to where it may be at most.
function showInterval(f) {
	const z = frames[zoomed], width = z.w || 1;
	const [low, high] = wilson(f.w).map((p) => f.x + p / 100 * total);
	const at = (x) => (100 * Math.min(1, Math.max(0, (x - z.x) / width))).toFixed(4) + "%";
	const y = Number(f.rect.getAttribute("y")), bracket = byId("interval");
	bracket.setAttribute("display", f.shown && f.depth ? "inline" : "none");
	for (const [line, x1, x2, y1, y2] of [
		[bracket.children[0], low, high, y + 8.5, y + 8.5],
		[bracket.children[1], low, low, y + 4.5, y + 12.5],
		[bracket.children[2], high, high, y + 4.5, y + 12.5],
	]) {
		line.setAttribute("x1", at(x1));
		line.setAttribute("x2", at(x2));
		line.setAttribute("y1", String(y1));
		line.setAttribute("y2", String(y2));
	}
}

function makeInterval() {
	const bracket = document.createElementNS(SVG, "g");
	bracket.id = "interval";
	bracket.setAttribute("display", "none");
	for (let i = 0; i < 3; i++)
		bracket.appendChild(document.createElementNS(SVG, "line"));
	byId("flame").appendChild(bracket);
}

function describe(f) {
	described = f;
	showInterval(f);
	const i = frames.indexOf(f);
	const module = data.texts[column(i, 3)] || "", file = data.texts[column(i, 4)] || "";
	const line = column(i, 5), self = column(i, 2), parts = [];
	parts.push(f.name);
	let kind = KINDS[f.kind];
	if (f.g.classList.contains("i"))
		kind += ", inlined";
	if (kind)
		parts.push(kind);
	if (file)
		parts.push(file + (line ? ":" + line : ""));
	if (module)
		parts.push(module);
	const columns = Math.floor((flameWidth() - 20) / characterWidth);
	byId("details-name").textContent = clip(parts.join("  \u00b7  "), columns);
	let figures = f.w + (f.w === 1 ? " sample, " : " samples, ") + percent(f.w) + " " + interval(f.w);
	if (f.kind !== "z")
		figures += "; self " + self + ", " + percent(self);
	if (column(i, 7))
		figures += "; everywhere " + column(i, 7) + ", " + percent(column(i, 7)) +
			", self " + column(i, 6) + ", " + percent(column(i, 6));
	byId("details-figures").textContent = clip(figures, columns);
}

function help() {
	described = null;
	byId("interval").setAttribute("display", "none");
	byId("details-name").textContent = "Click or Enter zooms, Escape goes back, / searches, arrows move.";
	byId("details-figures").textContent = "Hover over a frame or Tab to it for samples, file and line; the bracket is its 95 % interval.";
}

// Keyboard

function setCurrent(i, focus) {
	frames[current].g.setAttribute("tabindex", "-1");
	current = i;
	frames[i].g.setAttribute("tabindex", "0");
	if (focus)
		frames[i].g.focus();
}

function heaviestChild(i) {
	let best = -1;
	for (let k = i + 1; k < frames[i].end; k = frames[k].end)
		if (frames[k].shown && (best < 0 || frames[k].w > frames[best].w))
			best = k;
	return best;
}

function neighbour(i, step) {
	const depth = frames[i].depth;
	for (let k = i + step; k >= 0 && k < frames.length; k += step)
		if (frames[k].depth === depth && frames[k].shown)
			return k;
	return -1;
}

function rootIsBelow() {
	const first = frames.find((f) => f.depth === 1);
	return !first || Number(first.rect.getAttribute("y")) < Number(frames[0].rect.getAttribute("y"));
}

function move(key) {
	const up = rootIsBelow() ? "ArrowUp" : "ArrowDown";
	let to;
	if (key === "ArrowLeft" || key === "ArrowRight")
		to = neighbour(current, key === "ArrowLeft" ? -1 : 1);
	else
		to = key === up ? heaviestChild(current) : current ? frames[current].parent : -1;
	setCurrent(to >= 0 ? to : current, true);
}

function inputKey(event) {
	if (event.key === "Enter") {
		search(input.value);
	} else if (event.key === "Escape") {
		input.value = "";
		search("");
	} else {
		return;
	}
	event.preventDefault();
}

function frameOf(node) {
	const g = node instanceof Element ? node.closest("#frames > g") : null;
	return g ? frames.findIndex((f) => f.g === g) : -1;
}

function onKey(event) {
	if (event.ctrlKey || event.metaKey || event.altKey)
		return;
	if (event.target === input) {
		inputKey(event);
		return;
	}
	const onFrame = frameOf(event.target);
	if (event.key === "/") {
		input.focus();
		input.select();
	} else if (event.key === "Escape") {
		back();
	} else if (event.key === "Enter" || event.key === " ") {
		if (resetButton.contains(event.target))
			reset();
		else if (onFrame >= 0)
			zoomTo(onFrame, true);
		else
			return;
	} else if (event.key.startsWith("Arrow") && onFrame >= 0) {
		move(event.key);
	} else {
		return;
	}
	event.preventDefault();
}

// State in the address

function saveState() {
	const state = [];
	if (zoomed)
		state.push("zoom=" + zoomed);
	if (pattern)
		state.push("search=" + encodeURIComponent(pattern));
	const hash = state.length ? "#" + state.join("&") : "#";
	if (hash === (location.hash || "#"))
		return;
	try {
		history.replaceState(null, "", hash);
	} catch (e) {
		// a viewer without addresses
	}
}

function loadState() {
	const state = new URLSearchParams(location.hash.slice(1));
	const zoom = Number(state.get("zoom")), text = state.get("search") || "";
	input.value = text;
	search(text);
	zoomTo(Number.isInteger(zoom) && zoom > 0 && zoom < frames.length ? zoom : 0, false);
}

// Stays in sight while a tall graph scrolls.
function keepDetailsInSight() {
	const details = byId("details");
	const top = Number(details.querySelector("rect").getAttribute("y")) - 4;
	const by = Math.max(0, -svg.getBoundingClientRect().top - top);
	details.setAttribute("transform", "translate(0," + by + ")");
}

function listen() {
	const container = byId("frames");
	container.addEventListener("click", (event) => {
		const i = frameOf(event.target);
		if (i < 0)
			return;
		zoomTo(i, true);
		setCurrent(i, true);
	});
	container.addEventListener("mouseover", (event) => {
		const i = frameOf(event.target);
		if (i >= 0)
			describe(frames[i]);
	});
	container.addEventListener("mouseleave", () => current ? describe(frames[current]) : help());
	container.addEventListener("focusin", (event) => {
		const i = frameOf(event.target);
		if (i >= 0) {
			setCurrent(i, false);
			describe(frames[i]);
		}
	});
	resetButton.addEventListener("click", reset);
	document.addEventListener("keydown", onKey);
	window.addEventListener("resize", resize);
	window.addEventListener("scroll", keepDetailsInSight, { passive: true });
	window.addEventListener("hashchange", loadState);
}

readFrames();
makeInterval();
svg.classList.add("live");
svg.appendChild(byId("details")); // above the frames
measureCharacter();
resize();
if (location.hash.length > 1)
	loadState();
help();
listen();
keepDetailsInSight();
requestAnimationFrame(() => performance.mark("first-picture"));
})();
