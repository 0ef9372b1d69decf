/* A log judged again: the same rows from an honest one, and what an operator could do to it is found. */
#include <criterion/criterion.h>

#include "again.h"
#include "rig.h"

enum { MORE = 16 };

/* A log with a fork and its flag, and a deadline that passed and was then met. */
struct log {
	struct rig *r;
	struct span *entries;
	size_t n;
};

static const struct signed_event *send(struct rig *r, conn_id conn, uint64_t id, struct signed_event *s)
{
	rig_submit(r, conn, id, s);
	rig_settle(r);
	return s;
}

static struct log log_new(void)
{
	struct log l = {.r = rig_writing()};
	struct world *w = l.r->w;
	conn_id conn = rig_connect(l.r, GENERATOR, ROLE_GENERATOR);
	struct event e;

	w->now = l.r->now;
	e = world_issued(w, NUMBER(7));
	struct digest issued = send(l.r, conn, 10, SIGN(w, &e, GENERATOR))->event.id;
	e = world_step(w, EVENT_LOADED, NUMBER(7), &issued);
	struct digest loaded = send(l.r, conn, 11, SIGN(w, &e, GENERATOR, HAULER))->event.id;
	e = world_step(w, EVENT_LOADED, NUMBER(7), &issued);
	(void)send(l.r, conn, 12, SIGN(w, &e, GENERATOR, HAULER));
	l.r->now += INT64_C(20) * 86400 * MICROS_PER_SECOND;
	w->now = l.r->now;
	rig_settle(l.r);
	conn = rig_connect(l.r, GENERATOR, ROLE_GENERATOR);
	e = world_step(w, EVENT_DELIVERED, NUMBER(7), &loaded);
	(void)send(l.r, conn, 13, SIGN(w, &e, HAULER, FACILITY));
	l.n = l.r->store->entries_n;
	l.entries = calloc(l.n + MORE, sizeof(*l.entries));
	cr_assert(l.entries != NULL);
	for (size_t i = 0; i < l.n; i++)
		l.entries[i] = l.r->store->entries[i].bytes;
	return l;
}

static void log_free(struct log *l)
{
	free(l->entries);
	rig_free(l->r);
}

/* The last entry of a kind. */
static size_t last_of(const struct log *l, enum event_kind kind)
{
	struct arena *arena = arena_new(REQUEST_MEMORY);

	for (size_t i = l->n; i > 0; i--) {
		struct problems problems = {.arena = arena};
		struct log_entry entry;
		struct envelope envelope;
		struct event event;
		arena_reset(arena);
		if (log_entry_decode(l->entries[i - 1], &entry) &&
		    envelope_decode(entry.envelope, EVENT_PAYLOAD_TYPE, arena, &problems, &envelope) &&
		    envelope_event(&envelope, arena, &problems, &event) && event.kind == kind) {
			arena_free(arena);
			return i - 1;
		}
	}
	cr_assert_fail("there is no %s", event_kind_name(kind));
	return 0;
}

static void drop(struct log *l, size_t at)
{
	l->n--;
	memmove(&l->entries[at], &l->entries[at + 1], (l->n - at) * sizeof(l->entries[0]));
}

static void expect(const struct log *l, const char *what, uint64_t entry)
{
	struct again *a = again_run(l->r->store, l->entries, l->n, 1);

	cr_assert_eq(a->result, STORE_CORRUPT);
	cr_assert_str_eq(a->first.what, what, "%s: %s", a->first.what, a->first.en);
	cr_assert_eq(a->first.entry, entry, "at %llu: %s", (unsigned long long)a->first.entry, a->first.en);
	again_free(a);
}

Test(replay, an_honest_log_comes_to_the_same_rows)
{
	struct log l = log_new();

	(void)last_of(&l, EVENT_FLAG_RAISED);
	(void)last_of(&l, EVENT_FLAG_CLEARED);
	again_same(l.r->store);
	log_free(&l);
}

/* A clock is changed, and before the server has come to compute a load's deadlines again the load arrives,
 * in time by the new one; late by the old one (its flag is cleared) or not. What follows must not depend on
 * who comes first. */
Test(replay, a_clock_that_was_changed)
{
	for (unsigned i = 0; i < 4; i++) {
		bool apart = (i & 1) != 0, late = (i & 2) != 0;
		struct rig *r = rig_writing();
		struct world *w = r->w;
		conn_id conn = rig_connect(r, GENERATOR, ROLE_GENERATOR);
		struct event e, setting = world_event(w, EVENT_SETTING_CHANGED);

		w->now = r->now;
		e = world_issued(w, NUMBER(7));
		struct digest issued = send(r, conn, 10, SIGN(w, &e, GENERATOR))->event.id;
		e = world_step(w, EVENT_LOADED, NUMBER(7), &issued);
		struct digest loaded = send(r, conn, 11, SIGN(w, &e, GENERATOR, HAULER))->event.id;
		r->now += (late ? INT64_C(20) : 0) * 86400 * MICROS_PER_SECOND;
		w->now = r->now;
		rig_settle(r);
		cr_assert_eq(r->store->flags_n, late);
		conn = rig_connect(r, GENERATOR, ROLE_GENERATOR);
		setting.setting_changed =
		    (struct setting_changed){span_str("transit.grace"), span_str("30 d"), span_str("x")};
		e = world_step(w, EVENT_DELIVERED, NUMBER(7), &loaded);
		rig_submit(r, conn, 12, SIGN(w, &setting, REGISTRAR));
		if (apart)
			rig_settle(r);
		rig_submit(r, conn, 13, SIGN(w, &e, HAULER, FACILITY));
		rig_settle(r);
		cr_assert(!late || !r->store->flags[0].open);
		again_same(r->store);
		rig_free(r);
	}
}

Test(replay, a_flag_that_was_not_cleared)
{
	struct log l = log_new();
	size_t at = last_of(&l, EVENT_FLAG_CLEARED);

	drop(&l, at);
	expect(&l, "flag.missing", at - 1);
	log_free(&l);
}

Test(replay, a_flag_that_was_left_out)
{
	struct log l = log_new();
	size_t at = last_of(&l, EVENT_FLAG_RAISED);

	/* The delivery that follows should then have raised it. */
	drop(&l, at);
	expect(&l, "flag.missing", at);
	log_free(&l);
}

Test(replay, a_flag_that_nothing_explains)
{
	struct log l = log_new();
	size_t at = last_of(&l, EVENT_FLAG_RAISED);

	l.entries[l.n++] = l.entries[at];
	expect(&l, "flag.unexplained", l.n - 1);
	struct again *a = again_run(l.r->store, l.entries, l.n, 1);
	cr_expect_not_null(strstr(a->first.en, "not delivered by 2"), "%s", a->first.en);
	cr_expect_not_null(strstr(a->first.zh, "逾期未运抵，期限 2"), "%s", a->first.zh);
	again_free(a);
	log_free(&l);
}

Test(replay, an_event_twice)
{
	struct log l = log_new();
	size_t at = last_of(&l, EVENT_LOADED);

	l.entries[l.n++] = l.entries[at];
	expect(&l, "entry.order", l.n - 1);
	log_free(&l);
}

Test(replay, an_event_left_out)
{
	struct log l = log_new();
	size_t at = last_of(&l, EVENT_LOADED);

	/* What follows it has no predecessor, and nothing that it had caused is explained. */
	drop(&l, at);
	expect(&l, "flag.unexplained", at);
	log_free(&l);
}

Test(replay, accepted_out_of_order)
{
	struct log l = log_new();
	size_t at = last_of(&l, EVENT_LOADED);
	struct log_entry entry;
	struct buffer bytes = BUFFER_EMPTY;

	cr_assert(log_entry_decode(l.entries[at], &entry));
	entry.accepted_at = 1 + l.r->store->entries[0].accepted_at;
	cr_assert(log_entry_encode(&entry, &bytes));
	l.entries[at] = buffer_span(&bytes);
	expect(&l, "rule", at); /* accepted before its device had signed it */
	buffer_free(&bytes);
	log_free(&l);
}

Test(replay, an_entry_that_cannot_be_read)
{
	struct log l = log_new();

	l.entries[3].n--;
	expect(&l, "entry.bytes", 3);
	log_free(&l);
}
