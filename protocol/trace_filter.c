// SPDX-License-Identifier: MIT
#include "protocol/trace_filter.h"

#include <stdio.h>
#include <string.h>

#define F(name, bit, on, meaning) [bit] = #name,
static const char *const flag_names[] = {TRACE_FLAGS(F)};
#undef F

static const char *const kind_names[TRACE_KINDS] = {
    [TRACE_USER] = "user",
    [TRACE_FUNCTION] = "function",
    [TRACE_TARGET] = "target",
    [TRACE_TYPE] = "request_type",
    [TRACE_REQUEST] = "request",
    [TRACE_PROCESS] = "process",
};

const char *
trace_flag_name(uint32_t place)
{
	return place < COUNT_OF(flag_names) ? flag_names[place] : NULL;
}

const char *
trace_kind_name(enum trace_kind kind)
{
	return (unsigned)kind < TRACE_KINDS ? kind_names[kind] : "unknown";
}

uint32_t
trace_flags_default(void)
{
	uint32_t flags = 0;

#define F(name, bit, on, meaning) flags |= (on) ? 1u << (bit) : 0;
	TRACE_FLAGS(F)
#undef F
	return flags;
}

/* trim takes blanks, braces and Erlang's colons off both ends. */
static struct text
trim(struct text t, const char *set)
{
	while (t.len > 0 && strchr(set, t.at[0]) != NULL && t.at[0] != '\0') {
		t.at++;
		t.len--;
	}
	while (t.len > 0 && strchr(set, t.at[t.len - 1]) != NULL &&
	    t.at[t.len - 1] != '\0')
		t.len--;
	return t;
}

/* split gives what stands before the next separator, and moves behind it. */
static struct text
split(struct text *rest, const char *set)
{
	struct text part = {.at = rest->at, .len = 0};

	while (part.len < rest->len &&
	    (rest->at[part.len] == '\0' ||
		strchr(set, rest->at[part.len]) == NULL))
		part.len++;
	uint32_t step = part.len < rest->len ? part.len + 1 : part.len;
	rest->at += step;
	rest->len -= step;
	return part;
}

enum err
trace_flags_read(struct text list, uint32_t *flags, struct text *wrong)
{
	uint32_t got = 0;

	while (list.len > 0) {
		struct text word = trim(split(&list, ", "), ":[] ");
		uint32_t i = 0;

		if (word.len == 0)
			continue;
		while (
		    i < COUNT_OF(flag_names) && !text_is(word, flag_names[i]))
			i++;
		if (i == COUNT_OF(flag_names)) {
			*wrong = word;
			return ERR_NOT_FOUND;
		}
		got |= 1u << i;
	}
	*flags = got != 0 ? got : trace_flags_default();
	return OK;
}

static enum err
read_arity(struct text word, int32_t *arity)
{
	uint64_t number;

	*arity = TRACE_ANY_ARITY;
	if (text_is(word, "_") || text_is(word, "any"))
		return OK;
	if (text_to_u64(word, &number) != OK || number > 255)
		return ERR_MALFORMED;
	*arity = (int32_t)number;
	return OK;
}

/* last_of gives the place of the last of these bytes, or -1. */
static int64_t
last_of(struct text t, const char *set)
{
	for (int64_t i = (int64_t)t.len - 1; i >= 0; i--)
		if (t.at[i] != '\0' && strchr(set, t.at[i]) != NULL)
			return i;
	return -1;
}

static enum err
take_names(
    struct trace_filter *f, enum trace_kind kind, struct text a, struct text b)
{
	if (a.len == 0 || b.len == 0 || a.len > TRACE_KEY_BYTES ||
	    b.len > TRACE_KEY_BYTES)
		return ERR_MALFORMED;
	f->kind = kind;
	f->key = a;
	f->key2 = b;
	return OK;
}

/* read_tuple reads `{module, :function[, arity]}`. */
static enum err
read_tuple(struct text t, struct trace_filter *f)
{
	struct text rest = trim(t, "{} ");
	struct text module = trim(split(&rest, ","), ": ");
	struct text function = trim(split(&rest, ","), ": ");
	struct text arity = trim(rest, ": ");

	f->arity = TRACE_ANY_ARITY;
	if (arity.len > 0 && read_arity(arity, &f->arity) != OK)
		return ERR_MALFORMED;
	return take_names(f, TRACE_TARGET, module, function);
}

/* read_target reads `module.function`. */
static enum err
read_target(struct text t, struct trace_filter *f)
{
	int64_t at = last_of(t, ".:");

	if (at <= 0)
		return ERR_MALFORMED;
	struct text module = trim((struct text){t.at, (uint32_t)at}, ":");
	struct text function = {t.at + at + 1, t.len - (uint32_t)at - 1};
	return take_names(f, TRACE_TARGET, module, function);
}

enum err
trace_function_read(struct text t, struct trace_filter *f)
{
	t = trim(t, ": ");
	f->arity = TRACE_ANY_ARITY;
	if (text_is(t, "all")) {
		f->kind = TRACE_PROCESS;
		f->who = (struct trace_who){.what = TRACE_PROCESSES};
		return OK;
	}
	if (t.len > 1 && t.at[0] == '{')
		return read_tuple(t, f);
	int64_t slash = last_of(t, "/");
	if (slash < 0)
		return read_target(t, f);
	struct text a = {t.at, (uint32_t)slash};
	struct text b = {t.at + slash + 1, t.len - (uint32_t)slash - 1};
	int32_t arity;
	if (read_arity(b, &arity) == OK && last_of(a, ".:") > 0) {
		f->arity = arity;
		return read_target(a, f);
	}
	return take_names(f, TRACE_FUNCTION, a, b);
}

enum err
trace_target_read(struct text t, struct trace_filter *f)
{
	static const struct {
		const char *word;
		enum trace_what what;
		enum trace_when when;
	} words[] = {
#define T(word, what, when, help) {word, TRACE_##what, TRACE_##when},
	    TRACE_TARGETS(T)
#undef T
	};
	uint64_t number = 0;

	t = trim(t, ": ");
	f->kind = TRACE_PROCESS;
	f->who = (struct trace_who){.what = TRACE_EVERYTHING};
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		if (!text_is(t, words[i].word))
			continue;
		f->who.what = words[i].what;
		f->who.when = words[i].when;
		return OK;
	}
	if (text_to_u64(t, &number) == OK && number > 1 &&
	    number <= UINT32_MAX) {
		f->who.pid = (uint32_t)number;
		return OK;
	}
	int64_t slash = text_find(t, '/');
	struct text word = t;
	if (slash >= 0)
		word.len = (uint32_t)slash;
	if (slash >= 0 &&
	    (text_to_u64(
		 (struct text){t.at + slash + 1, t.len - (uint32_t)slash - 1},
		 &number) != OK ||
		number == 0 || number > 1000000))
		return ERR_MALFORMED;
	f->who.role = role_by_name(word);
	f->who.is_role = true;
	f->who.instance = slash >= 0 ? (uint32_t)number : 0;
	return f->who.role == ROLE_none ? ERR_NOT_FOUND : OK;
}

/* process_word writes a target of processes as trace_target_read takes it. */
static void
process_word(const struct trace_who *who, char *to, size_t size)
{
	static const char *const words[3][3] = {
#define T(word, what, when, help) [TRACE_##what][TRACE_##when] = word,
	    TRACE_TARGETS(T)
#undef T
	};

	if (who->pid != 0)
		snprintf(to, size, "process:%u", who->pid);
	else if (who->is_role && who->instance != 0)
		snprintf(to, size, "process:%s/%u", role_name(who->role),
		    who->instance);
	else
		snprintf(to, size, "process:%s",
		    who->is_role ? role_name(who->role)
				 : words[who->what][who->when]);
}

void
trace_filter_word(const struct trace_filter *f, char *to, size_t size)
{
	char arity[16] = "";

	if (f->kind == TRACE_PROCESS) {
		process_word(&f->who, to, size);
		return;
	}
	if (f->kind == TRACE_TARGET && f->arity != TRACE_ANY_ARITY)
		snprintf(arity, sizeof(arity), "/%d", f->arity);
	snprintf(to, size, "%s:%.*s%s%.*s%s", trace_kind_name(f->kind),
	    TEXT_ARG(f->key),
	    f->kind == TRACE_FUNCTION     ? "/"
		: f->kind == TRACE_TARGET ? "."
					  : "",
	    TEXT_ARG(f->key2), arity);
}

bool
trace_filter_has_call(const struct trace_filter *f, const struct trace_call *c)
{
	switch (f->kind) {
	case TRACE_USER:
		return c->user.len > 0 && text_eq(f->key, c->user);
	case TRACE_FUNCTION:
		return text_eq(f->key2, c->request_type) &&
		    text_eq(f->key, c->service);
	case TRACE_TYPE:
		return text_eq(f->key, c->request_type);
	case TRACE_REQUEST:
		return text_eq(f->key, c->request_id);
	case TRACE_TARGET:
		return c->module.at != NULL && text_eq(f->key2, c->function) &&
		    text_eq(f->key, c->module) &&
		    (f->arity == TRACE_ANY_ARITY || f->arity == c->arity);
	case TRACE_PROCESS:
	case TRACE_KINDS:
	default:
		return false;
	}
}

bool
trace_filter_has_process(
    const struct trace_filter *f, const struct trace_process *p)
{
	const struct trace_who *who = &f->who;

	if (f->kind != TRACE_PROCESS)
		return false;
	if (who->pid != 0)
		return who->pid == p->pid;
	if (who->is_role)
		return who->role == p->role &&
		    (who->instance == 0 || who->instance == p->instance);
	if (who->when == TRACE_ALWAYS)
		return true;
	return (p->born_ms > f->started_ms) == (who->when == TRACE_NEW);
}

/* --- packed --- */

enum {
	HEAD_BYTES = 52
};

static void
put(uint8_t *to, uint64_t value, size_t bytes)
{
	memcpy(to, &value, bytes); /* the same machine reads it */
}

static uint64_t
get(const uint8_t *at, size_t bytes)
{
	uint64_t value = 0;

	memcpy(&value, at, bytes);
	return value;
}

size_t
trace_pack(const struct trace_filter *f, uint8_t *to)
{
	memset(to, 0, HEAD_BYTES);
	put(to, f->id, 4);
	to[4] = (uint8_t)f->kind;
	to[5] = f->is_tracer;
	put(to + 6, f->flags, 2);
	put(to + 8, f->per_second, 4);
	put(to + 12, (uint32_t)f->arity, 4);
	put(to + 16, f->started_ms, 8);
	put(to + 24, f->until_ms, 8);
	to[32] = (uint8_t)f->who.what;
	to[33] = (uint8_t)f->who.when;
	to[34] = f->who.is_role;
	to[35] = (uint8_t)f->who.role;
	put(to + 36, f->who.instance, 4);
	put(to + 40, f->who.pid, 4);
	to[44] = (uint8_t)f->key.len;
	to[45] = (uint8_t)f->key2.len;
	to[46] = (uint8_t)f->place;
	put(to + 48, f->most, 4);
	if (f->key.len > 0)
		memcpy(to + HEAD_BYTES, f->key.at, f->key.len);
	if (f->key2.len > 0)
		memcpy(to + HEAD_BYTES + f->key.len, f->key2.at, f->key2.len);
	return HEAD_BYTES + f->key.len + f->key2.len;
}

size_t
trace_unpack(const uint8_t *at, size_t bytes, struct trace_filter *f)
{
	if (bytes < HEAD_BYTES || at[4] >= TRACE_KINDS || at[5] > 1 ||
	    at[32] > TRACE_PORTS || at[33] > TRACE_NEW || at[34] > 1 ||
	    at[35] >= ROLES || at[44] > TRACE_KEY_BYTES ||
	    at[45] > TRACE_KEY_BYTES ||
	    (at[46] >= TRACE_PLACES && at[46] != TRACE_NO_PLACE) ||
	    bytes < (size_t)HEAD_BYTES + at[44] + at[45])
		return 0;
	*f = (struct trace_filter){
	    .id = (uint32_t)get(at, 4),
	    .kind = (enum trace_kind)at[4],
	    .is_tracer = at[5] == 1,
	    .flags = (uint32_t)get(at + 6, 2),
	    .per_second = (uint32_t)get(at + 8, 4),
	    .arity = (int32_t)(uint32_t)get(at + 12, 4),
	    .started_ms = get(at + 16, 8),
	    .until_ms = get(at + 24, 8),
	    .most = (uint32_t)get(at + 48, 4),
	    .place = at[46],
	    .who = {.what = (enum trace_what)at[32],
		.when = (enum trace_when)at[33],
		.is_role = at[34] == 1,
		.role = (enum role)at[35],
		.instance = (uint32_t)get(at + 36, 4),
		.pid = (uint32_t)get(at + 40, 4)},
	    .key = {(const char *)at + HEAD_BYTES, at[44]},
	    .key2 = {(const char *)at + HEAD_BYTES + at[44], at[45]},
	};
	return (size_t)HEAD_BYTES + at[44] + at[45];
}
