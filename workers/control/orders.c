// SPDX-License-Identifier: MIT
#include "workers/control/orders.h"

#include <string.h>

#include "protocol/base/clock.h"
#include "protocol/pack.h"
#include "protocol/stats.h"
#include "workers/control/control.h"
#include "workers/control/target.h"
#include "workers/kit/worker.h"

enum {
	ANSWER_MS = 25000, /* the supervisor itself gives up after 20 s */
	PROOF_MS = 6000    /* … and on a proof after 5 */
};

static struct orders *
orders_of(struct worker *w)
{
	struct control *control = worker_state(w);

	return &control->orders;
}

static void
forget(struct order_pending *p)
{
	loop_timer_stop(worker_loop(p->worker), &p->deadline);
	buffer_finish(&p->reloaded);
	p->command = NULL;
}

static void
finish(struct order_pending *p)
{
	struct command *command = p->command;

	forget(p);
	command_finish(command);
}

/* go_on hands the command to whoever only waited for the order. */
static void
go_on(struct order_pending *p)
{
	struct worker *worker = p->worker;
	struct command *command = p->command;
	orders_after *after = p->after;

	forget(p);
	after(worker, command);
}

static void
waited_too_long(void *ctx)
{
	struct order_pending *p = ctx;

	if (p->after != NULL) {
		go_on(p);
		return;
	}
	command_fail(p->command, CLASS_TIMEOUT,
	    "`banyan tree` shows where it is now",
	    "the supervisor has not said that it is done");
	finish(p);
}

/* --- answers of the supervisor --- */

static const char *
word_of(uint64_t reload_result)
{
	static const char *const words[] = {[RELOAD_UNCHANGED] = "unchanged",
	    [RELOAD_APPLIED] = "applied",
	    [RELOAD_NEEDS_RESTART] = "needs_restart"};

	return reload_result < COUNT_OF(words) ? words[reload_result]
					       : "unknown";
}

/* note_reloaded keeps one worker's part until the reload is done. */
static void
note_reloaded(struct orders *orders, const struct handover_record *record)
{
	struct packer packer;

	for (size_t i = 0; i < ORDERS_MOST; i++) {
		struct order_pending *p = &orders->pending[i];

		if (p->command == NULL || p->order != ORDER_RELOAD)
			continue;
		pack_init(&packer, &p->reloaded);
		pack_map(&packer, 4);
		pack_string(&packer, "role");
		pack_string(&packer, role_name((enum role)record->role));
		pack_string(&packer, "instance");
		pack_u64(&packer, record->instance);
		pack_string(&packer, "result");
		pack_string(&packer, word_of(record->b));
		pack_string(&packer, "keys");
		pack_string(&packer, record->text);
		if (pack_finish(&packer) == OK)
			p->reloaded_count++;
	}
}

static void
pack_done(struct order_pending *p, const struct handover_record *record)
{
	struct packer *packer = p->command->result;
	bool is_reload = p->order == ORDER_RELOAD;

	pack_map(packer, is_reload ? 3 : 2);
	pack_string(packer, "done");
	pack_bool(packer, true);
	pack_string(packer, "text");
	pack_string(packer, record->text);
	if (!is_reload)
		return;
	pack_string(packer, "workers");
	pack_array(packer, p->reloaded_count);
	if (p->reloaded_count > 0)
		pack_raw(packer, buffer_text(&p->reloaded));
}

static void
pack_refused(struct order_pending *p, const struct handover_record *record)
{
	const char *text = record->text;

	if (record->b == ERR_NOT_FOUND)
		command_fail(p->command, CLASS_NOT_FOUND,
		    "`banyan tree` lists the children", "%s",
		    text[0] != '\0' ? text : "there is no such child");
	else if (record->b == ERR_TIMEOUT)
		command_fail(p->command, CLASS_TIMEOUT,
		    "`banyan tree` and `banyan why ROLE` show where it is",
		    "%s",
		    text[0] != '\0' ? text : "accepted, but not done yet");
	else if (p->order == ORDER_RELOAD && record->b != ERR_EXISTS)
		command_fail(p->command, CLASS_INVALID,
		    "nothing has changed; correct the file, try `banyan "
		    "check FILE`, reload again",
		    "%s", text[0] != '\0' ? text : "the settings are broken");
	else
		command_fail(p->command, CLASS_REFUSED, NULL, "%s",
		    text[0] != '\0' ? text
				    : "another reload or a shutdown is under "
				      "way");
}

static void
order_done(struct worker *w, const struct handover_record *record)
{
	struct orders *orders = orders_of(w);

	for (size_t i = 0; i < ORDERS_MOST; i++) {
		struct order_pending *p = &orders->pending[i];

		if (p->command == NULL || p->id != record->a)
			continue;
		if (p->after != NULL) {
			go_on(p);
			return;
		}
		if (record->b == OK) {
			pack_done(p, record);
		} else {
			stats_add(
			    worker_slot(w), COUNTER_control_orders_refused, 1);
			pack_refused(p, record);
		}
		finish(p);
		return;
	}
}

static void
record_arrived(struct worker *w, const struct handover_record *record)
{
	if (record->kind == HANDOVER_ORDER_DONE)
		order_done(w, record);
	else if (record->kind == HANDOVER_RELOADED)
		note_reloaded(orders_of(w), record);
}

void
orders_start(struct worker *w, struct orders *orders)
{
	/* ids of an earlier life must not answer orders of this one */
	orders->last_id = worker_life(w) << 32;
	worker_on_record(w, record_arrived);
}

/* --- asking --- */

static struct order_pending *
free_place(struct orders *orders)
{
	for (size_t i = 0; i < ORDERS_MOST; i++)
		if (orders->pending[i].command == NULL)
			return &orders->pending[i];
	return NULL;
}

/* send_order hands an order over and keeps a place for its answer. */
static struct order_pending *
send_order(struct worker *w, struct command *command, enum order order,
    const struct target *target)
{
	struct orders *orders = orders_of(w);
	struct order_pending *p = free_place(orders);
	struct handover_record record;

	INVARIANT(p != NULL); /* one place for each desk */
	handover_fill(&record, HANDOVER_ORDER, NULL);
	record.a = ++orders->last_id;
	record.b = (uint64_t)order;
	record.role = (uint32_t)target->role;
	record.instance = target->instance;
	if (handover_send(FD_PARENT, &record, -1) != OK) {
		command_fail(command, CLASS_UNAVAILABLE, "try again",
		    "the supervisor does not take orders right now");
		return NULL;
	}
	stats_add(worker_slot(w), COUNTER_control_orders, 1);
	*p = (struct order_pending){.worker = w,
	    .command = command,
	    .id = record.a,
	    .order = order,
	    .deadline = {.due = waited_too_long, .ctx = p}};
	buffer_init(&p->reloaded, 64 << 10);
	command_park(command);
	return p;
}

static void
give_order(struct worker *w, struct command *command, enum order order,
    const struct target *target)
{
	struct order_pending *p = send_order(w, command, order, target);

	if (p != NULL)
		loop_timer_start(
		    worker_loop(w), &p->deadline, clock_mono_ms() + ANSWER_MS);
}

void
orders_prove(struct worker *w, struct command *command, orders_after *after)
{
	struct order_pending *p =
	    send_order(w, command, ORDER_PROVE, &(struct target){0});

	if (p == NULL)
		return;
	p->after = after;
	loop_timer_start(
	    worker_loop(w), &p->deadline, clock_mono_ms() + PROOF_MS);
}

static void
order_child(struct worker *w, struct command *command, enum order order)
{
	struct target target;

	if (target_read(w, command, &target))
		give_order(w, command, order, &target);
}

void
control_cmd_start(struct worker *w, struct command *command)
{
	order_child(w, command, ORDER_START);
}

void
control_cmd_stop(struct worker *w, struct command *command)
{
	order_child(w, command, ORDER_STOP);
}

void
control_cmd_restart(struct worker *w, struct command *command)
{
	order_child(w, command, ORDER_RESTART);
}

void
control_cmd_pause(struct worker *w, struct command *command)
{
	order_child(w, command, ORDER_PAUSE);
}

void
control_cmd_resume(struct worker *w, struct command *command)
{
	order_child(w, command, ORDER_RESUME);
}

void
control_cmd_drain(struct worker *w, struct command *command)
{
	struct target whole_tree = {.role = ROLE_none};
	struct text role;

	if (command_text(command, "role", &role) == ERR_MISSING)
		give_order(w, command, ORDER_DRAIN, &whole_tree);
	else
		order_child(w, command, ORDER_DRAIN);
}

void
control_cmd_reload(struct worker *w, struct command *command)
{
	give_order(w, command, ORDER_RELOAD, &(struct target){0});
}

void
control_cmd_shutdown(struct worker *w, struct command *command)
{
	give_order(w, command, ORDER_SHUTDOWN, &(struct target){0});
}
