#include <stdlib.h>
#include <string.h>
#include "tally/table.h"

static int order(const void *a, const void *b)
{
	const struct entry *left = a, *right = b;

	if (left->times != right->times)
		return left->times < right->times ? 1 : -1;
	return strcmp(left->word, right->word);
}

int table_add(struct table *table, const char *word)
{
	struct entry *entries;
	size_t i;

	for (i = 0; i < table->used; i++)
		if (!strcmp(table->entries[i].word, word)) {
			table->entries[i].times++;
			return 1;
		}
	if (table->used == table->room) {
		entries = realloc(table->entries, (table->room + 16) * sizeof(*entries));
		if (!entries)
			return 0;
		table->entries = entries;
		table->room += 16;
	}
	entries = table->entries + table->used;
	entries->word = malloc(strlen(word) + 1);
	if (!entries->word)
		return 0;
	strcpy(entries->word, word);
	entries->times = 1;
	table->used++;
	return 1;
}

void table_sort(struct table *table)
{
	qsort(table->entries, table->used, sizeof(*table->entries), order);
}

void table_free(struct table *table)
{
	size_t i;

	for (i = 0; i < table->used; i++)
		free(table->entries[i].word);
	free(table->entries);
}
