// SPDX-License-Identifier: MIT
/* load_options - the command line of the load generator. */

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/bench/load.h"

static bool
parse_url(struct run *r, char *url)
{
	static char path[1024];
	char *port, *rest;

	if (strncmp(url, "ws://", 5) != 0)
		return false;
	r->job.host = url + 5;
	port = strchr(url + 5, ':');
	if (port == NULL)
		return false;
	*port++ = '\0';
	r->job.port = (uint16_t)strtoul(port, &rest, 10);
	const char *mount = *rest == '/' ? rest : "/socket";
	size_t bytes = strcspn(mount, "?"); /* a query is for the upgrade */
	snprintf(path, sizeof path, "%.*s/websocket?vsn=2.0.0%s%s", (int)bytes,
	    mount, mount[bytes] == '?' ? "&" : "",
	    mount[bytes] == '?' ? mount + bytes + 1 : "");
	r->job.path = path;
	return r->job.port != 0;
}

static bool
parse_cpu(struct run *r, const char *arg)
{
	struct watched *w = &r->cpus[r->cpu_count];
	const char *pid = strchr(arg, '=');

	if (pid == NULL || r->cpu_count == CPU_MOST ||
	    (size_t)(pid - arg) >= sizeof w->name)
		return false;
	memcpy(w->name, arg, (size_t)(pid - arg));
	w->pid = (pid_t)strtol(pid + 1, NULL, 10);
	r->cpu_count++;
	return w->pid > 0;
}

static const struct option options[] = {
    {"url", required_argument, NULL, 'u'},
    {"connections", required_argument, NULL, 'c'},
    {"pipeline", required_argument, NULL, 'p'},
    {"seconds", required_argument, NULL, 's'},
    {"calls", required_argument, NULL, 'n'},
    {"warmup-ms", required_argument, NULL, 'w'},
    {"timeout-ms", required_argument, NULL, 't'},
    {"topic", required_argument, NULL, 'T'},
    {"event", required_argument, NULL, 'E'},
    {"service", required_argument, NULL, 'S'},
    {"function", required_argument, NULL, 'F'},
    {"args", required_argument, NULL, 'A'},
    {"expect", required_argument, NULL, 'X'},
    {"cpu", required_argument, NULL, 'C'},
    {"kind", required_argument, NULL, 'k'},
    {"echo", no_argument, NULL, 'e'},
    {"idle", no_argument, NULL, 'i'},
    {"marks", no_argument, NULL, 'm'},
    {"no-reconnect", no_argument, NULL, 'r'},
    {NULL, 0, NULL, 0},
};

static bool
set_number(struct run *r, int option, const char *arg)
{
	char *end;
	double value = strtod(arg, &end);

	if (*end != '\0' || end == arg || value < 0)
		return false;
	if (option == 'c')
		r->connections = (uint32_t)value;
	if (option == 'p')
		r->job.pipeline = (uint32_t)value;
	if (option == 's')
		r->seconds_ns = (uint64_t)(value * 1e9);
	if (option == 'n')
		r->job.calls_left = (uint64_t)value;
	if (option == 'w')
		r->warmup_ns = (uint64_t)(value * 1e6);
	if (option == 't')
		r->job.timeout_ns = (uint64_t)(value * 1e6);
	return r->connections > 0 && r->job.pipeline > 0;
}

static bool
set_kind(struct run *r, const char *word)
{
	static const char *const words[] = {
	    [JOB_SYNC] = "sync",
	    [JOB_ASYNC] = "async",
	    [JOB_STREAM] = "stream",
	};

	for (size_t i = 0; i < COUNT_OF(words); i++) {
		if (strcmp(words[i], word) != 0)
			continue;
		r->job.kind = (enum job_kind)i;
		return true;
	}
	return false;
}

static bool
set_option(struct run *r, int option, char *arg)
{
	switch (option) {
	case 'u':
		return parse_url(r, arg);
	case 'C':
		return parse_cpu(r, arg);
	case 'T':
		r->job.topic = arg;
		return true;
	case 'E':
		r->job.event = arg;
		return true;
	case 'S':
		r->job.service = arg;
		return true;
	case 'F':
		r->job.function = arg;
		return true;
	case 'A':
		r->job.args = arg;
		return true;
	case 'X':
		r->job.expect = arg;
		return true;
	case 'k':
		return set_kind(r, arg);
	case 'e':
		r->job.is_echo = true;
		return true;
	case 'i':
		r->is_idle = true;
		return true;
	case 'm':
		r->is_marked = true;
		return true;
	case 'r':
		r->keeps_connecting = false;
		return true;
	default:
		return arg != NULL && set_number(r, option, arg);
	}
}

bool
load_options(struct run *r, int argc, char **argv)
{
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (option == '?' || !set_option(r, option, optarg))
			return false;
	return r->job.port != 0;
}

int
load_usage(void)
{
	fprintf(stderr,
	    "usage: load --url ws://HOST:PORT/MOUNT "
	    "[--connections N] [--pipeline N] [--seconds S] "
	    "[--calls N]\n  [--warmup-ms N] [--timeout-ms N] "
	    "[--topic T] [--event E] [--service S]\n  "
	    "[--function F] [--args JSON] [--expect TEXT] "
	    "[--cpu NAME=PID]... [--kind sync|async|stream] [--echo] "
	    "[--idle] [--marks]\n  "
	    "[--no-reconnect]\n");
	return EXIT_USAGE;
}
