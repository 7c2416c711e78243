// SPDX-License-Identifier: MIT
/* settings_show - the settings as a map for people, and the default folders. */

#include "protocol/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/mask.h"
#include "protocol/settings_blob.h"

enum {
	MASKED_BYTES = 64 << 10
};

void
settings_word(const char *words, uint64_t index, char *to, size_t size)
{
	size_t len;

	while (index-- > 0 && strchr(words, '|') != NULL)
		words = strchr(words, '|') + 1;
	words += *words == '!';
	len = strcspn(words, "|");
	snprintf(to, size, "%.*s", (int)len, words);
}

/* What our own keys call a secret: auth.token_parameter is none. */
static const struct mask own_words = {.words = {{"secret", 6}, {"password", 8}},
    .count = 2};

/* pack_masked: a list, or a text that may be a URL; whole under a key that
 * tells. */
static void
pack_masked(const struct settings *s, const char *key, bool is_text,
    struct text value, struct packer *out)
{
	struct mask m;
	struct buffer masked;

	if (is_text && value.len > 0 && mask_hides(&own_words, text_of(key))) {
		pack_string(out, MASK_TEXT);
		return;
	}
	mask_read(&m, settings_list(s, SETTING_security_masked_keys));
	if (!is_text) {
		/* it was written by our own packer */
		INVARIANT(mask_pack(&m, value, out) == OK);
		return;
	}
	buffer_init(&masked, MASKED_BYTES);
	pack_text(out,
	    mask_text(&m, value, &masked) == OK ? buffer_text(&masked)
						: TEXT(MASK_TEXT));
	buffer_finish(&masked);
}

/* pack_maps: functions and pools; a runner's environment is a list of texts. */
static void
pack_maps(const struct settings *s, struct text value, struct packer *out)
{
	struct mask m;

	mask_read(&m, settings_list(s, SETTING_security_masked_keys));
	INVARIANT(mask_texts(&m, value, out) == OK);
}

static void
pack_value(const struct settings *s, uint32_t i, const struct setting_row *row,
    struct packer *out)
{
	const struct settings_value *value = &s->values[i];
	char word[SETTING_NAME];

	pack_string(out, row->key + (settings_is_of_log(row) ? 4 : 0));
	switch (row->type) {
	case SETTING_BOOL:
		pack_bool(out, value->number != 0);
		break;
	case SETTING_U64:
		pack_u64(out, value->number);
		break;
	case SETTING_CHOICE:
		settings_word(row->unit, value->number, word, sizeof(word));
		pack_string(out, word);
		break;
	case SETTING_TEXT:
		pack_masked(
		    s, row->key, true, settings_value_text(s, value), out);
		break;
	case SETTING_TEXTS:
	case SETTING_LIST:
		pack_masked(
		    s, row->key, false, settings_value_text(s, value), out);
		break;
	case SETTING_MAPS:
	case SETTING_ANY:
		pack_maps(s, settings_value_text(s, value), out);
		break;
	}
}

/* pack_rows writes the rows of `section` that SETTINGS_TABLE has. */
static uint32_t
pack_rows(const struct settings *s, const char *section, struct packer *out)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < SETTINGS; i++) {
		if (strcmp(setting_rows[i].section, section) != 0)
			continue;
		pack_value(s, i, &setting_rows[i], out);
		count++;
	}
	return count;
}

/* pack_of_role writes the keys every role has: those of the log, or the
 * others. */
static uint32_t
pack_of_role(
    const struct settings *s, enum role role, bool of_log, struct packer *out)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < WORKER_SETTINGS; i++) {
		if (settings_is_of_log(&worker_setting_rows[i]) != of_log)
			continue;
		pack_value(s, settings_worker_value(role, i),
		    &worker_setting_rows[i], out);
		count++;
	}
	return count;
}

static void
pack_role(const struct settings *s, enum role role, struct packer *out)
{
	char section[SETTING_NAME];
	size_t place = pack_open(out);
	uint32_t count;

	snprintf(section, sizeof(section), "workers.%s", role_name(role));
	count = pack_rows(s, section, out);
	count += pack_of_role(s, role, false, out);
	pack_close_map(out, place, count);
}

/* pack_components writes log.components: what each role's lines may be. */
static uint32_t
pack_components(const struct settings *s, struct packer *out)
{
	pack_string(out, "components");
	pack_map(out, ROLE_WORKERS_END - 1);
	for (uint32_t i = 1; i < ROLE_WORKERS_END; i++) {
		pack_string(out, role_name(i));
		size_t place = pack_open(out);
		pack_close_map(
		    out, place, pack_of_role(s, (enum role)i, true, out));
	}
	return 1;
}

/* pack_section writes `section: {…}`; the top's keys stand by themselves. */
static uint32_t
pack_section(const struct settings *s, const char *section, struct packer *out)
{
	size_t place;
	uint32_t count;

	if (section[0] == '\0')
		return pack_rows(s, section, out);
	pack_string(out, section);
	place = pack_open(out);
	count = pack_rows(s, section, out);
	if (strcmp(section, "log") == 0)
		count += pack_components(s, out);
	pack_close_map(out, place, count);
	return 1;
}

/* is_first: a section's rows may be apart; it is written at its first. */
static bool
is_first(uint32_t i)
{
	for (uint32_t before = 0; before < i; before++)
		if (strcmp(setting_rows[before].section,
			setting_rows[i].section) == 0)
			return false;
	return strncmp(setting_rows[i].section, "workers.", 8) != 0;
}

enum err
settings_pack(const struct settings *s, const char *section, struct packer *out)
{
	size_t place = pack_open(out);
	uint32_t count = 0;
	char name[SETTING_NAME];
	bool wants_all = section == NULL || section[0] == '\0';

	for (uint32_t i = 0; i < SETTINGS; i++)
		if (is_first(i) &&
		    (wants_all ||
			strcmp(setting_rows[i].section, section) == 0))
			count += pack_section(s, setting_rows[i].section, out);
	for (uint32_t i = 1; i < ROLE_WORKERS_END; i++) {
		snprintf(name, sizeof(name), "workers.%s", role_name(i));
		if (!wants_all && strcmp(section, "workers") != 0 &&
		    strcmp(section, name) != 0)
			continue;
		pack_string(out, name);
		pack_role(s, i, out);
		count++;
	}
	pack_close_map(out, place, count);
	return count == 0 ? ERR_NOT_FOUND : pack_finish(out);
}

static enum err
put_dir(char *to, size_t size, const char *base, const char *tail)
{
	int len = snprintf(to, size, "%s%s", base, tail);

	return len > 0 && (size_t)len < size ? OK : ERR_TOO_BIG;
}

enum err
settings_default_runtime_dir(char *to, size_t size)
{
	const char *base = getenv("XDG_RUNTIME_DIR");

	if (geteuid() == 0)
		return put_dir(to, size, "/run/banyan", "");
	if (base == NULL || base[0] != '/')
		return ERR_MISSING;
	return put_dir(to, size, base, "/banyan");
}

enum err
settings_default_state_dir(char *to, size_t size)
{
	const char *base = getenv("XDG_STATE_HOME");

	if (geteuid() == 0)
		return put_dir(to, size, "/var/lib/banyan", "");
	if (base != NULL && base[0] == '/')
		return put_dir(to, size, base, "/banyan");
	base = getenv("HOME");
	if (base == NULL || base[0] != '/')
		return ERR_MISSING;
	return put_dir(to, size, base, "/.local/state/banyan");
}
