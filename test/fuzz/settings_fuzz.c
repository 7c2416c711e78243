// SPDX-License-Identifier: MIT
/* settings_fuzz - any bytes as a settings file; what passes must be readable.
 */

#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "protocol/settings.h"
#include "protocol/settings_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct settings_problems problems;
	struct settings_request request = {.file = "fuzz"};
	struct text text = {(const char *)data, (uint32_t)size};
	struct settings *s;
	char line[1024];
	int fd;

	if (settings_read_text(&request, text, &fd, &problems) != OK) {
		/* a refusal always says why */
		if (problems.count == 0)
			abort();
		settings_problem_line(
		    &problems.at[0], "fuzz", line, sizeof(line));
		return 0;
	}
	if (settings_open(fd, &s) != OK)
		abort();
	for (uint32_t i = 0; i < SETTINGS; i++)
		if (setting_rows[i].type >= SETTING_TEXTS &&
		    pack_check(settings_list(s, i),
			(struct pack_limits){PACK_DEPTH, 500000}) != OK)
			abort();
	settings_close(&s);
	close(fd);
	return 0;
}
