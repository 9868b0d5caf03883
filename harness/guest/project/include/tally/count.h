#ifndef TALLY_COUNT_H
#define TALLY_COUNT_H

#include <stdio.h>
#include "tally/table.h"

/* Counts the words of a stream, but for those that say nothing. */
long tally_count(FILE *from, struct table *table);

#endif
