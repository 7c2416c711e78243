// SPDX-License-Identifier: MIT
#ifndef WORKERS_MONITOR_ATTACHMENTS_H
#define WORKERS_MONITOR_ATTACHMENTS_H

/*
 * attachments - who wants which events, until when, and what an operator lets
 * through: the attach mask is what all of them together make.
 *
 * Pure: time is an argument. The whole is copied into the feed area of the
 * segment `events` (attachments_keep), so that it outlives the monitor.
 *
 * Trust:  names and choices come from operators, bounded here; what is read
 *         back from the segment is checked.
 * Owner:  the caller's struct; nothing inside needs freeing.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/err.h"
#include "protocol/base/text.h"
#include "protocol/telemetry.h"

enum {
	ATTACHMENTS = 28,
	ATTACHMENT_NAME = 48, /* bytes, the NUL included */
	ATTACHMENT_MATCH = 88,
	ATTACHMENT_WORDS = 28, /* of the segment, each */
	SAMPLING_WHOLE = 1000000
};

struct attachment {
	char name[ATTACHMENT_NAME];   /* "" is a free place */
	char match[ATTACHMENT_MATCH]; /* as it was asked for, to be shown */
	uint64_t holder;   /* who renews it; 0: an operator's, by name */
	uint64_t until_ms; /* wall clock; 0: until it is detached */
	struct telemetry_choice choice;
	bool is_logged; /* the default logger: events are lines in the log */
};

/* What an operator lets through: `banyan telemetry control`. */
struct attach_control {
	bool is_off;
	uint64_t sampling;               /* of SAMPLING_WHOLE */
	struct telemetry_choice sampled; /* those that sampling is for */
	struct telemetry_choice allowed;
};

struct attachments {
	struct attachment items[ATTACHMENTS];
	struct telemetry_choice always;  /* by the settings */
	struct telemetry_choice handled; /* by handlers that are attached */
	struct attach_control control;
};

/* attachments_init: nobody, and everything may pass. */
void attachments_init(struct attachments *);

/*
 * attachments_put adds one, or renews that of the same name and holder.
 * ERR_EXISTS: the name is another's. ERR_FULL. ERR_TOO_BIG: the name is.
 */
enum err attachments_put(
    struct attachments *, struct text name, const struct attachment *) MUST_USE;

/* attachments_remove: ERR_NOT_FOUND when nobody of that name and holder. */
enum err attachments_remove(
    struct attachments *, struct text name, uint64_t holder) MUST_USE;

/* attachments_expire drops those whose time is over; true if any was. */
bool attachments_expire(struct attachments *, uint64_t now_ms);

/* attachments_mask: which events are to be recorded now. */
void attachments_mask(const struct attachments *, struct telemetry_choice *to);

/*
 * attachments_passes: may this one be published? `mark` is a number of its
 * own (which record of which ring it is): sampling goes by it.
 */
bool attachments_passes(
    const struct attachments *, enum event, bool is_of_life, uint64_t mark);

/* attachments_logs: does any default logger want it? */
bool attachments_logs(const struct attachments *, enum event);

uint32_t attachments_count(const struct attachments *);

/*
 * attachments_keep writes all into the feed area, attachments_recall reads
 * them back; what is damaged there is left out.
 */
void attachments_keep(const struct attachments *, void *feed_area);
void attachments_recall(struct attachments *, const void *feed_area);

#endif /* WORKERS_MONITOR_ATTACHMENTS_H */
