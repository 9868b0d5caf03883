#include <ctype.h>
#include <string.h>
#include "tally/count.h"
#include "tally/stopwords.h"

static int says_nothing(const char *word)
{
	size_t i;

	for (i = 0; i < sizeof(stopwords) / sizeof(*stopwords); i++)
		if (!strcmp(word, stopwords[i]))
			return 1;
	return 0;
}

long tally_count(FILE *from, struct table *table)
{
	char word[64];
	size_t length = 0;
	long words = 0;
	int c;

	do {
		c = getc(from);
		if (c != EOF && isalpha(c)) {
			if (length < sizeof(word) - 1)
				word[length++] = tolower(c);
			continue;
		}
		word[length] = 0;
		if (length && !says_nothing(word)) {
			if (!table_add(table, word))
				return -1;
			words++;
		}
		length = 0;
	} while (c != EOF);
	return words;
}
