// SPDX-License-Identifier: MIT
#ifndef WORKERS_WORKER_POOL_ERRAND_NEWS_H
#define WORKERS_WORKER_POOL_ERRAND_NEWS_H

/*
 * errand_news - a call's way through a pool as events: worker_pool.task.*,
 * pool.call.dispatched, request.executed, pool.rejected.
 *
 * Trust:  labels are names of functions, from gateways: quoted.
 * Owner:  no memory.
 */

#include "workers/worker_pool/worker_pool.h"

void errand_news_dispatched(const struct errand *);
void errand_news_rejected(const struct errand *, enum pool_verdict);

#endif /* WORKERS_WORKER_POOL_ERRAND_NEWS_H */
