/* Which tiles there are and what their paths look like; no hash is seen here. */
#include "core/tile.h"

#include "base/text.h"

unsigned tile_width(unsigned level, uint64_t n, uint64_t size)
{
	uint64_t hashes = shift_right(size, TILE_HEIGHT * level);

	if (n > hashes / TILE_WIDTH)
		return 0;
	if (n < hashes / TILE_WIDTH)
		return TILE_WIDTH;
	return (unsigned)(hashes % TILE_WIDTH);
}

/* Groups of three digits, all but the last with an x before them: 1234067 is x001/x234/067. */
static void put_number(struct buffer *to, uint64_t n)
{
	uint64_t unit = 1;

	for (uint64_t rest = n; rest >= 1000; rest /= 1000)
		unit *= 1000;
	for (; unit > 1; unit /= 1000)
		buffer_printf(to, "x%03u/", (unsigned)(n / unit % 1000));
	buffer_printf(to, "%03u", (unsigned)(n % 1000));
}

void tile_put_path(struct buffer *to, const struct tile_id *id, bool entries)
{
	buffer_put_str(to, "/tile/");
	if (entries)
		buffer_put_str(to, "entries/");
	else
		buffer_printf(to, "%u/", id->level);
	put_number(to, id->n);
	if (id->width < TILE_WIDTH)
		buffer_printf(to, ".p/%u", id->width);
}

static bool take(struct span *rest, const char *prefix)
{
	size_t n = strlen(prefix);

	if (rest->n < n || memcmp(rest->p, prefix, n) != 0)
		return false;
	*rest = span_of(rest->p + n, rest->n - n);
	return true;
}

/* Up to the next character that is not a digit: at most four digits, so that nothing overflows. */
static bool take_digits(struct span *rest, size_t least, unsigned *ret_value)
{
	unsigned value = 0;
	size_t n = 0;

	for (; n < rest->n && rest->p[n] >= '0' && rest->p[n] <= '9'; n++) {
		if (n == 3)
			return false;
		value = value * 10 + (unsigned)(rest->p[n] - '0');
	}
	if (n < least || (least < n && rest->p[0] == '0'))
		return false;
	*rest = span_of(rest->p + n, rest->n - n);
	*ret_value = value;
	return true;
}

static bool take_number(struct span *rest, uint64_t *ret_n)
{
	uint64_t n = 0;
	bool more = true;

	while (more) {
		unsigned group = 0;
		more = take(rest, "x");
		if (!take_digits(rest, 3, &group) || (more && !take(rest, "/")))
			return false;
		if (more && n == 0 && group == 0)
			return false;
		if (n > (UINT64_MAX - group) / 1000)
			return false;
		n = n * 1000 + group;
	}
	*ret_n = n;
	return true;
}

bool tile_parse_path(struct span path, struct tile_id *ret_id, bool *ret_entries)
{
	struct span rest = path;
	struct tile_id id = {.width = TILE_WIDTH};

	if (!take(&rest, "/tile/"))
		return false;
	bool entries = take(&rest, "entries/");
	if (!entries && (!take_digits(&rest, 1, &id.level) || id.level > TILE_LEVEL_MAX || !take(&rest, "/")))
		return false;
	if (!take_number(&rest, &id.n))
		return false;
	if (take(&rest, ".p/") &&
	    (!take_digits(&rest, 1, &id.width) || id.width == 0 || id.width >= TILE_WIDTH))
		return false;
	if (rest.n != 0)
		return false;
	*ret_id = id;
	*ret_entries = entries;
	return true;
}
