// SPDX-License-Identifier: MIT
/* log_secrets - no line of the log has a secret, whoever writes it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "protocol/base/log.h"
#include "protocol/log_rules.h"
#include "protocol/log_settings.h"
#include "protocol/settings.h"
#include "protocol/settings_read.h"
#include "protocol/unpack.h"

static struct settings *
defaults(void)
{
	static struct settings_problems problems;
	struct settings_request request = {
	    .file = "test.yaml", .generation = 1};
	struct settings *s;
	int fd;

	assert_int_equal(settings_read_text(&request,
			     TEXT("log: {level: debug}\n"), &fd, &problems),
	    OK);
	assert_int_equal(settings_open(fd, &s), OK);
	close(fd);
	return s;
}

/* What was written last. */
static char written[LOG_FIELDS_BYTES];

static void
on_line(enum log_level level, const char *event, const char *fields)
{
	(void)level;
	(void)event;
	snprintf(written, sizeof(written), "%s", fields);
}

/* The doors that lines have: an event, a scope, a switch, the base. */
enum {
	DOORS = 4
};

static void
write_by(int door, const char *line)
{
	char fields[LOG_FIELDS_BYTES];

	snprintf(fields, sizeof(fields), "%s", line);
	written[0] = '\0';
	if (door == 0)
		log_rules_write(EVENT_ready, fields);
	else if (door == 1)
		log_rules_scope(SCOPE_net_connect, "%s", line);
	else if (door == 2)
		log_rules_diag(SCOPE_net_connect, "X", "%s", line);
	else
		log_line(LOG_WARN, "any", "%s", line);
	if (strstr(written, "S3CRET") != NULL ||
	    strstr(written, "[MASKED]") == NULL)
		fail_msg("%s became %s", line, written);
}

/* put_key writes a form with the key where it has a `#`. */
static void
put_key(char *to, size_t size, const char *form, struct text key)
{
	const char *at = strchr(form, '#');

	snprintf(to, size, "%.*s%.*s%s", (int)(at - form), form, TEXT_ARG(key),
	    at + 1);
}

static void
a_secret_is_in_no_line_whoever_writes_it(void **state)
{
	static const char *const forms[] = {"#=S3CRET", "my_#=S3CRET n=1",
	    "what=\"#: S3CRET\"", "args={\"#\":\"S3CRET\",\"a\":1}",
	    "a=1 #_x=\"S3CRET and S3CRET\"", "url=tcp://me:S3CRET@h:1 n=# m=1",
	    "head=\"#: Bearer S3CRET\"", "args={'deep':{'#':'S3CRET'}}",
	    "x=https://h/?a=1&#=S3CRET&b=2", "#=S3CRET,other=S3CRE"};
	struct settings *s = defaults();
	struct unpacker u;
	struct text word;
	uint32_t words;

	(void)state;
	log_settings_take(s, ROLE_gateway);
	log_set_folding(0);
	log_listen(on_line);
	unpack_init(&u, settings_list(s, SETTING_security_masked_keys));
	assert_int_equal(unpack_array(&u, &words), OK);
	assert_true(words > 5);
	while (words-- > 0 && unpack_text(&u, &word) == OK)
		for (size_t i = 0; i < DOORS * COUNT_OF(forms); i++) {
			char line[256];

			put_key(line, sizeof(line), forms[i / DOORS], word);
			write_by((int)(i % DOORS), line);
		}
	log_listen(NULL);
	settings_close(&s);
	/* the words outlive the settings they came from */
	char last[LOG_FIELDS_BYTES] = "token=S3CRET";
	log_hidden(last);
	assert_string_equal(last, "token=[MASKED]");
}

static void
what_is_no_secret_stays_as_it_is_and_long_lines_are_cut(void **state)
{
	struct settings *s = defaults();
	char plain[LOG_FIELDS_BYTES] = "tokens_left 5 role=gateway n=1";
	char full[LOG_FIELDS_BYTES] = "";

	(void)state;
	log_settings_take(s, ROLE_gateway);
	log_hidden(plain);
	assert_string_equal(plain, "tokens_left 5 role=gateway n=1");
	for (size_t i = 0; i + 8 < sizeof(full); i += 8)
		memcpy(full + i, "token=x ", 8);
	log_hidden(full);
	assert_true(strlen(full) < sizeof(full));
	assert_null(strstr(full, "=x"));
	settings_close(&s);
	log_hide(NULL);
	char bare[LOG_FIELDS_BYTES] = "token=x";
	log_hidden(bare);
	assert_string_equal(bare, "token=x");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_secret_is_in_no_line_whoever_writes_it),
	    cmocka_unit_test(
		what_is_no_secret_stays_as_it_is_and_long_lines_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
