// SPDX-License-Identifier: MIT
#include "workers/worker_pool/worker_pool.h"

void
worker_pool_start(struct worker *w)
{
	struct worker_pool *wp = worker_state(w);

	wp->worker = w;
	conn_hub_init(&wp->hub, worker_loop(w));
}

void
worker_pool_stop(struct worker *w)
{
	struct worker_pool *wp = worker_state(w);

	conn_hub_finish(&wp->hub);
}
