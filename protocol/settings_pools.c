// SPDX-License-Identifier: MIT
/* settings_pools - pools.list: what is wrong with each pool, and where; and
 * with what names one. */

#include <inttypes.h>
#include <unistd.h>

#include "protocol/hook_list.h"
#include "protocol/pool_spec.h"
#include "protocol/settings_writer.h"

/* find_item gives the item of a map with that key, or NULL. */
static const struct yaml_item *
find_item(const struct yaml_node *map, struct text key)
{
	for (const struct yaml_item *i = map->items; i != NULL; i = i->next)
		if (text_eq(i->key, key))
			return i;
	return NULL;
}

/* place_of: the key itself, the map that should have it, or the pool. */
static struct yaml_place
place_of(const struct yaml_node *pool, const struct pool_problem *problem)
{
	const struct yaml_node *map = pool;
	const struct yaml_item *item = find_item(map, text_of(problem->of));

	if (item != NULL && item->value->kind == YAML_MAP)
		map = item->value;
	item = find_item(map, problem->key);
	return item != NULL ? item->key_place : map->place;
}

static void
tell(struct settings_writer *w, uint32_t index, const struct yaml_node *pool,
    const struct pool_problems *problems)
{
	for (uint32_t i = 0; i < problems->count && i < POOL_SPEC_PROBLEMS;
	     i++) {
		const struct pool_problem *problem = &problems->at[i];

		settings_problem(w->problems, place_of(pool, problem),
		    "pools.list[%u].%s%s%s: validation_failed: %s: %.*s", index,
		    problem->of, problem->of[0] != '\0' ? "." : "",
		    settings_quote(&w->arena, problem->key), problem->error,
		    TEXT_ARG(problem->text));
	}
}

static struct pool_defaults
defaults_of(const struct settings_writer *w)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);

	/* one that is wrong was told where it stands, not in each pool */
	return (struct pool_defaults){
	    .processors = online > 0 ? (uint32_t)online : 1,
	    .max_queue_size = w->is_wrong[SETTING_pools_max_queue_size]
		? 1
		: w->values[SETTING_pools_max_queue_size].number,
	    .queue_timeout_ms = w->is_wrong[SETTING_pools_queue_timeout_ms]
		? 1
		: w->values[SETTING_pools_queue_timeout_ms].number};
}

/* check_names: two pools of one name would be one to everybody else. */
static void
check_names(struct settings_writer *w, const struct pool_spec *specs,
    const struct yaml_node *list)
{
	const struct yaml_item *item = list->items;

	for (uint32_t i = 0; item != NULL; item = item->next, i++)
		for (uint32_t before = 0; before < i; before++)
			if (specs[i].name.len > 0 &&
			    text_eq(specs[i].name, specs[before].name)) {
				settings_problem(w->problems,
				    item->value->place,
				    "pools.list[%u].name: "
				    "duplicate_pool_names: \"%.*s\" is there "
				    "already",
				    i, TEXT_ARG(specs[i].name));
				break;
			}
}

static void
check_sum(struct settings_writer *w, const struct pool_spec *specs,
    const struct yaml_node *list)
{
	uint64_t runners = 0;

	for (uint32_t i = 0; i < list->count; i++)
		runners += specs[i].pool_size;
	if (runners > POOLS_RUNNERS)
		settings_problem(w->problems, list->place,
		    "pools.list: too_many_workers: %" PRIu64
		    " runners in all; allowed are %d",
		    runners, POOLS_RUNNERS);
}

static bool
is_pool(const struct pool_spec *specs, uint32_t count, struct text name)
{
	if (count == 0) /* then there is one, of this name */
		return text_is(name, "default");
	for (uint32_t i = 0; i < count; i++)
		if (text_eq(specs[i].name, name))
			return true;
	return false;
}

/* check_hooks: a hook in a pool that is not there would reject all calls. */
static void
check_hooks(
    struct settings_writer *w, const struct pool_spec *specs, uint32_t count)
{
	const struct yaml_node *list = w->nodes[SETTING_hooks];
	const struct yaml_item *item = list != NULL ? list->items : NULL;
	struct hook_list hooks;

	hook_list_read(settings_text_of(w, SETTING_hooks), &w->arena, &hooks);
	for (uint32_t i = 0; i < hooks.count && item != NULL; i++) {
		struct text pool = hooks.all[i].pool;

		if (pool.len > 0 && !is_pool(specs, count, pool))
			settings_problem(w->problems, item->value->place,
			    "hooks[%u].pool: \"%s\" is no pool of pools.list",
			    i, settings_quote(&w->arena, pool));
		item = item->next;
	}
}

void
settings_pools(struct settings_writer *w)
{
	const struct yaml_node *list = w->nodes[SETTING_pools_list];
	struct pool_defaults defaults = defaults_of(w);
	struct pool_problems problems;
	struct pool_spec *specs;
	struct unpacker at;
	struct text span;
	uint32_t count, wrong = 0, index = 0;

	unpack_init(&at, settings_text_of(w, SETTING_pools_list));
	if (list == NULL || list->kind == YAML_NULL)
		check_hooks(w, NULL, 0);
	if (list == NULL || list->kind != YAML_LIST ||
	    unpack_array(&at, &count) != OK || count != list->count)
		return; /* what is no list has been told already */
	specs = ARENA_ARRAY(&w->arena, struct pool_spec, count);
	for (const struct yaml_item *i = list->items; i != NULL;
	     i = i->next, index++) {
		if (unpack_raw(&at, &span) != OK)
			return;
		if (i->value->kind != YAML_MAP ||
		    pool_spec_read(span, &defaults, &w->arena, &specs[index],
			&problems) != OK)
			continue; /* an item that is no map likewise */
		tell(w, index, i->value, &problems);
		wrong += problems.count;
	}
	if (wrong > 0)
		return;
	check_names(w, specs, list);
	check_sum(w, specs, list);
	check_hooks(w, specs, count);
}
