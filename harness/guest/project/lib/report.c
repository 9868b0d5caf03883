#include "tally/report.h"

void tally_report(FILE *to, const struct table *table, size_t most)
{
	size_t i;

	fprintf(to, "the most frequent of %lu words:\n", (unsigned long)table->used);
	for (i = 0; i < table->used && i < most; i++)
		fprintf(to, "%4ld %s\n", table->entries[i].times, table->entries[i].word);
}
