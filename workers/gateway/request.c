// SPDX-License-Identifier: MIT
#include "workers/gateway/request.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct text unknown_id = {.at = "\"unknown\"", .len = 9};

static enum err fail(struct request_error *, const char *, ...) PRINTF(2, 3);

static enum err
fail(struct request_error *error, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	int n = vsnprintf(error->text, sizeof(error->text), fmt, args);
	va_end(args);
	if (n < 0)
		n = 0;
	error->len = (size_t)n < sizeof(error->text)
	    ? (uint32_t)n
	    : (uint32_t)sizeof(error->text) - 1;
	return ERR_MALFORMED;
}

void
request_malformed(const char *detail, struct request_error *error)
{
	error->is_missing_field = false;
	(void)fail(error, "Malformed request payload: %s", detail);
}

void
request_too_big(uint64_t limit, uint64_t bytes, struct request_error *error)
{
	error->is_missing_field = false;
	(void)fail(error,
	    "Request payload exceeds maximum size of %" PRIu64
	    " bytes (got %" PRIu64 " bytes)",
	    limit, bytes);
}

/* malformed passes on what the reader found. */
static enum err
malformed(const struct json_reader *r, struct request_error *error)
{
	request_malformed(
	    r->error.what != NULL ? r->error.what : "not JSON", error);
	return ERR_MALFORMED;
}

/* take_text reads a text field; null is as good as absent. */
static enum err
take_text(struct json_reader *r, struct arena *arena, const char *name,
    struct text *to, struct request_error *error)
{
	enum json_type type = json_peek(r);
	enum err e;

	*to = (struct text){.at = NULL, .len = 0};
	if (type == JSON_NULL)
		e = json_null(r);
	else if (type == JSON_STRING)
		e = json_string(r, arena, to);
	else if (type == JSON_NOTHING)
		e = ERR_MALFORMED;
	else
		return fail(error,
		    "Malformed request payload: %s must be a string", name);
	return e == OK ? OK : malformed(r, error);
}

static enum err
take_id(struct json_reader *r, struct arena *arena, struct request *to,
    struct request_error *error)
{
	enum json_type type = json_peek(r);
	const char *at = (const char *)r->at;
	enum err e = take_text(r, arena, "request_id", &to->request_id, error);

	to->id_json = unknown_id;
	if (e != OK || type != JSON_STRING)
		return e;
	struct text json = {
	    .at = at, .len = (uint32_t)((const char *)r->at - at)};
	if (json.len > REQUEST_ID_BYTES) {
		to->request_id.len = 0;
		return fail(error,
		    "Malformed request payload: request_id is longer than "
		    "%d bytes",
		    REQUEST_ID_BYTES);
	}
	to->id_json = json;
	return OK;
}

static enum err
take_args(struct json_reader *r, struct packer *args, struct request *to,
    struct request_error *error)
{
	enum json_type type = json_peek(r);
	size_t start = buffer_used(args->out);
	enum err e;

	to->args = (struct text){.at = NULL, .len = 0};
	if (type == JSON_NULL) {
		e = json_null(r);
		return e == OK ? OK : malformed(r, error);
	}
	if (type != JSON_OBJECT && type != JSON_NOTHING)
		return fail(
		    error, "Malformed request payload: args must be an object");
	e = json_pack(r, args);
	if (e != OK)
		return malformed(r, error);
	/* an offset, until the buffer stops moving */
	to->args.len = (uint32_t)(buffer_used(args->out) - start);
	to->args.at = (const char *)buffer_at(args->out) + start;
	return OK;
}

static enum err
take_field(struct json_reader *r, struct arena *arena, struct text key,
    struct packer *args, struct request *to, struct request_error *error)
{
	static const struct {
		struct text name;
		size_t place;
	} texts[] = {
#define FIELD(name) {{#name, sizeof(#name) - 1}, offsetof(struct request, name)}
	    FIELD(service),
	    FIELD(request_type),
	    FIELD(version),
	    FIELD(user_id),
	    FIELD(device_id),
	    FIELD(traceparent),
	    FIELD(correlation_id),
#undef FIELD
	};
	struct text ignored;

	if (text_is(key, "request_id"))
		return take_id(r, arena, to, error);
	if (text_is(key, "user_roles"))
		to->claims_roles = true;
	if (text_is(key, "args"))
		return take_args(r, args, to, error);
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		if (text_eq(key, texts[i].name))
			return take_text(r, arena, texts[i].name.at,
			    (struct text *)(void *)((char *)to +
				texts[i].place),
			    error);
	}
	return json_skip(r, &ignored) == OK ? OK : malformed(r, error);
}

static bool
is_blank(struct text t)
{
	for (uint32_t i = 0; i < t.len; i++) {
		if (strchr(" \t\r\n", t.at[i]) == NULL || t.at[i] == '\0')
			return false;
	}
	return true;
}

/* check_correlation: it is told as it came, or not taken at all. */
static enum err
check_correlation(struct text id, struct request_error *error)
{
	if (id.len > CORRELATION_BYTES)
		return fail(error,
		    "Malformed request payload: correlation_id is longer than "
		    "%d bytes",
		    CORRELATION_BYTES);
	for (uint32_t i = 0; i < id.len; i++)
		if ((unsigned char)id.at[i] < ' ' || id.at[i] == 0x7f ||
		    id.at[i] == '"')
			return fail(error,
			    "Malformed request payload: correlation_id holds "
			    "a quote or a control character");
	return OK;
}

static enum err
check_required(const struct request *to, struct request_error *error)
{
	bool no_type = is_blank(to->request_type);
	bool no_id = is_blank(to->request_id);
	bool no_service = is_blank(to->service);

	if (!no_type && !no_id && !no_service)
		return OK;
	error->is_missing_field = true;
	return fail(error, "Missing required fields: %s%s%s%s%s",
	    no_type ? "request_type" : "", no_type && no_id ? ", " : "",
	    no_id ? "request_id" : "",
	    (no_type || no_id) && no_service ? ", " : "",
	    no_service ? "service" : "");
}

enum err
request_read(struct json_reader *r, struct arena *arena, struct packer *args,
    struct request *to, struct request_error *error)
{
	struct text key;
	bool more = true;

	*to = (struct request){.id_json = unknown_id};
	error->is_missing_field = false;
	if (json_peek(r) != JSON_OBJECT)
		return fail(
		    error, "Malformed request payload: it must be an object");
	if (json_object(r) != OK)
		return malformed(r, error);
	for (;;) {
		if (json_object_next(r, arena, &key, &more) != OK)
			return malformed(r, error);
		if (!more)
			break;
		enum err e = take_field(r, arena, key, args, to, error);
		if (e != OK)
			return e;
	}
	if (is_blank(to->request_id))
		to->id_json = unknown_id;
	if (text_is(to->version, "0.0.0"))
		to->version.len = 0;
	if (check_correlation(to->correlation_id, error) != OK) {
		to->correlation_id.len = 0;
		return ERR_MALFORMED;
	}
	return check_required(to, error);
}

enum err
request_read_id(struct json_reader *r, struct arena *arena, struct text *id)
{
	struct text key, ignored;
	bool more = true;

	*id = (struct text){.at = NULL, .len = 0};
	if (json_peek(r) != JSON_OBJECT)
		return ERR_TYPE;
	enum err e = json_object(r);
	while (e == OK) {
		e = json_object_next(r, arena, &key, &more);
		if (e != OK || !more)
			break;
		if (text_is(key, "request_id") && json_peek(r) == JSON_STRING)
			e = json_string(r, arena, id);
		else
			e = json_skip(r, &ignored);
	}
	return e == OK && id->at == NULL ? ERR_MISSING : e;
}
