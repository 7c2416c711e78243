// SPDX-License-Identifier: MIT
/* function_tell - the figures of functions as msgpack. */

#include "protocol/function_look.h"
#include "protocol/pack.h"

static void
pack_errors(struct packer *p, const struct function_line *line)
{
	uint32_t count = 0;

	pack_string(p, "errors");
	size_t place = pack_open(p);
	for (int i = 0; i < FUNCTION_COUNTS; i++) {
		enum function_count id = (enum function_count)i;

		if (!function_count_is_error(id) || line->sums.counts[i] == 0)
			continue;
		pack_field_u64(
		    p, function_count_name(id), line->sums.counts[i]);
		count++;
	}
	pack_close_map(p, place, count);
}

static void
pack_latency(struct packer *p, const struct function_line *line)
{
	struct stats_summary s;

	function_line_summary(line, &s);
	pack_string(p, "latency_us");
	pack_map(p, 6);
	pack_field_u64(p, "count", s.count);
	pack_field_u64(p, "sum", s.sum);
	pack_field_u64(p, "p50", s.p50);
	pack_field_u64(p, "p90", s.p90);
	pack_field_u64(p, "p99", s.p99);
	pack_field_u64(p, "p999", s.p999);
}

static void
pack_line(struct packer *p, const struct function_line *line)
{
	const uint64_t *counts = line->sums.counts;

	pack_map(p, 10);
	pack_string(p, "service");
	pack_text(p, line->service);
	pack_string(p, "request_type");
	pack_text(p, line->request_type);
	pack_string(p, "version");
	if (line->version.len > 0)
		pack_text(p, line->version);
	else
		pack_nil(p);
	pack_field_u64(p, "calls", counts[FUNCTION_COUNT_calls]);
	pack_field_u64(p, "answered", line->answered);
	pack_field_u64(p, "failed", line->failed);
	pack_field_u64(p, "client_gone", counts[FUNCTION_COUNT_client_gone]);
	pack_field_u64(p, "discarded", counts[FUNCTION_COUNT_discarded]);
	pack_errors(p, line);
	pack_latency(p, line);
}

void
function_look_pack(struct packer *p, const struct function_look *look)
{
	pack_array(p, look->count);
	for (uint32_t i = 0; i < look->count; i++)
		pack_line(p, look->lines[i]);
}
