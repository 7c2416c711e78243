// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * `telemetry tail` and `log tail` first listens and then asks for the events,
 * so that none is published before anybody hears it. It asks again every
 * RENEW_MS: the monitor forgets who does not, within seconds, and a new life of
 * the monitor learns of us by it.
 */

#include "supervisor/cli/tail.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "protocol/base/clock.h"
#include "protocol/base/fd.h"
#include "protocol/bus_message.h"
#include "protocol/endpoint.h"
#include "protocol/pack.h"
#include "supervisor/cli/listen.h"
#include "supervisor/cli/local.h"
#include "supervisor/cli/options.h"

enum {
	RENEW_MS = 1500,
	RETRY_MS = 200,
	LEASE_TIMEOUT_MS = 1000,
	SLICE_MS = 100,
	SECRET_BYTES = 256
};

static volatile sig_atomic_t was_stopped;

static void
on_signal(int number)
{
	(void)number;
	was_stopped = 1;
}

static void
listen_to_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* --- what was asked for --- */

static bool
read_secret(struct cli *cli, struct text *secret)
{
	const char *file = options_value(cli, "--secret-file");
	char *text = arena_alloc(&cli->arena, SECRET_BYTES);
	const char *other = getenv("SECRET_KEY_BASE");
	size_t bytes;

	*secret = text_of(other == NULL ? "" : other);
	if (file == NULL)
		return true;
	if (fd_read_file(file, text, SECRET_BYTES, &bytes) != OK) {
		cli_complain("it holds the secret of telemetry.bus.secret, at "
			     "most 255 bytes",
		    "the secret cannot be read from %s", file);
		return false;
	}
	while (bytes > 0 && (text[bytes - 1] == '\n' || text[bytes - 1] == ' '))
		bytes--;
	*secret = (struct text){text, (uint32_t)bytes};
	return true;
}

/* read_number: 0 when the option is not there. */
static bool
read_number(struct cli *cli, const char *option, double *to)
{
	const char *word = options_value(cli, option);
	char *end;

	*to = 0;
	if (word == NULL)
		return true;
	*to = strtod(word, &end);
	if (end != word && *end == '\0' && *to > 0 && *to < 1e9)
		return true;
	cli_complain(NULL, "%s wants a number above 0, not %s", option, word);
	return false;
}

static bool
read_common(struct cli *cli, struct tail *t)
{
	double count, seconds;

	*t = (struct tail){.cli = cli};
	if (!read_secret(cli, &t->secret) ||
	    !read_number(cli, "--count", &count) ||
	    !read_number(cli, "--for", &seconds))
		return false;
	t->left = (uint64_t)count;
	t->until_ms =
	    seconds > 0 ? clock_mono_ms() + (uint64_t)(seconds * 1000) : 0;
	return true;
}

/* --- the lease --- */

struct lease {
	const char *op;      /* NULL: none is wanted */
	const char *control; /* path of its socket */
	char name[32];
	uint64_t holder;
	uint64_t next_ms;
};

static struct text
lease_args(
    struct cli *cli, const struct lease *lease, bool is_end, struct buffer *out)
{
	static const char *const options[] = {
	    "--match", "--event", "--category"};
	struct packer p;
	size_t place;
	uint32_t count = 2;

	pack_init(&p, out);
	if (strcmp(lease->op, "telemetry.lease") != 0) {
		pack_map(&p, 0);
		return pack_finish(&p) == OK ? buffer_text(out) : TEXT("");
	}
	place = pack_open(&p);
	pack_field_string(&p, "name", lease->name);
	pack_field_u64(&p, "holder", lease->holder);
	for (size_t i = 0; i < COUNT_OF(options); i++) {
		const char *word = options_value(cli, options[i]);

		if (word == NULL)
			continue;
		pack_field_string(&p, options[i] + 2, word);
		count++;
	}
	if (is_end)
		pack_field_bool(&p, "end", true);
	pack_close_map(&p, place, count + is_end);
	return pack_finish(&p) == OK ? buffer_text(out) : TEXT("");
}

/* lease_say asks once, quietly: OK when the monitor agreed. */
static bool
lease_say(struct cli *cli, const struct lease *lease, bool is_end)
{
	struct buffer args;
	struct reply reply;
	bool is_ok;

	buffer_init(&args, 4096);
	is_ok = request_ask(&(struct request){.path = lease->control,
				.op = lease->op,
				.args = lease_args(cli, lease, is_end, &args),
				.timeout_ms = LEASE_TIMEOUT_MS},
		    &reply) == OK &&
	    reply.is_ok;
	request_finish(&reply);
	buffer_finish(&args);
	return is_ok;
}

/* lease_begin asks the first time: whatever is wrong is told. */
static enum cli_exit
lease_begin(struct cli *cli, struct lease *lease, const char *folder)
{
	char *control = arena_alloc(&cli->arena, ENDPOINT_PATH);
	struct buffer args;
	struct reply reply;
	enum cli_exit code;

	if (endpoint_path(folder, ROLE_control, 0, control) != OK)
		return CLI_USAGE;
	lease->control = control;
	snprintf(lease->name, sizeof(lease->name), "tail-%d", (int)getpid());
	if (getrandom(&lease->holder, sizeof(lease->holder), 0) < 0)
		lease->holder = clock_mono_ns();
	lease->holder |= 1;
	buffer_init(&args, 4096);
	code = remote_ask(
	    cli, lease->op, lease_args(cli, lease, false, &args), &reply);
	buffer_finish(&args);
	if (code != CLI_OK)
		return code;
	if (!reply.is_ok) {
		cli_complain(arena_string(&cli->arena, reply.hint), "%.*s",
		    TEXT_ARG(reply.message));
		code =
		    text_is(reply.class, "invalid") ? CLI_USAGE : CLI_UNHEALTHY;
	}
	request_finish(&reply);
	lease->next_ms = clock_mono_ms() + RENEW_MS;
	return code;
}

static void
lease_renew(struct cli *cli, struct lease *lease)
{
	if (lease->op == NULL || clock_mono_ms() < lease->next_ms)
		return;
	lease->next_ms = clock_mono_ms() +
	    (lease_say(cli, lease, false) ? RENEW_MS : RETRY_MS);
}

/* --- the tail --- */

static enum cli_exit
complain_of_bus(const struct listen *l, enum err e)
{
	cli_complain(e == ERR_DENIED
		? "run it as the user banyand runs as, or as root"
		: "is it running? look with `banyan tree` and `banyan bus "
		  "status`",
	    "cannot listen to the monitor at %s", l->path);
	return e == ERR_DENIED ? CLI_DENIED : CLI_UNREACHABLE;
}

static void
follow(struct tail *t, struct listen *l, struct lease *lease)
{
	bool has_end = t->left > 0;

	while (!was_stopped && !(has_end && t->left == 0) &&
	    (t->until_ms == 0 || clock_mono_ms() < t->until_ms)) {
		struct text raw;

		lease_renew(t->cli, lease);
		if (listen_next(l, SLICE_MS, &raw) == OK && !tail_take(t, raw))
			break;
	}
}

static enum cli_exit
run(struct tail *t, struct lease *lease)
{
	struct cli *cli = t->cli;
	const char *folder = remote_folder(cli);
	char *path = arena_alloc(&cli->arena, ENDPOINT_PATH);
	struct listen l;
	enum cli_exit code = CLI_OK;
	enum err e;

	if (folder == NULL)
		return CLI_USAGE;
	snprintf(path, ENDPOINT_PATH, "%s/telemetry.ipc", folder);
	listen_init(&l, path);
	listen_to_signals();
	e = listen_dial(&l);
	if (e != OK)
		code = complain_of_bus(&l, e);
	else if (lease->op != NULL)
		code = lease_begin(cli, lease, folder);
	if (code == CLI_OK) {
		follow(t, &l, lease);
		if (t->is_telemetry)
			(void)lease_say(cli, lease, true);
	}
	listen_finish(&l);
	if (t->missed > 0)
		fprintf(stderr,
		    "banyan: %llu messages were published and did not come: "
		    "choose fewer events, or read faster\n",
		    (unsigned long long)t->missed);
	return code == CLI_OK && t->rejected > 0 ? CLI_DEGRADED : code;
}

/* read_choice is what the monitor makes of the same options. */
static bool
read_choice(struct cli *cli, struct telemetry_choice *to)
{
	static const struct {
		const char *option;
		enum telemetry_by by;
	} options[] = {{"--match", TELEMETRY_BY_MATCH},
	    {"--event", TELEMETRY_BY_EVENT},
	    {"--category", TELEMETRY_BY_CATEGORY}};
	bool is_any = false;

	for (size_t i = 0; i < COUNT_OF(options); i++) {
		const char *word = options_value(cli, options[i].option);
		struct text wrong;

		if (word == NULL)
			continue;
		is_any = true;
		if (telemetry_choose(
			to, options[i].by, text_of(word), &wrong) == OK)
			continue;
		cli_complain("the events there are: banyan telemetry events",
		    "no event is named by %s %.*s", options[i].option,
		    TEXT_ARG(wrong));
		return false;
	}
	if (!is_any)
		memset(to, 0xff, sizeof(*to));
	return true;
}

enum cli_exit
local_tail(struct cli *cli)
{
	struct lease lease = {.op = "telemetry.lease"};
	struct tail t;

	if (!read_common(cli, &t) || !read_choice(cli, &t.choice))
		return CLI_USAGE;
	t.is_telemetry = true;
	t.prefix = TEXT("telemetry/");
	return run(&t, &lease);
}

/* is_channel: a channel nobody publishes on would be silent for ever. */
static bool
is_channel(struct text typed)
{
	static const char *const channels[] = {"all", "health", "metrics",
	    "alerts", "diagnostics", "lifecycle", "logging", "telemetry"};
	const char *slash = memchr(typed.at, '/', typed.len);
	struct text word = {
	    typed.at, slash != NULL ? (uint32_t)(slash - typed.at) : typed.len};
	char hint[64];
	int best;

	for (size_t i = 0; i < COUNT_OF(channels); i++)
		if (text_is(word, channels[i]))
			return true;
	best = text_closest(word, channels, COUNT_OF(channels));
	snprintf(hint, sizeof(hint), "did you mean `banyan bus tail %s`?",
	    best >= 0 ? channels[best] : "all");
	cli_complain(hint, "there is no channel `%.*s`", TEXT_ARG(word));
	return false;
}

enum cli_exit
local_bus_tail(struct cli *cli)
{
	struct lease none = {0};
	struct tail t;

	if (!read_common(cli, &t))
		return CLI_USAGE;
	if (cli->argc < 1 || cli->argv[0][0] == '-') {
		cli_complain("banyan bus tail lifecycle",
		    "which channel? health, metrics, alerts, diagnostics, "
		    "lifecycle, logging, telemetry, all");
		return CLI_USAGE;
	}
	t.prefix = text_of(cli->argv[0]);
	if (!is_channel(t.prefix))
		return CLI_USAGE;
	if (text_is(t.prefix, "all"))
		t.prefix = TEXT("");
	return run(&t, &none);
}

/* read_lines reads which lines `log tail` is to print. */
static bool
read_lines(struct cli *cli, struct tail *t)
{
	const char *level = options_value(cli, "--level");
	const char *pattern = options_value(cli, "--match");
	const char *component = options_value(cli, "--component");
	int which = LOG_DEBUG;

	t->pattern = text_of(pattern == NULL ? "" : pattern);
	t->component = text_of(component == NULL ? "" : component);
	while (level != NULL && which < LOG_LEVELS &&
	    strcmp(level, log_level_name((enum log_level)which)) != 0)
		which++;
	t->level = (enum log_level)which;
	if (which < LOG_LEVELS)
		return true;
	cli_complain(
	    "debug, info, warn, error, fatal", "there is no level `%s`", level);
	return false;
}

enum cli_exit
local_log_tail(struct cli *cli)
{
	struct lease lease = {.op = "log.lease"};
	struct tail t;

	if (!read_common(cli, &t) || !read_lines(cli, &t))
		return CLI_USAGE;
	t.is_log = true;
	t.prefix = TEXT("logging/");
	return run(&t, &lease);
}
