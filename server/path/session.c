#include "path/session.h"

#include <stdlib.h>

enum { FIRST_BUCKETS = 256 };

struct sessions {
	struct session **buckets;
	size_t mask;
	size_t n;
};

struct sessions *sessions_new(void)
{
	struct sessions *all = calloc(1, sizeof(*all));

	if (all == NULL)
		return NULL;
	all->buckets = calloc(FIRST_BUCKETS, sizeof(struct session *));
	if (all->buckets == NULL) {
		free(all);
		return NULL;
	}
	all->mask = FIRST_BUCKETS - 1;
	return all;
}

void sessions_free(struct sessions *all)
{
	if (all == NULL)
		return;
	for (size_t i = 0; i <= all->mask; i++) {
		for (struct session *s = all->buckets[i]; s != NULL;) {
			struct session *next = s->next;
			free(s);
			s = next;
		}
	}
	free(all->buckets);
	free(all);
}

/* Ids are given out in sequence, so their low bits spread evenly. A failed growth only makes the rows longer.
 */
static void grow(struct sessions *all)
{
	size_t mask = 2 * all->mask + 1;
	struct session **buckets = calloc(mask + 1, sizeof(struct session *));

	if (buckets == NULL)
		return;
	for (size_t i = 0; i <= all->mask; i++) {
		for (struct session *s = all->buckets[i]; s != NULL;) {
			struct session *next = s->next;
			s->next = buckets[s->conn & mask];
			buckets[s->conn & mask] = s;
			s = next;
		}
	}
	free(all->buckets);
	all->buckets = buckets;
	all->mask = mask;
}

struct session *session_add(struct sessions *all, conn_id conn)
{
	struct session *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	if (all->n > all->mask)
		grow(all);
	s->conn = conn;
	s->next = all->buckets[conn & all->mask];
	all->buckets[conn & all->mask] = s;
	all->n++;
	return s;
}

struct session *session_find(const struct sessions *all, conn_id conn)
{
	struct session *s = all->buckets[conn & all->mask];

	while (s != NULL && s->conn != conn)
		s = s->next;
	return s;
}

void session_remove(struct sessions *all, conn_id conn)
{
	struct session **at = &all->buckets[conn & all->mask];

	while (*at != NULL && (*at)->conn != conn)
		at = &(*at)->next;
	if (*at == NULL)
		return;
	struct session *gone = *at;
	*at = gone->next;
	free(gone);
	all->n--;
}

size_t sessions_count(const struct sessions *all)
{
	return all->n;
}

void sessions_each_watching(const struct sessions *all, void (*visit)(void *self, const struct session *s),
			    void *self)
{
	for (size_t i = 0; i <= all->mask; i++)
		for (const struct session *s = all->buckets[i]; s != NULL; s = s->next)
			if (s->watching)
				visit(self, s);
}
