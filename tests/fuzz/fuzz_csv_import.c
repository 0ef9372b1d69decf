/* Any bytes as an export of the national platform: every row is accounted for. */
#include <stdlib.h>

#include "manifest/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new((size_t)256 * 1024 * 1024);
	struct import_result r;
	size_t lines = 0;

	expect(arena != NULL);
	if (import_cn_csv(span_of(data, size), arena, &r)) {
		for (size_t i = 0; i < r.records_n; i++) {
			expect(r.records[i].value.lines_n > 0 && r.records[i].row >= 2);
			lines += r.records[i].value.lines_n;
		}
		expect(lines + r.bad == r.seen);
	} else {
		expect(r.records_n == 0 && r.findings_n > 0);
	}
	arena_free(arena);
	return 0;
}
