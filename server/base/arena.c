#include "base/arena.h"

#include <malloc.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIRST_BLOCK = 4096 };

/* deploy/postgresql.environment says the same to PostgreSQL. */
void memory_keep_freed(void)
{
	enum { TRIM = 64 * 1024 * 1024, MAP = 16 * 1024 * 1024, PAD = 1024 * 1024 };

	(void)mallopt(M_TRIM_THRESHOLD, TRIM);
	(void)mallopt(M_MMAP_THRESHOLD, MAP);
	(void)mallopt(M_TOP_PAD, PAD);
}

struct block {
	struct block *next;
	size_t used;
	size_t cap;
	alignas(max_align_t) uint8_t bytes[];
};

struct arena {
	struct block *last;
	size_t used;
	size_t limit;
	size_t first; /* size of the first block */
};

struct arena *arena_new_sized(size_t limit, size_t first)
{
	struct arena *a = calloc(1, sizeof(*a));

	if (a != NULL) {
		a->limit = limit;
		a->first = first;
	}
	return a;
}

struct arena *arena_new(size_t limit)
{
	return arena_new_sized(limit, FIRST_BLOCK);
}

void arena_free(struct arena *a)
{
	if (a == NULL)
		return;
	for (struct block *b = a->last; b != NULL;) {
		struct block *next = b->next;
		free(b);
		b = next;
	}
	free(a);
}

static void *take(struct arena *a, size_t n)
{
	size_t need = (n + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);

	if (need < n || need > a->limit - a->used)
		return NULL;
	struct block *b = a->last;
	if (b == NULL || b->cap - b->used < need) {
		size_t cap = b == NULL ? a->first : 2 * b->cap;
		if (cap < need)
			cap = need;
		b = malloc(sizeof(*b) + cap);
		if (b == NULL)
			return NULL;
		*b = (struct block){.next = a->last, .cap = cap};
		a->last = b;
	}
	void *p = b->bytes + b->used;
	b->used += need;
	a->used += need;
	return p;
}

void *arena_room(struct arena *a, size_t count, size_t size)
{
	return size != 0 && count > SIZE_MAX / size ? NULL : take(a, count * size);
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
	void *p = arena_room(a, count, size);

	return p == NULL ? NULL : memset(p, 0, count * size);
}

void *arena_alloc(struct arena *a, size_t n)
{
	return arena_array(a, 1, n);
}

struct span arena_copy(struct arena *a, struct span s)
{
	uint8_t *p = take(a, s.n + 1);

	if (p == NULL)
		return (struct span){0};
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	return span_of(p, s.n);
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list args;
	char *text = NULL;

	va_start(args, fmt);
	va_list again;
	va_copy(again, args);
	int n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (n >= 0)
		text = take(a, (size_t)n + 1);
	if (text != NULL)
		(void)vsnprintf(text, (size_t)n + 1, fmt, again);
	va_end(again);
	return text;
}

size_t arena_used(const struct arena *a)
{
	return a->used;
}

size_t arena_left(const struct arena *a)
{
	return a->limit - a->used;
}

void arena_reset(struct arena *a)
{
	while (a->last != NULL && a->last->next != NULL) {
		struct block *b = a->last;
		a->last = b->next;
		free(b);
	}
	if (a->last != NULL)
		a->last->used = 0;
	a->used = 0;
}
