/*
 * A span is a borrowed view of bytes: a pointer and a length, owned by somebody else and never freed through
 * the span. All of the server passes bytes this way; nothing relies on a terminating NUL.
 */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The compiler refuses a caller that drops the value of a function marked so. */
#define MUST_CHECK        __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define ARRAY_LEN(a)      (sizeof(a) / sizeof((a)[0]))

struct span {
	const uint8_t *p;
	size_t n;
};

static inline struct span span_of(const void *p, size_t n)
{
	return (struct span){.p = p, .n = n};
}

/* A view of a C string without its NUL; NULL gives the empty span. */
static inline struct span span_str(const char *s)
{
	return (struct span){.p = (const uint8_t *)s, .n = s == NULL ? 0 : strlen(s)};
}

static inline bool span_eq(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool span_eq_str(struct span a, const char *s)
{
	return span_eq(a, span_str(s));
}

/* Cuts *rest at the first `mark`: what is before it, and what follows. False, and nothing changed: no mark.
 */
static inline bool span_cut(struct span *rest, uint8_t mark, struct span *ret_before)
{
	const uint8_t *at = rest->n == 0 ? NULL : (const uint8_t *)memchr(rest->p, mark, rest->n);

	if (at == NULL)
		return false;
	size_t n = (size_t)(at - rest->p);
	*ret_before = span_of(rest->p, n);
	*rest = span_of(at + 1, rest->n - n - 1);
	return true;
}

/* For printf("%.*s"): the length as int, then the pointer. */
#define SPAN_ARG(s) (int)(s).n, (const char *)(s).p

#endif
