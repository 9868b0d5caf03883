#ifndef TALLY_TABLE_H
#define TALLY_TABLE_H

#include <stddef.h>

struct entry {
	char *word;
	long times;
};

struct table {
	struct entry *entries;
	size_t used, room;
};

/* Counts a word once more; 0 if there is no memory. */
int table_add(struct table *table, const char *word);
/* The most frequent first, those of the same count by the alphabet. */
void table_sort(struct table *table);
void table_free(struct table *table);

#endif
