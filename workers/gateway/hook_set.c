// SPDX-License-Identifier: MIT
#include "workers/gateway/hook_set.h"

#include "protocol/function_rules.h"

static const char *const kind_names[HOOK_KINDS] = {
    [HOOK_BEFORE] = "before",
    [HOOK_ENCODE] = "encode",
    [HOOK_AFTER] = "after",
};

/* The keys of a FunConfig. */
static const char *const keys[HOOK_KINDS] = {
    [HOOK_BEFORE] = "before_execute",
    [HOOK_ENCODE] = "result_encoder",
    [HOOK_AFTER] = "after_execute",
};

static const struct function_hook *
named_by(const struct function *f, enum hook_kind kind)
{
	switch (kind) {
	case HOOK_BEFORE:
		return &f->before_execute;
	case HOOK_ENCODE:
		return &f->result_encoder;
	case HOOK_AFTER:
		return &f->after_execute;
	case HOOK_KINDS:
		break;
	}
	INVARIANT(!"a kind of hook");
}

static void
miss(struct hook_set *set, enum hook_kind kind, const struct function_hook *h,
    struct arena *arena)
{
	if (set->missing_key != NULL)
		return;
	set->missing_key = keys[kind];
	set->missing = h->name.len > 0 ? arena_text(arena, h->name)
				       : target_inspect(arena, &h->target);
}

static void
take(struct hook_set *set, enum hook_kind kind, const struct function_hook *h,
    const struct hook_list *list, struct arena *arena)
{
	const struct hook_entry *e = hook_list_find(list, h);

	if (e == NULL) {
		miss(set, kind, h, arena);
		return;
	}
	/* the list is the settings', which may go before the function */
	set->hooks[kind] = (struct hook){
	    .name = arena_text(arena, e->name),
	    .module = arena_text(arena, e->module),
	    .function = arena_text(arena, e->function),
	    .pool = arena_text(arena, e->pool),
	    .extras = h->target,
	};
}

struct hook_set *
hook_set_compile(
    const struct function *f, const struct hook_list *list, struct arena *arena)
{
	struct hook_set *set = NULL;

	for (enum hook_kind kind = 0; kind < HOOK_KINDS; kind++) {
		const struct function_hook *h = named_by(f, kind);

		/* a stream is not encoded, whatever an old record says */
		if (h->option == FUNCTION_ABSENT ||
		    (kind == HOOK_ENCODE && f->response == FUNCTION_STREAM))
			continue;
		if (set == NULL)
			set = ARENA_NEW(arena, struct hook_set);
		take(set, kind, h, list, arena);
	}
	if (set != NULL) {
		set->timeout_ms = f->hook_timeout_ms;
		set->config = f->span;
	}
	return set;
}

bool
hook_set_has(const struct hook_set *set, enum hook_kind kind)
{
	return set != NULL && set->hooks[kind].name.len > 0;
}

const char *
hook_kind_name(enum hook_kind kind)
{
	return kind_names[kind];
}
