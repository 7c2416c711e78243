// SPDX-License-Identifier: MIT
/*
 * store_alert - the function table cannot be saved: critical when an operator
 * asked for it, a warning when the work of the day met it.
 */

#include "protocol/pack.h"
#include "protocol/telemetry.h"
#include "workers/monitor/bus.h"
#include "workers/monitor/telemetry_desk.h"

struct store_alert {
	const char *severity;
	const char *text;
	struct text reason;
	uint64_t wall_us;
};

static void
pack_alert(struct packer *p, void *ctx)
{
	const struct store_alert *a = ctx;

	pack_field_string(p, "message", "system_alert");
	pack_field_string(p, "alert_type", "persistence_failure");
	pack_field_string(p, "severity", a->severity);
	pack_field_string(p, "text", a->text);
	pack_string(p, "context");
	pack_map(p, 2);
	pack_field_string(p, "component", "config_db");
	pack_string(p, "reason");
	pack_text(p, a->reason);
	pack_string(p, "time");
	pack_f64(p, (double)a->wall_us / 1e6);
}

void
store_alert_tell(struct monitor *m, const struct event_record *record)
{
	enum {
		PAIRS = 6
	};
	struct text rest = record->text;
	struct telemetry_pair pair;
	bool is_asked = record->id == EVENT_persist_failed;
	struct store_alert a = {
	    .severity = is_asked ? "critical" : "warning",
	    .text = is_asked
		? "the disk refused an operator's config_db persist"
		: "the disk refuses to keep the function table",
	    .reason = TEXT(""),
	    .wall_us = record->wall_us,
	};

	if (!is_asked && record->id != EVENT_store_refused)
		return;
	while (telemetry_next(record->id, &rest, &pair))
		if (text_is(pair.key, "reason"))
			a.reason = pair.value;
	(void)bus_publish(
	    m, "alerts/persistence_failure", PAIRS, pack_alert, &a);
}
