// SPDX-License-Identifier: MIT
#include "workers/gateway/notes.h"

bool
notes_take(struct notes *n, uint64_t now_ms, uint64_t *unnoted)
{
	if (n->second != now_ms / 1000) {
		n->second = now_ms / 1000;
		n->count = 0;
	}
	if (n->count == NOTES_A_SECOND) {
		n->unnoted++;
		return false;
	}
	n->count++;
	*unnoted = n->unnoted;
	n->unnoted = 0;
	return true;
}
