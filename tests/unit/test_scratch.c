/* Temporary rows. A plain main(), so that it runs under ThreadSanitizer.
 *
 * Put, got and walked while they are put, also across the writing transactions; read by several threads once
 * all is settled; and what a full disk comes to.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "scratch/scratch.h"

enum { ROWS = 250000, READERS = 4, KEY = 8, VALUE = 40, ROOM = 1 << 28, DISK = 4 << 20 };

static unsigned passed, failed;

static void check(bool good, const char *what)
{
	printf("%s - %s\n", good ? "ok" : "not ok", what);
	*(good ? &passed : &failed) += 1;
}

struct row {
	uint8_t key[KEY], value[VALUE];
};

/* `n` in the order of keys. */
static struct row row_of(uint32_t n, uint8_t version)
{
	struct row r = {{0}, {0}};

	for (unsigned i = 0; i < 4; i++)
		r.key[i] = r.value[i] = (uint8_t)(n >> (24 - 8 * i));
	r.value[4] = version;
	return r;
}

static struct span key_of(const struct row *r)
{
	return span_of(r->key, KEY);
}

static bool put(struct scratch *s, uint32_t n, uint8_t version)
{
	struct row r = row_of(n, version);

	return scratch_put(s, key_of(&r), span_of(r.value, VALUE));
}

static bool is(struct span key, struct span value, uint32_t n, uint8_t version)
{
	struct row r = row_of(n, version);

	return span_eq(key, key_of(&r)) && span_eq(value, span_of(r.value, VALUE));
}

static bool has(struct scratch *s, uint32_t n, uint8_t version)
{
	struct row r = row_of(n, version);

	return is(key_of(&r), scratch_get(s, key_of(&r)), n, version);
}

static struct scratch *opened(void)
{
	char why[SCRATCH_ERROR_SIZE];
	const char *folder = getenv("TMPDIR");
	struct scratch *s = scratch_open(folder == NULL ? "/var/tmp" : folder, ROOM, why);

	if (s == NULL)
		printf("%s\n", why);
	return s;
}

/* Even numbers, far apart from each other in time. */
static bool put_all(struct scratch *s, uint8_t version)
{
	for (uint32_t i = 0; i < ROWS; i++)
		if (!put(s, 2 * (uint32_t)((uint64_t)i * 7919 % ROWS), version))
			return false;
	return true;
}

static void test_while_they_are_put(struct scratch *s)
{
	static const uint8_t long_key[SCRATCH_KEY_MAX + 1];
	struct row between = row_of(7, 0);

	check(put_all(s, 0) && has(s, 0, 0) && has(s, 2 * ROWS - 2, 0), "what was put is got");
	check(scratch_get(s, key_of(&between)).p == NULL, "what was not is not there");
	check(put(s, 10, 1) && has(s, 10, 1) && put(s, 10, 0) && has(s, 10, 0), "a row is replaced");
	check(!scratch_put(s, span_of(long_key, sizeof(long_key)), span_of("", 0)) &&
		  strstr(scratch_error(s), "SIZE") != NULL && strstr(scratch_error(s), "make room") == NULL &&
		  has(s, 10, 0),
	      "a key that is too long is refused for what it is, and nothing else happens");
}

static bool hold(struct scratch *s, uint32_t n, uint8_t version)
{
	struct row r = row_of(n, version);

	return scratch_hold(s, key_of(&r), span_of(r.value, VALUE));
}

/* More than memory holds, in no order, each twice: some when it is still there and some when it is not. */
static void test_held(struct scratch *s)
{
	bool good = true;

	for (uint32_t i = 0; i < ROWS && good; i++) {
		uint32_t n = 2 * (uint32_t)((uint64_t)i * 104729 % ROWS);
		good = hold(s, n, 1) && has(s, n, 1) && has(s, 0, 1);
		good = good && (i % 2 == 0 || (hold(s, n, 0) && has(s, n, 0)));
	}
	check(good, "what is held is got");
	for (uint32_t i = 0; i < ROWS && good; i++)
		good = hold(s, 2 * i, 0) && has(s, 2 * i, 0);
	check(good && has(s, 2 * ROWS - 2, 0), "also when it was held before, and put in between");
}

enum { FEW = 14, LARGE = 18 << 20 };

/* Every key of one to three bytes, each 0 or 1, in their order: most are the beginning of others. */
static size_t short_key(size_t i, uint8_t key[3])
{
	static const char *const keys[FEW] = {"0", "00", "000", "001", "01", "010", "011",
					      "1", "10", "100", "101", "11", "110", "111"};
	size_t n = strlen(keys[i]);

	for (size_t k = 0; k < n; k++)
		key[k] = (uint8_t)(keys[i][k] - '0');
	return n;
}

/* Rows of every length, replaced again and again, until memory was full many times; and one larger than it.
 */
static void test_held_of_any_length(void)
{
	struct scratch *s = opened();
	uint8_t *bytes = calloc(1, LARGE), key[3];
	size_t lengths[FEW], first[FEW];
	bool good = s != NULL && bytes != NULL;
	struct span k, v;

	srand(1);
	for (size_t i = 0; good && i < LARGE; i++)
		bytes[i] = (uint8_t)(i * 167 >> 3);
	for (size_t i = 0; good && i < 2000; i++) {
		size_t at = i < FEW ? i : (size_t)rand() % FEW;
		lengths[at] = i == 1000 ? LARGE : (size_t)rand() % (i % 3 == 0 ? 300000 : 3);
		first[at] = i == 1000 ? 0 : (size_t)rand() % 1000;
		k = span_of(key, short_key(at, key));
		good = scratch_hold(s, k, span_of(bytes + first[at], lengths[at]));
		at = i < FEW ? at : (size_t)rand() % FEW;
		v = scratch_get(s, span_of(key, short_key(at, key)));
		good = good && v.p != NULL && span_eq(v, span_of(bytes + first[at], lengths[at]));
	}
	check(good, "rows of any length are got as they were held last, also when a key begins another");
	struct scratch_reader *r = good && scratch_settle(s) ? scratch_reader_new(s) : NULL;
	bool more = r != NULL && scratch_reader_seek(r, span_of("", 1), &k, &v);
	size_t n = 0;
	for (; more && n < FEW && span_eq(k, span_of(key, short_key(n, key))) &&
	       span_eq(v, span_of(bytes + first[n], lengths[n]));
	     n++)
		more = scratch_reader_next(r, &k, &v);
	check(n == FEW && !more, "and are read so, in order");
	scratch_reader_free(r);
	scratch_close(s);
	free(bytes);
}

static void *walk(void *self)
{
	struct scratch *const *s = self;
	struct scratch_reader *r = scratch_reader_new(*s);
	struct span key, value;
	uint32_t n = 0;

	if (r == NULL)
		return NULL;
	bool more = scratch_reader_seek(r, span_of("", 1), &key, &value);
	for (; more && is(key, value, 2 * n, 0); n++)
		more = scratch_reader_next(r, &key, &value);
	bool all = !more && n == ROWS;
	scratch_reader_free(r);
	return all ? self : NULL;
}

static void test_by_several_threads(struct scratch *s)
{
	pthread_t threads[READERS];
	unsigned n = 0;
	bool all = true;

	check(scratch_settle(s) && !put(s, 1, 0), "it is settled, and nothing is put any more");
	while (n < READERS && pthread_create(&threads[n], NULL, walk, &s) == 0)
		n++;
	check(n == READERS, "threads begin");
	while (n > 0) {
		void *good = NULL;
		(void)pthread_join(threads[--n], &good);
		all &= good != NULL;
	}
	check(all, "each thread reads every row in order");
}

/* No file may be longer than that: what a full disk is to whoever writes one. */
static void limit(rlim_t bytes)
{
	struct rlimit l;

	(void)getrlimit(RLIMIT_FSIZE, &l);
	l.rlim_cur = bytes;
	(void)setrlimit(RLIMIT_FSIZE, &l);
}

static void test_full_disk(void)
{
	struct scratch *s = opened();
	uint32_t n = 0;

	if (s == NULL)
		return;
	limit(DISK);
	while (n < 2 * ROWS && put(s, n, 0))
		n++;
	check(n > 0 && n < 2 * ROWS && strstr(scratch_error(s), "make room") != NULL,
	      "on a full disk a row is refused, and it says what to do");
	check(!put(s, 0, 0) && !scratch_settle(s) && strstr(scratch_error(s), "make room") != NULL,
	      "from then on too");
	scratch_close(s);
	s = opened();
	limit(DISK);
	for (n = 0; s != NULL && n < 80000 && put(s, n, 0);)
		n++;
	check(n == 80000 && !scratch_settle(s) && strstr(scratch_error(s), "make room") != NULL,
	      "a disk that is full only when all is settled is noticed then");
	scratch_close(s);
	s = opened();
	limit(DISK);
	for (n = 0; s != NULL && n < 3 * ROWS && hold(s, n, 0);)
		n++;
	check(n > 0 && n < 3 * ROWS && strstr(scratch_error(s), "make room") != NULL,
	      "it is noticed for rows that were held, too");
	scratch_close(s);
	limit(RLIM_INFINITY);
}

int main(void)
{
	struct scratch *s = opened();

	(void)signal(SIGXFSZ, SIG_IGN);
	if (s == NULL)
		return 1;
	test_while_they_are_put(s);
	test_held(s);
	test_by_several_threads(s);
	scratch_close(s);
	test_held_of_any_length();
	test_full_disk();
	check(scratch_open("/nowhere", ROOM, (char[SCRATCH_ERROR_SIZE]){0}) == NULL,
	      "in a folder that is not there none is opened");
	printf("%u passed, %u failed\n", passed, failed);
	return failed == 0 ? 0 : 1;
}
