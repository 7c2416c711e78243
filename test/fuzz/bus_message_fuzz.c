// SPDX-License-Identifier: MIT
/* bus_message_fuzz - any bytes as a message of the bus. */

#include <stdint.h>
#include <stdlib.h>

#include "protocol/bus_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text raw = {(const char *)data, (uint32_t)size};
	struct text topic, map;

	if (size > 65536)
		return 0;
	if (bus_message_read(raw, TEXT("a secret"), &topic, &map) == BUS_GOOD)
		abort(); /* nobody guesses a signature */
	if (bus_message_read(raw, TEXT(""), &topic, &map) == BUS_ACCEPTED &&
	    topic.len + 1 + map.len != raw.len)
		abort();
	return 0;
}
