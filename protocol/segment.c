// SPDX-License-Identifier: MIT
/*
 *   offset  bytes
 *        0      8  magic "BANYANsg"
 *        8      4  kind (enum segment_bits)
 *       12      4  version of the body
 *       16      8  size of the whole segment
 *       24      8  layout: hash of the tables behind the body
 *       32     16  seed, random per segment
 *       48      8  created, wall ms
 *       56     32  params: eight capacities
 *       88     32  zero
 *      120      8  checksum of bytes 0 … 119
 *      128      …  body; all zero is a valid, empty body
 *
 * Design notes
 *
 * The header never changes after creation, so its checksum can be looked at
 * again at any time without asking a writer. Because an empty body is all
 * zero there is no "being initialised": a child killed at any moment leaves
 * nothing half-made.
 *
 * F_SEAL_WRITE cannot be set (the body is written); F_SEAL_SEAL keeps a
 * child from adding it and so stopping all others.
 */

#include "protocol/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/base/clock.h"
#include "protocol/base/fd.h"

#define MAGIC 0x67734e41594e4142u /* "BANYANsg", little endian */

enum {
	SEALS_WANTED = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL
};

struct header {
	uint64_t magic;
	uint32_t kind;
	uint32_t version;
	uint64_t bytes;
	uint64_t layout;
	struct hash_seed seed;
	uint64_t created_wall_ms;
	uint32_t params[SEGMENT_PARAMS];
	uint64_t zero[4];
	uint64_t checksum;
};

_Static_assert(sizeof(struct header) == SEGMENT_HEADER_BYTES, "drawn above");

static uint64_t
checksum_of(const struct header *header)
{
	uint64_t words[offsetof(struct header, checksum) / 8];

	memcpy(words, header, sizeof(words));
	return hash_words(words, COUNT_OF(words));
}

static enum err
fill_header(int fd, const struct segment_shape *shape, size_t bytes)
{
	struct header header = {.magic = MAGIC,
	    .kind = shape->kind,
	    .version = shape->version,
	    .bytes = bytes,
	    .layout = shape->layout,
	    .created_wall_ms = clock_wall_ms()};

	if (getrandom(&header.seed, sizeof(header.seed), 0) !=
	    (ssize_t)sizeof(header.seed))
		return ERR_SYSTEM;
	memcpy(header.params, shape->params, sizeof(header.params));
	header.checksum = checksum_of(&header);
	return fd_write_whole(fd, &header, sizeof(header));
}

enum err
segment_create(const struct segment_shape *shape, int *fd)
{
	size_t body = shape->body_of(shape->params);
	size_t bytes = SEGMENT_HEADER_BYTES + body;
	char name[32];

	*fd = -1;
	if (body == 0)
		return ERR_RANGE;
	snprintf(name, sizeof(name), "banyan-%s", shape->name);
	*fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (*fd < 0)
		return ERR_SYSTEM;
	if (ftruncate(*fd, (off_t)bytes) != 0 ||
	    fill_header(*fd, shape, bytes) != OK ||
	    fcntl(*fd, F_ADD_SEALS, SEALS_WANTED) != 0) {
		fd_close(fd);
		return ERR_SYSTEM;
	}
	return OK;
}

/* check_header judges a private copy, which nobody can change meanwhile. */
static enum err
check_header(
    const struct header *header, const struct segment_shape *shape, size_t size)
{
	size_t body;

	if (header->magic != MAGIC || header->kind != shape->kind)
		return ERR_MALFORMED;
	if (header->checksum != checksum_of(header))
		return ERR_MALFORMED;
	if (header->version != shape->version ||
	    header->layout != shape->layout)
		return ERR_VERSION;
	body = shape->body_of(header->params);
	if (body == 0 || header->bytes != size ||
	    SEGMENT_HEADER_BYTES + body != size)
		return ERR_MALFORMED;
	return OK;
}

enum err
segment_map(int fd, const struct segment_shape *shape, struct segment *segment)
{
	struct header header;
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);
	enum err e;

	memset(segment, 0, sizeof(*segment));
	if (seals < 0 || (seals & SEALS_WANTED) != SEALS_WANTED)
		return ERR_MALFORMED; /* it could shrink under us: SIGBUS */
	if (fstat(fd, &st) != 0 || st.st_size < SEGMENT_HEADER_BYTES)
		return ERR_MALFORMED;
	if (pread(fd, &header, sizeof(header), 0) != (ssize_t)sizeof(header))
		return ERR_SYSTEM;
	e = check_header(&header, shape, (size_t)st.st_size);
	if (e != OK)
		return e;
	segment->bytes = (size_t)st.st_size;
	segment->memory = mmap(
	    NULL, segment->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (segment->memory == MAP_FAILED) {
		segment->memory = NULL;
		return ERR_SYSTEM;
	}
	segment->body = (uint8_t *)segment->memory + SEGMENT_HEADER_BYTES;
	segment->seed = header.seed;
	segment->created_wall_ms = header.created_wall_ms;
	memcpy(segment->params, header.params, sizeof(segment->params));
	return OK;
}

void
segment_unmap(struct segment *segment)
{
	if (segment->memory != NULL)
		munmap(segment->memory, segment->bytes);
	memset(segment, 0, sizeof(*segment));
}

bool
segment_is_sound(const struct segment *segment)
{
	struct header header;

	memcpy(&header, segment->memory, sizeof(header));
	return header.magic == MAGIC && header.bytes == segment->bytes &&
	    header.checksum == checksum_of(&header);
}
