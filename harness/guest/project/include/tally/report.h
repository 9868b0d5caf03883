#ifndef TALLY_REPORT_H
#define TALLY_REPORT_H

#include <stdio.h>
#include "tally/table.h"

void tally_report(FILE *to, const struct table *table, size_t most);

#endif
