// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * The file is looked at each second, so keys rotate without an order; its
 * mark is taken from the open file before it is read, so a write in between
 * is seen the next second. A file that is broken or half written changes
 * nothing and is told once.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <openssl/crypto.h>

#include "protocol/base/fd.h"
#include "protocol/base/memory.h"
#include "protocol/events.h"
#include "workers/gateway/auth_private.h"
#include "workers/gateway/gateway.h"

static struct key_mark
mark_of(const struct stat *s)
{
	return (struct key_mark){
	    .written = s->st_mtim,
	    .changed = s->st_ctim,
	    .bytes = s->st_size,
	    .inode = s->st_ino,
	};
}

static bool
is_same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool
is_same(const struct key_mark *a, const struct key_mark *b)
{
	return is_same_time(a->written, b->written) &&
	    is_same_time(a->changed, b->changed) && a->bytes == b->bytes &&
	    a->inode == b->inode;
}

static void
broken(struct auth *a, const char *why)
{
	COUNT(a->gateway, auth_keys_broken);
	stats_set(a->gateway->slot, COUNTER_gateway_auth_keys_stale, 1);
	event_note(EVENT_auth_keys_broken, "file=\"%s\" reason=\"%s\" kept=%u",
	    a->gateway->options->auth.keys_file, why,
	    a->keys != NULL ? a->keys->count : 0);
}

/* take_keys puts a set in force: tokens of keys that are gone must go too. */
static void
take_keys(struct auth *a, struct jwks *keys)
{
	jwks_destroy(&a->keys);
	a->keys = keys;
	tokens_clear(a->tokens);
	stats_set(a->gateway->slot, COUNTER_gateway_auth_keys, keys->count);
	stats_set(a->gateway->slot, COUNTER_gateway_auth_keys_stale, 0);
	event_note(EVENT_auth_keys, "file=\"%s\" keys=%u skipped=%u",
	    a->gateway->options->auth.keys_file, keys->count, keys->skipped);
}

static const char *
problem_of(const struct stat *s)
{
	if (!S_ISREG(s->st_mode))
		return "is no regular file";
	if ((s->st_mode & S_IWOTH) != 0)
		return "anybody may write it: chmod o-w";
	return s->st_size > JWKS_BYTES ? "is larger than 1 MiB" : NULL;
}

/* read_all fills `to` from the file, whose size may change meanwhile. */
static size_t
read_all(int fd, char *to, size_t room)
{
	size_t used = 0;

	while (used < room) {
		ssize_t n = read(fd, to + used, room - used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		used += (size_t)n;
	}
	return used;
}

static void
read_file(struct auth *a, int fd, const struct stat *s)
{
	const char *problem = problem_of(s);
	char why[JWKS_WHY_BYTES];
	struct jwks *keys = NULL;

	if (problem != NULL) {
		broken(a, problem);
		return;
	}
	size_t room = (size_t)s->st_size + 1;
	char *bytes = memory_new(room);
	size_t used = read_all(fd, bytes, room);
	struct text json = {.at = bytes, .len = (uint32_t)used};
	if (jwks_read(json, &keys, why) != OK) {
		broken(a, why);
	} else if (keys->has_secrets && (s->st_mode & S_IROTH) != 0) {
		broken(a, "holds secrets and anybody may read it: chmod o-r");
		jwks_destroy(&keys);
	} else {
		take_keys(a, keys);
	}
	OPENSSL_cleanse(bytes, room); /* HMAC keys are secrets */
	memory_free(bytes);
}

void
auth_keys_look(struct auth *a, bool is_forced)
{
	const char *path = a->gateway->options->auth.keys_file;
	struct key_mark mark = {.bytes = -1}; /* no file */
	struct stat s;

	if (a->mode != AUTH_JWT)
		return;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int error = errno;
	if (fd >= 0 && fstat(fd, &s) == 0)
		mark = mark_of(&s);
	if (is_forced || !is_same(&mark, &a->mark)) {
		a->mark = mark;
		if (mark.bytes < 0)
			broken(a, strerror(error));
		else
			read_file(a, fd, &s);
	}
	fd_close(&fd);
}
