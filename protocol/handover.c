// SPDX-License-Identifier: MIT
#include "protocol/handover.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "protocol/base/fd.h"

enum err
handover_send(int socket, const struct handover_record *record, int fd)
{
	struct handover_record out = *record;

	out.magic = HANDOVER_MAGIC;
	return fd_send_with(socket, &out, sizeof(out), fd);
}

void
handover_fill(struct handover_record *record, enum handover_kind kind,
    const char *fmt, ...)
{
	va_list args;

	memset(record, 0, sizeof(*record));
	record->magic = HANDOVER_MAGIC;
	record->kind = kind;
	if (fmt == NULL)
		return;
	va_start(args, fmt);
	vsnprintf(record->text, sizeof(record->text), fmt, args);
	va_end(args);
}

enum err
handover_receive(int socket, struct handover_record *record, int *fd)
{
	size_t bytes = 0;
	enum err e =
	    fd_receive_with(socket, record, sizeof(*record), &bytes, fd);

	if (e == ERR_TOO_BIG)
		return ERR_MALFORMED;
	if (e != OK)
		return e;
	if (bytes != sizeof(*record) || record->magic != HANDOVER_MAGIC ||
	    record->kind < HANDOVER_READY ||
	    record->kind > HANDOVER_LAST_WORDS) {
		fd_close(fd);
		return ERR_MALFORMED;
	}
	record->text[HANDOVER_TEXT - 1] = '\0';
	return OK;
}
