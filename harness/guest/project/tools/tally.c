/* tally FILE...: the words that occur most often. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "tally/count.h"
#include "tally/report.h"

#define MOST 5

int main(int argc, char **argv)
{
	struct table table = { 0 };
	FILE *from;
	int i, bad = 0;

	if (argc < 2) {
		fprintf(stderr, "tally %s: tally FILE...\n", VERSION);
		return 2;
	}
	for (i = 1; i < argc; i++) {
		from = fopen(argv[i], "r");
		if (!from || tally_count(from, &table) < 0) {
			fprintf(stderr, "tally: %s: %s\n", argv[i], strerror(errno));
			bad = 1;
		}
		if (from)
			fclose(from);
	}
	table_sort(&table);
	tally_report(stdout, &table, MOST);
	table_free(&table);
	return bad;
}
