// SPDX-License-Identifier: MIT
/*
 * scaling_cycle - how the function table takes many writers at once: each
 * cycle adds a function, disables it, and deletes it again.
 *
 * The functions belong to a service nobody has, so no call ever meets them.
 * What an interrupted run left behind is deleted by the next one.
 */

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "protocol/base/clock.h"
#include "protocol/endpoint.h"
#include "supervisor/cli/local.h"
#include "supervisor/cli/scaling.h"
#include "supervisor/cli/show.h"

enum {
	WRITERS = 10,
	ASK_MS = 10000,
	ARGS_BYTES = 4096,
};

#define CYCLE_SERVICE "banyan_diagnose"

struct writer {
	pthread_t thread;
	bool has_thread;
	const char *path;
	uint32_t first;
	uint32_t count;
	double ms[SCALING_CYCLES];
	uint32_t done, failed;
	char reason[SCALING_REASON];
};

static void
pack_names(struct packer *p, uint32_t fields, const char *key, uint32_t i)
{
	char name[32];

	snprintf(name, sizeof(name), "cycle_%u", i);
	pack_map(p, fields);
	pack_field_string(p, "service", CYCLE_SERVICE);
	pack_field_string(p, key, name);
}

static void
pack_new(struct packer *p, uint32_t i)
{
	pack_map(p, 1);
	pack_string(p, "json");
	pack_names(p, 4, "request_type", i);
	pack_string(p, "nodes");
	pack_array(p, 1);
	pack_string(p, CYCLE_SERVICE);
	pack_string(p, "mfa");
	pack_map(p, 3);
	pack_field_string(p, "module", CYCLE_SERVICE);
	pack_field_string(p, "function", "cycle");
	pack_string(p, "args");
	pack_array(p, 0);
}

/* ask sends one order; false: the reason is kept. */
static bool
ask(struct writer *w, const char *op, uint32_t i, bool is_new)
{
	struct buffer args;
	struct packer p;
	struct reply reply;
	enum err e;
	bool is_ok;

	buffer_init(&args, ARGS_BYTES);
	pack_init(&p, &args);
	if (is_new)
		pack_new(&p, i);
	else
		pack_names(&p, 2, "function", i);
	e = request_ask(&(struct request){.path = w->path,
			    .op = op,
			    .args = buffer_text(&args),
			    .timeout_ms = ASK_MS},
	    &reply);
	is_ok = e == OK && reply.is_ok;
	if (!is_ok && w->reason[0] == '\0')
		snprintf(w->reason, sizeof(w->reason), "%s: %.*s", op,
		    e == OK ? (int)reply.message.len : (int)strlen(err_name(e)),
		    e == OK ? reply.message.at : err_name(e));
	request_finish(&reply);
	buffer_finish(&args);
	return is_ok;
}

static void *
cycle(void *ctx)
{
	struct writer *w = ctx;

	for (uint32_t i = w->first; i < w->first + w->count; i++) {
		uint64_t began_us = clock_mono_us();
		bool is_good = ask(w, "functions.update", i, true) &&
		    ask(w, "functions.disable", i, false);

		/* whatever came of it, nothing is left behind */
		is_good = ask(w, "functions.delete", i, false) && is_good;
		if (!is_good) {
			w->failed++;
			continue;
		}
		w->ms[w->done++] = (double)(clock_mono_us() - began_us) / 1e3;
	}
	return NULL;
}

static void
gather(const struct writer *w, struct scaling_cycles *c)
{
	for (uint32_t i = 0; i < w->done; i++) {
		if (c->done == 0 || w->ms[i] < c->min_ms)
			c->min_ms = w->ms[i];
		if (w->ms[i] > c->max_ms)
			c->max_ms = w->ms[i];
		c->avg_ms += w->ms[i];
		c->done++;
	}
	c->failed += w->failed;
	if (c->reason[0] == '\0')
		snprintf(c->reason, sizeof(c->reason), "%s", w->reason);
}

/* table_size counts the functions there are. */
static uint64_t
table_size(struct cli *cli)
{
	struct reply reply;
	struct unpacker u;
	uint32_t count = 0;

	if (remote_ask(cli, "functions.list", TEXT("\x80"), &reply) != CLI_OK)
		return 0;
	unpack_init(&u, reply.result);
	if (!reply.is_ok || unpack_array(&u, &count) != OK)
		count = 0;
	request_finish(&reply);
	return count;
}

void
scaling_cycle(struct cli *cli, struct scaling_cycles *c)
{
	struct writer *writers =
	    ARENA_ARRAY(&cli->arena, struct writer, WRITERS);
	const char *folder = remote_folder(cli);
	char path[ENDPOINT_PATH];
	uint64_t began_us = clock_mono_us();

	*c = (struct scaling_cycles){0};
	if (folder == NULL ||
	    endpoint_path(folder, ROLE_control, 0, path) != OK) {
		c->failed = SCALING_CYCLES;
		snprintf(c->reason, sizeof(c->reason), "no run folder");
		return;
	}
	for (uint32_t i = 0; i < WRITERS; i++) {
		writers[i].path = path;
		writers[i].first = i * SCALING_CYCLES / WRITERS;
		writers[i].count =
		    (i + 1) * SCALING_CYCLES / WRITERS - writers[i].first;
		writers[i].has_thread = pthread_create(&writers[i].thread, NULL,
					    cycle, &writers[i]) == 0;
		if (!writers[i].has_thread)
			cycle(&writers[i]);
	}
	for (uint32_t i = 0; i < WRITERS; i++) {
		if (writers[i].has_thread)
			pthread_join(writers[i].thread, NULL);
		gather(&writers[i], c);
	}
	c->total_s = (double)(clock_mono_us() - began_us) / 1e6;
	if (c->done > 0)
		c->avg_ms /= c->done;
	c->table_size = table_size(cli);
}
