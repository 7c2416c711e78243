// SPDX-License-Identifier: MIT
#ifndef WORKERS_CONFIG_DB_NEWS_H
#define WORKERS_CONFIG_DB_NEWS_H

/*
 * news - a change that is on the disk, as an event: config.add, .batch_add,
 * .push, .delete, .clear, .disable, .enable.
 *
 * Trust:  names come from services and operators: they are quoted.
 * Owner:  no memory.
 */

#include "workers/config_db/change.h"

/* news_of: call it on the loop, once the change was kept. */
void news_of(const struct change *);

#endif /* WORKERS_CONFIG_DB_NEWS_H */
