// SPDX-License-Identifier: MIT
#ifndef SUPERVISOR_CLI_TREE_LOCK_H
#define SUPERVISOR_CLI_TREE_LOCK_H

/*
 * tree_lock - does a tree live in this run folder? banyand holds an flock on
 * <runtime_dir>/banyand.lock for as long as it or its children live, so a
 * lock that can be taken means all is over: no pid to guess, no race.
 *
 * Trust:  the folder is the caller's to name; its files are only opened.
 * Owner:  the descriptor is the caller's, closed by fd_close.
 */

#include <stdbool.h>

/* tree_lock_open: -1 when there is no lock file that we may read. */
int tree_lock_open(const char *folder);

/* tree_lock_is_held: false for -1; takes the lock for a moment at most. */
bool tree_lock_is_held(int fd);

#endif /* SUPERVISOR_CLI_TREE_LOCK_H */
