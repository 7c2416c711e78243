// SPDX-License-Identifier: MIT
#include "workers/config_db/change.h"

#include <stdarg.h>

#include "protocol/inspect.h"
#include "protocol/pack.h"
#include "protocol/unpack.h"
#include "workers/config_db/log_marks.h"
#include "workers/config_db/revoked.h"

enum {
	RESULT_BYTES = 1 << 20,
	NODE_BYTES = 255,
	REASONS_SHOWN = 20 /* refusals told in the answer to a batch */
};

/* A change at work. */
struct work {
	struct change *change;
	struct table *table;
	struct arena *arena;
	const struct gate_rules *rules;
};

typedef enum err apply(const struct work *);

void
change_init(struct change *c, enum change_op op, struct text args)
{
	*c = (struct change){.op = op, .args = args};
	buffer_init(&c->result, RESULT_BYTES);
}

void
change_finish(struct change *c)
{
	buffer_finish(&c->result);
}

/* refuse answers with a reason; the transaction goes on. */
static enum err
refuse(const struct work *w, enum change_class class, const char *fmt, ...)
{
	struct inspect line;
	va_list args;

	w->change->class = class;
	inspect_init(&line, w->change->message, sizeof(w->change->message));
	va_start(args, fmt);
	inspect_vformat(&line, fmt, args);
	va_end(args);
	return OK;
}

static struct text
argument(const struct work *w, const char *key)
{
	struct text value = {0};

	if (unpack_field_text(w->change->args, key, &value) != OK)
		return (struct text){0};
	return value;
}

/* result_count packs {key: n}. */
static enum err
result_count(const struct work *w, const char *key, uint64_t n)
{
	struct packer p;

	pack_init(&p, &w->change->result);
	pack_map(&p, 1);
	pack_string(&p, key);
	pack_u64(&p, n);
	return pack_finish(&p);
}

static struct text
join_problems(const struct work *w, const struct problems *problems)
{
	struct text all = {0};

	for (uint32_t i = 0; i < problems->count; i++)
		all = i == 0 ? problems->at[i]
			     : inspect_printf(
				   w->arena, "%r; %r", &all, &problems->at[i]);
	return all;
}

static bool
read_sender(const struct work *w, struct gate_sender *sender)
{
	struct text nodes = {0};

	*sender = (struct gate_sender){
	    .service = argument(w, "service"), .node = argument(w, "node")};
	if (sender->node.len > NODE_BYTES)
		sender->node.len = NODE_BYTES;
	if (unpack_map_find(w->change->args, TEXT("nodes"), &nodes) == OK)
		sender->nodes = nodes;
	return store_source_by_name(argument(w, "source"), &sender->source) ==
	    OK &&
	    sender->service.len <= FUNCTION_NAME_BYTES;
}

static enum err
apply_add(const struct work *w)
{
	struct gate_sender sender;
	const struct gate gate = {w->table, w->arena, w->rules, &sender};
	struct gate_verdict v;
	struct text span;
	enum err e;

	if (!read_sender(w, &sender) ||
	    unpack_map_find(w->change->args, TEXT("function"), &span) != OK)
		return refuse(w, CHANGE_INVALID,
		    "add takes {source, function, service, node}");
	e = gate_pass(&gate, span, &v);
	if (e != OK)
		return e;
	if (v.is_kept)
		return result_count(w, "accepted", 1);
	struct text reasons = join_problems(w, &v.problems);

	return refuse(w, CHANGE_INVALID, "%r", &reasons);
}

/* What a batch keeps while it runs. */
struct batch {
	struct gate_sender sender;
	struct store_names *sent; /* names that are not to be swept away */
	uint32_t sent_count;
	uint32_t accepted;
	uint32_t renamed;
	struct text reasons[REASONS_SHOWN];
	uint32_t reason_count;
};

static enum err
pass_all(const struct work *w, struct batch *b, struct text list)
{
	const struct gate gate = {w->table, w->arena, w->rules, &b->sender};
	struct unpacker u;
	struct text span;
	uint32_t count;
	enum err e = OK;

	unpack_init(&u, list);
	if (unpack_array(&u, &count) != OK)
		return ERR_TYPE;
	b->sent = ARENA_ARRAY(w->arena, struct store_names, count + 1);
	for (uint32_t i = 0; e == OK && i < count; i++) {
		struct gate_verdict v;

		if (unpack_raw(&u, &span) != OK)
			return ERR_TYPE;
		e = gate_pass(&gate, span, &v);
		/* sent but refused: what was kept before stays as it is */
		b->sent[b->sent_count++] = gate_names(&v.function);
		b->accepted += v.is_kept;
		b->renamed += v.is_renamed;
		if (!v.is_kept && b->reason_count < REASONS_SHOWN)
			b->reasons[b->reason_count++] =
			    join_problems(w, &v.problems);
	}
	return e;
}

static enum err
answer_batch(
    const struct work *w, const struct batch *b, const struct table_counts *was)
{
	struct packer p;

	pack_init(&p, &w->change->result);
	pack_map(&p, 6);
	pack_string(&p, "accepted");
	pack_u64(&p, b->accepted);
	pack_string(&p, "refused");
	pack_u64(&p, b->sent_count - b->accepted);
	pack_string(&p, "unchanged");
	pack_u64(&p, w->table->counts.unchanged - was->unchanged);
	pack_string(&p, "removed");
	pack_u64(&p, w->table->counts.removed - was->removed);
	pack_string(&p, "renamed");
	pack_u64(&p, b->renamed);
	pack_string(&p, "reasons");
	pack_array(&p, b->reason_count);
	for (uint32_t i = 0; i < b->reason_count; i++)
		pack_text(&p, b->reasons[i]);
	return pack_finish(&p);
}

/*
 * apply_batch_add keeps what passes, and removes what this source said of the
 * service before and does not say now.
 */
static enum err
apply_batch_add(const struct work *w)
{
	struct table_counts was = w->table->counts;
	struct batch b = {.sent_count = 0};
	struct text list;
	enum err e;

	if (!read_sender(w, &b.sender) ||
	    (b.sender.service.len == 0 && b.sender.source != STORE_SETTINGS) ||
	    unpack_map_find(w->change->args, TEXT("functions"), &list) != OK)
		return refuse(w, CHANGE_INVALID,
		    "batch_add takes {source, service, functions, node}");
	e = pass_all(w, &b, list);
	if (e == ERR_TYPE)
		return refuse(w, CHANGE_INVALID, "functions must be a list");
	if (e == OK) {
		const struct table_keep keep = {b.sent, b.sent_count};

		e = table_reconcile(
		    w->table, b.sender.service, b.sender.source, &keep);
	}
	return e == OK ? answer_batch(w, &b, &was) : e;
}

static enum err
apply_failed(const struct work *w)
{
	struct problems reasons = {.count = 0};
	struct gate_sender sender;
	struct text list, one;
	struct unpacker u;
	uint32_t count = 0;

	if (!read_sender(w, &sender) ||
	    unpack_map_find(w->change->args, TEXT("reasons"), &list) != OK)
		return refuse(w, CHANGE_INVALID,
		    "failed takes {source, service, node, reasons}");
	unpack_init(&u, list);
	if (unpack_array(&u, &count) != OK)
		count = 0;
	for (uint32_t i = 0; i < count && unpack_text(&u, &one) == OK; i++)
		problems_add(&reasons, inspect_printf(w->arena, "%r", &one));
	const struct failed failed = {
	    .names = {sender.service, argument(w, "request_type"), {0}},
	    .source = argument(w, "source"),
	    .node = sender.node,
	    .reasons = &reasons,
	};
	enum err e = failed_record(w->table, w->arena, &failed);

	return e == OK ? result_count(w, "recorded", 1) : e;
}

static enum err
put_operator(const struct work *w, bool may_exist)
{
	const struct gate_sender sender = {.source = STORE_OPERATOR};
	const struct gate gate = {w->table, w->arena, w->rules, &sender};
	struct gate_verdict v;
	struct function f;
	struct text span;
	enum err e;

	if (unpack_map_find(w->change->args, TEXT("function"), &span) != OK ||
	    function_read(span, w->arena, &f) != OK)
		return refuse(w, CHANGE_INVALID, "a function must be a map");
	struct store_names names = gate_names(&f);

	e = may_exist ? ERR_NOT_FOUND : table_has(w->table, &names);
	if (e == OK)
		return refuse(w, CHANGE_EXISTS,
		    "%q of %q exists; update replaces it", &names.request_type,
		    &names.service);
	if (e != ERR_NOT_FOUND && e != ERR_TOO_BIG)
		return e;
	e = gate_pass(&gate, span, &v);
	if (e != OK || v.is_kept)
		return e == OK ? result_count(w, "accepted", 1) : e;
	struct text reasons = join_problems(w, &v.problems);

	return refuse(w, CHANGE_INVALID, "%r", &reasons);
}

static enum err
apply_operator_add(const struct work *w)
{
	return put_operator(w, false);
}

static enum err
apply_operator_update(const struct work *w)
{
	return put_operator(w, true);
}

static struct store_names
names_of(const struct work *w)
{
	return (struct store_names){argument(w, "service"),
	    argument(w, "function"), argument(w, "version")};
}

/* tell_absent turns "no such function" into an answer. */
static enum err
tell_absent(const struct work *w, enum err e)
{
	struct store_names names = names_of(w);

	if (e == OK)
		return result_count(w, "changed", 1);
	if (e != ERR_NOT_FOUND && e != ERR_TOO_BIG)
		return e;
	return names.version.len > 0
	    ? refuse(w, CHANGE_NOT_FOUND,
		  "there is no function %q of %q in version %q",
		  &names.request_type, &names.service, &names.version)
	    : refuse(w, CHANGE_NOT_FOUND,
		  "there is no function %q of %q without a version",
		  &names.request_type, &names.service);
}

static enum err
apply_disable(const struct work *w)
{
	struct store_names names = names_of(w);

	return tell_absent(w, table_override(w->table, &names, true));
}

static enum err
apply_enable(const struct work *w)
{
	struct store_names names = names_of(w);

	return tell_absent(w, table_override(w->table, &names, false));
}

static enum err
apply_delete(const struct work *w)
{
	struct store_names names = names_of(w);

	return tell_absent(w, table_delete(w->table, &names));
}

static enum err
apply_clear(const struct work *w)
{
	uint64_t before = w->table->counts.removed;
	enum err e = table_clear(w->table);

	return e == OK
	    ? result_count(w, "removed", w->table->counts.removed - before)
	    : e;
}

static enum err
apply_failed_cleanup(const struct work *w)
{
	uint64_t removed;
	enum err e = failed_cleanup(w->table, &removed);

	return e == OK ? result_count(w, "removed", removed) : e;
}

static enum err
apply_failed_clear(const struct work *w)
{
	uint64_t removed;
	enum err e = failed_clear(w->table, &removed);

	return e == OK ? result_count(w, "removed", removed) : e;
}

/* revoke_or_forget: exactly one of user and jti says what. */
static enum err
revoke_or_forget(const struct work *w,
    enum err (*act)(struct table *, struct text name, bool is_token))
{
	struct text user = argument(w, "user"), jti = argument(w, "jti");
	bool is_token = jti.len > 0;
	struct text name = is_token ? jti : user;

	if ((user.len > 0) == is_token)
		return refuse(
		    w, CHANGE_INVALID, "either a USER or --jti ID is wanted");
	enum err e = act(w->table, name, is_token);
	if (e == ERR_TOO_BIG)
		return refuse(w, CHANGE_INVALID, "a name has %u bytes at most",
		    (unsigned)REVOKED_NAME_BYTES);
	if (e == ERR_RANGE)
		return refuse(w, CHANGE_INVALID,
		    "%u are revoked already: `banyan revoke forget` those "
		    "whose tokens have long expired",
		    (unsigned)REVOKED_MAX);
	if (e == ERR_NOT_FOUND)
		return refuse(w, CHANGE_NOT_FOUND, "%q is not revoked", &name);
	return e == OK ? result_count(w, "changed", 1) : e;
}

static enum err
apply_revoke_cleanup(const struct work *w)
{
	uint64_t removed;
	enum err e = revoked_cleanup(w->table, w->rules->revoked_ms, &removed);

	return e == OK ? result_count(w, "removed", removed) : e;
}

static enum err
apply_revoke(const struct work *w)
{
	uint64_t removed;
	/* makes room, too */
	enum err e = revoked_cleanup(w->table, w->rules->revoked_ms, &removed);

	return e == OK ? revoke_or_forget(w, revoked_put) : e;
}

static enum err
apply_revoke_forget(const struct work *w)
{
	return revoke_or_forget(w, revoked_forget);
}

/* read_log_mark: the command that asked has judged it. */
static bool
read_log_mark(const struct work *w, struct log_mark *m, bool *is_drop)
{
	struct text kind = argument(w, "kind");

	*m = (struct log_mark){.name = argument(w, "name")};
	if (kind.len != 1 || m->name.len > LOG_MARK_NAME ||
	    unpack_field_u64(w->change->args, "until_ms", &m->until_ms) != OK ||
	    unpack_field_u64(w->change->args, "level", &m->level) != OK ||
	    unpack_field_bool(w->change->args, "is_drop", is_drop) != OK)
		return false;
	m->kind = (enum log_mark_kind)kind.at[0];
	return true;
}

static enum err
apply_log(const struct work *w)
{
	struct log_mark m;
	bool is_drop;
	enum err e;

	if (!read_log_mark(w, &m, &is_drop))
		return refuse(w, CHANGE_INVALID, "that is no mark of the log");
	e = is_drop ? log_marks_drop(w->table, &m)
		    : log_marks_put(w->table, &m);
	if (e == ERR_RANGE)
		return refuse(w, CHANGE_INVALID,
		    "%u are kept already: remove some first",
		    (unsigned)LOG_MARKS_MAX);
	if (e == ERR_NOT_FOUND)
		return refuse(w, CHANGE_NOT_FOUND, "%q is not there", &m.name);
	return e == OK ? result_count(w, "changed", 1) : e;
}

/* apply_persist writes something, or a commit would prove nothing. */
static enum err
apply_persist(const struct work *w)
{
	struct table *t = w->table;

	return store_err(
	    store_number_put(t->store, t->txn, "probe", t->now_ms));
}

enum err
change_apply(struct change *c, struct table *t, struct arena *arena,
    const struct gate_rules *rules)
{
	static apply *const steps[CHANGES] = {
	    [CHANGE_ADD] = apply_add,
	    [CHANGE_BATCH_ADD] = apply_batch_add,
	    [CHANGE_FAILED] = apply_failed,
	    [CHANGE_OPERATOR_ADD] = apply_operator_add,
	    [CHANGE_OPERATOR_UPDATE] = apply_operator_update,
	    [CHANGE_DISABLE] = apply_disable,
	    [CHANGE_ENABLE] = apply_enable,
	    [CHANGE_DELETE] = apply_delete,
	    [CHANGE_CLEAR] = apply_clear,
	    [CHANGE_FAILED_CLEANUP] = apply_failed_cleanup,
	    [CHANGE_FAILED_CLEAR] = apply_failed_clear,
	    [CHANGE_REVOKE] = apply_revoke,
	    [CHANGE_REVOKE_FORGET] = apply_revoke_forget,
	    [CHANGE_REVOKE_CLEANUP] = apply_revoke_cleanup,
	    [CHANGE_LOG] = apply_log,
	    [CHANGE_PERSIST] = apply_persist,
	};
	const struct work work = {c, t, arena, rules};

	return steps[c->op](&work);
}
