/* Owns which finding is the cause and which a consequence. */
#include "manifest/findings.h"

#include <inttypes.h>
#include <stdlib.h>

#include "manifest/jsontext.h"
#include "manifest/print.h"

enum { REMEMBERED_MAX = 100000 };

static size_t place(const uint64_t *sorted, size_t n, uint64_t v)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (sorted[middle] < v)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool has(const uint64_t *sorted, size_t n, uint64_t v)
{
	size_t at = place(sorted, n, v);

	return at < n && sorted[at] == v;
}

static void remember(struct findings *f, uint64_t **sorted, size_t *n, uint64_t v)
{
	size_t at = place(*sorted, *n, v);

	if ((at < *n && (*sorted)[at] == v) || *n == REMEMBERED_MAX)
		return;
	uint64_t *grown = realloc(*sorted, (*n + 1) * sizeof(v));
	if (grown == NULL) {
		f->no_memory = true;
		return;
	}
	memmove(grown + at + 1, grown + at, (*n - at) * sizeof(v));
	grown[at] = v;
	*sorted = grown;
	(*n)++;
}

/* Of the log itself: rows that do not fit are its consequences. */
static bool is_of_log(const struct finding *finding)
{
	return strncmp(finding->what, "entry.", 6) == 0 || strncmp(finding->what, "flag.", 5) == 0 ||
	       strcmp(finding->what, "rule") == 0;
}

static bool is_of_history(const struct finding *finding)
{
	return strcmp(finding->what, "checkpoint") == 0 || strcmp(finding->what, "tree.root") == 0 ||
	       (strcmp(finding->what, "tree.tile") == 0 && finding->entry == FINDING_NO_ENTRY);
}

static bool follows(struct findings *f, const struct finding *finding)
{
	if (is_of_history(finding)) {
		bool told = f->history;
		f->history = true;
		return told;
	}
	if (finding->entry != FINDING_NO_ENTRY && !is_of_log(finding) &&
	    has(f->entries, f->entries_n, finding->entry))
		return true;
	return finding->number != 0 && has(f->numbers, f->numbers_n, finding->number) &&
	       (!is_of_log(finding) || has(f->entries, f->entries_n, finding->entry) ||
		strcmp(finding->what, "entry.bytes") != 0);
}

void findings_add(struct findings *f, const struct finding *finding)
{
	if (follows(f, finding)) {
		f->followers++;
		return;
	}
	if (is_of_log(finding) && finding->entry != FINDING_NO_ENTRY)
		remember(f, &f->entries, &f->entries_n, finding->entry);
	if (is_of_log(finding) && finding->number != 0)
		remember(f, &f->numbers, &f->numbers_n, finding->number);
	if (f->n == f->limit) {
		f->more++;
		return;
	}
	if (f->n == f->cap) {
		size_t cap = f->cap == 0 ? 16 : 2 * f->cap;
		struct finding *grown = realloc(f->list, cap * sizeof(*grown));
		if (grown == NULL) {
			f->no_memory = true;
			f->more++;
			return;
		}
		f->list = grown;
		f->cap = cap;
	}
	f->list[f->n++] = *finding;
}

void findings_hold(struct findings *f, uint64_t place, const struct finding *finding)
{
	if (f->held_n == f->held_cap) {
		size_t cap = f->held_cap == 0 ? 16 : 2 * f->held_cap;
		struct held *grown = realloc(f->held, cap * sizeof(*grown));
		if (grown == NULL) {
			f->no_memory = true;
			findings_add(f, finding);
			return;
		}
		f->held = grown;
		f->held_cap = cap;
	}
	size_t at = f->held_n++;
	for (; at > 0 && f->held[at - 1].place > place; at--)
		f->held[at] = f->held[at - 1];
	f->held[at] = (struct held){place, *finding};
}

void findings_release(struct findings *f, uint64_t place)
{
	size_t n = 0;

	while (n < f->held_n && f->held[n].place < place)
		findings_add(f, &f->held[n++].finding);
	f->held_n -= n;
	if (n > 0)
		memmove(f->held, f->held + n, f->held_n * sizeof(*f->held));
}

bool findings_any(const struct findings *f)
{
	return f->n > 0 || f->more > 0 || f->followers > 0;
}

void findings_free(struct findings *f)
{
	free(f->list);
	free(f->held);
	free(f->entries);
	free(f->numbers);
}

static json_t *json_of(const struct finding *f)
{
	json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "what", f->what, "table", f->table, "key",
			      f->key, "column", f->column, "en", f->en, "zh", f->zh);

	if (o != NULL && f->entry != FINDING_NO_ENTRY)
		(void)json_object_set_new(o, "entry", json_of_u64(f->entry));
	return o;
}

void findings_say(struct app *app, const struct findings *f)
{
	json_t *list = json_array();

	for (size_t i = 0; i < f->n; i++) {
		const struct finding *one = &f->list[i];
		(void)json_array_append_new(list, json_of(one));
		if (one->entry != FINDING_NO_ENTRY)
			app_say(app, T(app, "%s%s%s entry %" PRIu64 ": %s", "%s%s%s 记录 %" PRIu64 "：%s"),
				paint(app, PAINT_BAD), one->what, paint(app, PAINT_END), one->entry,
				T(app, one->en, one->zh));
		else
			app_say(app, "%s%s%s %s", paint(app, PAINT_BAD), one->what, paint(app, PAINT_END),
				T(app, one->en, one->zh));
	}
	app_set(app, "findings", list);
	app_set(app, "more", json_of_u64(f->more));
	app_set(app, "consequences", json_of_u64(f->followers));
	if (f->more > 0)
		app_say(app, T(app, "and %" PRIu64 " more (--limit)", "另有 %" PRIu64 " 项（--limit）"),
			f->more);
	if (f->followers > 0)
		app_say(app,
			T(app, "%" PRIu64 " further differences follow from these and are not listed",
			  "另有 %" PRIu64 " 处差异由以上各项引起，不再列出"),
			f->followers);
}
