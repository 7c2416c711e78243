// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_ENDPOINT_H
#define PROTOCOL_ENDPOINT_H

/*
 * endpoint - where a role listens: <runtime_dir>/<role>[-N].ipc, for links
 * <runtime_dir>/<role>.link, and where the run folder is when nobody said so.
 *
 * Trust:  the environment and flags are the operator's own.
 * Owner:  no memory.
 */

#include <stddef.h>
#include <stdint.h>

#include "protocol/base/err.h"
#include "protocol/role.h"

enum {
	ENDPOINT_RUNTIME_DIR = 80, /* bytes: sun_path is 108, names follow */
	ENDPOINT_PATH = 108,
	ENDPOINT_URL = ENDPOINT_PATH + 8,
	ENDPOINT_MOST_BYTES = 4 << 20, /* of one request or reply */
};

/* endpoint_path writes the path; ERR_TOO_BIG for a folder over 80 bytes. */
enum err endpoint_path(const char *runtime_dir, enum role, uint32_t instance,
    char to[ENDPOINT_PATH]) MUST_USE;

/* endpoint_stack_path: where a worker that is asked to writes where it is. */
enum err endpoint_stack_path(const char *runtime_dir, enum role,
    uint32_t instance, char to[ENDPOINT_PATH]) MUST_USE;

/* endpoint_url is the same with ipc:// in front, as nng wants it. */
enum err endpoint_url(const char *runtime_dir, enum role, uint32_t instance,
    char to[ENDPOINT_URL]) MUST_USE;

/*
 * endpoint_link_url: where gateways link to a role of their own tree that
 * serves calls ("worker_pool", "relay"): ipc://<runtime_dir>/<role>.link.
 */
enum err endpoint_link_url(
    const char *runtime_dir, const char *role, char to[ENDPOINT_URL]) MUST_USE;

/*
 * endpoint_runtime_dir picks the run folder: `flag` (--runtime-dir), then
 * $BANYAN_RUNTIME_DIR, then `from_file` (the YAML's runtime_dir), then
 * /run/banyan for root, else $XDG_RUNTIME_DIR/banyan. NULL or "" is "not
 * given". ERR_MISSING when nothing says where, ERR_TOO_BIG over 80 bytes.
 */
enum err endpoint_runtime_dir(
    const char *flag, const char *from_file, char *to, size_t size) MUST_USE;

#endif /* PROTOCOL_ENDPOINT_H */
