// SPDX-License-Identifier: MIT
/* settings_gather - which setting each key of the file is. */

#include <string.h>

#include "protocol/settings_writer.h"

/* Sections that are known but have nothing behind them yet. */
static const struct {
	const char *section;
	const char *what;
} not_built[] = {
#define N(name, meaning) {#name, meaning},
    SETTINGS_NOT_BUILT(N)
#undef N
};

/* In no table, but people will try the names that are on the way. */
static const char *const roles_not_built[] = {"receiver"};

enum {
	/* keys of the largest section, and all words at the top, fit */
	CANDIDATES = SETTINGS + WORKER_SETTINGS + COUNT_OF(not_built) + 8
};

/* find_elsewhere: the key exists, but in another section. */
static const char *
find_elsewhere(struct settings_writer *w, struct text key)
{
	for (uint32_t i = 0; i < SETTINGS; i++)
		if (text_is(key, setting_rows[i].key))
			return arena_printf(&w->arena, "%s%s%s",
			    setting_rows[i].section,
			    setting_rows[i].section[0] != '\0' ? "." : "",
			    setting_rows[i].key)
			    .at;
	return NULL;
}

void
settings_unknown(struct settings_writer *w, const char *section,
    const struct yaml_item *item, const char *const *candidates, size_t count)
{
	int near = text_closest(item->key, candidates, count);
	const char *meant =
	    near >= 0 ? candidates[near] : find_elsewhere(w, item->key);
	const char *dot = section[0] != '\0' ? "." : "";

	if (meant != NULL)
		settings_problem(w->problems, item->key_place,
		    "%s%s%s: unknown key; did you mean \"%s\"?", section, dot,
		    settings_quote(&w->arena, item->key), meant);
	else
		settings_problem(w->problems, item->key_place,
		    "%s%s%s: unknown key", section, dot,
		    settings_quote(&w->arena, item->key));
}

/* find_row gives SETTINGS when `section` has no such key. */
static uint32_t
find_row(const char *section, struct text key)
{
	uint32_t i = 0;

	while (i < SETTINGS &&
	    (strcmp(setting_rows[i].section, section) != 0 ||
		!text_is(key, setting_rows[i].key)))
		i++;
	return i;
}

/* add_rows appends the keys of a section to the candidates. */
static size_t
add_rows(const char *section, const char **candidates, size_t count)
{
	for (uint32_t i = 0; i < SETTINGS; i++)
		if (strcmp(setting_rows[i].section, section) == 0)
			candidates[count++] = setting_rows[i].key;
	return count;
}

/* is_map: an empty section is one without keys. */
static bool
is_map(struct settings_writer *w, const char *name, const struct yaml_node *n)
{
	if (n->kind == YAML_MAP)
		return true;
	if (n->kind != YAML_NULL)
		settings_problem(w->problems, n->place,
		    "%s: must be a map of keys and values", name);
	return false;
}

/* find_inner gives the section `key` inside `section`, or NULL. */
static const char *
find_inner(const char *section, struct text key)
{
	size_t outer = strlen(section);

	for (uint32_t i = 0; i < SETTINGS; i++) {
		const char *inner = setting_rows[i].section;

		if (strncmp(inner, section, outer) == 0 &&
		    inner[outer] == '.' && text_is(key, inner + outer + 1))
			return inner;
	}
	return NULL;
}

/* add_inner appends the names of the sections inside a section. */
static size_t
add_inner(const char *section, const char **candidates, size_t count)
{
	size_t outer = strlen(section);
	const char *last = "";

	for (uint32_t i = 0; i < SETTINGS; i++) {
		const char *inner = setting_rows[i].section;

		if (strncmp(inner, section, outer) == 0 &&
		    inner[outer] == '.' && strcmp(inner, last) != 0)
			candidates[count++] = inner + outer + 1;
		last = inner;
	}
	return count;
}

/* is_components: log.components is a map of roles, not of rows. */
static bool
is_components(const char *section, const struct yaml_item *item)
{
	return strcmp(section, "log") == 0 && text_is(item->key, "components");
}

/* gather_keys takes the rows of a section, and notes what else is there. */
static void
gather_keys(struct settings_writer *w, const char *section,
    const struct yaml_node *node, bool has_inner)
{
	const char *candidates[CANDIDATES];
	size_t count = add_rows(section, candidates, 0);

	if (!is_map(w, section, node))
		return;
	if (has_inner)
		count = add_inner(section, candidates, count);
	if (strcmp(section, "log") == 0)
		candidates[count++] = "components";
	for (const struct yaml_item *i = node->items; i != NULL; i = i->next) {
		uint32_t value = find_row(section, i->key);
		const char *inner =
		    has_inner ? find_inner(section, i->key) : NULL;

		if (value < SETTINGS)
			w->nodes[value] = i->value;
		else if (inner == NULL && !is_components(section, i))
			settings_unknown(w, section, i, candidates, count);
	}
}

/* role_key gives the key of every role as it stands in the file, or NULL when
 * it stands elsewhere: in log.components, or outside. */
static const char *
role_key(uint32_t i, bool of_log)
{
	const struct setting_row *row = &worker_setting_rows[i];

	if (settings_is_of_log(row) != of_log)
		return NULL;
	return of_log ? row->key + 4 : row->key;
}

/* find_role_key looks among a role's own keys, then in those all have. */
static uint32_t
find_role_key(enum role role, const char *section, bool of_log, struct text key)
{
	uint32_t own = find_row(section, key);

	if (own < SETTINGS)
		return own;
	for (uint32_t i = 0; i < WORKER_SETTINGS; i++) {
		const char *name = role_key(i, of_log);

		if (name != NULL && text_is(key, name))
			return settings_worker_value(role, i);
	}
	return SETTINGS_VALUES;
}

static void
gather_role(struct settings_writer *w, const char *above, enum role role,
    const struct yaml_node *node)
{
	const char *section =
	    arena_printf(&w->arena, "%s.%s", above, role_name(role)).at;
	bool of_log = strcmp(above, "log.components") == 0;
	const char *candidates[CANDIDATES];
	size_t count = add_rows(section, candidates, 0);

	for (uint32_t i = 0; i < WORKER_SETTINGS; i++)
		if (role_key(i, of_log) != NULL)
			candidates[count++] = role_key(i, of_log);
	if (!is_map(w, section, node))
		return;
	for (const struct yaml_item *i = node->items; i != NULL; i = i->next) {
		uint32_t value = find_role_key(role, section, of_log, i->key);

		if (value < SETTINGS_VALUES)
			w->nodes[value] = i->value;
		else
			settings_unknown(w, section, i, candidates, count);
	}
}

static bool
is_role_not_built(
    struct settings_writer *w, const char *above, const struct yaml_item *item)
{
	for (size_t i = 0; i < COUNT_OF(roles_not_built); i++) {
		if (!text_is(item->key, roles_not_built[i]))
			continue;
		settings_problem(w->problems, item->key_place,
		    "%s.%s: this role is not built yet; remove the key", above,
		    roles_not_built[i]);
		return true;
	}
	return false;
}

/* gather_roles takes a map of roles: `workers`, or `log.components`. */
static void
gather_roles(
    struct settings_writer *w, const char *above, const struct yaml_node *node)
{
	const char *roles[ROLES];
	size_t count = 0;

	for (uint32_t i = 1; i < ROLE_WORKERS_END; i++)
		roles[count++] = role_name((enum role)i);
	if (!is_map(w, above, node))
		return;
	for (const struct yaml_item *i = node->items; i != NULL; i = i->next) {
		enum role role = role_by_name(i->key);

		if (role != ROLE_none && (int)role < ROLE_WORKERS_END)
			gather_role(w, above, role, i->value);
		else if (!is_role_not_built(w, above, i))
			settings_unknown(w, above, i, roles, count);
	}
}

static void
gather_section(struct settings_writer *w, const char *section,
    const struct yaml_node *node)
{
	gather_keys(w, section, node, true);
	for (const struct yaml_item *i = node->items; i != NULL; i = i->next) {
		const char *inner = find_inner(section, i->key);

		if (node->kind == YAML_MAP && inner != NULL)
			gather_keys(w, inner, i->value, false);
		else if (node->kind == YAML_MAP && is_components(section, i))
			gather_roles(w, "log.components", i->value);
	}
}

/* refuse_not_built: the key is known, an empty section asks for nothing. */
static bool
refuse_not_built(struct settings_writer *w, const struct yaml_item *item)
{
	const struct yaml_node *node = item->value;

	for (size_t i = 0; i < COUNT_OF(not_built); i++) {
		if (!text_is(item->key, not_built[i].section))
			continue;
		if (node->kind != YAML_NULL &&
		    (node->kind < YAML_LIST || node->count > 0))
			settings_problem(w->problems, item->key_place,
			    "%s: %s: not built yet; remove the key",
			    not_built[i].section, not_built[i].what);
		return true;
	}
	return false;
}

/* find_section gives the table's own word, or NULL. */
static const char *
find_section(struct text key)
{
	for (uint32_t i = 0; i < SETTINGS; i++)
		if (setting_rows[i].section[0] != '\0' &&
		    text_is(key, setting_rows[i].section))
			return setting_rows[i].section;
	return NULL;
}

static size_t
add_sections(const char **candidates, size_t count)
{
	const char *last = "";

	for (uint32_t i = 0; i < SETTINGS; i++) {
		const char *section = setting_rows[i].section;

		if (strcmp(section, last) != 0 && strchr(section, '.') == NULL)
			candidates[count++] = section;
		last = section;
	}
	for (size_t i = 0; i < COUNT_OF(not_built); i++)
		candidates[count++] = not_built[i].section;
	candidates[count++] = "workers";
	return count;
}

void
settings_gather(struct settings_writer *w, const struct yaml_node *root)
{
	const char *candidates[CANDIDATES];
	size_t count = add_sections(candidates, add_rows("", candidates, 0));

	if (!is_map(w, "the file", root))
		return;
	for (const struct yaml_item *i = root->items; i != NULL; i = i->next) {
		uint32_t value = find_row("", i->key);
		const char *section = find_section(i->key);

		if (value < SETTINGS)
			w->nodes[value] = i->value;
		else if (section != NULL)
			gather_section(w, section, i->value);
		else if (text_is(i->key, "workers"))
			gather_roles(w, "workers", i->value);
		else if (!refuse_not_built(w, i))
			settings_unknown(w, "", i, candidates, count);
	}
}

/* scalar_node is a node that stands in no file. */
static struct yaml_node *
scalar_node(struct settings_writer *w, enum yaml_kind kind, struct text text)
{
	struct yaml_node *node = ARENA_NEW(&w->arena, struct yaml_node);

	node->kind = kind;
	node->text = arena_text(&w->arena, text);
	node->weight = 1;
	return node;
}

const struct yaml_node *
settings_default_node(struct settings_writer *w, const struct setting_row *row)
{
	struct text text = text_of(row->fallback);
	const struct yaml_node *node;

	if (row->type == SETTING_TEXT)
		return scalar_node(
		    w, YAML_QUOTED, text_is(text, "\"\"") ? TEXT("") : text);
	if (row->type < SETTING_TEXTS)
		return scalar_node(w, YAML_PLAIN, text);
	/* ours, so it is YAML; the unit tests read every default */
	INVARIANT(
	    settings_yaml_parse(text, &w->arena, &node, w->problems) == OK);
	return node;
}

void
settings_override(struct settings_writer *w, struct text assignment)
{
	struct yaml_place nowhere = {0, 0};
	int64_t equal = text_find(assignment, '=');
	struct text name = {assignment.at, (uint32_t)(equal > 0 ? equal : 0)};
	struct text said = {assignment.at + name.len + 1,
	    equal > 0 ? assignment.len - name.len - 1 : 0};
	char known[SETTING_NAME];

	for (uint32_t i = 0; i < SETTINGS_VALUES; i++) {
		settings_name(i, known, sizeof(known));
		if (!text_is(name, known))
			continue;
		w->nodes[i] = scalar_node(w,
		    settings_row(i)->type == SETTING_TEXT ? YAML_QUOTED
							  : YAML_PLAIN,
		    said);
		return;
	}
	settings_problem(w->problems, nowhere,
	    "%s: not section.key=value of a known setting",
	    settings_quote(&w->arena, assignment));
}
