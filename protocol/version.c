// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * Numbers are compared as digit strings (length, then bytes): semver sets no
 * upper bound, and a version of 30 digits must rank, not overflow.
 */

#include "protocol/version.h"

struct parts {
	struct text numbers[3];
	struct text pre; /* behind '-', without it; len 0: a release */
};

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_number(struct text t)
{
	for (uint32_t i = 0; i < t.len; i++)
		if (!is_digit(t.at[i]))
			return false;
	return t.len > 0;
}

static bool
is_identifier(struct text t)
{
	for (uint32_t i = 0; i < t.len; i++) {
		char c = t.at[i];

		if (!is_digit(c) && !(c >= 'a' && c <= 'z') &&
		    !(c >= 'A' && c <= 'Z') && c != '-')
			return false;
	}
	return t.len > 0;
}

/* take cuts the text in front of `stop` off `rest`, and `stop` with it. */
static struct text
take(struct text *rest, char stop)
{
	int64_t at = text_find(*rest, stop);
	struct text head = *rest;

	if (at < 0) {
		*rest = (struct text){0};
		return head;
	}
	head.len = (uint32_t)at;
	rest->at += at + 1;
	rest->len -= head.len + 1;
	return head;
}

/* are_identifiers: dot-separated; numbers among a pre-release's have no
 * leading zero. */
static bool
are_identifiers(struct text list, bool is_pre)
{
	bool has_more;

	do {
		has_more = text_find(list, '.') >= 0;
		struct text one = take(&list, '.');

		if (!is_identifier(one))
			return false;
		if (is_pre && is_number(one) && one.len > 1 && *one.at == '0')
			return false;
	} while (has_more);
	return true;
}

static bool
parse(struct text t, struct parts *p)
{
	bool has_build = text_find(t, '+') >= 0;
	struct text core = take(&t, '+');

	if (has_build && !are_identifiers(t, false))
		return false;
	bool has_pre = text_find(core, '-') >= 0;
	struct text rest = take(&core, '-');

	p->pre = core;
	if (has_pre && !are_identifiers(core, true))
		return false;
	if (!has_pre)
		p->pre = (struct text){0};
	for (int i = 0; i < 3; i++) {
		bool has_dot = text_find(rest, '.') >= 0;
		struct text *n = &p->numbers[i];

		*n = take(&rest, '.');
		if (!is_number(*n) || (n->len > 1 && *n->at == '0'))
			return false;
		if (has_dot != (i < 2))
			return false;
	}
	return true;
}

static int
compare_numbers(struct text a, struct text b)
{
	if (a.len != b.len)
		return a.len < b.len ? -1 : 1;
	return text_compare(a, b);
}

/* compare_pre: no pre-release is above any; then field by field. */
static int
compare_pre(struct text a, struct text b)
{
	if (a.len == 0 || b.len == 0)
		return (a.len == 0) - (b.len == 0);
	while (a.len > 0 && b.len > 0) {
		struct text x = take(&a, '.'), y = take(&b, '.');
		bool x_number = is_number(x), y_number = is_number(y);
		int order = x_number && y_number ? compare_numbers(x, y)
		    : x_number != y_number       ? y_number - x_number
						 : text_compare(x, y);

		if (order != 0)
			return order;
	}
	return (a.len > 0) - (b.len > 0);
}

int
version_compare(struct text a, struct text b)
{
	struct text zero = TEXT("0");
	const struct parts nothing = {{zero, zero, zero}, {0}};
	struct parts x, y;

	if (!parse(a, &x))
		x = nothing;
	if (!parse(b, &y))
		y = nothing;
	for (int i = 0; i < 3; i++) {
		int order = compare_numbers(x.numbers[i], y.numbers[i]);

		if (order != 0)
			return order;
	}
	int order = compare_pre(x.pre, y.pre);
	return order != 0 ? order : text_compare(a, b);
}

bool
version_is_semver(struct text t)
{
	struct parts parts;

	return parse(t, &parts);
}

bool
version_is_none(struct text t)
{
	return t.len == 0 || text_is(t, "0.0.0");
}
