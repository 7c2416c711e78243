// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_BASE_LOG_TEXT_H
#define PROTOCOL_BASE_LOG_TEXT_H

/*
 * log_text - what one line of the log looks like: text, logfmt or JSON, with
 * colours for a terminal, and the boxes around what begins and ends.
 *
 * Pure: a record in, bytes out. On a terminal the pid wears the colour of the
 * line's kind, the component is yellow on black, the text white on black.
 *
 * Trust:  fields are cleaned by whoever made the record.
 * Owner:  no memory.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/base/log.h"

enum {
	LOG_LINE_BYTES = 1024, /* a line, its end included */
	LOG_BOX_BYTES = 2048,
	LOG_BOX_ROWS = 6
};

struct log_record {
	uint64_t wall_us;
	enum log_level level;
	enum log_kind kind;
	const char *who;
	uint64_t life;
	int pid;
	const char *event;
	const char *fields; /* key=value key="two words" */
};

/* log_text_line writes a line with its newline and gives its length. */
size_t log_text_line(char to[LOG_LINE_BYTES + 1], const struct log_record *,
    enum log_format, bool is_coloured);

/*
 * A box: its title and up to six rows, "Label=key" each; the value is that
 * field of the record, or "@pid", "@who", "@event", or "=a text".
 */
struct log_box {
	const char *title;
	const char *rows; /* "Pool Name=pool,PID=@pid" */
};

/* log_text_box draws it and gives its length; rows without a value show -. */
size_t log_text_box(char to[LOG_BOX_BYTES], const struct log_box *,
    const struct log_record *, bool is_coloured);

/* log_text_field copies the value of a key; false when it is not there. */
bool log_text_field(const char *fields, const char *key, char *to, size_t size);

#endif /* PROTOCOL_BASE_LOG_TEXT_H */
