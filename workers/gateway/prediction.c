// SPDX-License-Identifier: MIT
#include "workers/gateway/prediction.h"

#include "protocol/pack.h"
#include "workers/gateway/foresee.h"
#include "workers/gateway/functions.h"
#include "workers/gateway/nodes.h"

static const char *
stage_refused(const struct foreseen *said)
{
	switch (said->code) {
	case ANSWER_invalid_payload:
	case ANSWER_missing_field:
		return "decode";
	case ANSWER_not_found:
	case ANSWER_disabled:
		return "config_lookup";
	case ANSWER_denied:
		return "permission";
	case ANSWER_rate_limited:
		return "rate_limit";
	case ANSWER_invalid_argument:
		return "argument_validation";
	case ANSWER_unavailable:
	case ANSWER_not_dispatched:
		return "node_selection";
	case ANSWER_dispatched_unknown:
	case ANSWER_expired:
	case ANSWER_quarantined:
	case ANSWER_draining:
	case ANSWER_bad_result:
	case ANSWER_internal:
	case ANSWER_CODES_COUNT:
	default:
		return "channel";
	}
}

void
prediction_pack_refusal(struct packer *p, const struct foreseen *s)
{
	pack_field_string(p, "code", answer_code_name(s->code));
	pack_string(p, "error");
	pack_text(p, s->text);
	pack_field_u64(p, "retry_after_ms", s->retry_after_ms);
}

/* --- who would be asked --- */

static void
begin_ask(struct packer *p, const char *kind, struct text name,
    const struct function_target *target, uint64_t args)
{
	pack_map(p, 5);
	pack_field_string(p, "kind", kind);
	pack_string(p, "name");
	if (name.len > 0)
		pack_text(p, name);
	else
		pack_nil(p);
	pack_string(p, "mfa");
	pack_map(p, 2);
	pack_string(p, "module");
	pack_text(p, target->module);
	pack_string(p, "function");
	pack_text(p, target->function);
	pack_field_u64(p, "args", args);
}

/* What each kind is given before its own extras. */
static const uint64_t given[HOOK_KINDS] = {
    [HOOK_BEFORE] = 2, /* request, config */
    [HOOK_ENCODE] = 1, /* result */
    [HOOK_AFTER] = 3,  /* request, config, response */
};

/* ask_hook: hooks run where hook_node is. */
static uint32_t
ask_hook(struct packer *p, const struct compiled *f, enum hook_kind kind,
    const char *key)
{
	if (!hook_set_has(f->hooks, kind))
		return 0;
	const struct hook *hook = &f->hooks->hooks[kind];
	const struct function_target target = {
	    .module = hook->module, .function = hook->function};

	begin_ask(p, key, hook->name, &target,
	    given[kind] + (uint64_t)hook->extras.arg_count);
	pack_field_bool(p, "reachable", nodes_is_live(f->hook_node));
	return 1;
}

static uint32_t
ask_callback(struct packer *p, const struct compiled *f)
{
	bool is_live = false;

	for (uint32_t i = 0; i < f->node_count; i++)
		is_live = is_live || nodes_is_live(f->nodes[i]);
	begin_ask(p, "permission_callback", TEXT(""), &f->callback,
	    1 + (uint64_t)f->callback.arg_count);
	pack_field_bool(p, "reachable", is_live);
	return 1;
}

static uint32_t
ask_chooser(struct packer *p, const struct compiled *f)
{
	begin_ask(p, f->is_resolved ? "resolver" : "chooser", TEXT(""),
	    &f->chooser, f->chooser.arg_count);
	pack_field_bool(p, "reachable", nodes_is_live(f->chooser_node));
	return 1;
}

/* is_run: the call would reach a node, if all who are asked let it. */
static bool
is_run(const struct foresight *f)
{
	return f->function != NULL && !f->foreseen.is_refused &&
	    !f->then.is_refused;
}

/* pack_asks packs them in the order in which they would be asked. */
static void
pack_asks(struct packer *p, const struct foresight *f)
{
	const struct compiled *c = f->function;
	uint32_t count = 0;

	pack_string(p, "asks");
	size_t place = pack_open(p);
	if (f->is_hooked)
		count += ask_hook(p, c, HOOK_BEFORE, "before_execute");
	if (f->is_asked)
		count += ask_callback(p, c);
	if (is_run(f) && c->chooser.is_valid)
		count += ask_chooser(p, c);
	if (is_run(f) && f->has_hooks)
		count += ask_hook(p, c, HOOK_ENCODE, "result_encoder");
	if (f->has_hooks) /* of refusals too */
		count += ask_hook(p, c, HOOK_AFTER, "after_execute");
	pack_close_array(p, place, count);
}

/* --- how it goes --- */

static void
pack_nodes(struct packer *p, const struct foresight *f, bool is_known)
{
	uint32_t count = is_known ? f->order_count : 0;

	pack_string(p, "node");
	if (is_known && f->node != NULL)
		pack_text(p, nodes_name(f->node));
	else
		pack_nil(p);
	pack_string(p, "candidates");
	pack_array(p, count);
	for (uint32_t i = 0; i < count; i++)
		pack_text(p, nodes_name(f->function->nodes[f->order[i]]));
}

/* pack_way packs outcome, stage, what would be said, and nodes. */
static void
pack_way(struct packer *p, const struct foresight *f,
    const struct foreseen *said, const char *asks, const char *stage)
{
	bool is_chosen = f->function != NULL && f->function->chooser.is_valid;

	pack_field_string(p, "outcome",
	    said->is_refused   ? "refused"
		: asks != NULL ? asks
		: is_chosen    ? "asks_chooser"
			       : "dispatched");
	pack_field_string(p, "stage",
	    said->is_refused   ? stage_refused(said)
		: asks != NULL ? stage
			       : "execution");
	if (said->is_refused)
		prediction_pack_refusal(p, said);
	pack_nodes(p, f, asks == NULL);
}

void
prediction_pack(struct packer *p, const struct foresight *f)
{
	bool is_asked = f->is_hooked || f->is_asked;
	uint32_t fields = f->foreseen.is_refused ? 7 : 4;

	pack_map(p, fields + 1 + is_asked);
	pack_way(p, f, &f->foreseen,
	    f->is_hooked      ? "asks_hook"
		: f->is_asked ? "asks_callback"
			      : NULL,
	    f->is_hooked ? "hooks_before" : "permission");
	pack_asks(p, f);
	if (!is_asked)
		return;
	pack_string(p, "then");
	pack_map(p, f->then.is_refused ? 7 : 4);
	pack_way(p, f, &f->then, NULL, NULL);
}
