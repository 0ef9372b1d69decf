/*
 * Random devices send random events to a server at which everything fails at random: the store in every way
 * it can, connections, the server itself. Whatever happens: nothing acknowledged is lost, nothing is stored
 * twice, every receipt ever given holds and stays consistent with the log, every request is answered exactly
 * once unless its connection is gone, in the end the server writes, and its log judged again comes to the
 * same rows. Seeds from 1 to SEEDS (environment).
 */
#include <criterion/criterion.h>

#include "again.h"
#include "core/proof.h"
#include "rig.h"

enum { EVENTS_MAX = 150, CLIENTS = 4, REQUESTS_MAX = 1000, STEPS = 2000, TRAILS = 8 };

struct asked {
	conn_id conn;
	uint64_t id;
	bool excused; /* its connection went */
};

struct trail { /* one manifest's life as the devices see it */
	uint64_t number;
	struct digest head;
	int steps;
};

struct play {
	struct rig *r;
	uint64_t seed;
	const struct signed_event *events[EVENTS_MAX];
	size_t events_n;
	conn_id clients[CLIENTS];
	struct asked asked[REQUESTS_MAX];
	size_t asked_n;
	struct trail trails[TRAILS];
	unsigned numbers; /* of manifests begun */
	uint64_t next_id;
};

static uint64_t chance(struct play *p, uint64_t below)
{
	return seed_next(&p->seed, below);
}

/* ---- devices ---- */

static const struct signed_event *next_event(struct play *p)
{
	struct world *w = p->r->w;
	struct trail *t = &p->trails[chance(p, TRAILS)];
	struct signed_event *s;
	struct event e;

	w->now = p->r->now;
	if (t->steps == 0 || t->steps == 5) {
		*t = (struct trail){.number = NUMBER(++p->numbers)};
		e = world_issued(w, t->number);
		s = SIGN(w, &e, GENERATOR);
	} else if (t->steps == 1) {
		e = world_step(w, EVENT_LOADED, t->number, &t->head);
		s = SIGN(w, &e, GENERATOR, HAULER);
	} else if (t->steps == 2) {
		e = world_step(w, EVENT_DELIVERED, t->number, &t->head);
		s = SIGN(w, &e, HAULER, FACILITY);
	} else {
		e = world_step(w, t->steps == 3 ? EVENT_RECEIVED : EVENT_TREATED, t->number, &t->head);
		s = SIGN(w, &e, FACILITY);
	}
	t->head = s->event.id;
	t->steps++;
	return s;
}

static void send_event(struct play *p, const struct signed_event *e)
{
	conn_id conn = p->clients[chance(p, CLIENTS)];

	if (!p->r->conns[conn].greeted || p->asked_n == REQUESTS_MAX)
		return;
	p->asked[p->asked_n++] = (struct asked){conn, p->next_id, false};
	rig_submit(p->r, conn, p->next_id++, e);
}

static void ask(struct play *p)
{
	conn_id conn = p->clients[chance(p, CLIENTS)];
	const uint64_t number = NUMBER(1 + chance(p, p->numbers + 1));
	const struct query queries[] = {{.kind = QUERY_TRAIL, .numbers = &number, .numbers_n = 1},
					{.kind = QUERY_CHECKPOINT, .size = 1 + chance(p, 60)},
					{.kind = QUERY_SEARCH}};

	if (!p->r->conns[conn].greeted || p->asked_n == REQUESTS_MAX)
		return;
	p->asked[p->asked_n++] = (struct asked){conn, p->next_id, false};
	rig_query(p->r, conn, p->next_id++, &queries[chance(p, ARRAY_LEN(queries))]);
}

static void excuse(struct play *p, conn_id conn)
{
	for (size_t i = 0; i < p->asked_n; i++)
		p->asked[i].excused |= p->asked[i].conn == conn;
}

static void connect(struct play *p, size_t client)
{
	static const enum device devices[CLIENTS] = {GENERATOR, HAULER, FACILITY, REGISTRAR};
	static const enum role roles[CLIENTS] = {ROLE_GENERATOR, ROLE_TRANSPORTER, ROLE_FACILITY,
						 ROLE_REGISTRAR};
	conn_id conn = rig_open(p->r);

	p->clients[client] = conn;
	if (p->r->conns[conn].closed_by_path != NULL)
		return;
	struct hello hello = rig_hello(p->r, conn, devices[client], roles[client]);
	hello.size = chance(p, 40);
	rig_say_hello(p->r, conn, devices[client], &hello);
}

static void reconnect(struct play *p, size_t client)
{
	excuse(p, p->clients[client]);
	rig_close(p->r, p->clients[client]);
	connect(p, client);
}

/* ---- the server's fate ---- */

static void crash(struct play *p)
{
	struct rig *r = p->r;
	unsigned per_mille = r->store->per_mille;

	/* Half the time nothing that was on its way to the database arrives. */
	if (chance(p, 2) == 0)
		r->store->per_mille = 1000;
	for (size_t i = 0; i < CLIENTS; i++)
		excuse(p, p->clients[i]);
	rig_crash(r);
	r->store->per_mille = per_mille;
	rig_start(r);
	for (size_t i = 0; i < CLIENTS; i++)
		connect(p, i);
}

static void pass_time(struct play *p)
{
	p->r->now += (micros)chance(p, 500000);
	if (chance(p, 200) == 0)
		p->r->now += INT64_C(86400) * MICROS_PER_SECOND;
	path_tick(p->r->path);
}

static void step(struct play *p)
{
	struct rig *r = p->r;
	enum rig_lane lane = (enum rig_lane)chance(p, LANES);
	size_t client;

	switch (chance(p, 16)) {
	case 0:
	case 1:
		if (p->events_n < EVENTS_MAX) {
			p->events[p->events_n++] = next_event(p);
			send_event(p, p->events[p->events_n - 1]);
		}
		break;
	case 2:
		if (p->events_n > 0)
			send_event(p, p->events[chance(p, p->events_n)]);
		break;
	case 3: ask(p); break;
	case 4: pass_time(p); break;
	case 5:
		client = chance(p, CLIENTS);
		if (chance(p, r->conns[p->clients[client]].greeted ? 40 : 2) == 0)
			reconnect(p, client);
		break;
	case 6:
		if (chance(p, 80) == 0)
			crash(p);
		break;
	case 7:
		if (chance(p, r->store->leased_away ? 4 : 60) == 0)
			r->store->leased_away = !r->store->leased_away;
		break;
	case 8:
	case 9:
	case 10:
	case 11:
		(void)rig_run(r, lane);
		(void)rig_run(r, LANE_WRITER);
		break;
	default:
		if (r->lanes[lane].ran > 0)
			(void)rig_end(r, lane, lane == LANE_WRITER ? 0 : chance(p, r->lanes[lane].ran));
		(void)rig_end(r, LANE_WRITER, 0);
		break;
	}
}

/* ---- afterwards ---- */

static void heal(struct play *p)
{
	p->r->store->per_mille = 0;
	p->r->store->leased_away = false;
	for (int i = 0; i < 20; i++) {
		p->r->now += MICROS_PER_SECOND;
		rig_settle(p->r);
	}
}

static bool receipts_hold(const struct rig *r)
{
	for (size_t i = 0; i < r->frames_n; i++)
		if (r->frames[i].frame.kind == FRAME_RECEIPT &&
		    !rig_receipt_holds(r, &r->frames[i].frame.receipt))
			return false;
	return true;
}

static void check_log(const struct play *p, uint64_t seed)
{
	const struct fake_store *s = p->r->store;
	struct digest root = fake_store_root(s, s->entries_n);

	cr_assert(s->entries_n == s->head.size && s->high_water.size == s->head.size &&
		      digest_eq(&root, &s->head.root),
		  "seed %llu", (unsigned long long)seed);
	cr_assert(receipts_hold(p->r), "seed %llu", (unsigned long long)seed);
	again_same(s);
}

static size_t unanswered(const struct play *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->asked_n; i++)
		n += !p->asked[i].excused && rig_answer(p->r, p->asked[i].conn, p->asked[i].id) == NULL;
	return n;
}

static void check_answers(const struct play *p, uint64_t seed)
{
	cr_assert_eq(unanswered(p), 0, "seed %llu", (unsigned long long)seed);
	cr_assert(path_status(p->r->path).under_way == 0 && p->r->gate_open, "seed %llu",
		  (unsigned long long)seed);
}

/* Everything that was ever signed is sent once more, in order, and is taken. */
static void check_all_is_taken(struct play *p, uint64_t seed)
{
	conn_id conn = rig_connect(p->r, GENERATOR, ROLE_GENERATOR);

	for (size_t i = 0; i < p->events_n; i++) {
		rig_submit(p->r, conn, 2 + i, p->events[i]);
		rig_drain(p->r);
		cr_assert(rig_accepted(p->r, conn, 2 + i), "seed %llu, event %zu: %s",
			  (unsigned long long)seed, i, rig_words(p->r, conn, 2 + i));
	}
}

static void run_seed(uint64_t seed)
{
	struct play *p = calloc(1, sizeof(*p));

	MUST(p != NULL);
	p->seed = seed;
	p->next_id = 10;
	p->r = rig_new(world_new());
	p->r->store->seed = seed;
	p->r->store->per_mille = (unsigned)(seed % 5) * 25;
	p->r->config.batch_max = 1 + seed % 7;
	p->r->config.requests_max = 16;
	rig_start(p->r);
	rig_drain(p->r);
	for (size_t i = 0; i < CLIENTS; i++)
		connect(p, i);
	for (int i = 0; i < STEPS; i++) {
		step(p);
		cr_assert_neq(path_status(p->r->path).state, PATH_STOPPED, "seed %llu: %s",
			      (unsigned long long)seed, path_status(p->r->path).reason);
	}
	heal(p);
	cr_assert_eq(path_status(p->r->path).state, PATH_WRITING, "seed %llu", (unsigned long long)seed);
	check_answers(p, seed);
	check_all_is_taken(p, seed);
	check_log(p, seed);
	rig_free(p->r);
	free(p);
}

Test(random, whatever_fails_nothing_acknowledged_is_lost, .timeout = 600)
{
	const char *seeds = getenv("SEEDS");
	uint64_t last = seeds == NULL ? 60 : strtoull(seeds, NULL, 10);

	for (uint64_t seed = 1; seed <= last; seed++)
		run_seed(seed);
}
