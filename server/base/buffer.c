#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"

uint8_t *buffer_grow(struct buffer *b, size_t more)
{
	if (b->broken)
		return NULL;
	if (more > SIZE_MAX / 2 - b->n) {
		b->broken = true;
		return NULL;
	}
	if (b->cap - b->n < more) {
		size_t cap = b->cap == 0 ? 256 : b->cap;

		while (cap - b->n < more)
			cap *= 2;
		uint8_t *p = realloc(b->p, cap);
		if (p == NULL) {
			b->broken = true;
			return NULL;
		}
		b->p = p;
		b->cap = cap;
	}
	return b->p + b->n;
}

void buffer_put_str(struct buffer *b, const char *s)
{
	buffer_put(b, s, strlen(s));
}

void buffer_put_decimal(struct buffer *b, uint64_t v)
{
	char digits[20];
	size_t at = sizeof(digits);

	do
		digits[--at] = (char)('0' + v % 10);
	while ((v /= 10) > 0);
	buffer_put(b, digits + at, sizeof(digits) - at);
}

void buffer_printf(struct buffer *b, const char *fmt, ...)
{
	va_list args;
	va_list again;

	va_start(args, fmt);
	va_copy(again, args);
	int n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (n < 0) {
		b->broken = true;
	} else {
		uint8_t *to = buffer_reserve(b, (size_t)n + 1);
		if (to != NULL) {
			(void)vsnprintf((char *)to, (size_t)n + 1, fmt, again);
			b->n += (size_t)n;
		}
	}
	va_end(again);
}

void buffer_put_hex(struct buffer *b, struct span s)
{
	uint8_t *to = buffer_reserve(b, 2 * s.n + 1);

	if (to == NULL)
		return;
	hex_encode(s, (char *)to);
	b->n += 2 * s.n;
}

void buffer_put_base64(struct buffer *b, struct span s)
{
	uint8_t *to = buffer_reserve(b, base64_length(s.n) + 1);

	if (to == NULL)
		return;
	base64_encode(s, (char *)to);
	b->n += base64_length(s.n);
}

void buffer_consume(struct buffer *b, size_t n)
{
	if (n > 0)
		memmove(b->p, b->p + n, b->n - n);
	b->n -= n;
}

void buffer_clear(struct buffer *b)
{
	b->n = 0;
	b->broken = false;
}

void buffer_free(struct buffer *b)
{
	free(b->p);
	*b = (struct buffer)BUFFER_EMPTY;
}
