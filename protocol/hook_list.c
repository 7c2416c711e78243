// SPDX-License-Identifier: MIT
#include "protocol/hook_list.h"

#include "protocol/unpack.h"

static struct text
copy_field(struct text item, const char *key, struct arena *arena)
{
	struct text t = TEXT("");

	if (unpack_field_text(item, key, &t) != OK)
		t = TEXT("");
	return arena_text(arena, t);
}

void
hook_list_read(struct text span, struct arena *arena, struct hook_list *list)
{
	struct hook_entry *all;
	struct unpacker u;
	struct text item;
	uint32_t count;

	*list = (struct hook_list){.all = NULL};
	unpack_init(&u, span);
	if (unpack_array(&u, &count) != OK || count > HOOK_LIST_MAX)
		return;
	all = ARENA_ARRAY(arena, struct hook_entry, count + 1);
	while (list->count < count && unpack_raw(&u, &item) == OK)
		all[list->count++] = (struct hook_entry){
		    .name = copy_field(item, "name", arena),
		    .module = copy_field(item, "module", arena),
		    .function = copy_field(item, "function", arena),
		    .pool = copy_field(item, "pool", arena),
		};
	list->all = all;
}

static bool
is_meant(const struct hook_entry *e, const struct function_hook *h)
{
	if (h->name.len > 0)
		return text_eq(e->name, h->name);
	return text_eq(e->module, h->target.module) &&
	    text_eq(e->function, h->target.function);
}

const struct hook_entry *
hook_list_find(const struct hook_list *list, const struct function_hook *h)
{
	for (uint32_t i = 0; i < list->count; i++)
		if (is_meant(&list->all[i], h))
			return &list->all[i];
	return NULL;
}

const char *
hook_list_near(const struct hook_list *list, struct text wrong)
{
	const char *names[HOOK_LIST_MAX];

	for (uint32_t i = 0; i < list->count; i++)
		names[i] = list->all[i].name.at;
	int near = text_closest(wrong, names, list->count);
	return near < 0 ? NULL : names[near];
}
