// SPDX-License-Identifier: MIT
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "protocol/base/clock.h"
#include "protocol/base/fd.h"
#include "protocol/json.h"
#include "supervisor/cli/again.h"
#include "supervisor/cli/dial.h"
#include "supervisor/cli/local.h"
#include "supervisor/cli/monitoring.h"
#include "supervisor/cli/options.h"
#include "supervisor/cli/output.h"
#include "supervisor/cli/show.h"

enum {
	BODY_BYTES = 16 << 20,
	TIMEOUT_MS = 10000,
	ENDPOINTS_BYTES = 64 << 10
};

/* Where the monitor listens. */
struct place {
	char host[128];
	char port[8];
};

/* read_place takes http://host[:port][/…] apart. */
static bool
read_place(struct text url, struct place *to)
{
	static const struct text scheme = {.at = "http://", .len = 7};
	char rest[160];
	char *host = rest, *port;

	if (!text_starts_with(url, scheme))
		return false;
	url = (struct text){url.at + scheme.len, url.len - scheme.len};
	if (text_copy(url, rest, sizeof(rest)) != OK)
		return false;
	rest[strcspn(rest, "/")] = '\0';
	port = strrchr(rest, ':');
	if (port != NULL && strchr(port, ']') == NULL)
		*port++ = '\0';
	else
		port = NULL;
	if (host[0] == '[') {
		host++;
		host[strcspn(host, "]")] = '\0';
	}
	snprintf(to->host, sizeof(to->host), "%.127s", host);
	snprintf(
	    to->port, sizeof(to->port), "%.7s", port != NULL ? port : "80");
	return to->host[0] != '\0';
}

/* known_url asks the running tree's endpoints.json. */
static struct text
known_url(struct cli *cli)
{
	const char *folder = remote_folder(cli);
	struct text url = TEXT("");
	struct buffer packed;
	size_t bytes;

	if (folder == NULL)
		return url;
	struct text path =
	    arena_printf(&cli->arena, "%s/endpoints.json", folder);
	char *text = arena_alloc(&cli->arena, ENDPOINTS_BYTES);
	if (fd_read_file(path.at, text, ENDPOINTS_BYTES, &bytes) != OK)
		return url;
	buffer_init(&packed, ENDPOINTS_BYTES);
	if (json_to_pack(text_of(text), &packed, JSON_LIMITS, NULL) == OK)
		url = arena_text(
		    &cli->arena, show_text(buffer_text(&packed), "monitoring"));
	buffer_finish(&packed);
	return url;
}

static enum cli_exit
choose_place(struct cli *cli, struct place *to)
{
	const char *typed = options_value(cli, "--url");
	const char *told = getenv("BANYAN_MONITORING_URL");
	struct text url = TEXT("");

	if (typed != NULL)
		url = text_of(typed);
	else if (told != NULL && told[0] != '\0')
		url = text_of(told);
	else
		url = known_url(cli);
	if (url.len == 0) {
		cli_complain("is banyand running with monitoring.enabled? else "
			     "--url http://HOST:PORT, or "
			     "$BANYAN_MONITORING_URL",
		    "no monitoring URL is known");
		return CLI_UNREACHABLE;
	}
	if (read_place(url, to))
		return CLI_OK;
	cli_complain("--url http://127.0.0.1:4001", "%.*s is no http URL",
	    TEXT_ARG(url));
	return CLI_USAGE;
}

static enum err
ask(struct dial *d, const struct place *place, const char *path,
    char head[DIAL_HEAD_BYTES])
{
	char request[2048];
	int len = snprintf(request, sizeof(request),
	    "GET %s HTTP/1.1\r\nHost: %s:%s\r\nAccept: application/json\r\n"
	    "Connection: close\r\n\r\n",
	    path, place->host, place->port);
	enum err e = len < (int)sizeof(request) ? OK : ERR_TOO_BIG;

	if (e == OK)
		e = dial_open(d, place->host, place->port);
	if (e == OK)
		e = dial_send(d, request, (size_t)len);
	if (e == OK)
		e = dial_take_head(d, head);
	while (e == OK)
		e = dial_receive(d); /* to the end: Connection: close */
	return e == ERR_CLOSED && head[0] != '\0' ? OK : e;
}

static enum cli_exit
read_body(
    struct cli *cli, const struct dial *d, const char *head, struct fetched *to)
{
	struct buffer packed;
	struct text body = buffer_text(&d->in);
	enum err e;

	to->status = (int)strtol(head + sizeof("HTTP/1.1 ") - 1, NULL, 10);
	buffer_init(&packed, BODY_BYTES * 2);
	e = json_to_pack(body, &packed,
	    (struct json_limits){BODY_BYTES, JSON_DEPTH, UINT32_MAX}, NULL);
	if (e == OK)
		to->payload = arena_text(&cli->arena, buffer_text(&packed));
	buffer_finish(&packed);
	if (e == OK)
		return CLI_OK;
	cli_complain("is that the monitor of banyan?",
	    "the answer (%d) is no JSON", to->status);
	return CLI_UNREACHABLE;
}

enum cli_exit
monitoring_get(struct cli *cli, const char *path, struct fetched *to)
{
	struct place place;
	struct dial d = {.fd = -1};
	char *head = arena_alloc(&cli->arena, DIAL_HEAD_BYTES);
	enum cli_exit code = choose_place(cli, &place);

	if (code != CLI_OK)
		return code;
	head[0] = '\0';
	d.until_ms = clock_mono_ms() +
	    (cli->timeout_ms > 0 ? cli->timeout_ms : TIMEOUT_MS);
	buffer_init(&d.in, BODY_BYTES + DIAL_READ_BYTES);
	enum err e = ask(&d, &place, path, head);
	if (e == OK && strncmp(head, "HTTP/1.", 7) == 0) {
		code = read_body(cli, &d, head, to);
	} else {
		cli_complain("see `banyan endpoints` and `banyan why monitor`",
		    "no answer from http://%s:%s%s: %s", place.host, place.port,
		    path, d.why[0] != '\0' ? d.why : err_name(e));
		code = CLI_UNREACHABLE;
	}
	dial_close(&d);
	return code;
}

bool
monitoring_print(struct cli *cli, show_page *page, struct text answer)
{
	struct buffer out;
	struct view view = {
	    .out = &out, .arena = &cli->arena, .has_colour = cli->wants_colour};

	if (cli->wants_json || page == NULL) {
		show_json(answer);
		return true;
	}
	buffer_init(&out, BODY_BYTES * 4);
	(void)page(&view, answer);
	bool is_out = output_write(buffer_at(&out), buffer_used(&out));
	buffer_finish(&out);
	return is_out;
}

enum cli_exit
monitoring_show(struct cli *cli, const struct fetched *f)
{
	if (!monitoring_print(cli, show_value, f->payload))
		return CLI_UNREACHABLE;
	if (f->status == 200)
		return CLI_OK;
	cli_complain(NULL, "%.*s (HTTP %d)",
	    TEXT_ARG(show_text(f->payload, "message")), f->status);
	return CLI_DEGRADED;
}

/* --- again and again --- */

struct repetition {
	enum cli_exit (*once)(struct cli *);
	uint32_t every_ms;
};

static enum cli_exit
draw_again(struct cli *cli, const void *ctx)
{
	const struct repetition *r = ctx;

	again_draw(cli, r->every_ms);
	return r->once(cli);
}

enum cli_exit
monitoring_repeat(struct cli *cli, const char *fallback_s,
    enum cli_exit (*once)(struct cli *))
{
	const char *typed = options_value(cli, "--interval");
	char *end;
	double seconds = strtod(typed != NULL ? typed : fallback_s, &end);

	if (*end != '\0' || !(seconds >= 0.05 && seconds <= 86400)) {
		cli_complain("--interval 5", "--interval wants seconds");
		return CLI_USAGE;
	}
	const struct repetition r = {once, (uint32_t)(seconds * 1000)};
	return again_run(cli, r.every_ms, draw_again, &r);
}

enum cli_exit
monitoring_output(const struct cli *cli, bool *is_json)
{
	const char *typed = options_value(cli, "--output");

	*is_json =
	    cli->wants_json || (typed != NULL && strcmp(typed, "json") == 0);
	if (typed == NULL || strcmp(typed, "json") == 0 ||
	    strcmp(typed, "table") == 0)
		return CLI_OK;
	cli_complain("table or json", "there is no output \"%s\"", typed);
	return CLI_USAGE;
}

/* --- paths --- */

void
monitoring_segment(char *to, size_t size, struct text value)
{
	size_t at = strlen(to);

	for (uint32_t i = 0; i < value.len && at + 4 < size; i++) {
		unsigned char c = (unsigned char)value.at[i];
		bool is_plain = (c >= 'a' && c <= 'z') ||
		    (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		    strchr("-._~,", c) != NULL;

		at += (size_t)snprintf(
		    to + at, size - at, is_plain ? "%c" : "%%%02X", c);
	}
}

void
monitoring_query(char *to, size_t size, struct text args, const char *key)
{
	struct text value = show_text(args, key);

	if (value.len == 0)
		return;
	snprintf(to + strlen(to), size - strlen(to),
	    "%s%s=", strchr(to, '?') == NULL ? "?" : "&", key);
	monitoring_segment(to, size, value);
}

struct text
monitoring_args(struct cli *cli)
{
	struct buffer args;
	struct text packed = {0};

	buffer_init(&args, 64 << 10);
	if (options_pack(cli, &args) == CLI_OK)
		packed = arena_text(&cli->arena, buffer_text(&args));
	buffer_finish(&args);
	return packed;
}
