/* The compact form of a manifest: whatever is accepted is in its only form, and safe to ask and to copy. */
#include <stdlib.h>

#include "core/flags.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct manifest m;
static struct manifest copy;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buffer again = BUFFER_EMPTY;
	struct event e = {.kind = EVENT_LOADED};
	struct digest standing;
	struct flag_list list;

	if (!manifest_decode(span_of(data, size), &m))
		return 0;
	manifest_copy(&copy, &m);
	if (!manifest_encode(&copy, &again) || !span_eq(buffer_span(&again), span_of(data, size)))
		abort();
	for (size_t i = 0; i < m.rivals_n; i++) {
		e.previous = m.rivals[i].id;
		(void)manifest_chain(&m, &e, &standing);
	}
	struct arena *arena = arena_new(65536);
	if (arena != NULL && !flags_due(&m, INT64_MAX, arena, &list))
		abort();
	if (arena != NULL && manifest_due_at(&m) != 0)
		abort(); /* the sweep leaves nothing behind */
	arena_free(arena);
	buffer_free(&again);
	return 0;
}
