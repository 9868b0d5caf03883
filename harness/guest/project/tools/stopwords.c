/* Makes a header of a list of words, one a line. */
#include <stdio.h>
#include <string.h>

int main(void)
{
	char line[64];

	puts("static const char *const stopwords[] = {");
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = 0;
		printf("\t\"%s\",\n", line);
	}
	puts("};");
	return fclose(stdout) ? 1 : 0;
}
