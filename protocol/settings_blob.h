// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_SETTINGS_BLOB_H
#define PROTOCOL_SETTINGS_BLOB_H

/*
 * settings_blob - the bytes of the settings memfd: what settings.c maps and
 * settings_writer.c writes. Nobody else includes this.
 *
 *   offset 0                        struct settings_head
 *   sizeof head                     SETTINGS_VALUES × struct settings_value:
 *                                   first enum setting, then for each worker
 *                                   role enum worker_setting
 *   behind them                     bytes: texts with a NUL, msgpack arrays
 *
 * The file is exactly head.bytes long and sealed against everything.
 *
 * Trust:  see settings.h.
 * Owner:  no memory.
 */

#include <stdint.h>

#include <string.h>

#include "protocol/settings.h"

#define SETTINGS_MAGIC UINT32_C(0x42537431) /* "BSt1" */

enum {
	SETTINGS_ROLES = ROLE_WORKERS_END - 1,
	SETTINGS_VALUES = SETTINGS + SETTINGS_ROLES * WORKER_SETTINGS
};

struct settings_head {
	uint32_t magic;
	uint32_t table;      /* settings_table_sum of who wrote it */
	uint64_t generation; /* not part of the checksum */
	uint64_t checksum;   /* of everything behind the head */
	uint64_t bytes;      /* of the whole file */
};

struct settings_value {
	uint64_t number; /* U64, BOOL (0, 1), CHOICE (index of the word) */
	uint32_t at;     /* texts, lists: offset in the file */
	uint32_t len;
};

enum {
	SETTINGS_BYTES_AT = sizeof(struct settings_head) +
	    SETTINGS_VALUES * sizeof(struct settings_value),
	/* lists leave this much of the file to everything else */
	SETTINGS_LISTS_BYTES = SETTINGS_BYTES - (1 << 20)
};

struct settings {
	const struct settings_head *head;
	const struct settings_value *values;
};

/* settings_value_text gives "" where a value has no bytes. */
struct text settings_value_text(
    const struct settings *, const struct settings_value *);

/* settings_row and settings_name tell which key value `i` is. */
const struct setting_row *settings_row(uint32_t i);
void settings_name(uint32_t i, char *to, size_t size);

/* settings_word copies the word of "a|b|!c" at `index`, without its `!`. */
void settings_word(const char *words, uint64_t index, char *to, size_t size);

/* settings_worker_value is the index of a role's value. */
static inline uint32_t
settings_worker_value(enum role role, enum worker_setting key)
{
	return SETTINGS + ((uint32_t)role - 1) * WORKER_SETTINGS +
	    (uint32_t)key;
}

/* settings_is_of_log: a role's key that stands under log.components. */
static inline bool
settings_is_of_log(const struct setting_row *row)
{
	return strncmp(row->key, "log_", 4) == 0;
}

/* settings_table_sum changes whenever a row's name, type or words do. */
uint32_t settings_table_sum(void);
uint64_t settings_sum(uint64_t seed, const void *, size_t bytes);

#endif /* PROTOCOL_SETTINGS_BLOB_H */
