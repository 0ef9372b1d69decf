/* One writer at a time: the lease, the epoch that fences, and the high-water file. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/conn.h"
#include "store_support.h"

TestSuite(store_lease, .timeout = 120);

Test(store_lease, the_second_waits_and_takes_over)
{
	const char *conninfo = fresh_database();
	struct world *world = world_new();
	struct writer first;
	struct recovered r = {.arena = arena_new(1 << 20)};
	bool held = true;

	writer_begin(&first, conninfo, world);
	struct store_conn *second = open_store(STORE_WRITER, conninfo);
	cr_assert_eq(store_lease_try(second, &held), STORE_OK, "%s", store_error(second));
	cr_assert_not(held);
	cr_assert_eq(writer_commit(&first), STORE_OK);
	/* It may read all the same, and changes nothing by it. */
	cr_assert_eq(recover(second, &r), STORE_DEPOSED);
	cr_assert_eq(r.head.size, first.head.size);
	cr_assert_eq(r.head.epoch, first.head.epoch);
	cr_assert_gt(r.entries, 0);
	cr_assert_gt(r.ranges, 0);
	/* While nothing changes, it is told so and no more. */
	struct log_head known = r.head;
	r.known = &known;
	cr_assert_eq(recover(second, &r), STORE_DEPOSED);
	cr_assert(log_head_eq(&r.head, &known));
	cr_assert_eq(r.entries + r.references + r.ranges, 0);
	known.size--;
	r.known = &known;
	cr_assert_eq(recover(second, &r), STORE_DEPOSED);
	cr_assert_gt(r.entries, 0);
	known = r.head;
	r.known = &known;
	cr_assert_eq(store_port().commit(second, &(struct commit){.from = r.head, .to = r.head}),
		     STORE_UNAVAILABLE);

	store_conn_free(first.conn); /* the first leaves */
	for (int i = 0; i < 100 && !held; i++) {
		cr_assert_eq(store_lease_try(second, &held), STORE_OK);
		usleep(20000);
	}
	cr_assert(held);
	cr_assert_eq(recover(second, &r), STORE_OK, "%s", store_error(second));
	cr_assert_gt(r.entries, 0, "who is to write reads everything");
	cr_assert_eq(r.head.epoch, 2);
	cr_assert_eq(r.head.size, first.head.size);
	first.conn = second;
	writer_end(&first);
	arena_free(r.arena);
	world_free(world);
}

/* The lock alone is no fence: one that lost it without noticing is kept out by the epoch. */
Test(store_lease, a_deposed_writer_changes_nothing)
{
	const char *conninfo = fresh_database();
	struct world *world = world_new();
	struct writer first;
	struct recovered r = {.arena = arena_new(1 << 20)};
	char sql[100];

	writer_begin(&first, conninfo, world);
	/* Its own session gives the lock up behind its back. */
	PGresult *res = PQexec(first.conn->pg, "SELECT pg_advisory_unlock_all()");
	cr_assert_eq(PQresultStatus(res), PGRES_TUPLES_OK);
	PQclear(res);
	struct store_conn *second = open_store(STORE_WRITER, conninfo);
	cr_assert_eq(recover(second, &r), STORE_OK, "%s", store_error(second));
	cr_assert_eq(writer_commit(&first), STORE_DEPOSED);
	PGconn *pg = look(conninfo);
	snprintf(sql, sizeof(sql), "SELECT count(*) FROM entry");
	cr_assert_str_eq(ask(pg, sql), "0");
	PQfinish(pg);
	store_conn_free(second);
	writer_end(&first);
	arena_free(r.arena);
	world_free(world);
}

Test(store_lease, a_lost_session_of_ones_own_is_not_another_writer)
{
	const char *conninfo = fresh_database();
	struct world *world = world_new();
	struct writer w;
	struct recovered r = {.arena = arena_new(1 << 20)};

	writer_begin(&w, conninfo, world);
	/* The socket is gone for us, the server has not noticed: it waits for its client. */
	int fd = dup(PQsocket(w.conn->pg));
	cr_assert_geq(fd, 0);
	int null = open("/dev/null", O_RDWR);
	cr_assert_geq(dup2(null, PQsocket(w.conn->pg)), 0);
	conn_drop(w.conn);
	cr_assert_eq(recover(w.conn, &r), STORE_OK, "%s", store_error(w.conn));
	cr_assert_eq(r.head.epoch, 2);
	close(fd);
	close(null);
	writer_end(&w);
	arena_free(r.arena);
	world_free(world);
}

Test(store_lease, a_reader_takes_no_lease_and_cannot_write)
{
	const char *conninfo = fresh_database();
	struct store_conn *reader = open_store(STORE_READER, conninfo);
	struct log_head head;

	cr_assert_eq(store_head(reader, &head), STORE_OK, "%s", store_error(reader));
	cr_assert_eq(head.epoch, 0);
	struct params none = {0};
	PGresult *res;
	cr_assert_eq(conn_run_sql(reader, "UPDATE log_head SET epoch = 7", &none, &res), STORE_UNAVAILABLE);
	cr_assert_eq(store_head(reader, &head), STORE_OK);
	cr_assert_eq(head.epoch, 0);
	store_conn_free(reader);
}

/* ---- high water ---- */

static char path[100];
static char why[HIGH_WATER_ERROR_SIZE];

static struct high_water *reopen(struct high_water *h)
{
	high_water_close(h);
	h = high_water_open(path, why);
	cr_assert_not_null(h, "%s", why);
	return h;
}

static void fresh_path(void)
{
	snprintf(path, sizeof(path), "%s/hw-%d", getenv("STORE_TEST_CLUSTER"), (int)getpid());
	unlink(path);
}

static struct digest root_of(uint64_t size)
{
	return digest_of(span_of(&size, sizeof(size)));
}

static bool raise_to(struct high_water *h, uint64_t size)
{
	struct digest root = root_of(size);

	return high_water_raise(h, size, &root, why);
}

static void holds(const struct high_water *h, uint64_t expected)
{
	uint64_t size = 0;
	struct digest root, wanted = root_of(expected);

	cr_assert(high_water_get(h, &size, &root));
	cr_assert_eq(size, expected);
	cr_assert(digest_eq(&root, &wanted));
}

Test(store_lease, the_mark_only_rises, .init = fresh_path)
{
	struct high_water *h = reopen(NULL);
	struct digest other = root_of(99);
	uint64_t size;
	struct digest root;
	struct stat st;

	cr_assert_not(high_water_get(h, &size, &root));
	h = reopen(h);
	for (uint64_t n = 1; n < 9; n++) {
		cr_assert(raise_to(h, 10 * n), "%s", why);
		holds(h, 10 * n);
		h = reopen(h);
		holds(h, 10 * n);
	}
	cr_assert(raise_to(h, 80), "the same again is no change");
	cr_assert_not(high_water_raise(h, 80, &other, why));
	cr_assert_not(raise_to(h, 79));
	h = reopen(h);
	holds(h, 80);
	cr_assert_eq(stat(path, &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0600);
	cr_assert_null(high_water_open(path, why), "it is held");
	high_water_close(h);
	unlink(path);
}

static void overwrite(off_t at, const void *bytes, size_t n)
{
	int fd = open(path, O_WRONLY);

	cr_assert_geq(fd, 0);
	cr_assert_eq(pwrite(fd, bytes, n, at), (ssize_t)n);
	close(fd);
}

Test(store_lease, a_torn_mark_leaves_the_one_before, .init = fresh_path)
{
	struct high_water *h = reopen(NULL);

	cr_assert(raise_to(h, 10) && raise_to(h, 20));
	high_water_close(h);
	overwrite(4096 + 40, "x", 1); /* the second slot */
	h = reopen(NULL);
	holds(h, 10);
	cr_assert(raise_to(h, 30));
	h = reopen(h);
	holds(h, 30);
	high_water_close(h);
	/* Both spoilt: nothing is made up. */
	overwrite(40, "x", 1);
	overwrite(4096 + 40, "x", 1);
	cr_assert_null(high_water_open(path, why));
	cr_assert_not_null(strstr(why, "damaged"), "%s", why);
	unlink(path);
}

Test(store_lease, other_files_are_refused, .init = fresh_path)
{
	struct high_water *h = reopen(NULL);

	cr_assert(raise_to(h, 10));
	high_water_close(h);
	static const struct {
		off_t at;
		const char *bytes;
	} cases[] = {{0, "M"}, {28, "+"}, {28, "0"}, {36, "G"}, {4000, "x"}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char kept[1];
		int fd = open(path, O_RDONLY);
		cr_assert_eq(pread(fd, kept, 1, cases[i].at), 1);
		close(fd);
		overwrite(cases[i].at, cases[i].bytes, 1);
		cr_assert_null(high_water_open(path, why), "%zu", i);
		overwrite(cases[i].at, kept, 1);
	}
	h = reopen(NULL);
	holds(h, 10);
	high_water_close(h);
	cr_assert_eq(truncate(path, 100), 0);
	cr_assert_null(high_water_open(path, why));
	cr_assert_not_null(strstr(why, "size is wrong"), "%s", why);
	unlink(path);
	snprintf(path, sizeof(path), "/nonexistent/high-water");
	cr_assert_null(high_water_open(path, why));
	cr_assert_not_null(strstr(why, "No such file"), "%s", why);
}

/* What is left of one that was being made, at whichever byte there was no more room. */
Test(store_lease, a_file_that_was_being_made_is_made, .init = fresh_path)
{
	static const off_t sizes[] = {0, 1, 4095, 4096, 8191, 8192};

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		int fd = open(path, O_WRONLY | O_CREAT, 0600);
		cr_assert_geq(fd, 0);
		cr_assert_eq(ftruncate(fd, sizes[i]), 0);
		close(fd);
		struct high_water *h = reopen(NULL);
		cr_assert(raise_to(h, 10), "%s", why);
		h = reopen(h);
		holds(h, 10);
		high_water_close(h);
		unlink(path);
	}
}

Test(store_lease, who_shares_the_file_is_told_to_take_another, .init = fresh_path)
{
	struct high_water *h = reopen(NULL);

	cr_assert_null(high_water_open(path, why));
	cr_assert_not_null(strstr(why, path), "%s", why);
	cr_assert_not_null(strstr(why, "Give each server a file of its own (setting high_water)"), "%s", why);
	high_water_close(h);
	unlink(path);
}

Test(store_lease, the_port_keeps_the_mark)
{
	struct store_conn *c = open_store(STORE_WRITER, "");
	struct log_head head = {.size = 5, .root = root_of(5)}, got;

	cr_assert(store_high_water_get(c, &got));
	cr_assert_eq(got.size, 0);
	cr_assert(store_port().high_water(c, &head));
	head.size = 4;
	cr_assert_not(store_port().high_water(c, &head));
	cr_assert(store_high_water_get(c, &got));
	cr_assert_eq(got.size, 5);
	store_conn_free(c);
}
