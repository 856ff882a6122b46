// SPDX-License-Identifier: MIT
#include "render/json.h"

#include <math.h>
#include <stdio.h>

#include "base/escape.h"

/* Integers up to 2^53 are exact in every JSON reader (RFC 8259, 6); larger ones go out as strings.
 */
#define EXACT_LIMIT (UINT64_C(1) << 53)

cJSON *json_keep(struct json *j, cJSON *item)
{
	if (!item)
		j->failed = true;
	return item;
}

void json_add(struct json *j, cJSON *object, const char *key, cJSON *item)
{
	if (!json_keep(j, item))
		return;
	if (!cJSON_AddItemToObjectCS(object, key, item)) {
		cJSON_Delete(item);
		j->failed = true;
	}
}

void json_append(struct json *j, cJSON *array, cJSON *item)
{
	if (!json_keep(j, item))
		return;
	if (!cJSON_AddItemToArray(array, item)) {
		cJSON_Delete(item);
		j->failed = true;
	}
}

/* cJSON passes invalid UTF-8 through, so strings are escaped here and enter raw. */
cJSON *json_text(struct json *j, const char *text)
{
	struct strbuf quoted = { 0 };
	strbuf_putc(&quoted, '"');
	escape_json(&quoted, text);
	strbuf_putc(&quoted, '"');
	cJSON *item = quoted.failed ? NULL : cJSON_CreateRaw(quoted.text);
	strbuf_deinit(&quoted);
	return json_keep(j, item);
}

void json_add_text(struct json *j, cJSON *object, const char *key, const char *text)
{
	json_add(j, object, key, json_text(j, text));
}

cJSON *json_integer(struct json *j, uint64_t v)
{
	if (v <= EXACT_LIMIT)
		return json_keep(j, cJSON_CreateNumber((double)v));
	char digits[24];
	snprintf(digits, sizeof(digits), "%llu", (unsigned long long)v);
	return json_keep(j, cJSON_CreateString(digits));
}

void json_add_integer(struct json *j, cJSON *object, const char *key, uint64_t v)
{
	json_add(j, object, key, json_integer(j, v));
}

/* Six decimals are beyond what samples can tell. */
void json_add_number(struct json *j, cJSON *object, const char *key, double v)
{
	json_add(j, object, key, cJSON_CreateNumber(isfinite(v) ? round(v * 1e6) / 1e6 : 0));
}

void json_add_seconds(struct json *j, cJSON *object, const char *key, uint64_t ns)
{
	json_add(j, object, key, cJSON_CreateNumber((double)ns / 1e9));
}

cJSON *json_add_object(struct json *j, cJSON *parent, const char *key)
{
	cJSON *o = cJSON_CreateObject();
	json_add(j, parent, key, o);
	return j->failed ? NULL : o;
}

cJSON *json_add_array(struct json *j, cJSON *parent, const char *key)
{
	cJSON *a = cJSON_CreateArray();
	json_add(j, parent, key, a);
	return j->failed ? NULL : a;
}

/* cJSON's own allocator grows by doubling; ours must not outlive the copy. */
bool json_print(const cJSON *root, struct strbuf *out)
{
	char *text = cJSON_PrintBuffered(root, 1 << 16, true);
	if (!text)
		return false;
	strbuf_puts(out, text);
	strbuf_putc(out, '\n');
	cJSON_free(text);
	return !out->failed;
}
