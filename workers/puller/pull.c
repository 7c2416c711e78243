// SPDX-License-Identifier: MIT
#include "workers/puller/pull.h"

#include <string.h>

void
pull_forget(struct pull *p)
{
	p->stored.len = 0;
}

bool
pull_is_waiting(const struct pull *p)
{
	return p->step == PULL_ASK_VERSION || p->step == PULL_ASK_CONFIG ||
	    p->step == PULL_STORE;
}

static enum pull_step
go(struct pull *p, enum pull_step step)
{
	p->step = step;
	return step;
}

enum pull_step
pull_begin(struct pull *p)
{
	p->node = 0;
	p->tried = 1;
	p->offered.len = 0;
	if (p->node_count == 0)
		return go(p, PULL_FAILED);
	/* asked even when nothing is stored: its answer is what we store */
	return go(p, p->checks_version ? PULL_ASK_VERSION : PULL_ASK_CONFIG);
}

enum pull_step
pull_version_came(struct pull *p, struct text span)
{
	if (span.len > PULL_VERSION_BYTES)
		span.len = 0;
	p->offered.len = span.len;
	if (span.len > 0)
		memcpy(p->offered.bytes, span.at, span.len);
	if (span.len > 0 && span.len == p->stored.len &&
	    memcmp(p->stored.bytes, span.at, span.len) == 0)
		return go(p, PULL_SKIPPED);
	/* the node that knows the version is asked first for the functions */
	p->tried = 1;
	return go(p, PULL_ASK_CONFIG);
}

enum pull_step
pull_config_came(struct pull *p)
{
	return go(p, PULL_STORE);
}

enum pull_step
pull_node_failed(struct pull *p)
{
	p->node = (p->node + 1) % p->node_count;
	if (p->tried++ < p->node_count)
		return go(p, p->step);
	if (p->step == PULL_ASK_VERSION) {
		/* nobody told a version: fetch all, keep the one we have */
		p->tried = 1;
		return go(p, PULL_ASK_CONFIG);
	}
	return go(p, PULL_FAILED);
}

enum pull_step
pull_stored(struct pull *p, bool is_kept)
{
	if (!is_kept)
		return go(p, PULL_FAILED);
	if (p->offered.len > 0)
		p->stored = p->offered;
	return go(p, PULL_DONE);
}
