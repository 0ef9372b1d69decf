/*
 * The flags a step of a load gives cause for: weights and counts that differ, what is not valid under way, a
 * vehicle too full, a clock that runs back, one side that was absent. One table says what each step is looked
 * at for.
 */
#include "core/credit_code.h"
#include "core/flags_work.h"
#include "core/words.h"

enum { GIVER = 1, TAKER = 2, ISSUER = 4, RECEIVER = 8 };
enum { NOTHING = -1 };
#define AT(name) ((int)offsetof(struct manifest_line, name))

/* Two weighings of the same load, the first before the step. */
struct difference {
	int from, to;
	const char *was, *is; /* NULL: none */
};

/* What a step is looked at for. */
static const struct step_facts {
	enum event_kind step;
	enum return_leg leg;
	unsigned parties; /* whose validity counts: GIVER and TAKER are the transporter before and after */
	bool permit;
	bool vehicle;
	int carried; /* the quantity on the vehicle, or NOTHING */
	struct difference differences[2];
} step_facts[] = {
    {EVENT_ISSUED, RETURN_NO_LEG, ISSUER | TAKER | RECEIVER, true, true, NOTHING, {{0}}},
    {EVENT_LOADED, RETURN_NO_LEG, ISSUER | TAKER, true, true, AT(shipped), {{0}}},
    {EVENT_HANDED_OVER,
     RETURN_NO_LEG,
     GIVER | TAKER,
     true,
     true,
     AT(moving),
     {{AT(moving), AT(moving), "carried", "handed over"},
      {AT(shipped), AT(moving), "loaded", "handed over"}}},
    {EVENT_DELIVERED,
     RETURN_NO_LEG,
     GIVER | RECEIVER,
     true,
     false,
     NOTHING,
     {{AT(moving), AT(delivered), "carried", "delivered"},
      {AT(shipped), AT(delivered), "loaded", "delivered"}}},
    {EVENT_RECEIVED, RETURN_NO_LEG, RECEIVER, true, false, NOTHING, {{0}}},
    {EVENT_RETURNED, RETURN_OUT, RECEIVER | TAKER, false, true, AT(returning), {{0}}},
    {EVENT_RETURNED,
     RETURN_BACK,
     GIVER | ISSUER,
     false,
     true,
     NOTHING,
     {{AT(returning), AT(returned), "sent back", "returned"}}},
    {EVENT_TREATED, RETURN_NO_LEG, RECEIVER, true, false, NOTHING, {{0}}},
};

static const struct step_facts *facts_of(enum event_kind step, enum return_leg leg)
{
	for (size_t i = 0; i < ARRAY_LEN(step_facts); i++)
		if (step_facts[i].step == step && step_facts[i].leg == leg)
			return &step_facts[i];
	return NULL;
}

static size_t parties_of(const struct work *w, unsigned parties, party_no ret_parties[FLAG_PARTIES_MAX])
{
	const party_no all[FLAG_PARTIES_MAX] = {w->before->transporter, w->after->transporter,
						w->after->generator, w->after->facility};
	size_t n = 0;

	for (size_t i = 0; i < FLAG_PARTIES_MAX; i++)
		if ((parties & 1U << i) != 0)
			ret_parties[n++] = all[i];
	return n;
}

static void add_parties(struct work *w, struct flag_change *c, unsigned parties)
{
	party_no list[FLAG_PARTIES_MAX];
	size_t n = parties_of(w, parties, list);

	for (size_t i = 0; c != NULL && i < n; i++)
		add_party(c, list[i]);
}

static struct quantity quantity_at(const struct manifest_line *line, int offset)
{
	struct quantity q;

	memcpy(&q, (const uint8_t *)line + offset, sizeof(q));
	return q;
}

static bool grams_differ(int64_t a, int64_t b, int64_t permille)
{
	int64_t difference = a > b ? a - b : b - a;

	return difference * 1000 > a * permille; /* at most 10^9 g a line */
}

static bool containers_differ(uint32_t a, uint32_t b, int64_t beyond)
{
	return (a > b ? (int64_t)a - b : (int64_t)b - a) > beyond;
}

/* False: within the setting. */
static bool say_difference(struct work *w, const struct difference *d, size_t i, enum flag_kind kind)
{
	const struct law_settings *settings = registry_settings(w->r);
	struct quantity was = quantity_at(&w->before->lines[i], d->from);
	struct quantity is = quantity_at(&w->after->lines[i], d->to);

	if (kind == FLAG_QUANTITY) {
		if (!grams_differ(was.grams, is.grams, settings->difference_permille))
			return false;
		say(w, DETAIL_GRAMS, detail_number(i + 1), detail_number((uint64_t)was.grams),
		    detail_text(d->was), detail_number((uint64_t)is.grams), detail_text(d->is));
	} else {
		if (!containers_differ(was.containers, is.containers, settings->difference_containers))
			return false;
		say(w, DETAIL_CONTAINERS, detail_number(i + 1), detail_number(was.containers),
		    detail_text(d->was), detail_number(is.containers), detail_text(d->is));
	}
	return true;
}

static void differences(struct work *w, const struct step_facts *facts, enum flag_kind kind)
{
	for (size_t i = 0; i < w->after->lines_n; i++)
		for (size_t k = 0; k < ARRAY_LEN(facts->differences); k++)
			if (facts->differences[k].was != NULL &&
			    say_difference(w, &facts->differences[k], i, kind))
				break;
	if (w->detail_n > 0)
		add_parties(w, raise_flag(w, kind), facts->parties | ISSUER);
}

/* ---- what is not valid under way ---- */

static void say_methods(struct work *w, const struct permit *permit)
{
	const struct received *received = &w->e->received;
	const struct treated *treated = &w->e->treated;

	for (size_t i = 0; w->e->kind == EVENT_RECEIVED && i < received->lines_n; i++)
		if (received->lines[i].decision != DECISION_REFUSED &&
		    !permit_covers_method(permit, received->lines[i].method))
			say(w, DETAIL_METHOD, detail_number(received->lines[i].line),
			    {.text = received->lines[i].method});
	for (size_t i = 0; w->e->kind == EVENT_TREATED && i < treated->lines_n; i++)
		if (!permit_covers_method(permit, treated->lines[i].method))
			say(w, DETAIL_METHOD, detail_number(treated->lines[i].line),
			    {.text = treated->lines[i].method});
}

static void say_permit(struct work *w)
{
	const struct permit_record *permit = registry_permit(w->r, span_str(w->after->permit));

	if (permit == NULL || !permit_valid_at(permit, w->effective_at))
		say(w, DETAIL_PERMIT, detail_text(w->after->permit));
	if (permit == NULL)
		return;
	for (size_t i = 0; i < w->after->lines_n; i++)
		if (!permit_covers_code(&permit->permit, span_str(w->after->lines[i].code)))
			say(w, DETAIL_CODE, detail_number(i + 1), detail_text(w->after->permit),
			    detail_text(w->after->lines[i].code));
	say_methods(w, &permit->permit);
}

static void lapses(struct work *w, const struct step_facts *facts)
{
	party_no parties[FLAG_PARTIES_MAX];
	party_no lapsed[FLAG_PARTIES_MAX];
	size_t n = parties_of(w, facts->parties, parties);
	size_t lapsed_n = 0;
	char text[PARTY_REF_TEXT_SIZE];

	if (facts->permit)
		say_permit(w);
	if (w->detail_n > 0)
		lapsed[lapsed_n++] = w->after->facility;
	if (facts->vehicle) {
		const struct vehicle_record *vehicle = registry_vehicle(w->r, span_str(w->after->plate));

		if (vehicle == NULL || !vehicle_valid_at(vehicle, w->effective_at)) {
			say(w, DETAIL_VEHICLE, detail_text(w->after->plate));
			lapsed[lapsed_n++] = w->after->transporter;
		}
	}
	for (size_t i = 0; i < n; i++) {
		const struct party_record *party = registry_party_no(w->r, parties[i]);

		if (party == NULL || party_valid_at(&party->party, w->effective_at))
			continue;
		party_ref_format(&party->party.ref, text);
		say(w, DETAIL_PARTY, detail_text(text));
		if (lapsed_n < FLAG_PARTIES_MAX)
			lapsed[lapsed_n++] = parties[i];
	}
	if (w->detail_n == 0)
		return;
	struct flag_change *c = raise_flag(w, FLAG_PERMIT_LAPSED);
	for (size_t i = 0; c != NULL && i < lapsed_n; i++)
		add_party(c, lapsed[i]);
}

static void capacity(struct work *w, int carried)
{
	const struct vehicle_record *vehicle = registry_vehicle(w->r, span_str(w->after->plate));
	int64_t grams = 0;

	for (size_t i = 0; i < w->after->lines_n; i++)
		grams += quantity_at(&w->after->lines[i], carried).grams;
	if (vehicle == NULL || grams <= vehicle->vehicle.capacity_grams)
		return;
	say(w, DETAIL_CAPACITY, detail_number((uint64_t)grams), detail_text(w->after->plate),
	    detail_number((uint64_t)vehicle->vehicle.capacity_grams));
	add_parties(w, raise_flag(w, FLAG_OVER_CAPACITY), ISSUER | TAKER);
}

static void clock_ran_back(struct work *w)
{
	int64_t back = w->before->effective_at - w->e->occurred_at;

	if (w->before->chain_n == 0 || back <= registry_settings(w->r)->clock_skew)
		return;
	say(w, DETAIL_CLOCK_BACK, detail_number((uint64_t)(back / MICROS_PER_SECOND)));
	struct flag_change *c = raise_flag(w, FLAG_CLOCK);
	if (c == NULL)
		return;
	for (size_t i = 0; i < w->e->signers_n; i++) {
		const struct key_record *key = registry_key(w->r, &w->e->signers[i].keyid);

		if (key != NULL && key->party != NULL)
			add_party(c, key->party->no);
	}
	if (w->e->signers_n > 0)
		c->keyid = w->e->signers[0].keyid;
}

static void one_side_alone(struct work *w, enum event_kind step, enum return_leg leg)
{
	party_no absent = w->after->absent[w->after->chain_n - 1];
	const struct party_record *party = registry_party_no(w->r, absent);
	char text[PARTY_REF_TEXT_SIZE] = "";

	if (party != NULL)
		party_ref_format(&party->party.ref, text);
	say(w, DETAIL_ONE_SIDE, detail_text(state_step_name(step, leg, false)), detail_text(text),
	    detail_text(word_of(attest_words, w->e->attested.reason)->en));
	struct flag_change *c = raise_flag(w, FLAG_ATTESTED);
	if (c == NULL)
		return;
	add_party(c, absent);
	const struct key_record *key = registry_key(w->r, &w->e->signers[0].keyid);
	if (key != NULL && key->party != NULL)
		add_party(c, key->party->no);
}

static void cancelled_and_loaded(struct work *w, enum event_kind step)
{
	if (w->after->cancelled_at == 0 || w->after->state == STATE_ISSUED ||
	    (step != EVENT_LOADED && step != EVENT_CANCELLED))
		return;
	say(w, step == EVENT_LOADED ? DETAIL_LOADED_AFTER : DETAIL_CANCELLED_AFTER);
	add_parties(w, raise_flag(w, FLAG_CANCELLED_LOADED), ISSUER | TAKER);
}

void flags_of_step(struct work *w, enum event_kind step, enum return_leg leg)
{
	const struct step_facts *facts = facts_of(step, leg);

	cancelled_and_loaded(w, step);
	if (!event_is_custody(w->e->kind))
		return;
	clock_ran_back(w);
	if (w->e->kind == EVENT_ATTESTED)
		one_side_alone(w, step, leg);
	if (facts == NULL)
		return;
	lapses(w, facts);
	if (facts->carried != NOTHING)
		capacity(w, facts->carried);
	differences(w, facts, FLAG_QUANTITY);
	differences(w, facts, FLAG_CONTAINERS);
}
