/* tile: widths and paths. */
#include <criterion/criterion.h>

#include "core/tile.h"

static const struct {
	const char *path;
	struct tile_id id;
	bool entries;
} good[] = {
    {"/tile/0/000", {0, 0, 256}, false},
    {"/tile/0/000.p/1", {0, 0, 1}, false},
    {"/tile/0/999.p/255", {0, 999, 255}, false},
    {"/tile/0/x001/000", {0, 1000, 256}, false},
    {"/tile/3/x001/x234/067", {3, 1234067, 256}, false},
    {"/tile/3/x001/x234/067.p/12", {3, 1234067, 12}, false},
    {"/tile/63/x010/000", {63, 10000, 256}, false},
    {"/tile/entries/x001/x234/067", {0, 1234067, 256}, true},
    {"/tile/entries/000.p/15", {0, 0, 15}, true},
    {"/tile/0/x018/x446/x744/x073/x709/x551/615", {0, UINT64_MAX, 256}, false},
    {"/tile/0/x001/x000/x000/x000/x000/x000/000", {0, UINT64_C(1000000000000000000), 256}, false},
};

static const char *const bad[] = {
    "",
    "/",
    "/tile",
    "/tile/",
    "/tile/0",
    "/tile/0/",
    "tile/0/000",
    "/tile/64/000",
    "/tile/100/000",
    "/tile/1000/000",
    "/tile/00/000",
    "/tile/01/000",
    "/tile/-1/000",
    "/tile/+1/000",
    "/tile/a/000",
    "/tile/0/0",
    "/tile/0/00",
    "/tile/0/0000",
    "/tile/0/x000",
    "/tile/0/x000/000",
    "/tile/0/x000/x001/000",
    "/tile/0/001/000",
    "/tile/0/x001/x000",
    "/tile/0/x001",
    "/tile/0/x001/",
    "/tile/0/xx01/000",
    "/tile/0/x018/x446/x744/x073/x709/x551/616",
    "/tile/0/x999/x999/x999/x999/x999/x999/999",
    "/tile/0/x001/x000/x000/x000/x000/x000/x000/000",
    "/tile/0/000.p/0",
    "/tile/0/000.p/00",
    "/tile/0/000.p/01",
    "/tile/0/000.p/256",
    "/tile/0/000.p/1000",
    "/tile/0/000.p/",
    "/tile/0/000.p",
    "/tile/0/000p/1",
    "/tile/0/000.p/1/",
    "/tile/0/000/",
    "/tile/0/000 ",
    "/tile/0/000?x=1",
    "/tile//000",
    "/tile/entries",
    "/tile/entries/",
    "/tile/entries/0/000",
    "/tile/Entries/000",
    "/tile/0/%30%30%30",
    "/tile/0/../0/000",
};

Test(tile, paths_both_ways)
{
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct buffer b = BUFFER_EMPTY;
		struct tile_id id;
		bool entries = false;

		tile_put_path(&b, &good[i].id, good[i].entries);
		cr_expect(span_eq_str(buffer_span(&b), good[i].path), "%s", good[i].path);
		cr_assert(tile_parse_path(span_str(good[i].path), &id, &entries), "%s", good[i].path);
		cr_expect_eq(id.level, good[i].id.level);
		cr_expect_eq(id.n, good[i].id.n);
		cr_expect_eq(id.width, good[i].id.width);
		cr_expect_eq(entries, good[i].entries);
		buffer_free(&b);
	}
}

Test(tile, bad_paths_are_refused)
{
	struct tile_id id = {7, 7, 7};
	bool entries = true;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		cr_expect_not(tile_parse_path(span_str(bad[i]), &id, &entries), "%s", bad[i]);
	cr_expect_not(tile_parse_path(span_of("/tile/0/000\0", 12), &id, &entries));
	cr_expect(id.level == 7 && id.n == 7 && id.width == 7 && entries, "untouched on failure");
}

Test(tile, every_prefix_of_a_path_is_another_or_none)
{
	const char *path = "/tile/3/x001/x234/067.p/12";
	struct tile_id id;
	bool entries = false;

	for (size_t n = 0; n < strlen(path); n++) {
		bool whole = n == strlen("/tile/3/x001/x234/067") || n == strlen("/tile/3/x001/x234/067.p/1");
		cr_expect_eq(tile_parse_path(span_of(path, n), &id, &entries), whole, "%zu", n);
	}
}

Test(tile, widths)
{
	static const struct {
		unsigned level;
		uint64_t n, size;
		unsigned width;
	} rows[] = {
	    {0, 0, 0, 0},
	    {0, 0, 1, 1},
	    {0, 0, 255, 255},
	    {0, 0, 256, 256},
	    {0, 1, 256, 0},
	    {0, 1, 257, 1},
	    {1, 0, 255, 0},
	    {1, 0, 256, 1},
	    {1, 0, 65535, 255},
	    {1, 0, 65536, 256},
	    {2, 0, 65536, 1},
	    {2, 0, 70000, 1},
	    {1, 1, 70000, 17},
	    {0, 273, 70000, 112},
	    {7, 0, UINT64_MAX, 255},
	    {7, 1, UINT64_MAX, 0},
	    {8, 0, UINT64_MAX, 0},
	    {63, 0, UINT64_MAX, 0},
	    {0, (UINT64_C(1) << 56) - 1, UINT64_MAX, 255},
	    {0, UINT64_MAX, UINT64_MAX, 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		cr_expect_eq(tile_width(rows[i].level, rows[i].n, rows[i].size), rows[i].width, "row %zu", i);
	cr_expect(tile_exists(&(struct tile_id){0, 0, 3}, 256), "a partial tile of an earlier size");
	cr_expect_not(tile_exists(&(struct tile_id){0, 0, 256}, 255));
}
