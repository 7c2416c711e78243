// SPDX-License-Identifier: MIT
#include "workers/gateway/pick.h"

#include "protocol/base/memory.h"
#include "workers/gateway/ask.h"
#include "workers/gateway/dispatch.h"
#include "workers/gateway/gateway.h"
#include "workers/gateway/nodes.h"
#include "workers/gateway/order.h"
#include "workers/gateway/question.h"
#include "workers/gateway/settle.h"

enum {
	LOOK_MS = 20, /* between two looks at a node that is coming up */
	COME_UP_MS = 2000
};

/* put_names lists the nodes one may choose from: the live ones, if any is. */
static void
put_names(struct packer *p, const struct compiled *f)
{
	uint32_t live = 0;

	for (uint32_t i = 0; i < f->node_count; i++)
		live += nodes_is_live(f->nodes[i]);
	pack_array(p, live > 0 ? live : f->node_count);
	for (uint32_t i = 0; i < f->node_count; i++)
		if (live == 0 || nodes_is_live(f->nodes[i]))
			pack_text(p, nodes_name(f->nodes[i]));
}

/* make_question packs into the gateway's buffer. */
static struct text
make_question(
    struct gateway *g, const struct call *call, const struct request *r)
{
	const struct compiled *f = call->function;
	struct packer p;

	/* the arguments of the call may be in `packed`: not here */
	buffer_truncate(&g->hints, 0);
	pack_init(&p, &g->hints);
	pack_array(&p, f->chooser.arg_count + (f->is_resolved ? 1 : 2));
	question_put_request(&p, f, call->client, r);
	if (!f->is_resolved)
		put_names(&p, f);
	question_put_args(&p, &f->chooser);
	INVARIANT(pack_finish(&p) == OK); /* payloads were bounded before */
	return buffer_text(&g->hints);
}

static void
ask(struct gateway *g, struct call *call)
{
	uint64_t now_ms = loop_now_ms(g->loop);
	uint64_t left_ms =
	    call->deadline_ms > now_ms ? call->deadline_ms - now_ms : 1;

	if (left_ms > g->options->default_timeout_ms)
		left_ms = g->options->default_timeout_ms;
	if (nodes_pick(call->function->chooser_node, call, (uint32_t)left_ms) !=
	    OK)
		pick_failed(g, call, "the tree's pools take no calls");
}

void
pick_begin(struct gateway *g, struct call *call, const struct request *r)
{
	struct text question = make_question(g, call, r);
	struct pick *pick = memory_new(
	    sizeof(*pick) + question.len + question_request_bytes(r));
	char *at = (char *)(pick + 1);

	pick->question = question_keep(&at, question);
	question_keep_request(
	    &at, pick->question, call->function, r, &pick->request);
	call->pick = pick;
	ask(g, call);
}

void
pick_anew(struct gateway *g, struct call *call)
{
	ask(g, call);
}

bool
pick_is_open(const struct call *call)
{
	return call->pick != NULL && call->pick->is_open;
}

bool
pick_is_waiting(const struct call *call)
{
	return call->pick != NULL && call->pick->is_waiting;
}

void
pick_failed(struct gateway *g, struct call *call, const char *reason)
{
	nodes_cancel(call);
	call->pick->is_open = false;
	COUNT(g, picks_failed);
	if (call->ask != NULL && !call->ask->is_admitted)
		ask_failed(g, call, "no_node");
	else
		settle_fail(g, call, ANSWER_internal, reason);
}

/*
 * start_over: a function that has named as many nodes as it may is compiled
 * anew without them; calls in flight keep the places of the old one.
 */
static void
start_over(struct gateway *g, struct compiled *f)
{
	f->revision = UINT64_MAX;
	g->functions.is_read = false;
}

/* place_of finds a node of the function by name, or takes it in. */
static bool
place_of(
    struct gateway *g, struct compiled *f, struct text name, uint8_t *place)
{
	for (uint32_t i = 0; i < f->node_count; i++) {
		*place = (uint8_t)i;
		if (text_eq(nodes_name(f->nodes[i]), name))
			return true;
	}
	if (!f->is_resolved || name.len == 0 || function_is_own_node(name))
		return false;
	if (f->node_count == FUNCTION_NODES) {
		start_over(g, f);
		return false;
	}
	f->nodes[f->node_count] = nodes_hold(g->nodes, name);
	f->node_hashes[f->node_count] = choose_node_hash(name);
	*place = (uint8_t)f->node_count++;
	return true;
}

/* resolved takes the names of a list; what is no name of a node is left out. */
static bool
resolved(struct gateway *g, struct call *call, struct text value)
{
	uint8_t places[FUNCTION_NODES];
	struct unpacker u;
	struct text name;
	uint32_t count, used = 0;

	unpack_init(&u, value);
	if (unpack_array(&u, &count) != OK)
		return false;
	for (uint32_t i = 0; i < count && used < FUNCTION_NODES; i++) {
		if (unpack_text(&u, &name) != OK)
			return false;
		used += place_of(g, call->function, name, &places[used]);
	}
	if (used > 0)
		order_among(g, call, &call->pick->request, places, used);
	return used > 0;
}

static bool
chosen(struct gateway *g, struct call *call, struct text value)
{
	struct unpacker u;
	struct text name;
	uint8_t place;

	unpack_init(&u, value);
	if (unpack_text(&u, &name) != OK ||
	    !place_of(g, call->function, name, &place))
		return false;
	order_first(call, place);
	return true;
}

void
pick_on_answer(struct gateway *g, struct call *call, struct text value)
{
	const struct compiled *f = call->function;

	call->link = NULL;
	call->pick->is_open = false;
	if (f->is_resolved ? !resolved(g, call, value)
			   : !chosen(g, call, value)) {
		pick_failed(g, call,
		    f->is_resolved ? "the resolver named no node"
				   : "the chooser named none of the nodes");
		return;
	}
	call->tried = 0;
	ask_anew(call); /* its places are others now */
	call->pick->until_ms = loop_now_ms(g->loop) + COME_UP_MS;
	pick_go(g, call);
}

void
pick_go(struct gateway *g, struct call *call)
{
	struct pick *pick = call->pick;
	uint64_t now_ms = loop_now_ms(g->loop);
	bool is_live = false;

	for (uint32_t i = 0; i < call->order_count; i++)
		is_live |= nodes_is_live(call->function->nodes[call->order[i]]);
	if (is_live || !call->function->is_resolved ||
	    now_ms + LOOK_MS >= pick->until_ms ||
	    now_ms + LOOK_MS >= call->deadline_ms) {
		if (pick->is_waiting)
			calls_arm(&g->calls, call, call->deadline_ms);
		call->is_resting = pick->is_waiting = false;
		dispatch_on(g, call);
		return;
	}
	call->is_resting = pick->is_waiting = true;
	calls_rest(&g->calls, call, now_ms + LOOK_MS);
}
