// SPDX-License-Identifier: MIT
#include "supervisor/engine/obituary.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/base/fd.h"
#include "protocol/handover.h"

static const char *
meaning_of_code(int code)
{
	switch (code) {
	case EXIT_ASKED:
		return "as if asked to stop";
	case EXIT_INVARIANT:
		return "one of its invariants did not hold";
	case EXIT_SYSTEM:
		return "the system refused something";
	case EXIT_TRY_AGAIN:
		return "asks to try again";
	case EXIT_SETTINGS:
		return "says its settings are wrong";
	case EXIT_AT_ONCE:
		return "asks to be restarted at once";
	case EXIT_SEGMENT:
		return "found shared memory of another version";
	case EXIT_NEVER_AGAIN:
		return "asks never to be started again";
	default:
		return "no code of ours";
	}
}

/* manner is the first half of the sentence. */
static void
manner(const struct obituary *o, char *to, size_t size)
{
	const struct child_end *end = &o->child->last;
	const char *abbrev = end->signal > 0 ? sigabbrev_np(end->signal) : NULL;

	if (end->reason == REASON_START_FAILED)
		snprintf(to, size, "could not be started: %s",
		    strerror(o->start_errno));
	else if (end->reason == REASON_HANG)
		snprintf(to, size, "hung and was ended by SIG%s",
		    abbrev != NULL ? abbrev : "?");
	else if (end->reason == REASON_START_TIMEOUT)
		snprintf(to, size, "did not say READY in time and was ended");
	else if (end->reason == REASON_OOM)
		snprintf(to, size, "was killed by the kernel, out of memory");
	else if (end->signal > 0)
		snprintf(to, size, "was ended by SIG%s",
		    abbrev != NULL ? abbrev : "?");
	else
		snprintf(to, size, "left with exit code %d (%s)", end->code,
		    meaning_of_code(end->code));
}

/* sequel is what follows from it. */
static void
sequel(const struct obituary *o, char *to, size_t size)
{
	const struct child *c = o->child;

	if (c->is_leaving)
		snprintf(to, size, "that was asked for (%s)",
		    child_reason_name(c->last.reason));
	else if (c->is_paused)
		snprintf(
		    to, size, "supervision was paused, so it was left alone");
	else if (c->deadline_ms == 0)
		snprintf(to, size,
		    c->has_fallen
			? "it ended as it was meant to, or is given up"
			: "it stays down until settings or an operator "
			  "change something");
	else if (c->rest_ms == 0)
		snprintf(to, size, "starts again at once");
	else
		snprintf(to, size, "starts again in %llu ms%s",
		    (unsigned long long)c->rest_ms,
		    c->intensity.is_exhausted ? " (on probation)" : "");
}

void
obituary_sentence(const struct obituary *o, char *to, size_t size)
{
	const struct child *c = o->child;
	char how[160], next[120];
	bool never_began = c->last.reason == REASON_START_FAILED;
	/* a life that could not begin has no number yet */
	uint64_t life = never_began ? c->life + 1 : c->life;
	double lived =
	    never_began ? 0 : (double)(o->now_ms - c->started_ms) / 1000;

	manner(o, how, sizeof(how));
	sequel(o, next, sizeof(next));
	if (o->farewell[0] != '\0')
		snprintf(to, size, "life %llu %s after %.1f s: %.100s; %s",
		    (unsigned long long)life, how, lived, o->farewell, next);
	else
		snprintf(to, size, "life %llu %s after %.1f s; %s",
		    (unsigned long long)life, how, lived, next);
}

/* put_string escapes what JSON or a terminal would trip over. */
static enum err
put_string(struct buffer *out, const char *name, struct text text)
{
	enum err e = buffer_printf(out, ",\"%s\":\"", name);

	for (uint32_t i = 0; e == OK && i < text.len; i++) {
		unsigned char byte = (unsigned char)text.at[i];

		if (byte == '"' || byte == '\\')
			e = buffer_printf(out, "\\%c", byte);
		else if (byte < 0x20 || byte >= 0x7f)
			e = buffer_printf(out, "\\u%04x", byte);
		else
			e = buffer_append(out, &byte, 1);
	}
	return e == OK ? buffer_append_text(out, TEXT("\"")) : e;
}

static enum err
put_usage(struct buffer *out, const struct rusage *u)
{
	return buffer_printf(out,
	    ",\"rusage\":{\"user_us\":%llu,\"system_us\":%llu,"
	    "\"max_rss_kb\":%ld,\"minor_faults\":%ld,\"major_faults\":%ld,"
	    "\"switches\":%ld,\"preempted\":%ld}",
	    (unsigned long long)u->ru_utime.tv_sec * 1000000 +
		(unsigned long long)u->ru_utime.tv_usec,
	    (unsigned long long)u->ru_stime.tv_sec * 1000000 +
		(unsigned long long)u->ru_stime.tv_usec,
	    u->ru_maxrss, u->ru_minflt, u->ru_majflt, u->ru_nvcsw,
	    u->ru_nivcsw);
}

static enum err
put_events(struct buffer *out, const struct obituary *o)
{
	enum err e = buffer_append_text(out, TEXT(",\"events\":["));

	for (uint32_t i = 0; e == OK && i < o->event_count; i++) {
		const struct obituary_event *event = &o->events[i];

		e = buffer_printf(out, "%s{\"wall_us\":%llu", i > 0 ? "," : "",
		    (unsigned long long)event->wall_us);
		if (e == OK)
			e = put_string(out, "event", text_of(event->name));
		if (e == OK)
			e = put_string(out, "text", event->text);
		if (e == OK)
			e = buffer_append_text(out, TEXT("}"));
	}
	return e == OK ? buffer_append_text(out, TEXT("]")) : e;
}

enum err
obituary_json(const struct obituary *o, struct buffer *out)
{
	const struct child *c = o->child;
	const struct child_end *end = &c->last;
	bool has_begun = end->reason != REASON_START_FAILED;
	char sentence[400];

	obituary_sentence(o, sentence, sizeof(sentence));
	enum err e = buffer_printf(out,
	    "{\"wall_ms\":%llu,\"life\":%llu,\"pid\":%d,\"lived_ms\":%llu,"
	    "\"ready_ms\":%llu,\"exit_code\":%d,\"signal\":%d,\"core\":%s,"
	    "\"rest_ms\":%llu,\"failures\":%u,\"probation\":%s",
	    (unsigned long long)o->wall_ms, (unsigned long long)c->life, c->pid,
	    (unsigned long long)(has_begun ? o->now_ms - c->started_ms : 0),
	    (unsigned long long)(c->ready_ms > 0 ? o->now_ms - c->ready_ms : 0),
	    end->code, end->signal, end->has_core ? "true" : "false",
	    (unsigned long long)c->rest_ms, c->intensity.failures,
	    c->intensity.is_exhausted ? "true" : "false");
	const struct {
		const char *name;
		const char *value;
	} texts[] = {{"child", c->spec.name},
	    {"reason", child_reason_name(end->reason)},
	    {"state", child_state_name(end->state)}, {"sentence", sentence},
	    {"farewell", o->farewell}, {"last_words", o->last_line},
	    {"backtrace", o->words}, {"build", o->build}};
	for (size_t i = 0; e == OK && i < COUNT_OF(texts); i++)
		e = put_string(out, texts[i].name, text_of(texts[i].value));
	if (e == OK)
		e = put_usage(out, &end->usage);
	if (e == OK)
		e = put_events(out, o);
	return e == OK ? buffer_append_text(out, TEXT("}\n")) : e;
}

enum {
	PATH_BYTES = 512
};

/* folder_of makes <folder>/<name>, the slash of gateway/1 turned into `-`. */
static enum err
folder_of(const char *folder, const char *name, char to[PATH_BYTES])
{
	int n = snprintf(to, PATH_BYTES, "%s/", folder);

	if (n < 0 || (size_t)n + strlen(name) >= PATH_BYTES - 32)
		return ERR_TOO_BIG;
	for (; *name != '\0'; name++)
		to[n++] = *name == '/' ? '-' : *name;
	to[n] = '\0';
	return OK;
}

enum err
obituary_keep(const char *folder, const char *name, uint64_t number,
    uint32_t most, const struct buffer *document)
{
	char path[PATH_BYTES], file[PATH_BYTES + 32], old[PATH_BYTES + 32];
	enum err e = folder_of(folder, name, path);

	if (e != OK)
		return e;
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return ERR_SYSTEM;
	snprintf(old, sizeof(old), "%s/new", path);
	snprintf(file, sizeof(file), "%s/%08llu.json", path,
	    (unsigned long long)number);
	int fd = open(old, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return ERR_SYSTEM;
	e = fd_write_whole(fd, buffer_at(document), buffer_used(document));
	fd_close(&fd);
	if (e != OK || rename(old, file) < 0) {
		int saved_errno = errno;

		unlink(old);
		errno = saved_errno;
		return ERR_SYSTEM;
	}
	if (number > most) {
		snprintf(old, sizeof(old), "%s/%08llu.json", path,
		    (unsigned long long)(number - most));
		unlink(old); /* not there: a gap in the numbers */
	}
	return OK;
}

uint64_t
obituary_next_number(const char *folder, const char *name)
{
	char path[PATH_BYTES];
	uint64_t highest = 0;
	DIR *dir;

	if (folder_of(folder, name, path) != OK ||
	    (dir = opendir(path)) == NULL)
		return 1;
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		char *end;
		uint64_t number = strtoull(entry->d_name, &end, 10);

		if (strcmp(end, ".json") == 0 && number > highest)
			highest = number;
	}
	closedir(dir);
	return highest + 1;
}
