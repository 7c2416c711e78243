// SPDX-License-Identifier: MIT
/* options_short - `-c` for `--cluster`. */

#include <ctype.h>
#include <string.h>

#include "supervisor/cli/options.h"

static bool
is_short(const char *typed)
{
	return typed[0] == '-' && isalpha((unsigned char)typed[1]) != 0 &&
	    typed[2] == '\0';
}

/* meant gives the option that was typed, short or whole, or NULL. */
static const struct option_word *
meant(const struct option_word *words, uint32_t count, const char *typed)
{
	const struct option_word *found = NULL;

	for (uint32_t i = 0; i < count; i++) {
		if (!words[i].is_option)
			continue;
		if (strcmp(words[i].name, typed) == 0)
			return &words[i];
		if (is_short(typed) && words[i].name[2] == typed[1]) {
			if (found != NULL)
				return NULL; /* could be either */
			found = &words[i];
		}
	}
	return found;
}

void
options_expand(struct cli *cli)
{
	struct option_word words[OPTIONS_WORDS];
	uint32_t count = options_words(cli->command->arguments, words);

	for (int i = 0; i < cli->argc; i++) {
		const struct option_word *word =
		    meant(words, count, cli->argv[i]);

		if (word == NULL)
			continue;
		cli->argv[i] = arena_string(&cli->arena, text_of(word->name));
		if (word->takes_value)
			i++;
	}
}
