// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * The table has a row for each member: reading is one loop, and a key that no
 * row has is unknown. What a default depends on (processors, other settings)
 * is left UNSAID by the loop and filled in behind it, where keys are also
 * compared with each other.
 */

#include "protocol/pool_spec.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "protocol/pack.h"
#include "protocol/pool_take.h"

#define OFFSET_pool(key)          offsetof(struct pool_spec, key)
#define OFFSET_heartbeat(key)     offsetof(struct pool_spec, heartbeat.key)
#define OFFSET_crash_barrier(key) offsetof(struct pool_spec, crash_barrier.key)

const struct pool_key pool_keys[] = {
#define R(parent, k, t, def, lo, hi, err, un, mean) \
	{.of = #parent, \
	    .key = #k, \
	    .type = POOL_KEY_##t, \
	    .fallback = def, \
	    .min = lo, \
	    .max = hi, \
	    .error = #err, \
	    .unit = un, \
	    .offset = OFFSET_##parent(k)},
    POOL_KEYS(R)
#undef R
};

const size_t pool_key_count = COUNT_OF(pool_keys);

static const char *const parents[] = {"heartbeat", "crash_barrier"};
static const char *const crash_words[] = {
    "segfault", "abort", "oom", "gpu", "unknown"};

/* refuse_unknown tells keys that no row has, and which one may be meant. */
static void
refuse_unknown(struct pool_taking *t, struct text map)
{
	const char *keys[COUNT_OF(pool_keys) + COUNT_OF(parents)];
	bool is_root = strcmp(t->of, "pool") == 0;
	struct unpacker at;
	struct text key;
	size_t known = 0;
	uint32_t count;

	for (size_t i = 0; i < pool_key_count; i++)
		if (strcmp(pool_keys[i].of, t->of) == 0)
			keys[known++] = pool_keys[i].key;
	for (size_t i = 0; is_root && i < COUNT_OF(parents); i++)
		keys[known++] = parents[i];
	unpack_init(&at, map);
	if (unpack_map(&at, &count) != OK)
		return;
	for (; count > 0 && unpack_text(&at, &key) == OK; count--) {
		size_t i = 0;

		while (i < known && !text_is(key, keys[i]))
			i++;
		if (i == known)
			pool_problem_unknown(t, key, keys, known);
		if (unpack_skip(&at) != OK)
			return;
	}
}

/* read_rows takes every key of one map; `map` empty: all have defaults. */
static void
read_rows(struct pool_taking *t, const char *of, struct text map)
{
	t->of = of;
	if (map.len > 0)
		refuse_unknown(t, map);
	for (size_t i = 0; i < pool_key_count; i++) {
		struct text value;

		if (strcmp(pool_keys[i].of, of) != 0)
			continue;
		if (map.len == 0 ||
		    unpack_map_find(map, text_of(pool_keys[i].key), &value) !=
			OK)
			pool_take_default(t, &pool_keys[i]);
		else
			pool_take(t, &pool_keys[i], value);
	}
}

static void
read_parent(struct pool_taking *t, const char *of, struct text span)
{
	struct text map = TEXT("");
	struct unpacker at;

	if (unpack_map_find(span, text_of(of), &map) == OK) {
		unpack_init(&at, map);
		if (unpack_peek(&at) != PACK_MAP) {
			t->of = "pool";
			pool_problem(t, text_of(of),
			    strcmp(of, "heartbeat") == 0
				? "invalid_heartbeat"
				: "invalid_crash_barrier",
			    "must be a map of keys and values");
			map = TEXT("");
		}
	}
	read_rows(t, of, map);
}

/* ---- what several keys say together -------------------------------------- */

static bool
is_name(struct text name)
{
	for (uint32_t i = 0; i < name.len; i++) {
		char c = name.at[i];

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
			(i > 0 && (c == '_' || c == '-'))))
			return false;
	}
	return true;
}

static void
check_name(struct pool_taking *t, struct text span)
{
	struct text name;

	if (unpack_map_find(span, TEXT("name"), &name) != OK)
		pool_problem(t, TEXT("name"), "missing_required_fields",
		    "a pool needs a name");
	else if (!is_name(t->spec->name))
		pool_problem(t, TEXT("name"), "invalid_name",
		    "must be small letters, digits, _ and -, and begin with "
		    "a letter or digit, not %s",
		    pool_quote(t, t->spec->name));
}

static void
check_size(struct pool_taking *t, const struct pool_defaults *defaults)
{
	struct pool_spec *spec = t->spec;

	if (spec->pool_size == POOL_UNSAID)
		spec->pool_size = (uint64_t)defaults->processors * 2;
	if (spec->pool_size == 0)
		spec->pool_size = 1;
	spec->asked_size = spec->pool_size;
	if (spec->pool_size > spec->max_workers)
		spec->pool_size = spec->max_workers;
	if (spec->worker_profile == POOL_PROCESS)
		spec->threads_per_worker = 1;
	if (spec->min_ready == POOL_UNSAID)
		spec->min_ready = spec->pool_size / 2;
	else if (spec->min_ready > spec->pool_size)
		pool_problem(t, TEXT("min_ready"), "invalid_min_ready",
		    "%" PRIu64 " is more than the pool has, %" PRIu64,
		    spec->min_ready, spec->pool_size);
	if (spec->max_queue_size == POOL_UNSAID)
		spec->max_queue_size = defaults->max_queue_size;
	if (spec->queue_timeout_ms == POOL_UNSAID)
		spec->queue_timeout_ms = defaults->queue_timeout_ms;
	if (spec->circuit_breaker_threshold == POOL_UNSAID)
		spec->circuit_breaker_threshold = 0;
}

static void
check_path(
    struct pool_taking *t, const char *key, const char *error, struct text path)
{
	if (path.len > 0 && path.at[0] != '/')
		pool_problem(t, text_of(key), error,
		    "must be an absolute path, not %s", pool_quote(t, path));
}

/* check_belongs: a key of another adapter would be read by nobody. */
static void
check_belongs(
    struct pool_taking *t, const char *key, bool is_said, enum pool_adapter of)
{
	if (is_said && t->spec->adapter != of)
		pool_problem(t, text_of(key), "invalid_adapter",
		    "is for adapter %s, and the adapter here is %s",
		    pool_adapter_word(of), pool_adapter_word(t->spec->adapter));
}

static void
check_adapter(struct pool_taking *t)
{
	const struct pool_spec *spec = t->spec;

	check_belongs(t, "modules", spec->modules.count > 0, POOL_PYTHON);
	check_belongs(t, "python_path", spec->python_path.len > 0, POOL_PYTHON);
	check_belongs(t, "program", spec->program.count > 0, POOL_PROGRAM);
	check_belongs(t, "plugin_dir", spec->plugin_dir.len > 0, POOL_NATIVE);

	if (spec->adapter == POOL_PYTHON && spec->modules.count == 0)
		pool_problem(t, TEXT("modules"), "missing_required_fields",
		    "adapter python needs at least one module");
	if (spec->adapter == POOL_PROGRAM && spec->program.count == 0)
		pool_problem(t, TEXT("program"), "missing_required_fields",
		    "adapter program needs the program and its arguments");
	/* a bare name is looked up as a shell would */
	if (spec->program.count > 0 && text_find(spec->program.at[0], '/') >= 0)
		check_path(
		    t, "program", "invalid_program", spec->program.at[0]);
	check_path(t, "plugin_dir", "invalid_plugin_dir", spec->plugin_dir);
}

/* is_assignment: NAME=value with a name that is no word of ours. */
static bool
is_assignment(struct text text)
{
	int64_t equal = text_find(text, '=');

	if (equal <= 0 || text_starts_with(text, TEXT("BANYAN_")))
		return false;
	for (int64_t i = 0; i < equal; i++) {
		char c = text.at[i];

		if (c != '_' && !(c >= 'A' && c <= 'Z') &&
		    !(c >= 'a' && c <= 'z') && !(i > 0 && c >= '0' && c <= '9'))
			return false;
	}
	return true;
}

static void
check_environment(struct pool_taking *t)
{
	const struct pool_texts *env = &t->spec->adapter_env;

	for (uint32_t i = 0; i < env->count; i++)
		if (!is_assignment(env->at[i]))
			pool_problem(t, TEXT("adapter_env"),
			    "invalid_adapter_env",
			    "must be NAME=value, the name no BANYAN_, not %s",
			    pool_quote(t, env->at[i]));
}

static void
check_barrier(struct pool_taking *t)
{
	const struct pool_texts *marks = &t->spec->crash_barrier.mark_on;

	t->of = "crash_barrier";
	for (uint32_t i = 0; i < marks->count; i++) {
		size_t k = 0;

		while (k < COUNT_OF(crash_words) &&
		    !text_is(marks->at[i], crash_words[k]))
			k++;
		if (k == COUNT_OF(crash_words))
			pool_problem(t, TEXT("mark_on"),
			    "invalid_crash_barrier",
			    "must be of segfault, abort, oom, gpu, unknown, "
			    "not %s",
			    pool_quote(t, marks->at[i]));
	}
	t->of = "pool";
}

enum err
pool_spec_read(struct text span, const struct pool_defaults *defaults,
    struct arena *arena, struct pool_spec *spec, struct pool_problems *problems)
{
	struct pool_taking t = {
	    .spec = spec, .arena = arena, .problems = problems, .of = "pool"};
	struct unpacker at;

	*spec = (struct pool_spec){0};
	*problems = (struct pool_problems){0};
	unpack_init(&at, span);
	if (unpack_peek(&at) != PACK_MAP)
		return ERR_TYPE;
	read_rows(&t, "pool", span);
	for (size_t i = 0; i < COUNT_OF(parents); i++)
		read_parent(&t, parents[i], span);
	t.of = "pool";
	check_name(&t, span);
	check_size(&t, defaults);
	check_adapter(&t);
	check_environment(&t);
	check_barrier(&t);
	return OK;
}

/* ---- lists, and words ---------------------------------------------------- */

struct pool_spec *
pool_specs_read(struct text list, const struct pool_defaults *defaults,
    struct arena *arena, uint32_t *count)
{
	static const char legacy[] = "\x91\x81\xa4name\xa7"
				     "default";
	struct pool_problems *problems = ARENA_NEW(arena, struct pool_problems);
	struct pool_spec *specs;
	struct unpacker at;
	struct text span;

	unpack_init(&at, list);
	if (unpack_array(&at, count) != OK || *count == 0) {
		unpack_init(&at, TEXT(legacy));
		INVARIANT(unpack_array(&at, count) == OK);
	}
	specs = ARENA_ARRAY(arena, struct pool_spec, *count);
	for (uint32_t i = 0; i < *count; i++)
		if (unpack_raw(&at, &span) != OK ||
		    pool_spec_read(
			span, defaults, arena, &specs[i], problems) != OK ||
		    problems->count > 0)
			return NULL;
	return specs;
}

uint32_t
pool_spec_capacity(const struct pool_spec *spec)
{
	if (spec->worker_profile == POOL_PROCESS ||
	    spec->capacity_strategy == POOL_BY_PROFILE)
		return 1;
	return spec->threads_per_worker > 0 ? (uint32_t)spec->threads_per_worker
					    : 1;
}

bool
pool_spec_warning(
    const struct pool_spec *spec, uint32_t index, char to[POOL_SPEC_WARNING])
{
	if (spec->asked_size <= spec->pool_size || index > 1)
		return false;
	if (index == 0)
		snprintf(to, POOL_SPEC_WARNING,
		    "pool %.*s: %" PRIu64 " runners requested, limited to "
		    "%" PRIu64 " by max_workers",
		    TEXT_ARG(spec->name), spec->asked_size, spec->pool_size);
	else
		snprintf(to, POOL_SPEC_WARNING,
		    "pool %.*s: to have more, set max_workers: %" PRIu64
		    " in its item of pools.list",
		    TEXT_ARG(spec->name), spec->asked_size);
	return true;
}

static const char *
word_of(uint32_t index, const char *const *words, size_t count)
{
	return index < count ? words[index] : "unknown";
}

const char *
pool_profile_word(uint32_t profile)
{
	static const char *const words[] = {"process", "thread"};

	return word_of(profile, words, COUNT_OF(words));
}

const char *
pool_strategy_word(uint32_t strategy)
{
	static const char *const words[] = {"pool", "profile", "hybrid"};

	return word_of(strategy, words, COUNT_OF(words));
}

const char *
pool_affinity_word(uint32_t affinity)
{
	static const char *const words[] = {
	    "hint", "strict_queue", "strict_fail_fast"};

	return word_of(affinity, words, COUNT_OF(words));
}

const char *
pool_adapter_word(uint32_t adapter)
{
	static const char *const words[] = {"native", "python", "program"};

	return word_of(adapter, words, COUNT_OF(words));
}
