// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * backtrace() of glibc loads libgcc_s when it is first called, so it would have
 * to be called at every start, which takes a quarter of a millisecond of each
 * restart. Its unwinder is linked into us instead (-static-libgcc) and needs no
 * preparation. The table of loaded modules is taken beforehand. So the handler
 * only reads memory, formats by hand and calls write and send.
 */

#include "workers/kit/last_words.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <unwind.h>

#include "protocol/base/err.h"
#include "protocol/handover.h"
#include "protocol/stats.h"

enum {
	MODULES = 48,
	FRAMES = 48,
	LINE = 200,
	STACK = 64 << 10
};

struct module {
	char name[40];
	uintptr_t base;
	uintptr_t end;
};

static struct {
	char who[48];
	struct stats_slot *slot;
	struct module modules[MODULES];
	size_t module_count;
	volatile sig_atomic_t is_dying;
	char request_path[128];
	_Alignas(16) char stack[STACK];
} state;

/* --- formatting without stdio --- */

static size_t
put(char *to, size_t at, const char *text)
{
	while (*text != '\0' && at < LINE - 1)
		to[at++] = *text++;
	to[at] = '\0';
	return at;
}

static size_t
put_number(char *to, size_t at, uint64_t number, unsigned base)
{
	char digits[24];
	size_t n = sizeof(digits) - 1;

	digits[n] = '\0';
	do {
		digits[--n] = "0123456789abcdef"[number % base];
		number /= base;
	} while (number > 0);
	return put(to, at, digits + n);
}

/* signal_word: strsignal may allocate. */
static const char *
signal_word(int number)
{
	switch (number) {
	case SIGSEGV:
		return "SIGSEGV";
	case SIGBUS:
		return "SIGBUS";
	case SIGFPE:
		return "SIGFPE";
	case SIGILL:
		return "SIGILL";
	case SIGABRT:
		return "SIGABRT";
	case SIGSYS:
		return "SIGSYS";
	default:
		return "signal";
	}
}

static size_t
put_frame(char *to, size_t at, uintptr_t address)
{
	for (size_t i = 0; i < state.module_count; i++) {
		const struct module *m = &state.modules[i];

		if (address < m->base || address >= m->end)
			continue;
		at = put(to, at, m->name);
		at = put(to, at, "+0x");
		return put_number(to, at, address - m->base, 16);
	}
	at = put(to, at, "0x");
	return put_number(to, at, address, 16);
}

/* --- the handler --- */

static void
send_piece(struct handover_record *record)
{
	ssize_t n = send(
	    FD_PARENT, record, sizeof(*record), MSG_NOSIGNAL | MSG_DONTWAIT);

	(void)n; /* a parent that is gone hears nothing */
	memset(record->text, 0, sizeof(record->text));
}

struct frames {
	uintptr_t at[FRAMES];
	int count;
};

static _Unwind_Reason_Code
note_frame(struct _Unwind_Context *context, void *ctx)
{
	struct frames *frames = ctx;
	uintptr_t at = _Unwind_GetIP(context);

	if (at == 0 || frames->count == FRAMES)
		return _URC_END_OF_STACK;
	frames->at[frames->count++] = at;
	return _URC_NO_REASON;
}

static void
send_backtrace(const char *headline)
{
	static struct handover_record record;
	static struct frames frames;
	size_t used = put(record.text, 0, headline);

	record.magic = HANDOVER_MAGIC;
	record.kind = HANDOVER_LAST_WORDS;
	_Unwind_Backtrace(note_frame, &frames);
	for (int i = 0; i < frames.count; i++) {
		char line[LINE];
		size_t len = put_frame(line, put(line, 0, "  "), frames.at[i]);

		len = put(line, len, "\n");
		if (used + len >= sizeof(record.text)) {
			send_piece(&record);
			used = 0;
		}
		memcpy(record.text + used, line, len);
		used += len;
	}
	if (used > 0)
		send_piece(&record);
}

static void
die_talking(int number, siginfo_t *info, void *context)
{
	char line[LINE];
	size_t at = 0;

	(void)context;
	if (!state.is_dying) {
		state.is_dying = 1;
		at = put(line, at, state.who);
		at = put(line, at, ": ");
		at = put(line, at, signal_word(number));
		if (info->si_code > 0) { /* from the kernel, not from kill */
			at = put(line, at, " at 0x");
			at = put_number(line, at, (uintptr_t)info->si_addr, 16);
		} else {
			at = put(line, at, " from pid ");
			at = put_number(line, at, (uint64_t)info->si_pid, 10);
		}
		if (state.slot != NULL)
			stats_last_words(state.slot, line);
		at = put(line, at, "\n");
		ssize_t n = write(STDERR_FILENO, line, at);
		(void)n;
		send_backtrace(line);
	}
	/* SA_RESETHAND put the default back; returning would retry the fault,
	 * which for abort() and kill() is not enough. */
	raise(number);
}

static int
note_module(struct dl_phdr_info *info, size_t size, void *ctx)
{
	struct module *m = &state.modules[state.module_count];
	const char *name = strrchr(info->dlpi_name, '/');
	uintptr_t end = 0;

	(void)size;
	if (state.module_count == MODULES)
		return 1;
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_LOAD &&
		    info->dlpi_phdr[i].p_vaddr + info->dlpi_phdr[i].p_memsz >
			end)
			end = info->dlpi_phdr[i].p_vaddr +
			    info->dlpi_phdr[i].p_memsz;
	if (info->dlpi_name[0] == '\0')
		name = ctx; /* the program itself */
	else
		name = name != NULL ? name + 1 : info->dlpi_name;
	size_t len = strnlen(name, sizeof(m->name) - 1);
	memcpy(m->name, name, len);
	m->base = info->dlpi_addr;
	m->end = info->dlpi_addr + end;
	state.module_count++;
	return 0;
}

void
last_words_prepare(const char *who, struct stats_slot *slot)
{
	static const int fatal[] = {
	    SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS};
	struct sigaction action = {.sa_sigaction = die_talking,
	    .sa_flags = (int)(SA_SIGINFO | SA_ONSTACK | SA_RESETHAND)};
	stack_t stack = {.ss_sp = state.stack, .ss_size = STACK};
	char program[40] = {0};
	size_t len = strnlen(who, sizeof(state.who) - 1);
	memcpy(state.who, who, len);
	for (size_t i = 0;
	     i < sizeof(program) - 1 && who[i] != '\0' && who[i] != '/'; i++)
		program[i] = who[i];
	state.slot = slot;
	state.module_count = 0;
	dl_iterate_phdr(note_module, program);
	sigaltstack(&stack, NULL);
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < COUNT_OF(fatal); i++)
		sigaction(fatal[i], &action, NULL);
}

/* talk_on writes the backtrace to a file of its own; errno is the caller's. */
static void
talk_on(int number)
{
	struct frames frames = {.count = 0};
	int kept = errno;
	int fd = open(state.request_path,
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

	(void)number;
	if (fd >= 0) {
		_Unwind_Backtrace(note_frame, &frames);
		for (int i = 0; i < frames.count; i++) {
			char line[LINE];
			size_t len = put_frame(line, 0, frames.at[i]);

			len = put(line, len, "\n");
			ssize_t n = write(fd, line, len);
			(void)n; /* a full disk costs the page a line */
		}
		ssize_t n = write(fd, ".\n", 2); /* it is whole */
		(void)n;
		close(fd);
	}
	errno = kept;
}

void
last_words_on_request(const char *path)
{
	struct sigaction action = {
	    .sa_handler = talk_on, .sa_flags = SA_RESTART};
	size_t len = strnlen(path, sizeof(state.request_path) - 1);

	memcpy(state.request_path, path, len);
	sigemptyset(&action.sa_mask);
	sigaction(LAST_WORDS_SIGNAL, &action, NULL);
}
