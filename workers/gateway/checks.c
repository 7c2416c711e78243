// SPDX-License-Identifier: MIT
#include "workers/gateway/checks.h"

#include "protocol/events.h"
#include "workers/gateway/builtins.h"
#include "workers/gateway/foreseen.h"
#include "workers/gateway/gateway.h"
#include "workers/gateway/hooked.h"
#include "workers/gateway/limiter.h"
#include "workers/gateway/permit.h"
#include "workers/gateway/tracing.h"

/* fill_info packs the caller's facts for functions that want them. */
static struct text
fill_info(struct gateway *g, const struct request *r)
{
	struct packer p;

	buffer_truncate(&g->info, 0);
	pack_init(&p, &g->info);
	pack_map(&p, 3);
	pack_field_text(&p, "request_id", r->request_id);
	pack_field_given(&p, "user_id", r->user_id);
	pack_field_given(&p, "device_id", r->device_id);
	return pack_finish(&p) == OK ? buffer_text(&g->info) : TEXT("");
}

/*
 * identify puts the session's user where the payload claimed one. Where the
 * channel does not override, a claim of another user is refused; it never
 * counts.
 */
static bool
identify(struct refusal *to, const struct channel_rule *rule, struct request *r)
{
	struct client *c = to->client;
	struct text user = {.at = NULL, .len = 0}, claimed = r->user_id;

	if (c->identity != NULL)
		user = c->identity->user_id;
	r->user_id = user;
	bool is_another = claimed.len > 0 && !text_eq(claimed, user);
	if (!is_another && !r->claims_roles)
		return true;
	if (to->foreseen == NULL)
		COUNT(c->gateway, identity_claims);
	if (to->foreseen == NULL && user.len > 0 && !c->has_claimed) {
		c->has_claimed = true;
		event_note(EVENT_identity_claimed,
		    "peer=%s user=%.*s claimed=%.*s roles=%s", c->peer,
		    TEXT_ARG(user), TEXT_ARG(claimed),
		    r->claims_roles ? "yes" : "no");
	}
	if (is_another && user.len > 0 && !rule->override_user_id) {
		refuse_text(to, ANSWER_denied, ANSWER_TEXT_DENIED);
		return false;
	}
	return true;
}

/* convert makes the argument list; on an error it has answered. */
static bool
convert(struct refusal *to, struct compiled *function, const struct request *r,
    struct text info)
{
	struct gateway *g = to->gateway;
	struct argument_error error;
	struct packer packed;

	buffer_truncate(&g->packed, 0);
	pack_init(&packed, &g->packed);
	enum err e = arguments_convert(
	    function->arguments, r->args, info, &packed, &error);
	HOP(to->traced, arguments, "status=%s count=%u",
	    e == OK ? "ok" : "error", arguments_count(function->arguments));
	if (e == OK)
		return true;
	if (e == ERR_RANGE)
		refuse_argument(to, &error);
	else
		refuse_internal(to, ANSWER_internal, "arguments");
	return false;
}

/* find looks the function up; it has answered when there is none. */
static bool
find(struct refusal *to, struct compiled **function, struct request *r)
{
	struct gateway *g = to->gateway;

	if (g->is_draining) {
		refuse_text(to, ANSWER_draining, ANSWER_TEXT_UNAVAILABLE);
		return false;
	}
	/* what woke us may be the first call of a function just added */
	gateway_look_at_store(g);
	enum err e = builtins_find(&g->functions, &g->builtins, r, function);
	if (e != OK) {
		const char *why = functions_missed(e, *function);

		*function = NULL;
		tracing_missed(to->traced, why);
		refuse_function(to, r, why);
		return false;
	}
	to->to.request_type = (*function)->type_json;
	to->function = *function;
	if (to->foreseen == NULL) {
		function_stats_count(
		    gateway_counts_of(g, *function), FUNCTION_COUNT_calls);
		tracing_found(to, *function, r);
	}
	return true;
}

static bool
has_room(struct refusal *to)
{
	struct client *c = to->client;
	struct gateway *g = c->gateway;

	if (c->call_count >= g->options->max_calls_per_client ||
	    g->calls.count >= g->options->max_calls) {
		refuse_text(to, ANSWER_unavailable, ANSWER_TEXT_UNAVAILABLE);
		return false;
	}
	return true;
}

/* checks_prepare converts the arguments and packs the facts a function wants.
 */
bool
checks_prepare(struct refusal *to, struct compiled *function,
    const struct request *r, struct text *info)
{
	*info = (struct text){.len = 0};
	if (function->wants_info)
		*info = fill_info(to->gateway, r);
	return convert(to, function, r, *info);
}

bool
checks_readable(struct refusal *to, const struct channel_rule *rule, enum err e,
    const struct request_error *error)
{
	if (rule->require_verified_user_id && to->client->identity == NULL)
		refuse_reply(to, ANSWER_denied,
		    TEXT(ANSWER_TEXT_AUTHENTICATION),
		    TEXT(ANSWER_TEXT_AUTHENTICATION));
	else if (e != OK)
		refuse_request(to, error);
	else
		return true;
	return false;
}

/* has_hooks: all that the function names are registered. */
static bool
has_hooks(struct refusal *to, const struct compiled *function)
{
	if (function->hooks->missing_key == NULL)
		return true;
	if (to->foreseen == NULL)
		hooked_unregistered(to->gateway, function);
	refuse_internal(
	    to, ANSWER_internal, "a hook of the function is not registered");
	return false;
}

enum passed
checks_pass(struct refusal *to, const struct channel_rule *rule,
    struct request *r, struct compiled **function, struct text *info)
{
	struct gateway *g = to->gateway;
	struct compiled *f;

	if (!identify(to, rule, r) || !find(to, function, r))
		return PASSED_NOT;
	f = *function;
	STAGE_DONE(g, lookup);
	if (f->hooks != NULL)
		return has_room(to) && has_hooks(to, f) ? PASSED_HOOKS
							: PASSED_NOT;
	if (f->callback.is_valid)
		return has_room(to) ? PASSED_ASK : PASSED_NOT;
	if (!permit_allows(to, f, r))
		return PASSED_NOT;
	STAGE_DONE(g, permission);
	if (!limiter_admits(to, r))
		return PASSED_NOT;
	STAGE_DONE(g, limit);
	if (!has_room(to) || !checks_prepare(to, f, r, info))
		return PASSED_NOT;
	STAGE_DONE(g, arguments);
	return PASSED;
}
