// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * All windows of a client together, grown as their streams have shown, fit
 * into half of its buffer: the other half is for answers. A stream that begins
 * has shown nothing, so it gets as much as would fit if every byte grew
 * FIRST_GROWTH times.
 *
 * The protocol lets one chunk exceed what is left, so `left` may be negative:
 * the next window pays for it.
 */

#include "workers/gateway/credit.h"

enum {
	FIRST_GROWTH = 128,
	SHARE_OF_BUFFER = 2
};

/* fit: the widest window whose chunks, grown, are this stream's share. */
static uint64_t
fit(const struct credit_rules *rules, uint64_t sent, uint64_t grown)
{
	uint64_t share = rules->buffer_bytes / SHARE_OF_BUFFER /
	    (rules->streams > 0 ? rules->streams : 1);
	uint64_t growth = sent > 0 ? grown / sent + 1 : 1;
	uint64_t window = share / growth;

	if (window > rules->window_bytes)
		window = rules->window_bytes;
	return window < CREDIT_LEAST ? CREDIT_LEAST : window;
}

void
credit_open(struct credit *c, const struct credit_rules *rules)
{
	uint64_t window = fit(rules, 1, FIRST_GROWTH - 1);

	*c = (struct credit){.left = (int64_t)window, .window = window};
}

bool
credit_take(struct credit *c, uint32_t bytes)
{
	if (c->left <= 0)
		return false;
	c->left -= bytes;
	c->owed += bytes;
	return true;
}

void
credit_sent(struct credit *c, uint64_t bytes)
{
	c->grown += bytes;
}

bool
credit_is_due(const struct credit *c)
{
	return c->owed > 0 && (c->owed >= c->window / 2 || c->left <= 0);
}

uint32_t
credit_renew(struct credit *c, const struct credit_rules *rules)
{
	uint64_t window = fit(rules, c->owed, c->grown);
	int64_t more = (int64_t)window - c->left;

	c->owed = 0;
	c->grown = 0;
	c->window = window;
	if (more <= 0)
		return 0;
	if (more > UINT32_MAX)
		more = UINT32_MAX;
	c->left += more;
	return (uint32_t)more;
}
