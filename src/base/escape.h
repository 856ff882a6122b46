/* SPDX-License-Identifier: MIT */
#ifndef BASE_ESCAPE_H
#define BASE_ESCAPE_H

#include "base/strbuf.h"

/*
 * Names come from a target (comm, symbols, paths): they are hostile until escaped for the place
 * that they go to. Each function appends to `out`. Invalid UTF-8 becomes U+FFFD where the output
 * must be UTF-8 (XML, JSON), and `?` on the terminal and in collapsed stacks only for control
 * bytes.
 */

/** For a terminal: control bytes (C0, DEL, and C1 in UTF-8) become `?`. */
void escape_terminal(struct strbuf *out, const char *text);

/** For XML and HTML text and quoted attributes: < > & " ' as references, controls as U+FFFD. */
void escape_xml(struct strbuf *out, const char *text);

/** For a name in a collapsed stack: `;` becomes `:`, control bytes `?`. */
void escape_folded(struct strbuf *out, const char *text);

/** For a JSON string, without the quotes around it (RFC 8259, 7). `<` as \u003c, fit for HTML too.
 */
void escape_json(struct strbuf *out, const char *text);

/** For Markdown text, also in a table cell: | ` < and controls are neutralised. */
void escape_markdown(struct strbuf *out, const char *text);

/** For Markdown between backticks, where references are not decoded: as escape_markdown(), but <
 * stays. */
void escape_markdown_code(struct strbuf *out, const char *text);

/** @return the length in bytes of the valid UTF-8 character at `s`, 0 if it is not one (RFC 3629).
 */
size_t utf8_length(const char *s);

#endif
