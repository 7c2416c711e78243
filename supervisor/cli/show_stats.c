// SPDX-License-Identifier: MIT
#include "protocol/pack.h"
#include "supervisor/cli/show.h"

/* add_counters shows those that ever counted: zeros say nothing. */
static void
add_counters(struct table *t, struct text counters)
{
	struct unpacker u;
	uint32_t count;
	struct text name;
	uint64_t value;

	unpack_init(&u, counters);
	if (unpack_map(&u, &count) != OK)
		return;
	for (uint32_t i = 0; i < count; i++) {
		if (unpack_text(&u, &name) != OK ||
		    unpack_u64(&u, &value) != OK)
			return;
		if (value == 0)
			continue;
		table_cell(t, PLAIN, "  %.*s", TEXT_ARG(name));
		table_u64(t, value);
		table_text(t, PLAIN, TEXT(""));
	}
}

static void
add_histograms(struct table *t, struct text histograms)
{
	struct unpacker u;
	uint32_t count;
	struct text name;
	struct text h;

	unpack_init(&u, histograms);
	if (unpack_map(&u, &count) != OK)
		return;
	for (uint32_t i = 0; i < count; i++) {
		if (unpack_text(&u, &name) != OK || unpack_raw(&u, &h) != OK)
			return;
		if (show_u64(h, "count") == 0)
			continue;
		table_cell(t, PLAIN, "  %.*s", TEXT_ARG(name));
		table_u64(t, show_u64(h, "count"));
		table_cell(t, DIM, "p50 %llu  p99 %llu  p99.9 %llu",
		    (unsigned long long)show_u64(h, "p50"),
		    (unsigned long long)show_u64(h, "p99"),
		    (unsigned long long)show_u64(h, "p999"));
	}
}

enum cli_exit
show_stats(struct view *v, struct text result)
{
	struct unpacker u;
	uint32_t count = show_array(result, "processes", &u);
	struct text process;
	struct table t;

	table_begin(&t, v, "PROCESS|VALUE|", "lrl");
	for (uint32_t i = 0; i < count && unpack_raw(&u, &process) == OK; i++) {
		table_text(&t, BOLD, show_child_name(v->arena, process));
		table_text(&t, PLAIN, TEXT(""));
		table_cell(&t, DIM, "life %llu, %.*s",
		    (unsigned long long)show_u64(process, "life"),
		    TEXT_ARG(view_bytes(
			v->arena, show_u64(process, "memory_bytes"))));
		add_counters(&t, show_map(process, "counters"));
		add_histograms(&t, show_map(process, "histograms"));
	}
	table_end(&t);
	return CLI_OK;
}
