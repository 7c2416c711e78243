// SPDX-License-Identifier: MIT
#ifndef WORKERS_MONITOR_PAGE_ASK_H
#define WORKERS_MONITOR_PAGE_ASK_H

/*
 * page_ask - a page whose answer another role has: it parks until the role
 * answers, then `take` makes the page of the result.
 *
 * A role's "not found" is 404, its "invalid" 400, no answer 503.
 *
 * Trust:  the result passed pack_check (kit/ask.h); its shape is not known.
 * Owner:  the question is in the page's arena.
 */

#include "protocol/role.h"
#include "workers/monitor/page.h"

enum {
	PAGE_ASK_MS = 2000
};

/* page_take makes the page of the result; what it needs besides is in
 * page->ctx. */
typedef enum page_status page_take(struct page *, struct text result);

struct page_question {
	enum role role;
	const char *op;
	struct text args; /* msgpack map, or empty */
	page_take *take;
	bool is_optional; /* no answer: `take` is called with an empty text */
};

/* page_ask gives what the handler returns. */
enum page_status page_ask(struct page *, const struct page_question *);

#endif /* WORKERS_MONITOR_PAGE_ASK_H */
