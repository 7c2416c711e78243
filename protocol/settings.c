// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * The values are an array indexed by the enum, so a reader never searches and
 * never fails. Reader and writer are built from the same table; a sum over
 * the table's words in the head catches a program of another version.
 *
 * The sum is FNV-1a: it finds accidents. Malice is kept out by the seals and
 * by the memfd coming from our parent alone.
 */

#include "protocol/settings.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/base/memory.h"
#include "protocol/settings_blob.h"

#define SECTION_top                   ""
#define SECTION_log                   "log"
#define SECTION_supervisor            "supervisor"
#define SECTION_gateway               "gateway"
#define SECTION_auth                  "auth"
#define SECTION_puller                "workers.puller"
#define SECTION_rate_limiter          "rate_limiter"
#define SECTION_pools                 "pools"
#define SECTION_pools_lifecycle       "pools.lifecycle"
#define SECTION_pools_recommendations "pools.recommendations"
#define SECTION_relay                 "relay"
#define SECTION_relay_audit           "relay.audit"
#define SECTION_request               "request"
#define SECTION_arguments             "arguments"
#define SECTION_history               "history"
#define SECTION_security              "security"
#define SECTION_health                "health"
#define SECTION_health_thresholds     "health.thresholds"
#define SECTION_discovery             "discovery"
#define SECTION_tracer                "tracer"
#define SECTION_telemetry             "telemetry"
#define SECTION_telemetry_bus         "telemetry.bus"
#define SECTION_monitoring            "monitoring"
#define SECTION_prometheus            "prometheus"
#define TYPE(type)                    SETTING_##type
#define IS_LIVE                       true
#define IS_RESTART                    false
#define IS_TREE                       false
#define WHO_LIVE                      ROLE_supervisor
#define WHO_TREE                      ROLE_supervisor
#define WHO_RESTART                   ROLE_none /* the role it stands under */

const struct setting_row setting_rows[SETTINGS] = {
#define S(sec, k, t, def, lo, hi, lv, who, un, mean) \
	{.section = SECTION_##sec, \
	    .key = #k, \
	    .type = TYPE(t), \
	    .fallback = def, \
	    .min = lo, \
	    .max = hi, \
	    .is_live = IS_##lv, \
	    .role = ROLE_##who, \
	    .inherit = SETTING_none, \
	    .unit = un, \
	    .meaning = mean},
    SETTINGS_TABLE(S)
#undef S
};

const struct setting_row worker_setting_rows[WORKER_SETTINGS] = {
#define P(k, t, from, def, lo, hi, lv, un, mean) \
	{.section = "workers", \
	    .key = #k, \
	    .type = TYPE(t), \
	    .fallback = def, \
	    .min = lo, \
	    .max = hi, \
	    .is_live = IS_##lv, \
	    .role = WHO_##lv, \
	    .inherit = SETTING_##from, \
	    .unit = un, \
	    .meaning = mean},
    WORKER_SETTINGS_TABLE(P)
#undef P
};

uint64_t
settings_sum(uint64_t seed, const void *bytes, size_t count)
{
	const uint8_t *at = bytes;
	uint64_t sum = seed ^ UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < count; i++)
		sum = (sum ^ at[i]) * UINT64_C(0x100000001b3);
	return sum;
}

static uint64_t
sum_row(uint64_t sum, const struct setting_row *row)
{
	sum = settings_sum(sum, row->section, strlen(row->section) + 1);
	sum = settings_sum(sum, row->key, strlen(row->key) + 1);
	sum = settings_sum(sum, row->unit, strlen(row->unit) + 1);
	return settings_sum(sum, &row->type, sizeof(row->type));
}

uint32_t
settings_table_sum(void)
{
	uint32_t roles = SETTINGS_ROLES;
	uint64_t sum = settings_sum(0, &roles, sizeof(roles));

	for (size_t i = 0; i < SETTINGS; i++)
		sum = sum_row(sum, &setting_rows[i]);
	for (size_t i = 0; i < WORKER_SETTINGS; i++)
		sum = sum_row(sum, &worker_setting_rows[i]);
	return (uint32_t)(sum ^ (sum >> 32));
}

/* check passes a mapping whose every offset a reader may follow. */
static enum err
check(const struct settings_head *head, size_t size)
{
	size_t start =
	    sizeof(*head) + SETTINGS_VALUES * sizeof(struct settings_value);
	const struct settings_value *values =
	    (const struct settings_value *)(head + 1);

	if (size < sizeof(*head) || head->magic != SETTINGS_MAGIC)
		return ERR_MALFORMED;
	if (head->table != settings_table_sum())
		return ERR_VERSION;
	if (size < start || head->bytes != size ||
	    head->checksum != settings_sum(0, head + 1, size - sizeof(*head)))
		return ERR_MALFORMED;
	for (size_t i = 0; i < SETTINGS_VALUES; i++) {
		if (values[i].at == 0)
			continue;
		if (values[i].at < start || values[i].at >= size ||
		    values[i].len >= size - values[i].at)
			return ERR_MALFORMED;
	}
	return OK;
}

/* is_sealed: nobody may change or shorten it under our mapping (SIGBUS). */
static bool
is_sealed(int fd)
{
	int wanted = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & wanted) == wanted;
}

enum err
settings_open(int fd, struct settings **opened)
{
	struct stat about;
	void *map;
	enum err err;

	*opened = NULL;
	if (fstat(fd, &about) != 0)
		return ERR_SYSTEM;
	if (!is_sealed(fd) || about.st_size <= 0 ||
	    about.st_size > SETTINGS_BYTES)
		return ERR_MALFORMED;
	map = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return ERR_SYSTEM;
	err = check(map, (size_t)about.st_size);
	if (err != OK) {
		munmap(map, (size_t)about.st_size);
		return err;
	}
	*opened = MEMORY_NEW(struct settings);
	(*opened)->head = map;
	(*opened)->values =
	    (const struct settings_value *)((*opened)->head + 1);
	return OK;
}

void
settings_close(struct settings **s)
{
	if (*s == NULL)
		return;
	munmap((void *)(uintptr_t)(*s)->head, (*s)->head->bytes);
	memory_free(*s);
	*s = NULL;
}

struct text
settings_value_text(
    const struct settings *s, const struct settings_value *value)
{
	if (value->at == 0)
		return TEXT("");
	return (struct text){(const char *)s->head + value->at, value->len};
}

static const struct settings_value *
value_of(const struct settings *s, enum setting id, enum setting_type type)
{
	INVARIANT(id < SETTINGS && setting_rows[id].type == type);
	return &s->values[id];
}

static const struct settings_value *
worker_value_of(const struct settings *s, enum role role,
    enum worker_setting key, enum setting_type type)
{
	INVARIANT(role > ROLE_none && (int)role < ROLE_WORKERS_END);
	INVARIANT(
	    key < WORKER_SETTINGS && worker_setting_rows[key].type == type);
	return &s->values[settings_worker_value(role, key)];
}

uint64_t
settings_u64(const struct settings *s, enum setting id)
{
	return value_of(s, id, SETTING_U64)->number;
}

bool
settings_bool(const struct settings *s, enum setting id)
{
	return value_of(s, id, SETTING_BOOL)->number != 0;
}

struct text
settings_text(const struct settings *s, enum setting id)
{
	return settings_value_text(s, value_of(s, id, SETTING_TEXT));
}

const char *
settings_string(const struct settings *s, enum setting id)
{
	return settings_text(s, id).at;
}

uint32_t
settings_choice(const struct settings *s, enum setting id)
{
	return (uint32_t)value_of(s, id, SETTING_CHOICE)->number;
}

const char *
settings_choice_word(
    const struct settings *s, enum setting id, char *to, size_t size)
{
	settings_word(setting_rows[id].unit, settings_choice(s, id), to, size);
	return to;
}

struct text
settings_list(const struct settings *s, enum setting id)
{
	INVARIANT(id < SETTINGS && setting_rows[id].type >= SETTING_TEXTS);
	return settings_value_text(s, &s->values[id]);
}

uint64_t
settings_worker_u64(
    const struct settings *s, enum role role, enum worker_setting key)
{
	return worker_value_of(s, role, key, SETTING_U64)->number;
}

bool
settings_worker_bool(
    const struct settings *s, enum role role, enum worker_setting key)
{
	return worker_value_of(s, role, key, SETTING_BOOL)->number != 0;
}

uint32_t
settings_worker_choice(
    const struct settings *s, enum role role, enum worker_setting key)
{
	return (uint32_t)worker_value_of(s, role, key, SETTING_CHOICE)->number;
}

uint64_t
settings_generation(const struct settings *s)
{
	return s->head->generation;
}

uint64_t
settings_checksum(const struct settings *s)
{
	return s->head->checksum;
}

static bool
is_same(const struct settings *a, const struct settings *b, uint32_t i)
{
	return a->values[i].number == b->values[i].number &&
	    text_eq(settings_value_text(a, &a->values[i]),
		settings_value_text(b, &b->values[i]));
}

const struct setting_row *
settings_row(uint32_t i)
{
	return i < SETTINGS
	    ? &setting_rows[i]
	    : &worker_setting_rows[(i - SETTINGS) % WORKER_SETTINGS];
}

/* role_of: whose value `i` is, when it stands under workers.<role>. */
static enum role
role_of(uint32_t i)
{
	return (enum role)((i - SETTINGS) / WORKER_SETTINGS + 1);
}

void
settings_name(uint32_t i, char *to, size_t size)
{
	const struct setting_row *row = settings_row(i);

	if (i >= SETTINGS && settings_is_of_log(row))
		snprintf(to, size, "log.components.%s.%s",
		    role_name(role_of(i)), row->key + 4);
	else if (i >= SETTINGS)
		snprintf(
		    to, size, "workers.%s.%s", role_name(role_of(i)), row->key);
	else
		snprintf(to, size, "%s%s%s", row->section,
		    row->section[0] != '\0' ? "." : "", row->key);
}

static void
describe_change(uint32_t i, struct settings_change *to)
{
	const struct setting_row *row = settings_row(i);

	settings_name(i, to->name, sizeof(to->name));
	to->is_live = row->is_live;
	to->role = row->role;
	if (i >= SETTINGS && row->role == ROLE_none)
		to->role = role_of(i);
}

size_t
settings_diff(const struct settings *old, const struct settings *next,
    struct settings_change *to, size_t size)
{
	size_t count = 0;

	for (uint32_t i = 0; i < SETTINGS_VALUES; i++) {
		if (is_same(old, next, i))
			continue;
		if (count < size)
			describe_change(i, &to[count]);
		count++;
	}
	return count;
}

/* concerns: does a change of value `i` matter to a process of `role`? */
static bool
concerns(uint32_t i, enum role role, struct settings_change *change)
{
	describe_change(i, change);
	return change->role == role || change->role == ROLE_none;
}

enum reload_result
settings_reload_result(
    const struct settings_lives *lives, enum role role, char *keys, size_t size)
{
	enum reload_result result = RELOAD_UNCHANGED;
	struct settings_change change;
	size_t used = 0;

	if (size > 0)
		keys[0] = '\0';
	for (uint32_t i = 0; i < SETTINGS_VALUES; i++) {
		if (!concerns(i, role, &change))
			continue;
		if (change.is_live) {
			if (result == RELOAD_UNCHANGED &&
			    !is_same(lives->old, lives->next, i))
				result = RELOAD_APPLIED;
			continue;
		}
		if (is_same(lives->began, lives->next, i))
			continue;
		result = RELOAD_NEEDS_RESTART;
		if (used < size)
			used += (size_t)snprintf(keys + used, size - used,
			    "%s%s", used > 0 ? ", " : "", change.name);
	}
	return result;
}
