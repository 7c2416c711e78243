// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_LMDB_FOLDER_H
#define PROTOCOL_LMDB_FOLDER_H

/*
 * lmdb_folder - a folder for an LMDB environment that its one writer makes.
 *
 * The lock file is given its blocks before LMDB maps it: a hole touched on a
 * full disk is a SIGBUS, not an error.
 *
 * Trust:  the path comes from validated settings.
 * Owner:  no memory; the folder stays.
 */

#include "protocol/base/err.h"

enum {
	LMDB_FOLDER_LOCK_BYTES =
	    64 * 1024 /* more than any reader table of ours */
};

/* lmdb_folder_prepare makes what is missing. ERR_SYSTEM: errno says why. */
enum err lmdb_folder_prepare(const char *folder) MUST_USE;

#endif /* PROTOCOL_LMDB_FOLDER_H */
