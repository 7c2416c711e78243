// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_TELEMETRY_H
#define PROTOCOL_TELEMETRY_H

/*
 * telemetry - the catalogue of events as those who attach to them see it:
 * dotted names, categories, which words of an event's text are numbers.
 *
 * Pure: knows no ring, no clock, no message.
 *
 * Trust:  patterns and names come from operators; texts of events may quote
 *         strangers. Nothing of either sizes or indexes anything.
 * Owner:  no memory; what is found points into the table or the argument.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/text.h"
#include "protocol/events.h"
#include "protocol/tables/telemetry.h"

enum telemetry_category {
#define C(name) TELEMETRY_##name,
	TELEMETRY_CATEGORIES(C)
#undef C
	TELEMETRY_CATEGORY_COUNT
};

struct telemetry_row {
	const char *name; /* dotted */
	enum telemetry_category category;
	const char *measurements; /* keys, a blank between them */
	const char *metadata;
};

/* telemetry_row gives NULL for an event without a row. */
const struct telemetry_row *telemetry_row(enum event);

/* telemetry_name is the dotted name; never NULL. */
const char *telemetry_name(enum event);
const char *telemetry_category_name(enum telemetry_category);

/* telemetry_find looks an exact dotted name up; EVENT_IDS when unknown. */
enum event telemetry_find(struct text name);

/*
 * telemetry_matches: the name begins with the pattern; one with * in it is a
 * glob over the whole name, in which * passes dots.
 */
bool telemetry_matches(const char *name, struct text pattern);

/* A choice of events: one bit each. */
struct telemetry_choice {
	uint64_t words[(EVENT_IDS + 63) / 64];
};

static inline bool
telemetry_has(const struct telemetry_choice *choice, enum event id)
{
	return (choice->words[id / 64] >> (id % 64) & 1) != 0;
}

void telemetry_add(struct telemetry_choice *, enum event);

enum telemetry_by {
	TELEMETRY_BY_MATCH,    /* prefix or glob */
	TELEMETRY_BY_EVENT,    /* whole name, * as a wildcard */
	TELEMETRY_BY_CATEGORY, /* whole category, the same */
};

/*
 * telemetry_choose adds what a list (words with commas between them) names.
 * A word that names nothing is ERR_MISSING and stands in `wrong`.
 */
enum err telemetry_choose(struct telemetry_choice *, enum telemetry_by,
    struct text list, struct text *wrong) MUST_USE;

enum telemetry_type {
	TELEMETRY_TEXT,
	TELEMETRY_NUMBER, /* a whole number */
	TELEMETRY_FLAG
};

/* One pair of an event's text. */
struct telemetry_pair {
	struct text key;
	struct text value; /* without quotes */
	bool is_measurement;
	enum telemetry_type type;
	int64_t number; /* TELEMETRY_NUMBER, and 0 or 1 of a TELEMETRY_FLAG */
};

/*
 * telemetry_next takes the next pair off `rest` and sorts it by the event's
 * row; false at the end. Words without `=` are passed over; a value that is
 * not what its row says is text, as metadata.
 */
bool telemetry_next(enum event, struct text *rest, struct telemetry_pair *);

#endif /* PROTOCOL_TELEMETRY_H */
