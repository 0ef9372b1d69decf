/*
 * Text forms of bytes and numbers, strict both ways: hex, base64 (standard alphabet, padded, canonical),
 * decimal without leading zeros, UTF-8.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/span.h"

/* Writes 2 * s.n lowercase digits and a NUL. */
void hex_encode(struct span s, char *ret_text);
/* Accepts exactly 2 * n lowercase digits. */
bool hex_decode(struct span text, uint8_t *ret_bytes, size_t n) MUST_CHECK;

static inline size_t base64_length(size_t n)
{
	return (n + 2) / 3 * 4;
}

/* Writes base64_length(s.n) characters and a NUL. */
void base64_encode(struct span s, char *ret_text);
/*
 * Accepts canonical padded base64 only (the unused bits of the last digit are zero). Writes at most cap bytes
 * and their count. False: not base64, not canonical, or longer than cap.
 */
bool base64_decode(struct span text, uint8_t *ret_bytes, size_t cap, size_t *ret_n) MUST_CHECK;

/* Decimal, no sign, no leading zero (but "0"), nothing after it, at most UINT64_MAX. */
bool decimal_parse(struct span text, uint64_t *ret_value) MUST_CHECK;

/* Well-formed UTF-8 without NUL and without control characters (C0, DEL, C1; and those that nobody sees: that
 * turn the direction of writing or end a line). */
bool text_is_clean(struct span s) MUST_CHECK;
/* The same, and line feeds are allowed. */
bool text_is_clean_lines(struct span s) MUST_CHECK;

#endif
