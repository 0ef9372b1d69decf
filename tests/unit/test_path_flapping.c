/*
 * Witnesses that come and go, lanes in any order, a database that fails, crashes: by seed. Whatever happens,
 * every event is stored once, and where the quorum is required no receipt is without it.
 */
#include <criterion/criterion.h>

#include "rig.h"

enum { EVENTS = 24, SEEDS = 20, QUORUM = 2, STEPS = 4000 };

struct play {
	struct rig *r;
	struct fake_witnesses *f;
	uint64_t seed;
	conn_id conn;
	uint64_t next_id;
	const struct signed_event *events[EVENTS];
	uint64_t asked[EVENTS]; /* the request under way or answered last; 0: none */
	bool accepted[EVENTS];
};

static bool chance(struct play *p, uint64_t of)
{
	return seed_next(&p->seed, of) == 0;
}

static void connect_device(struct play *p)
{
	for (int i = 0; i < 100 && path_status(p->r->path).head.size == 0; i++) {
		p->r->now += MICROS_PER_SECOND;
		rig_settle(p->r);
	}
	p->conn = rig_open(p->r);
	const struct hello hello = rig_hello(p->r, p->conn, GENERATOR, ROLE_GENERATOR);
	rig_say_hello(p->r, p->conn, GENERATOR, &hello);
	rig_drain(p->r);
	memset(p->asked, 0, sizeof(p->asked));
}

static void look(struct play *p, bool required)
{
	for (size_t i = 0; i < EVENTS; i++) {
		const struct frame *answer = p->asked[i] == 0 ? NULL : rig_answer(p->r, p->conn, p->asked[i]);
		struct proof proof;
		if (answer == NULL)
			continue;
		p->asked[i] = 0;
		if (answer->kind != FRAME_RECEIPT)
			continue;
		cr_assert(proof_parse(answer->receipt.proof, &proof));
		if (required)
			cr_assert_geq(fake_witnesses_in(p->f, proof.checkpoint), (unsigned)QUORUM);
		p->accepted[i] = true;
	}
}

static void submit_one(struct play *p)
{
	size_t i = (size_t)seed_next(&p->seed, EVENTS);

	if (p->events[i] == NULL) {
		struct event e = world_issued(p->r->w, NUMBER(i + 1));
		p->events[i] = SIGN(p->r->w, &e, GENERATOR);
	}
	if (p->asked[i] != 0 || !p->r->conns[p->conn].greeted)
		return;
	p->asked[i] = p->next_id++;
	rig_submit(p->r, p->conn, p->asked[i], p->events[i]);
}

static void step(struct play *p)
{
	enum rig_lane lane = (enum rig_lane)seed_next(&p->seed, LANES);

	if (chance(p, 12))
		submit_one(p);
	if (chance(p, 40))
		p->f->w[seed_next(&p->seed, WITNESSES)].mood =
		    chance(p, 2) ? MOOD_GOOD
				 : MOOD_DOWN + (enum mood)seed_next(&p->seed, MOOD_BOASTS - MOOD_DOWN);
	if (chance(p, 3))
		(void)rig_run(p->r, lane);
	else if (p->r->lanes[lane].ran > 0)
		(void)rig_end(p->r, lane, (size_t)seed_next(&p->seed, p->r->lanes[lane].ran));
	if (chance(p, 10)) {
		p->r->now += (micros)seed_next(&p->seed, MICROS_PER_SECOND);
		path_tick(p->r->path);
	}
	if (chance(p, 700)) {
		rig_crash(p->r);
		rig_start(p->r);
		rig_settle(p->r);
		connect_device(p);
	}
}

static void play(uint64_t seed, const struct path_witnesses *settings)
{
	struct play p = {.seed = seed, .next_id = 2};

	p.r = rig_new(world_new());
	p.f = fake_witnesses_new(&p.r->log_key, QUORUM);
	rig_witness(p.r, p.f, *settings);
	rig_start(p.r);
	rig_settle(p.r);
	connect_device(&p);
	p.r->store->seed = seed;
	p.r->store->per_mille = 10;
	for (int i = 0; i < STEPS; i++) {
		step(&p);
		look(&p, settings->required);
		cr_assert_neq(path_status(p.r->path).state, PATH_STOPPED, "seed %llu: %s",
			      (unsigned long long)seed, path_status(p.r->path).reason);
	}
	/* everything is well again */
	p.r->store->per_mille = 0;
	for (unsigned i = 0; i < WITNESSES; i++)
		p.f->w[i].mood = MOOD_GOOD;
	for (int i = 0; i < 40; i++) {
		p.r->now += MICROS_PER_SECOND;
		rig_settle(p.r);
	}
	look(&p, settings->required);
	cr_assert_eq(path_status(p.r->path).state, PATH_WRITING, "seed %llu: %s", (unsigned long long)seed,
		     p.r->last_notice);
	for (size_t i = 0; i < EVENTS; i++) {
		if (p.events[i] == NULL)
			continue;
		bool was_accepted = p.accepted[i];
		p.asked[i] = p.next_id++;
		rig_submit(p.r, p.conn, p.asked[i], p.events[i]);
		rig_settle(p.r);
		cr_assert(rig_accepted(p.r, p.conn, p.asked[i]), "seed %llu: %s", (unsigned long long)seed,
			  rig_words(p.r, p.conn, p.asked[i]));
		if (was_accepted)
			cr_assert(rig_answer(p.r, p.conn, p.asked[i])->receipt.repeated);
		look(&p, settings->required);
	}
	for (int i = 0; i < 3; i++) {
		p.r->now += MICROS_PER_SECOND;
		rig_settle(p.r);
	}
	cr_assert_eq(fake_witnesses_in(p.f, path_checkpoint(p.r->path)), WITNESSES);
	cr_assert_eq(path_status(p.r->path).under_way, 0);
	rig_free(p.r);
	fake_witnesses_free(p.f);
}

Test(flapping, waiting)
{
	const struct path_witnesses settings = {.wait = MICROS_PER_SECOND, .timeout = MICROS_PER_SECOND};

	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		play(seed, &settings);
}

Test(flapping, required)
{
	const struct path_witnesses settings = {
	    .wait = MICROS_PER_SECOND, .timeout = MICROS_PER_SECOND, .required = true};

	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		play(seed, &settings);
}

Test(flapping, not_waiting)
{
	const struct path_witnesses settings = {.timeout = MICROS_PER_SECOND};

	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		play(seed, &settings);
}
