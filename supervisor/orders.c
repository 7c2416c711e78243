// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * An order is carried out at once and answered when its target got there, by
 * looking at all open orders once a turn: no order waits inside the engine,
 * and a child that changes its mind twice costs nothing. Control that died
 * meanwhile is not answered: its next life does not know of the order.
 */

#include "supervisor/supervisor.h"

#include <stdio.h>

enum {
	INSTANCES = 17
};

static bool
is_target(const struct child *c, uint32_t role, uint32_t instance)
{
	return c->spec.role == role &&
	    (instance == 0 || c->spec.instance == instance);
}

static uint32_t
count_targets(const struct supervisor *s, const struct handover_record *r)
{
	const struct tree *t = s->keeper.tree;
	uint32_t count = 0;

	for (uint32_t i = 0; i < t->count; i++)
		count += is_target(t->children[i], r->role, r->instance);
	return count;
}

void
orders_answer(struct supervisor *s, uint64_t id, uint64_t life, enum err e,
    const char *text)
{
	struct handover_record record;

	if (id == 0 || s->control == NULL || s->control->life != life)
		return;
	handover_fill(&record, HANDOVER_ORDER_DONE, "%s", text);
	record.a = id;
	record.b = e;
	if (!keeper_send(s->control, &record, -1))
		event_note(EVENT_record_refused, "child=control order=%llu",
		    (unsigned long long)id);
}

static void
carry_out(struct supervisor *s, enum order what, struct child *c)
{
	struct tree *t = s->keeper.tree;
	uint64_t now_ms = loop_now_ms(s->loop);

	switch (what) {
	case ORDER_START:
		tree_order_start(t, c, now_ms);
		break;
	case ORDER_STOP:
	case ORDER_DRAIN:
		tree_order_stop(t, c, now_ms);
		break;
	case ORDER_RESTART:
		tree_order_restart(t, c, now_ms);
		break;
	case ORDER_PAUSE:
		tree_order_pause(t, c);
		break;
	case ORDER_RESUME:
		tree_order_resume(t, c, now_ms);
		break;
	case ORDER_RELOAD:
	case ORDER_SHUTDOWN:
	case ORDER_PROVE:
	default:
		break;
	}
	children_publish(s, c, NULL);
}

static struct open_order *
free_order(struct supervisor *s)
{
	for (int i = 0; i < ORDERS_MOST; i++)
		if (s->orders[i].what == 0)
			return &s->orders[i];
	return NULL;
}

/* order_children is an order for one child, or all instances of a role. */
static void
order_children(struct supervisor *s, const struct handover_record *r)
{
	struct tree *t = s->keeper.tree;
	enum order what = (enum order)r->b;
	uint64_t control_life = s->control->life;
	bool ends_control = r->role == s->control->spec.role &&
	    (what == ORDER_STOP || what == ORDER_RESTART ||
		what == ORDER_DRAIN);
	struct open_order *open = free_order(s);

	if (count_targets(s, r) == 0 || open == NULL) {
		orders_answer(s, r->a, control_life,
		    open == NULL ? ERR_FULL : ERR_NOT_FOUND,
		    open == NULL ? "too many orders are open"
				 : "no such child");
		return;
	}
	if (ends_control && what != ORDER_RESTART) {
		orders_answer(s, r->a, control_life, ERR_EXISTS,
		    "control takes the orders: nothing could start it again; "
		    "restart it instead");
		return;
	}
	*open = (struct open_order){.id = r->a,
	    .from_life = control_life,
	    .what = what,
	    .role = r->role,
	    .instance = r->instance,
	    .give_up_ms = loop_now_ms(s->loop) + ORDER_WAIT_MS};
	if (ends_control) {
		orders_answer(s, r->a, control_life, OK, "accepted");
		open->what = 0;
	}
	for (uint32_t i = 0; i < t->count; i++) {
		struct child *c = t->children[i];

		if (!is_target(c, r->role, r->instance))
			continue;
		if (c->spec.instance < INSTANCES)
			open->lives[c->spec.instance] = c->life;
		carry_out(s, what, c);
	}
	keeper_wake(&s->keeper);
}

/*
 * order_ourselves: the supervisor can be told to begin a new life, the guard
 * (who holds the port) only by whoever started banyand.
 */
static void
order_ourselves(struct supervisor *s, const struct handover_record *r)
{
	bool may = r->role == ROLE_supervisor && r->b == ORDER_RESTART;

	orders_answer(s, r->a, s->control->life, may ? OK : ERR_EXISTS,
	    may ? "accepted"
		: r->role == ROLE_supervisor
		? "the supervisor takes no order but "
		  "restart; shutdown stops the tree"
		: "the guard is banyand itself: "
		  "restart it where you started it");
	s->wants_restart |= may;
}

void
orders_take(struct supervisor *s, const struct handover_record *r)
{
	enum order what = (enum order)r->b;

	event_note(EVENT_order, "order=%u role=%s instance=%u", (unsigned)what,
	    role_name((enum role)r->role), r->instance);
	if (what < ORDER_START || what > ORDER_PROVE) {
		orders_answer(
		    s, r->a, s->control->life, ERR_MALFORMED, "no such order");
		return;
	}
	if (what == ORDER_RELOAD) {
		reload_start(s, r->a);
		return;
	}
	if (what == ORDER_SHUTDOWN || (what == ORDER_DRAIN && r->role == 0)) {
		orders_answer(s, r->a, s->control->life,
		    s->is_stopping ? ERR_EXISTS : OK,
		    s->is_stopping ? "it is stopping already" : "accepted");
		supervisor_shutdown(s, false, EXIT_ASKED);
		return;
	}
	if (what == ORDER_PROVE && !s->is_stopping) {
		canary_prove(s, r->a, s->control->life);
		return;
	}
	if (s->is_stopping) {
		orders_answer(s, r->a, s->control->life, ERR_EXISTS,
		    "the tree is stopping");
		return;
	}
	if (r->role == ROLE_supervisor || r->role == ROLE_guard)
		order_ourselves(s, r);
	else
		order_children(s, r);
}

/* is_there: has this child got where the order wants it? */
static bool
is_there(const struct open_order *o, const struct child *c)
{
	uint64_t life =
	    c->spec.instance < INSTANCES ? o->lives[c->spec.instance] : 0;

	switch (o->what) {
	case ORDER_START:
		return c->state == CHILD_UP || c->state == CHILD_DONE;
	case ORDER_RESTART:
		return c->life > life &&
		    (c->state == CHILD_UP || c->state == CHILD_DONE);
	case ORDER_STOP:
	case ORDER_DRAIN:
		return child_is_settled(c);
	case ORDER_PAUSE:
	case ORDER_RESUME:
	case ORDER_RELOAD:
	case ORDER_SHUTDOWN:
	case ORDER_PROVE:
	default:
		return true;
	}
}

void
orders_look(struct supervisor *s)
{
	const struct tree *t = s->keeper.tree;
	uint64_t now_ms = loop_now_ms(s->loop);

	for (int n = 0; n < ORDERS_MOST; n++) {
		struct open_order *o = &s->orders[n];
		bool is_done = true;

		if (o->what == 0)
			continue;
		for (uint32_t i = 0; i < t->count; i++)
			if (is_target(t->children[i], o->role, o->instance) &&
			    !is_there(o, t->children[i]))
				is_done = false;
		if (!is_done && now_ms < o->give_up_ms)
			continue;
		orders_answer(s, o->id, o->from_life,
		    is_done ? OK : ERR_TIMEOUT,
		    is_done ? "done" : "accepted, but not there yet");
		o->what = 0;
	}
}
