/* Owns the findings, and the last check that a record fits the event. */
#include "manifest/import.h"

#include <stdlib.h>

#include "base/text.h"

enum { FINDINGS_MAX = 100000, QUOTE_MAX = 80 };

static const char *keep(struct arena *arena, const char *text)
{
	struct span copy = arena_copy(arena, span_str(text == NULL ? "" : text));

	return copy.p == NULL ? "" : (const char *)copy.p;
}

void import_find(struct import_result *r, const struct import_finding *finding)
{
	if (r->findings_n == r->findings_cap) {
		size_t cap = 2 * r->findings_cap + 64;
		struct import_finding *grown =
		    cap > FINDINGS_MAX ? NULL : arena_array(r->arena, cap, sizeof(*grown));
		if (grown == NULL) {
			r->findings_more++;
			return;
		}
		if (r->findings_n > 0)
			memcpy(grown, r->findings, r->findings_n * sizeof(*grown));
		r->findings = grown;
		r->findings_cap = cap;
	}
	struct import_finding f = *finding;
	f.column = keep(r->arena, f.column);
	f.found = keep(r->arena, f.found);
	f.allowed = keep(r->arena, f.allowed);
	r->findings[r->findings_n++] = f;
}

const char *import_quote(struct import_result *r, struct span s)
{
	size_t n = s.n;

	if (n > QUOTE_MAX)
		for (n = QUOTE_MAX; n > 0 && (s.p[n] & 0xC0) == 0x80; n--)
			;
	if (!text_is_clean(span_of(s.p, n)))
		return "?";
	const char *text = arena_printf(r->arena, "%.*s%s", (int)n, (const char *)s.p, n < s.n ? "…" : "");
	return text == NULL ? "" : text;
}

bool import_check(struct import_result *r, const struct imported *value, unsigned row)
{
	struct event e = {.kind = EVENT_IMPORTED, .occurred_at = 1, .signers_n = 1, .imported = *value};
	struct arena *arena = arena_new((size_t)4 * REQUEST_MEMORY);
	struct problems problems = {.arena = arena};
	struct buffer payload = BUFFER_EMPTY;
	struct event again;
	bool good = false;

	/* A signer and a source such as there will be. */
	e.signers[0] = (struct signer){.keyid = {{1}}, .number = 1};
	e.imported.source_sha256 = (struct digest){{1}};
	if (arena != NULL && event_encode(&e, &payload))
		good = event_decode(buffer_span(&payload), arena, &problems, &again);
	for (const struct problem *p = problems.first; p != NULL; p = p->next)
		import_find(r, &(struct import_finding){.what = IMPORT_BAD,
							.record = value->record,
							.row = row,
							.column = p->path,
							.found = p->found,
							.allowed = p->allowed,
							.en = p->rule->en,
							.zh = p->rule->zh});
	if (!good && problems.first == NULL)
		import_find(r, &(struct import_finding){.what = IMPORT_BAD,
							.record = value->record,
							.row = row,
							.en = "the record is too large for one event",
							.zh = "记录过大，无法写入一个事件"});
	buffer_free(&payload);
	arena_free(arena);
	return good;
}
