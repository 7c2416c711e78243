// SPDX-License-Identifier: MIT
#include "workers/monitor/version_range.h"

#include <stdio.h>

#include "protocol/version.h"

enum {
	NUMBER_MOST = 1000000000
};

/* The numbers a version begins with; `count` of them were written. */
struct numbers {
	uint64_t of[3];
	uint32_t count;
	bool is_open; /* "1.*": whatever follows */
};

/* ---- reading one term ---- */

static struct text
past(struct text t, uint32_t bytes)
{
	return (struct text){t.at + bytes, t.len - bytes};
}

static bool
is_wild(struct text t)
{
	return text_is(t, "*") || text_is(t, "x") || text_is(t, "X");
}

/* read_numbers: "1", "1.2", "1.2.3", "1.*"; false for anything else. */
static bool
read_numbers(struct text t, struct numbers *n)
{
	*n = (struct numbers){0};
	while (n->count < 3) {
		int64_t dot = text_find(t, '.');
		struct text one = t;

		if (dot >= 0)
			one.len = (uint32_t)dot;
		if (is_wild(one)) {
			n->is_open = true;
			return dot < 0;
		}
		if (text_to_u64(one, &n->of[n->count]) != OK ||
		    n->of[n->count++] > NUMBER_MOST)
			return false;
		if (dot < 0)
			return true;
		t = past(t, (uint32_t)dot + 1);
	}
	return false;
}

static enum err
add(struct version_range *r, enum version_op op, struct text version)
{
	struct version_term *t = &r->terms[r->count];

	if (r->count == VERSION_RANGE_TERMS)
		return ERR_TOO_BIG;
	if (version.len == 0)
		return ERR_MALFORMED;
	t->op = op;
	r->count++;
	return text_copy(version, t->version, sizeof(t->version));
}

static enum err
add_numbers(struct version_range *r, enum version_op op,
    const struct numbers *n, const char *behind)
{
	char version[VERSION_RANGE_BYTES];

	snprintf(version, sizeof(version), "%llu.%llu.%llu%s",
	    (unsigned long long)n->of[0], (unsigned long long)n->of[1],
	    (unsigned long long)n->of[2], behind);
	return add(r, op, text_of(version));
}

/* add_below ends before the next version of that number; "-0" is the lowest
 * of its pre-releases. */
static enum err
add_below(struct version_range *r, struct numbers n, uint32_t which)
{
	n.of[which]++;
	for (uint32_t i = which + 1; i < 3; i++)
		n.of[i] = 0;
	return add_numbers(r, VERSION_BELOW, &n, "-0");
}

/* core_of cuts off what says pre-release or build. */
static struct text
core_of(struct text t)
{
	for (uint32_t i = 0; i < t.len; i++)
		if (t.at[i] == '-' || t.at[i] == '+')
			return (struct text){t.at, i};
	return t;
}

/* add_near is `^` and `~`. */
static enum err
add_near(struct version_range *r, struct text version, bool is_caret)
{
	struct numbers n;
	uint32_t which;

	if (!read_numbers(core_of(version), &n) || n.count == 0)
		return ERR_MALFORMED;
	if (!version_is_semver(version) && core_of(version).len != version.len)
		return ERR_MALFORMED;
	which = n.count > 1 ? 1 : 0;
	for (uint32_t i = 0; is_caret && i < n.count; i++) {
		which = i;
		if (n.of[i] > 0)
			break;
	}
	enum err e = version_is_semver(version)
	    ? add(r, VERSION_FROM, version)
	    : add_numbers(r, VERSION_FROM, &n, "");
	return e != OK ? e : add_below(r, n, which);
}

/* add_equal: a whole version is itself, part of one is all that begin so. */
static enum err
add_equal(struct version_range *r, struct text version)
{
	struct numbers n;

	if (!read_numbers(version, &n) || (n.count == 3 && !n.is_open))
		return add(r, VERSION_IS, version);
	if (n.count == 0)
		return OK; /* `*` */
	enum err e = add_numbers(r, VERSION_FROM, &n, "-0");
	return e != OK ? e : add_below(r, n, n.count - 1);
}

static enum err
add_ordered(struct version_range *r, enum version_op op, struct text version)
{
	struct numbers n;

	if (version_is_semver(version))
		return add(r, op, version);
	if (!read_numbers(version, &n) || n.is_open)
		return ERR_MALFORMED;
	return add_numbers(r, op, &n, "");
}

static enum err
read_term(struct version_range *r, struct text t)
{
	static const struct {
		const char *mark;
		enum version_op op;
	} orders[] = {{">=", VERSION_FROM}, {"<=", VERSION_UP_TO},
	    {">", VERSION_ABOVE}, {"<", VERSION_BELOW}};

	for (size_t i = 0; i < COUNT_OF(orders); i++) {
		struct text mark = text_of(orders[i].mark);

		if (text_starts_with(t, mark))
			return add_ordered(r, orders[i].op, past(t, mark.len));
	}
	if (text_starts_with(t, TEXT("!=")))
		return add(r, VERSION_IS_NOT, past(t, 2));
	if (text_starts_with(t, TEXT("^")))
		return add_near(r, past(t, 1), true);
	if (text_starts_with(t, TEXT("~=")))
		return add_near(r, past(t, 2), false);
	if (text_starts_with(t, TEXT("~")))
		return add_near(r, past(t, 1), false);
	if (text_starts_with(t, TEXT("==")))
		return add_equal(r, past(t, 2));
	if (text_starts_with(t, TEXT("=")))
		return add_equal(r, past(t, 1));
	return add_equal(r, t);
}

/* ---- a constraint ---- */

static bool
is_between(char c)
{
	return c == ',' || c == ' ' || c == '\t';
}

static bool
is_mark(char c)
{
	return c == '<' || c == '>' || c == '=' || c == '!' || c == '^' ||
	    c == '~';
}

enum err
version_range_read(struct text t, struct version_range *r)
{
	enum err e = OK;

	r->count = 0;
	while (e == OK && t.len > 0) {
		char term[VERSION_RANGE_BYTES + 2];
		uint32_t len = 0;

		/* ">= 1.2" is one term, too */
		while (t.len > 0 && is_between(*t.at))
			t = past(t, 1);
		while (t.len > 0 &&
		    (!is_between(*t.at) ||
			(*t.at != ',' && len > 0 && is_mark(term[len - 1])))) {
			if (len == sizeof(term))
				return ERR_TOO_BIG;
			if (!is_between(*t.at))
				term[len++] = *t.at;
			t = past(t, 1);
		}
		if (len > 0)
			e = read_term(r, (struct text){term, len});
	}
	return e;
}

static bool
holds(const struct version_term *t, struct text version)
{
	struct text bound = text_of(t->version);

	if (t->op == VERSION_IS)
		return text_eq(version, bound);
	if (t->op == VERSION_IS_NOT)
		return !text_eq(version, bound);
	if (!version_is_semver(version))
		return false;
	int order = version_compare(version, bound);
	return t->op == VERSION_ABOVE ? order > 0
	    : t->op == VERSION_FROM   ? order >= 0
	    : t->op == VERSION_BELOW  ? order < 0
				      : order <= 0;
}

bool
version_range_has(const struct version_range *r, struct text version)
{
	for (uint32_t i = 0; i < r->count; i++)
		if (!holds(&r->terms[i], version))
			return false;
	return true;
}
