#include <criterion/criterion.h>

#include "core/rules.h"
#include "fixture.h"

/* Who signs each kind, written down a second time, from proto/manifest.proto's own words. */
static const struct {
	enum event_kind kind;
	enum return_leg leg;
	enum device signers[2];
	size_t n;
	/* More devices that may sign alone in the place of the first. */
	enum device also[6];
	size_t also_n;
} kinds[] = {
    {EVENT_GENESIS, 0, {SERVER}, 1, {0}, 0},
    {EVENT_SETTING_CHANGED, 0, {REGISTRAR}, 1, {SERVER}, 1},
    {EVENT_REFERENCE_LOADED, 0, {SERVER}, 1, {REGISTRAR}, 1},
    {EVENT_REGISTRAR_ADDED, 0, {REGISTRAR, NEW_REGISTRAR}, 2, {RECOVERY}, 1},
    {EVENT_REGISTRAR_REMOVED, 0, {REGISTRAR}, 1, {0}, 0},
    {EVENT_PARTY_REGISTERED, 0, {REGISTRAR}, 1, {0}, 0},
    {EVENT_PARTY_CHANGED, 0, {REGISTRAR}, 1, {0}, 0},
    {EVENT_KEY_ENROLLED, 0, {REGISTRAR, NEW_DEVICE}, 2, {0}, 0},
    {EVENT_KEY_REVOKED, 0, {REGISTRAR}, 1, {0}, 0},
    {EVENT_PERSON_REGISTERED, 0, {REGISTRAR}, 1, {0}, 0},
    {EVENT_VEHICLE_REGISTERED, 0, {REGISTRAR}, 1, {0}, 0},
    {EVENT_PERMIT_GRANTED, 0, {REGISTRAR}, 1, {0}, 0},
    {EVENT_PERMIT_CHANGED, 0, {REGISTRAR}, 1, {0}, 0},
    {EVENT_PERMIT_REVOKED, 0, {REGISTRAR}, 1, {0}, 0},
    {EVENT_NUMBER_BLOCK_GRANTED, 0, {REGISTRAR}, 1, {0}, 0},
    {EVENT_ISSUED, 0, {GENERATOR}, 1, {0}, 0},
    /* Which generator gives the load, only the manifest tells: see test_judge.c. */
    {EVENT_LOADED, 0, {GENERATOR, HAULER}, 2, {OTHER_GENERATOR}, 1},
    {EVENT_HANDED_OVER, 0, {HAULER, OTHER_HAULER}, 2, {0}, 0},
    {EVENT_DELIVERED, 0, {HAULER, FACILITY}, 2, {0}, 0},
    {EVENT_RECEIVED, 0, {FACILITY}, 1, {0}, 0},
    {EVENT_RETURNED, RETURN_OUT, {FACILITY, HAULER}, 2, {0}, 0},
    {EVENT_RETURNED, RETURN_BACK, {HAULER, GENERATOR}, 2, {0}, 0},
    {EVENT_TREATED, 0, {FACILITY}, 1, {0}, 0},
    {EVENT_CONFIRMED, 0, {FACILITY}, 1, {GENERATOR, OTHER_GENERATOR, HAULER, OTHER_HAULER}, 4},
    {EVENT_CANCELLED, 0, {GENERATOR}, 1, {OTHER_GENERATOR}, 1},
    {EVENT_FLAG_RESOLVED, 0, {INSPECTOR}, 1, {PROVINCE_INSPECTOR, FAR_INSPECTOR}, 2},
};

static struct event event_of(const struct world *w, size_t row)
{
	struct event e;

	if (kinds[row].kind == EVENT_ISSUED)
		e = world_issued(w, NUMBER(1));
	else if (event_is_custody(kinds[row].kind))
		e = world_step(w, kinds[row].kind, NUMBER(1), &(struct digest){{1}});
	else
		e = world_event(w, kinds[row].kind);
	if (e.kind == EVENT_RETURNED) {
		e.transfer.leg = kinds[row].leg;
		e.transfer.from = world_party(kinds[row].signers[0]);
		e.transfer.to = world_party(kinds[row].signers[1]);
	} else if (e.kind == EVENT_GENESIS) {
		e.genesis.server_key = w->devices[SERVER].public;
	} else if (e.kind == EVENT_REGISTRAR_ADDED) {
		e.registrar_added.key = w->devices[NEW_REGISTRAR].public;
	} else if (e.kind == EVENT_KEY_ENROLLED) {
		e.key_enrolled.key = w->devices[NEW_DEVICE].public;
		e.key_enrolled.party = world_party(GENERATOR);
		e.key_enrolled.role = ROLE_GENERATOR;
	}
	return e;
}

static void sign_by(const struct world *w, struct event *e, const enum device *by, size_t n)
{
	e->signers_n = n;
	for (size_t i = 0; i < n; i++)
		e->signers[i] = (struct signer){.keyid = w->devices[by[i]].keyid, .number = 1};
}

/* The problems signers_check() finds. */
static struct problems check(struct world *w, const struct event *e)
{
	struct problems p = {.arena = w->arena};

	signers_check(w->registry, e, &p);
	return p;
}

static bool passes(struct world *w, const struct event *e)
{
	struct problems p = check(w, e);

	return !problems_any(&p);
}

static bool may_also(size_t row, enum device d)
{
	for (size_t i = 0; i < kinds[row].also_n; i++)
		if (kinds[row].also[i] == d)
			return true;
	return false;
}

Test(signers, every_kind_by_every_device_in_every_place)
{
	struct world *w = world_new();

	for (size_t row = 0; row < ARRAY_LEN(kinds); row++) {
		struct event e = event_of(w, row);
		const char *name = event_kind_name(e.kind);
		sign_by(w, &e, kinds[row].signers, kinds[row].n);
		struct problems p = check(w, &e);
		cr_assert(!problems_any(&p), "%s: %s", name, world_problems(w, &p));
		for (size_t place = 0; place < kinds[row].n; place++)
			for (enum device d = 0; d < DEVICES; d++) {
				enum device by[2] = {kinds[row].signers[0], kinds[row].signers[1]};
				bool good = d == by[place] || (place == 0 && may_also(row, d));
				by[place] = d;
				sign_by(w, &e, by, kinds[row].n);
				cr_assert_eq(passes(w, &e), good, "%s, device %d in place %zu", name, d,
					     place);
			}
	}
	world_free(w);
}

Test(signers, neither_fewer_nor_more_nor_swapped_nor_twice)
{
	struct world *w = world_new();

	for (size_t row = 0; row < ARRAY_LEN(kinds); row++) {
		struct event e = event_of(w, row);
		const char *name = event_kind_name(e.kind);
		enum device by[4] = {kinds[row].signers[0], kinds[row].signers[1], INSPECTOR, FACILITY};
		for (size_t n = 0; n <= MAX_SIGNERS; n++) {
			sign_by(w, &e, by, n);
			if (n == kinds[row].n)
				continue;
			struct problems p = check(w, &e);
			cr_assert(problems_have(&p, "signers.count"), "%s by %zu", name, n);
		}
		if (kinds[row].n != 2)
			continue;
		enum device swapped[2] = {by[1], by[0]}, twice[2] = {by[0], by[0]};
		sign_by(w, &e, swapped, 2);
		cr_assert(!passes(w, &e), "%s swapped", name);
		if (event_is_custody(e.kind)) {
			struct problems p = check(w, &e);
			cr_assert(problems_have(&p, "signers.order"), "%s swapped", name);
		}
		sign_by(w, &e, twice, 2);
		struct problems p = check(w, &e);
		cr_assert(problems_have(&p, "signers.same"), "%s twice", name);
	}
	world_free(w);
}

Test(signers, the_servers_own_kinds_are_nobody_elses)
{
	static const enum event_kind own[] = {EVENT_FLAG_RAISED, EVENT_FLAG_CLEARED};
	struct world *w = world_new();

	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		for (enum device d = 0; d < DEVICES; d++) {
			struct event e = world_event(w, own[i]);
			sign_by(w, &e, &d, 1);
			struct problems p = check(w, &e);
			cr_assert(problems_have(&p, "event.server_only"));
		}
	world_free(w);
}

Test(signers, imports_and_given_up_numbers)
{
	struct world *w = world_new();
	struct event imported = world_event(w, EVENT_IMPORTED), voided = world_event(w, EVENT_VOIDED);

	for (enum device d = 0; d < DEVICES; d++) {
		bool enrolled = d != RECOVERY && d != NEW_DEVICE && d != NEW_REGISTRAR;
		sign_by(w, &imported, &d, 1);
		cr_assert_eq(passes(w, &imported), enrolled && d != SERVER, "device %d", d);
		sign_by(w, &voided, &d, 1);
		cr_assert_eq(passes(w, &voided), enrolled, "device %d", d);
	}
	world_free(w);
}

Test(signers, one_side_alone_is_one_of_the_two)
{
	static const struct {
		enum event_kind step;
		enum return_leg leg;
		enum device from, to;
	} steps[] = {
	    {EVENT_LOADED, 0, GENERATOR, HAULER},
	    {EVENT_HANDED_OVER, 0, HAULER, OTHER_HAULER},
	    {EVENT_DELIVERED, 0, HAULER, FACILITY},
	    {EVENT_RETURNED, RETURN_OUT, FACILITY, HAULER},
	    {EVENT_RETURNED, RETURN_BACK, HAULER, GENERATOR},
	};
	struct world *w = world_new();

	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		struct event e = world_event(w, EVENT_ATTESTED);
		e.attested.step = steps[i].step;
		e.attested.transfer = (struct transfer){
		    .from = world_party(steps[i].from), .to = world_party(steps[i].to), .leg = steps[i].leg};
		for (enum device d = 0; d < DEVICES; d++) {
			bool good = d == steps[i].from || d == steps[i].to ||
				    (steps[i].step == EVENT_LOADED && d == OTHER_GENERATOR);
			sign_by(w, &e, &d, 1);
			cr_assert_eq(passes(w, &e), good, "attested %s, device %d",
				     event_kind_name(steps[i].step), d);
		}
		enum device both[2] = {steps[i].from, steps[i].to};
		sign_by(w, &e, both, 2);
		struct problems p = check(w, &e);
		cr_assert(problems_have(&p, "signers.count"));
	}
	world_free(w);
}

Test(signers, all_that_is_wrong_is_said_at_once)
{
	struct world *w = world_new();
	struct event e = world_step(w, EVENT_DELIVERED, NUMBER(1), &(struct digest){{1}});
	enum device by[] = {OTHER_HAULER, INSPECTOR, NEW_DEVICE};

	e.occurred_at = 1;
	sign_by(w, &e, by, 3);
	struct problems p = check(w, &e);
	cr_assert(problems_have(&p, "signers.count"));
	cr_assert(problems_have(&p, "key.party"));
	cr_assert(problems_have(&p, "key.role"));
	cr_assert(problems_have(&p, "key.not_yet_valid"));
	cr_assert_eq(p.count, 5, "%s", world_problems(w, &p));
	world_free(w);
}

Test(signers, keys_are_judged_by_the_time_of_the_event)
{
	struct world *w = world_new();
	struct event e = world_issued(w, NUMBER(1));
	enum device by = GENERATOR;
	const struct key_record *key = registry_key(w->registry, &w->devices[GENERATOR].keyid);

	sign_by(w, &e, &by, 1);
	e.occurred_at = key->valid_from;
	cr_assert(passes(w, &e));
	e.occurred_at--;
	struct problems p = check(w, &e);
	cr_assert(problems_have(&p, "key.not_yet_valid"));
	world_free(w);
}

/* Every pair of kind and revoked signer: only a step that another good key bears out, and only before. */
Test(signers, a_revoked_key_passes_only_in_a_step_of_two_sides_made_before)
{
	for (size_t row = 0; row < ARRAY_LEN(kinds); row++)
		for (size_t place = 0; place < kinds[row].n; place++) {
			struct world *w = world_new();
			struct event e = event_of(w, row);
			struct key_record *key =
			    registry_key(w->registry, &w->devices[kinds[row].signers[place]].keyid);
			bool two = event_is_custody(e.kind) && kinds[row].n == 2;
			if (key != NULL && kinds[row].kind != EVENT_GENESIS) {
				sign_by(w, &e, kinds[row].signers, kinds[row].n);
				key->revoked_from = e.occurred_at + 1;
				key->revoked_at = e.occurred_at + 2;
				cr_assert_eq(passes(w, &e), two, "%s before", event_kind_name(e.kind));
				key->revoked_from = e.occurred_at;
				cr_assert(!passes(w, &e), "%s after", event_kind_name(e.kind));
			}
			world_free(w);
		}
}
