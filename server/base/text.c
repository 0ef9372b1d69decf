#include "base/text.h"

static const char hex_digits[] = "0123456789abcdef";
static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void hex_encode(struct span s, char *ret_text)
{
	for (size_t i = 0; i < s.n; i++) {
		ret_text[2 * i] = hex_digits[s.p[i] >> 4];
		ret_text[2 * i + 1] = hex_digits[s.p[i] & 15];
	}
	ret_text[2 * s.n] = '\0';
}

/* 1 + the digit's value; 0: it is no digit. */
static const uint8_t hex_values[256] = {
    ['0'] = 1, ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9, ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
};

bool hex_decode(struct span text, uint8_t *ret_bytes, size_t n)
{
	if (text.n / 2 != n || text.n % 2 != 0)
		return false;
	for (size_t i = 0; i < text.n; i++)
		if (hex_values[text.p[i]] == 0)
			return false;
	for (size_t i = 0; i < n; i++)
		ret_bytes[i] =
		    (uint8_t)((hex_values[text.p[2 * i]] - 1) << 4 | (hex_values[text.p[2 * i + 1]] - 1));
	return true;
}

void base64_encode(struct span s, char *ret_text)
{
	size_t i = 0;
	char *to = ret_text;

	for (; i + 3 <= s.n; i += 3) {
		uint32_t v = (uint32_t)s.p[i] << 16 | (uint32_t)s.p[i + 1] << 8 | s.p[i + 2];
		*to++ = base64_digits[v >> 18];
		*to++ = base64_digits[v >> 12 & 63];
		*to++ = base64_digits[v >> 6 & 63];
		*to++ = base64_digits[v & 63];
	}
	if (s.n - i == 1) {
		*to++ = base64_digits[s.p[i] >> 2];
		*to++ = base64_digits[(s.p[i] & 3) << 4];
		*to++ = '=';
		*to++ = '=';
	} else if (s.n - i == 2) {
		*to++ = base64_digits[s.p[i] >> 2];
		*to++ = base64_digits[(s.p[i] & 3) << 4 | s.p[i + 1] >> 4];
		*to++ = base64_digits[(s.p[i + 1] & 15) << 2];
		*to++ = '=';
	}
	*to = '\0';
}

static int base64_value(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	if (c == '/')
		return 63;
	return -1;
}

bool base64_decode(struct span text, uint8_t *ret_bytes, size_t cap, size_t *ret_n)
{
	if (text.n % 4 != 0)
		return false;
	size_t digits = text.n;
	while (digits > 0 && text.n - digits < 2 && text.p[digits - 1] == '=')
		digits--;
	size_t n = digits * 6 / 8;
	if (n > cap)
		return false;
	uint32_t acc = 0;
	unsigned bits = 0;
	size_t out = 0;
	for (size_t i = 0; i < digits; i++) {
		int v = base64_value(text.p[i]);
		if (v < 0)
			return false;
		acc = (acc << 6 | (uint32_t)v) & 0xffffff;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			ret_bytes[out++] = (uint8_t)(acc >> bits);
		}
	}
	if ((acc & ((1U << bits) - 1)) != 0)
		return false;
	*ret_n = out;
	return true;
}

bool decimal_parse(struct span text, uint64_t *ret_value)
{
	uint64_t v = 0;

	if (text.n == 0 || text.n > 20 || (text.n > 1 && text.p[0] == '0'))
		return false;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
		uint64_t digit = (uint64_t)(text.p[i] - '0');
		if (v > (UINT64_MAX - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	*ret_value = v;
	return true;
}

/* The length of the well-formed sequence at p, or 0 (Unicode 15, table 3-7). */
static size_t utf8_sequence(const uint8_t *p, size_t n, uint32_t *ret_rune)
{
	static const struct {
		uint8_t first, last, second_low, second_high, length;
	} rows[] = {
	    {0x00, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
	    {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
	    {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
	};

	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		if (p[0] < rows[r].first || p[0] > rows[r].last)
			continue;
		size_t length = rows[r].length;
		if (length > n)
			return 0;
		uint32_t rune = length == 1 ? p[0] : p[0] & (0x7fU >> length);
		for (size_t i = 1; i < length; i++) {
			uint8_t low = i == 1 ? rows[r].second_low : 0x80;
			uint8_t high = i == 1 ? rows[r].second_high : 0xbf;
			if (p[i] < low || p[i] > high)
				return 0;
			rune = rune << 6 | (p[i] & 0x3f);
		}
		*ret_rune = rune;
		return length;
	}
	return 0;
}

/* Invisible, and makes what follows read in another order or on another line than it was signed. */
static bool turns(uint32_t rune)
{
	return rune == 0x61c || rune == 0x200e || rune == 0x200f || (rune >= 0x2028 && rune <= 0x202e) ||
	       (rune >= 0x2066 && rune <= 0x2069);
}

/* Eight bytes from 0x20 to 0x7e: none has its highest bit, also with 1 added, and none lends one for 0x20. */
static bool are_plain(const uint8_t *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	return ((w | (w + UINT64_C(0x0101010101010101)) | (w - UINT64_C(0x2020202020202020))) &
		UINT64_C(0x8080808080808080)) == 0;
}

static bool clean(struct span s, bool lines)
{
	for (size_t i = 0; i < s.n;) {
		if (s.n - i >= 8 && are_plain(s.p + i)) {
			i += 8;
			continue;
		}
		uint32_t rune = 0;
		size_t length = utf8_sequence(s.p + i, s.n - i, &rune);
		if (length == 0)
			return false;
		bool control = rune < 0x20 || (rune >= 0x7f && rune < 0xa0);
		if ((control && !(lines && rune == '\n')) || turns(rune))
			return false;
		i += length;
	}
	return true;
}

bool text_is_clean(struct span s)
{
	return clean(s, false);
}

bool text_is_clean_lines(struct span s)
{
	return clean(s, true);
}
