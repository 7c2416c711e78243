// SPDX-License-Identifier: MIT
/* hook_fuzz - whatever a hook answers, to every question. */

#include "protocol/pack.h"
#include "protocol/unpack.h"
#include "workers/gateway/hook_answer.h"
#include "workers/gateway/hook_set.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
is_within(struct text part, struct text whole)
{
	return part.len == 0 ||
	    (part.at >= whole.at && part.at + part.len <= whole.at + whole.len);
}

static void
read_before(struct text answer)
{
	struct hook_before b;
	struct unpacker u;
	struct text key;
	uint32_t count;

	hook_read_before(answer, &b);
	INVARIANT(is_within(b.reason, answer) && is_within(b.args, answer) &&
	    is_within(b.device_id, answer));
	INVARIANT(b.verdict != HOOK_REJECTS || b.reason.len > 0);
	if (b.verdict != HOOK_CHANGES)
		return;
	INVARIANT(b.timeout_ms == 0 || b.timeout_ms == FUNCTION_NO_TIMEOUT ||
	    (b.timeout_ms >= FUNCTION_TIMEOUT_MIN_MS &&
		b.timeout_ms <= FUNCTION_TIMEOUT_MAX_MS));
	unpack_init(&u, b.args);
	if (b.args.len == 0)
		return;
	INVARIANT(unpack_map(&u, &count) == OK);
	while (count-- > 0)
		INVARIANT(unpack_text(&u, &key) == OK && unpack_skip(&u) == OK);
	INVARIANT(unpack_is_done(&u));
}

/* show packs the response as the next hook, or a client, would get it. */
static void
show(const struct hook_response *r)
{
	struct buffer b;
	struct packer p;

	buffer_init(&b, 1 << 20);
	pack_init(&p, &b);
	hook_put_response(&p, TEXT("r"), r);
	if (pack_finish(&p) == OK)
		INVARIANT(pack_check(buffer_text(&b),
			      (struct pack_limits){PACK_DEPTH,
				  2 * PACK_NODES}) != ERR_MALFORMED);
	buffer_finish(&b);
}

static void
read_after(struct text answer, const struct hook_response *was)
{
	struct hook_response now, again;

	if (hook_read_after(answer, was, &now) != HOOK_REPLACES)
		return;
	INVARIANT(now.is_success ? now.result.len > 0 : now.error.len > 0);
	show(&now);
	/* what it said replaces nothing once it has replaced */
	INVARIANT(hook_read_after(answer, &now, &again) == HOOK_KEEPS);
}

/* compile makes a set of hooks of a function that says all kinds of things. */
static void
compile(struct text span)
{
	const struct hook_entry entry = {
	    TEXT("a"), TEXT("m"), TEXT("f"), TEXT("")};
	const struct hook_list list = {&entry, 1};
	struct arena arena;
	struct function f;

	arena_init(&arena);
	if (function_read(span, &arena, &f) == OK) {
		const struct hook_set *set =
		    hook_set_compile(&f, &list, &arena);

		INVARIANT(set == NULL || set->missing_key != NULL ||
		    hook_set_has(set, HOOK_BEFORE) ||
		    hook_set_has(set, HOOK_ENCODE) ||
		    hook_set_has(set, HOOK_AFTER));
	}
	arena_finish(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct hook_response success = {
	    .is_success = true, .shape = ANSWER_FINAL, .result = TEXT("\x01")};
	const struct hook_response failure = {.code = ANSWER_unavailable,
	    .error = TEXT("no"),
	    .retry_after_ms = 5};
	struct text answer = {(const char *)data, (uint32_t)size};
	struct text reason = TEXT("");

	if (pack_check(answer, PACK_LIMITS) != OK)
		return 0;
	read_before(answer);
	if (!hook_read_encoded(answer, &reason))
		INVARIANT(reason.len > 0 && is_within(reason, answer));
	read_after(answer, &success);
	read_after(answer, &failure);
	compile(answer);
	return 0;
}
