/* Any bytes as a US e-Manifest file: every record is accounted for, and what is carried fits its event. */
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
	struct arena *arena = arena_new((size_t)64 * 1024 * 1024);
	struct import_result r;

	expect(arena != NULL);
	bool read = import_us_json(span_of(data, size), arena, &r);
	expect(read || (r.records_n == 0 && r.findings_n == 1));
	expect(!read || r.seen == r.bad + r.records_n);
	for (size_t i = 0; i < r.records_n; i++) {
		expect(r.records[i].value.record >= 1 && r.records[i].value.record <= r.seen);
		expect(r.records[i].value.foreign_number.n > 0);
	}
	arena_free(arena);
	return 0;
}
