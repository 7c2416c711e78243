// SPDX-License-Identifier: MIT
/* telemetry_fuzz - any text of any event; any pattern, name and category. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/telemetry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
is_inside(struct text part, struct text whole)
{
	return part.len == 0 ||
	    (part.at >= whole.at && part.at + part.len <= whole.at + whole.len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text whole, rest, wrong = {0};
	struct telemetry_pair pair;
	struct event_word word;
	enum event id;

	if (size < 2 || size > 4096)
		return 0;
	id = (enum event)(data[0] % EVENT_IDS);
	whole = (struct text){(const char *)data + 1, (uint32_t)size - 1};
	rest = whole;
	while (telemetry_next(id, &rest, &pair))
		if (pair.key.len == 0 || !is_inside(pair.key, whole) ||
		    !is_inside(pair.value, whole) ||
		    (pair.is_measurement && pair.type != TELEMETRY_NUMBER))
			abort();
	for (int by = 0; by <= TELEMETRY_BY_CATEGORY; by++) {
		struct telemetry_choice choice = {0};

		if (telemetry_choose(
			&choice, (enum telemetry_by)by, whole, &wrong) != OK &&
		    !is_inside(wrong, whole))
			abort();
	}
	if (strlen(event_word(&word, whole)) >= EVENTS_WORD)
		abort();
	return 0;
}
