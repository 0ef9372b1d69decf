#include "city/ask.h"

#include "wire/envelope.h"

static void *slot(struct arena *arena, void **items, size_t *n, size_t *cap, size_t size)
{
	if (*n == *cap) {
		size_t more = *cap == 0 ? 256 : 2 * *cap;
		void *grown = arena_array(arena, more, size);
		if (grown == NULL)
			return NULL;
		if (*n > 0)
			memcpy(grown, *items, *n * size);
		*items = grown;
		*cap = more;
	}
	return (uint8_t *)*items + (*n)++ * size;
}
#define SLOT(arena, list)                                                                                    \
	slot(arena, (void **)&(list)->items, &(list)->n, &(list)->cap, sizeof(*(list)->items))

static const char *text(struct arena *arena, struct span s)
{
	struct span copy = arena_copy(arena, s);

	return copy.p == NULL ? "" : (const char *)copy.p;
}

/* ---- what an answer is kept as ---- */

typedef bool (*take_fn)(struct arena *arena, const struct answer *answer, void *list);

static bool take_flag(struct arena *arena, const struct answer *answer, void *list)
{
	const struct flag_view *f = &answer->flag;
	struct seen_flag *s = SLOT(arena, (struct seen_flags *)list);

	if (s == NULL)
		return false;
	*s = (struct seen_flag){
	    .flag = f->flag,
	    .kind = f->kind,
	    .number = f->number,
	    .raised_at = f->raised_at,
	    .due_at = f->due_at,
	    .detail = text(arena, f->detail),
	    .open = f->open,
	    .claimed_in_time = f->claimed_in_time,
	};
	if (f->parties_n > 0)
		s->party = f->parties[0];
	return true;
}

static bool take_manifest(struct arena *arena, const struct answer *answer, void *list)
{
	const struct manifest_view *m = &answer->manifest;
	struct seen_manifest *s = SLOT(arena, (struct seen_manifests *)list);
	struct line_view *lines = arena_array(arena, m->lines_n, sizeof(*lines));

	if (s == NULL || lines == NULL)
		return false;
	for (size_t i = 0; i < m->lines_n; i++) {
		lines[i] = m->lines[i];
		lines[i].code = span_str(text(arena, m->lines[i].code));
	}
	*s = (struct seen_manifest){
	    .number = m->number,
	    .state = m->state,
	    .generator = m->generator,
	    .facility = m->facility,
	    .plate = text(arena, m->plate),
	    .issued_at = m->issued_at,
	    .lines = lines,
	    .lines_n = m->lines_n,
	};
	return true;
}

static bool take_entry(struct arena *arena, const struct answer *answer, void *list)
{
	struct trail_entry *s = SLOT(arena, (struct trail *)list);
	struct span bytes = arena_copy(arena, answer->entry.entry);
	struct problems problems = {.arena = arena};
	struct log_entry entry;
	struct envelope envelope;

	if (s == NULL || bytes.p == NULL || !log_entry_decode(bytes, &entry) ||
	    !envelope_decode(entry.envelope, EVENT_PAYLOAD_TYPE, arena, &problems, &envelope) ||
	    !envelope_event(&envelope, arena, &problems, &s->event))
		return false;
	s->index = answer->entry.index;
	s->accepted_at = entry.accepted_at;
	return true;
}

/* All pages of a query. */
static bool ask(struct mft_client *client, struct arena *arena, struct query *query, take_fn take, void *list)
{
	struct mft_news news;

	do {
		uint64_t id = mft_client_ask(client, query);
		if (id == 0)
			return false;
		do {
			if (!mft_client_next(client, -1, &news))
				return false;
			if (news.kind != MFT_ANSWER || news.id != id)
				return false;
			if (news.answer.kind != ANSWER_END && !take(arena, &news.answer, list))
				return false;
		} while (!news.last);
		query->after = news.answer.kind == ANSWER_END ? news.answer.end.next : 0;
	} while (query->after != 0);
	return true;
}

bool ask_flags(struct mft_client *client, struct arena *arena, struct seen_flags *ret_flags)
{
	struct query query = {.kind = QUERY_FLAGS, .limit = QUERY_LIMIT_MAX};

	*ret_flags = (struct seen_flags){0};
	return ask(client, arena, &query, take_flag, ret_flags);
}

bool ask_manifests(struct mft_client *client, struct arena *arena, struct seen_manifests *ret_manifests)
{
	struct query query = {.kind = QUERY_SEARCH, .limit = QUERY_LIMIT_MAX};

	*ret_manifests = (struct seen_manifests){0};
	return ask(client, arena, &query, take_manifest, ret_manifests);
}

bool ask_trail(struct mft_client *client, struct arena *arena, uint64_t number, struct trail *ret_trail)
{
	struct query query = {.kind = QUERY_TRAIL, .numbers = &number, .numbers_n = 1};

	*ret_trail = (struct trail){0};
	return ask(client, arena, &query, take_entry, ret_trail);
}
