// SPDX-License-Identifier: MIT
/*
 * replay - runs a fuzz target over files or folders of inputs, no libFuzzer
 * needed: every finding stays a test.
 */

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned ran;

/* run_file copies into memory of the exact size, so a step too far is seen. */
static void
run_file(const char *path)
{
	struct stat facts;
	FILE *file = fopen(path, "rb");

	if (file == NULL || fstat(fileno(file), &facts) != 0) {
		perror(path);
		exit(2);
	}
	size_t size = (size_t)facts.st_size;
	uint8_t *data = malloc(size > 0 ? size : 1);
	if (data == NULL || fread(data, 1, size, file) != size)
		exit(2);
	fclose(file);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	ran++;
}

static void
run_path(const char *path)
{
	struct stat facts;
	struct dirent *entry;

	if (stat(path, &facts) != 0) {
		perror(path);
		exit(2);
	}
	if (!S_ISDIR(facts.st_mode)) {
		run_file(path);
		return;
	}
	DIR *folder = opendir(path);
	while (folder != NULL && (entry = readdir(folder)) != NULL) {
		char inside[4096];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(inside, sizeof(inside), "%s/%s", path, entry->d_name);
		run_file(inside);
	}
	if (folder != NULL)
		closedir(folder);
}

int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		run_path(argv[i]);
	printf("%u inputs survived\n", ran);
	return ran > 0 ? 0 : 1;
}
