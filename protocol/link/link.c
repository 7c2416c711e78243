// SPDX-License-Identifier: MIT
#include "protocol/link/link.h"

#include "protocol/base/err.h"

const char *
link_fault_name(enum link_fault fault)
{
	static const char *const names[] = {
	    [LINK_FAULT_none] = "none",
	    [LINK_FAULT_refused] = "refused",
	    [LINK_FAULT_closed] = "closed",
	    [LINK_FAULT_handshake] = "handshake",
	    [LINK_FAULT_hello] = "hello",
	    [LINK_FAULT_garbage] = "garbage",
	    [LINK_FAULT_too_big] = "too_big",
	    [LINK_FAULT_gap] = "gap",
	    [LINK_FAULT_boot] = "boot",
	    [LINK_FAULT_dead] = "dead",
	    [LINK_FAULT_twice] = "twice",
	    [LINK_FAULT_denied] = "denied",
	    [LINK_FAULT_stopped] = "stopped",
	};

	return (size_t)fault < COUNT_OF(names) ? names[fault] : "unknown";
}
