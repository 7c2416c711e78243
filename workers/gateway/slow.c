// SPDX-License-Identifier: MIT
/* slow - the command slow: which calls took longest, and where. */

#include "protocol/base/clock.h"
#include "protocol/pack.h"
#include "workers/gateway/flow.h"
#include "workers/gateway/gateway.h"

enum {
	LIMIT = 20
};

void
slow_note(struct gateway *g, const struct call *call, uint64_t took_us,
    const char *answer)
{
	struct slow_call one = {.total_us = took_us,
	    .gateway_us = took_us,
	    .at_ms = clock_wall_us() / 1000,
	    .answer = answer};
	struct text id = call->request_id;

	if (call->was_sent && call->dispatched_us >= call->arrived_us &&
	    call->dispatched_us - call->arrived_us < took_us)
		one.gateway_us = call->dispatched_us - call->arrived_us;
	one.node_us = took_us - one.gateway_us;
	if (id.len >= 2) { /* without its quotes */
		id.at++;
		id.len -= 2;
	}
	slow_word_set(&one.request_id, id);
	slow_word_set(&one.service, call->function->service);
	slow_word_set(&one.request_type, call->function->request_type);
	if (call->client != NULL)
		slow_word_set(&one.user, identity_user_of(call->client));
	slow_log_take(&g->slow, &one);
}

static void
pack_call(struct packer *p, const struct slow_call *one)
{
	pack_map(p, 9);
	pack_string(p, "request_id");
	pack_text(p, slow_word_text(&one->request_id));
	pack_string(p, "service");
	pack_text(p, slow_word_text(&one->service));
	pack_string(p, "request_type");
	pack_text(p, slow_word_text(&one->request_type));
	pack_string(p, "user");
	pack_text(p, slow_word_text(&one->user));
	pack_field_u64(p, "total_us", one->total_us);
	pack_field_u64(p, "gateway_us", one->gateway_us);
	pack_field_u64(p, "node_us", one->node_us);
	pack_field_string(p, "answer", one->answer);
	pack_field_u64(p, "at_ms", one->at_ms);
}

void
gateway_cmd_slow(struct worker *w, struct command *command)
{
	struct gateway *g = worker_state(w);
	const struct slow_call *sorted[SLOW_LOG_MOST];
	struct packer *p = command->result;
	uint64_t limit = LIMIT;

	if (command_u64(command, "limit", &limit) == ERR_TYPE || limit == 0 ||
	    limit > SLOW_LOG_MOST) {
		command_fail(command, CLASS_INVALID, NULL,
		    "--limit takes 1 to %d", SLOW_LOG_MOST);
		return;
	}
	slow_log_sorted(&g->slow, sorted);
	if (limit > g->slow.count)
		limit = g->slow.count;
	pack_map(p, 3);
	pack_field_u64(p, "kept", g->slow.count);
	pack_field_u64(p, "least_us", g->slow.least_us);
	pack_string(p, "calls");
	pack_array(p, (uint32_t)limit);
	for (uint64_t i = 0; i < limit; i++)
		pack_call(p, sorted[i]);
}

void
gateway_cmd_slow_clear(struct worker *w, struct command *command)
{
	struct gateway *g = worker_state(w);

	pack_map(command->result, 1);
	pack_field_u64(command->result, "cleared", g->slow.count);
	slow_log_clear(&g->slow);
}
