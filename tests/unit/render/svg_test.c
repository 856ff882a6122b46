// SPDX-License-Identifier: MIT
#include "../analyze/stacks.h"

#include <errno.h>

#include "render/svg.h"
#include "render/svg_layout.h"
#include "render/svg_palette.h"

static struct calltree *tree_of(struct profile *p, uint64_t least)
{
	struct calltree *t;
	const struct calltree_options options = { .no_comm = true, .least = least };
	assert_int_equal(calltree_build(p, &options, &t, NULL), 0);
	return t;
}

/* One line a frame: depth, x, width, and how many it hides. */
static char *draw(const struct svg_layout *l)
{
	struct strbuf out = { 0 };
	for (size_t i = 0; i < l->frames.count; i++) {
		const struct svg_frame *f = &l->frames.at[i];
		strbuf_printf(&out, "%u:%d+%d%s", f->depth, (int)f->x, (int)f->width,
			      i ? "" : "\n");
		if (i)
			strbuf_printf(&out, f->hidden ? " hides %u\n" : "\n", f->hidden);
	}
	return out.text;
}

static const char stacks[] = "t;a;b 50\n"
			     "t;a;c 2\n"
			     "t;a;c;d 2\n"
			     "t;a;e;f 1\n"
			     "t;a 5\n"
			     "t;g 40\n";

static void check_layout(uint64_t least_in_tree, uint64_t least, const char *expected)
{
	struct profile *p = stacks_profile(stacks);
	struct calltree *t = tree_of(p, least_in_tree);
	struct svg_layout l;
	const struct svg_limits limits = { .least = least, .depth = SVG_MAX_DEPTH };
	assert_true(svg_layout_build(t, limits, &l));
	assert_int_equal(l.total, 100);
	char *drawn = draw(&l);
	assert_string_equal(drawn, expected);
	free(drawn);
	svg_layout_deinit(&l);
	calltree_destroy(t);
	profile_destroy(p);
}

static void levels_add_up(void **state)
{
	(void)state;
	check_layout(0, 1, "0:0+100\n1:0+60\n2:0+50\n2:50+4\n3:50+2\n2:54+1\n3:54+1\n1:60+40\n");
}

/* c and e are thin; what lies above them is in their sum. */
static void thin_frames_become_one(void **state)
{
	(void)state;
	const char *expected = "0:0+100\n1:0+60\n2:0+50\n2:50+5 hides 2\n1:60+40\n";
	check_layout(0, 5, expected);
	check_layout(5, 5, expected);
	check_layout(2, 5, expected);
}

static size_t kept(const struct calltree *t, struct svg_limits limits)
{
	size_t n = 0;
	for (size_t i = 0; i < t->count; i++)
		n += t->nodes[i].total >= limits.least && t->nodes[i].depth < limits.depth;
	return n;
}

static void limits_bound_the_frames(void **state)
{
	(void)state;
	struct profile *p = stacks_profile(stacks);
	struct calltree *t = tree_of(p, 0);
	for (size_t most = 1; most < 12; most++)
		assert_true(kept(t, svg_layout_limits(t, most)) <= most);
	assert_int_equal(kept(t, svg_layout_limits(t, t->count)), t->count);
	calltree_destroy(t);
	profile_destroy(p);
}

/* Ten towers of equal width: half of each is shown, not none of any. */
static void equal_towers_are_cut_by_depth(void **state)
{
	(void)state;
	struct strbuf text = { 0 };
	for (int tower = 0; tower < 10; tower++) {
		strbuf_printf(&text, "t;f%d", tower);
		for (int level = 0; level < 40; level++)
			strbuf_puts(&text, ";g");
		strbuf_puts(&text, " 100\n");
	}
	struct profile *p = stacks_profile(text.text);
	struct calltree *t = tree_of(p, 0);
	struct svg_limits limits = svg_layout_limits(t, 206);
	assert_int_equal(limits.depth, 21);
	assert_int_equal(kept(t, limits), 201);
	calltree_destroy(t);
	profile_destroy(p);
	strbuf_deinit(&text);
}

/* WCAG 2.1, 1.4.3: text of this size needs 4.5. */
static void text_is_legible_on_every_fill(void **state)
{
	(void)state;
	struct strbuf names = { 0 };
	char *save = NULL;
	size_t palettes = 0;
	svg_palette_names(&names);
	for (char *name = strtok_r(names.text, ", ", &save); name;
	     name = strtok_r(NULL, ", ", &save)) {
		const struct svg_palette *p = svg_palette_find(name);
		palettes++;
		for (unsigned kind = 0; kind < SVG_KINDS; kind++) {
			for (unsigned shade = 0; shade < SVG_SHADES; shade++) {
				svg_color light = svg_palette_fill(p, kind, shade, false);
				svg_color dark = svg_palette_fill(p, kind, shade, true);
				assert_true(svg_contrast(light, SVG_INK_LIGHT) >= 4.5);
				assert_true(svg_contrast(dark, SVG_INK_DARK) >= 4.5);
			}
		}
	}
	assert_true(palettes >= 10);
	strbuf_deinit(&names);
}

static void contrast_is_that_of_wcag(void **state)
{
	(void)state;
	assert_true(svg_contrast(0, 0xffffff) > 20.99 && svg_contrast(0xffffff, 0) < 21.01);
	/* #767676 is known as the lightest grey that has 4.5 on white. */
	assert_true(svg_contrast(0x767676, 0xffffff) >= 4.5);
	assert_true(svg_contrast(0x777777, 0xffffff) < 4.5);
}

static void unknown_palettes_are_named(void **state)
{
	(void)state;
	struct profile *p = stacks_profile(stacks);
	struct strbuf out = { 0 };
	struct error err = { 0 };
	const struct svg_options options = { .colors = "mauve" };
	assert_int_equal(svg_render(p, &options, &out, &err), -EINVAL);
	assert_non_null(strstr(err.text, "'mauve'"));
	assert_non_null(strstr(err.text, "hot, mem, io"));
	assert_int_equal(out.length, 0);
	profile_destroy(p);
}

static void the_run_is_said(void **state)
{
	(void)state;
	struct profile *p = stacks_profile("t;main 30\nt;[truncated];x 10\n");
	struct strbuf out = { 0 };
	const struct svg_options options = { 0 };
	p->meta.lost_samples = 10;
	p->meta.kernel_sampled = false;
	assert_int_equal(svg_render(p, &options, &out, NULL), 0);
	assert_non_null(strstr(out.text, ">40</tspan> samples at 100 Hz in 400 ms"));
	assert_non_null(
		strstr(out.text, "Truncated 25.00 % (10 of 40 stacks, mostly: no unwind rule"));
	assert_non_null(strstr(out.text, "lost 20.00 % (10 samples)"));
	assert_non_null(strstr(out.text, "The kernel could not be sampled"));
	assert_non_null(strstr(out.text, "<title>all (40 samples, 100.00%)</title>"));
	strbuf_deinit(&out);
	profile_destroy(p);
}

static void no_samples_make_a_picture_that_explains(void **state)
{
	(void)state;
	struct profile *p = stacks_profile("");
	struct strbuf out = { 0 };
	const struct svg_options options = { .inverted = true };
	p->meta.unsampled_cpu_ns = 3000000;
	p->meta.rate_hz = 999;
	assert_int_equal(svg_render(p, &options, &out, NULL), 0);
	assert_non_null(strstr(out.text, "prog --size 3 used 3 ms of CPU; 3 samples expected."));
	assert_non_null(strstr(out.text, "<title>all (0 samples, 0.00%)</title>"));
	assert_null(strstr(out.text, "nan"));
	strbuf_deinit(&out);
	profile_destroy(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(levels_add_up),
		cmocka_unit_test(thin_frames_become_one),
		cmocka_unit_test(limits_bound_the_frames),
		cmocka_unit_test(equal_towers_are_cut_by_depth),
		cmocka_unit_test(text_is_legible_on_every_fill),
		cmocka_unit_test(contrast_is_that_of_wcag),
		cmocka_unit_test(unknown_palettes_are_named),
		cmocka_unit_test(the_run_is_said),
		cmocka_unit_test(no_samples_make_a_picture_that_explains),
	};
	return cmocka_run_group_tests_name("render/svg", tests, NULL, NULL);
}
