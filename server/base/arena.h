/*
 * An arena gives out memory that is freed all at once; it has a hard limit, so that one request cannot take
 * more than its share whatever its bytes say.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/span.h"

struct arena;

/*
 * For the start of a program that works for long: what it frees stays with the process (up to 64 MB), to be
 * used again. Else the C library gives the memory of each batch back to the kernel, and every page of the
 * next one is faulted in again, which cost a tenth of the throughput.
 */
void memory_keep_freed(void);

/* An empty arena that will give out at most `limit` bytes in all. NULL: no memory. Free with arena_free(). */
struct arena *arena_new(size_t limit) MUST_CHECK;
/* The same with room for `first` bytes from the start, which arena_reset() keeps. */
struct arena *arena_new_sized(size_t limit, size_t first) MUST_CHECK;
void arena_free(struct arena *a);
/* Zeroed memory aligned for any type, owned by the arena. NULL: the limit or the machine's memory is reached.
 */
void *arena_alloc(struct arena *a, size_t n) MUST_CHECK;
/* The same for count * size, checked for overflow. */
void *arena_array(struct arena *a, size_t count, size_t size) MUST_CHECK;
/* The same and not zeroed, for what is written before it is read, or is large and not all used. */
void *arena_room(struct arena *a, size_t count, size_t size) MUST_CHECK;
/* A copy with a NUL after it. On failure the empty span with p == NULL. */
struct span arena_copy(struct arena *a, struct span s) MUST_CHECK;
/* A formatted C string; NULL when out of memory. */
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3) MUST_CHECK;
/* What has been given out so far, in bytes. */
size_t arena_used(const struct arena *a);
/* What the limit leaves, in bytes. */
size_t arena_left(const struct arena *a);
/* Frees all that was given out; the arena can be used again. Its first block is kept. */
void arena_reset(struct arena *a);

#endif
