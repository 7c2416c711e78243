// SPDX-License-Identifier: MIT
/* settings_rules_telemetry - what must be true of telemetry beyond types. */

#include <stdlib.h>

#include "protocol/bus_message.h"
#include "protocol/settings_writer.h"

static struct yaml_place
place_of(const struct settings_writer *w, uint32_t value)
{
	return w->nodes[value] != NULL ? w->nodes[value]->place
				       : (struct yaml_place){0, 0};
}

static void
check_sampling(struct settings_writer *w)
{
	struct text word = settings_text_of(w, SETTING_telemetry_sampling);
	char copy[32], *end = copy;
	double part = -1;

	if (text_copy(word, copy, sizeof(copy)) == OK)
		part = strtod(copy, &end);
	if (end != copy && *end == '\0' && part >= 0 && part <= 1)
		return;
	settings_problem(w->problems, place_of(w, SETTING_telemetry_sampling),
	    "telemetry.sampling: a part between 0.0 and 1.0, not \"%s\"",
	    settings_quote(&w->arena, word));
}

/* check_secret: a short one is guessed from one signed message. */
static void
check_secret(struct settings_writer *w)
{
	struct text secret = settings_text_of(w, SETTING_telemetry_bus_secret);

	if (secret.len == 0 || secret.len >= BUS_SECRET_ENOUGH)
		return;
	settings_problem(w->problems, place_of(w, SETTING_telemetry_bus_secret),
	    "telemetry.bus.secret: at least %d bytes, or it can be guessed",
	    BUS_SECRET_ENOUGH);
}

void
settings_rules_telemetry(struct settings_writer *w)
{
	check_sampling(w);
	check_secret(w);
}
