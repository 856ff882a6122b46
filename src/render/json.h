/* SPDX-License-Identifier: MIT */
#ifndef RENDER_JSON_H
#define RENDER_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/strbuf.h"

/* A document of docs/json.md in the making. Failures are sticky, as in strbuf; what is added belongs to it. */

struct json {
	bool failed;
};

cJSON *json_keep(struct json *j, cJSON *item);
void json_add(struct json *j, cJSON *object, const char *key, cJSON *item);
void json_append(struct json *j, cJSON *array, cJSON *item);
/** A string, escaped: cJSON passes invalid UTF-8 through. */
cJSON *json_text(struct json *j, const char *text);
void json_add_text(struct json *j, cJSON *object, const char *key, const char *text);
/** Above 2^53 a string of digits. */
cJSON *json_integer(struct json *j, uint64_t v);
void json_add_integer(struct json *j, cJSON *object, const char *key, uint64_t v);
/** Six decimals; 0 where it is not finite. */
void json_add_number(struct json *j, cJSON *object, const char *key, double v);
void json_add_seconds(struct json *j, cJSON *object, const char *key, uint64_t ns);
/** @return NULL after a failure */
cJSON *json_add_object(struct json *j, cJSON *parent, const char *key);
cJSON *json_add_array(struct json *j, cJSON *parent, const char *key);
/** @return false without memory */
bool json_print(const cJSON *root, struct strbuf *out);

#endif
