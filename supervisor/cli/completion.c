// SPDX-License-Identifier: MIT
/* completion - words for the shells, made from the table of commands. */

#include <stdio.h>
#include <string.h>

#include "protocol/role.h"
#include "supervisor/cli/local.h"
#include "supervisor/cli/options.h"

static const char common[] =
    "--json --watch --timeout --runtime-dir --no-color --help";

static bool
is_first_of_noun(size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (strcmp(command_infos[i].noun, command_infos[at].noun) == 0)
			return false;
	return true;
}

static void
print_nouns(void)
{
	const char *gap = "";

	for (size_t i = 0; i < command_count; i++)
		if (is_first_of_noun(i)) {
			printf("%s%s", gap, command_infos[i].noun);
			gap = " ";
		}
}

/* print_second prints what may follow a noun: verbs, roles, options. */
static void
print_second(const char *noun)
{
	struct option_word words[OPTIONS_WORDS];

	for (size_t i = 0; i < command_count; i++) {
		const struct command_info *info = &command_infos[i];

		if (strcmp(info->noun, noun) != 0)
			continue;
		if (info->verb[0] != '\0')
			printf("%s ", info->verb);
		uint32_t count = options_words(info->arguments, words);
		for (uint32_t k = 0; k < count; k++)
			if (words[k].is_option)
				printf("%s ", words[k].name);
			else if (strcmp(words[k].key, "role") == 0)
				for (int r = 1; r < ROLE_WORKERS_END; r++)
					printf("%s ", role_name((enum role)r));
			else if (strcmp(words[k].key, "choice") == 0)
				printf("bash zsh ");
	}
	printf("%s", common);
}

static void
print_bash(void)
{
	printf("# banyan completion bash; in ~/.bashrc: "
	       "eval \"$(banyan completion bash)\"\n"
	       "_banyan() {\n"
	       "  local word=${COMP_WORDS[COMP_CWORD]} words\n"
	       "  if [ \"$COMP_CWORD\" = 1 ]; then\n"
	       "    words=\"");
	print_nouns();
	printf("\"\n"
	       "  else\n"
	       "    case ${COMP_WORDS[1]} in\n");
	for (size_t i = 0; i < command_count; i++) {
		if (!is_first_of_noun(i))
			continue;
		printf("      %s) words=\"", command_infos[i].noun);
		print_second(command_infos[i].noun);
		printf("\" ;;\n");
	}
	printf("      *) words=\"%s\" ;;\n"
	       "    esac\n"
	       "  fi\n"
	       "  COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
	       "}\n"
	       "complete -o default -F _banyan banyan\n",
	    common);
}

static void
print_zsh(void)
{
	printf("#compdef banyan\n"
	       "# banyan completion zsh > \"${fpath[1]}/_banyan\"\n"
	       "_banyan() {\n"
	       "  if (( CURRENT == 2 )); then\n"
	       "    compadd -- ");
	print_nouns();
	printf("\n    return\n"
	       "  fi\n"
	       "  case $words[2] in\n");
	for (size_t i = 0; i < command_count; i++) {
		if (!is_first_of_noun(i))
			continue;
		printf("    %s) compadd -- ", command_infos[i].noun);
		print_second(command_infos[i].noun);
		printf(" ;;\n");
	}
	printf("  esac\n"
	       "}\n"
	       "compdef _banyan banyan\n");
}

enum cli_exit
local_completion(struct cli *cli)
{
	const char *shell = cli->argc > 0 ? cli->argv[0] : "";

	if (strcmp(shell, "bash") == 0) {
		print_bash();
	} else if (strcmp(shell, "zsh") == 0) {
		print_zsh();
	} else {
		cli_complain(
		    "usage: banyan completion bash|zsh", "for which shell?");
		return CLI_USAGE;
	}
	return CLI_OK;
}
