// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_ARGUMENT_TIME_H
#define PROTOCOL_ARGUMENT_TIME_H

/*
 * argument_time - ISO 8601 dates with a time, and UUIDs in their five forms.
 *
 * Trust:  a stranger's text; every byte is looked at.
 * Owner:  no memory.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/text.h"

struct argument_time {
	int64_t seconds; /* since 1970, UTC if there was an offset */
	uint32_t nanoseconds;
	bool has_offset;
};

/*
 * argument_time_read takes YYYY-MM-DD[T ]HH:MM:SS[.fraction] and then Z,
 * +HH:MM, +HHMM, +HH or nothing. NULL when read, else the reason:
 * "invalid_format", "invalid_date", "invalid_time".
 */
const char *argument_time_read(struct text, struct argument_time *);

/*
 * argument_is_uuid: 8-4-4-4-12, 32 hex, urn:uuid:…, 22 letters of url-base64,
 * or 16 raw bytes; versions 1 and 3 to 8, and the nil UUID.
 */
bool argument_is_uuid(struct text);

#endif /* PROTOCOL_ARGUMENT_TIME_H */
