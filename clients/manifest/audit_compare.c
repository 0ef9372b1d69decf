/* Owns the threads that compare the tables. Each has a connection of its own, and all see the snapshot. */
#include "manifest/audit_internal.h"

#include <pthread.h>
#include <stdlib.h>

#include "manifest/jsontext.h"

enum { COMPARERS_MAX = 4 };

struct comparing {
	struct audit *audit;
	struct projection_report report;
	pthread_mutex_t lock;
	pthread_cond_t finished;
	struct one {
		struct comparing *all;
		bool begun, finished;
		uint64_t rows, under_way;
	} tables[PROJECTION_TABLES_MAX];
	char error[STORE_MESSAGE_SIZE]; /* of whoever failed first */
	bool failed;
};

/* All before this one are through. */
static bool is_its_turn(const struct comparing *c, size_t table)
{
	for (size_t i = 0; i < table; i++)
		if (!c->tables[i].finished)
			return false;
	return true;
}

/* What one finding explains depends on those before it: whoever has one waits for its table's turn. Tables
 * are begun in order, the largest aside (choose()), so that somebody can always go on. */
static void on_finding(void *self, const struct finding *finding)
{
	struct one *one = self;
	struct comparing *c = one->all;

	pthread_mutex_lock(&c->lock);
	while (!is_its_turn(c, (size_t)(one - c->tables)))
		pthread_cond_wait(&c->finished, &c->lock);
	findings_add(&c->audit->findings, finding);
	pthread_mutex_unlock(&c->lock);
}

static void on_progress(void *self, const char *table, uint64_t rows)
{
	struct one *one = self;

	pthread_mutex_lock(&one->all->lock);
	audit_show(one->all->audit, table, rows, false);
	pthread_mutex_unlock(&one->all->lock);
}

/* The largest table takes longest: the first of the other threads that is there begins with it. It may wait
 * for all tables before, which the first thread goes through in order. */
static size_t choose(const struct comparing *c, bool first_thread)
{
	size_t table = projection_largest();

	if (!first_thread && !c->tables[table].begun)
		return table;
	for (table = 0; projection_table(table) != NULL && c->tables[table].begun;)
		table++;
	return table;
}

static bool begin(struct comparing *c, bool first_thread, size_t *ret_table)
{
	pthread_mutex_lock(&c->lock);
	size_t table = choose(c, first_thread);
	bool more = !c->failed && projection_table(table) != NULL;
	if (more)
		c->tables[table].begun = true;
	*ret_table = table;
	pthread_mutex_unlock(&c->lock);
	return more;
}

static void finish(struct comparing *c, size_t table, const char *error)
{
	pthread_mutex_lock(&c->lock);
	c->tables[table].finished = true;
	if (error != NULL && !c->failed) {
		(void)snprintf(c->error, sizeof(c->error), "%s", error);
		c->failed = true;
	}
	pthread_cond_broadcast(&c->finished);
	pthread_mutex_unlock(&c->lock);
}

static void compare_tables(struct comparing *c, struct store_conn *conn, bool first_thread)
{
	size_t table;

	while (begin(c, first_thread, &table)) {
		struct one *one = &c->tables[table];
		struct projection_report report = c->report;
		one->all = c;
		report.self = one;
		enum store_result r = projection_compare(c->audit->projection, table, conn, &report,
							 &one->rows, &one->under_way);
		finish(c, table, r == STORE_OK ? NULL : store_error(conn));
	}
}

/* Another thread than the first; when it cannot connect, the others do its work. */
static void *compare_thread(void *self)
{
	struct comparing *c = self;
	const struct store_options options = {.conninfo = c->audit->order->database};
	struct store_conn *conn = store_conn_new(STORE_READER, &options);

	if (conn != NULL && store_snapshot(conn, c->audit->snapshot) == STORE_OK)
		compare_tables(c, conn, false);
	store_conn_free(conn);
	return NULL;
}

static void compare_all(struct comparing *c)
{
	pthread_t threads[COMPARERS_MAX];
	unsigned n = 0;

	while (n + 1 < c->audit->threads && n < COMPARERS_MAX - 1 &&
	       pthread_create(&threads[n], NULL, compare_thread, c) == 0)
		n++;
	compare_tables(c, c->audit->conn, true);
	while (n > 0)
		(void)pthread_join(threads[--n], NULL);
}

bool audit_compare(struct audit *a, json_t *rows)
{
	struct comparing c = {
	    .audit = a,
	    .report =
		{
		    .self = &c.tables[0],
		    .finding = on_finding,
		    .progress = on_progress,
		    .registry = replay_registry(a->replay),
		    .overdue = replay_head(a->replay)->accepted_at - a->grace,
		},
	};

	if (projection_settle(a->projection) != STORE_OK)
		return audit_unavailable(a, store_error(a->conn));
	(void)pthread_mutex_init(&c.lock, NULL);
	(void)pthread_cond_init(&c.finished, NULL);
	c.tables[0].all = &c;
	if (projection_schema(a->conn, &c.report) == STORE_OK)
		compare_all(&c);
	else
		finish(&c, 0, store_error(a->conn));
	(void)pthread_cond_destroy(&c.finished);
	(void)pthread_mutex_destroy(&c.lock);
	if (c.failed)
		return audit_unavailable(a, c.error);
	for (size_t i = 0; projection_table(i) != NULL; i++) {
		(void)json_object_set_new(rows, projection_table(i), json_of_u64(c.tables[i].rows));
		a->under_way += c.tables[i].under_way;
	}
	return true;
}
