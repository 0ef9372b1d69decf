/*
 * Owns who takes part. Every device has a generator of its own; four share a transporter, and all share eight
 * facilities, as in a city.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "core/civil.h"
#include "core/credit_code.h"
#include "core/number.h"
#include "crypto/key_text.h"
#include "libmanifest/client.h"
#include "libmanifest/file.h"
#include "libmanifest/sign.h"

enum { DEVICES_OF_TRANSPORTER = 4, FACILITIES = 8, BLOCK = 10000, SERIALS = 999999, UNDER_WAY = 256 };

static const enum role roles[SIDES] = {ROLE_GENERATOR, ROLE_TRANSPORTER, ROLE_FACILITY};
static const micros long_ago = INT64_C(1600000000) * MICROS_PER_SECOND;
static const micros far_off = INT64_C(4000000000) * MICROS_PER_SECOND;

struct registrar {
	struct mft_client *client;
	struct secret_key secret;
	struct digest keyid;
	uint64_t number;
	size_t under_way;
};

static void take_answer(struct registrar *r)
{
	struct mft_news news;

	if (!mft_client_next(r->client, -1, &news))
		fail("while registering: %s", mft_client_failure(r->client)->en);
	if (news.kind == MFT_REFUSED)
		fail("while registering: %.*s: %.*s, found %.*s", SPAN_ARG(news.refusal.problems[0].path),
		     SPAN_ARG(news.refusal.problems[0].en), SPAN_ARG(news.refusal.problems[0].found));
	if (news.kind == MFT_ACCEPTED)
		r->under_way--;
}

/* Signed by the registrar, and by a new key where one is enrolled. */
static void submit(struct registrar *r, struct event *e, const struct secret_key *with)
{
	const struct secret_key *keys[] = {&r->secret, with};
	struct buffer envelope = BUFFER_EMPTY;
	struct mft_failure f = {0};

	e->occurred_at = clock_now();
	e->signers_n = with == NULL ? 1 : 2;
	e->signers[0] = (struct signer){.keyid = r->keyid, .number = ++r->number};
	if (!mft_sign(e, keys, e->signers_n, &envelope, &f))
		fail("%s", f.en);
	if (mft_client_send(r->client, buffer_span(&envelope)) == 0)
		fail("while registering: %s", mft_client_failure(r->client)->en);
	buffer_free(&envelope);
	r->under_way++;
	while (r->under_way >= UNDER_WAY)
		take_answer(r);
}

static struct party_ref party_of(size_t side, size_t i)
{
	struct party_ref ref = {.site = 1};
	char head[17];

	(void)snprintf(head, sizeof(head), "91210106M%zu0P%04zu", side, i % 10000);
	if (!credit_code_make(span_str(head), ref.credit_code))
		fail("no credit code");
	return ref;
}

static void register_party(struct registrar *r, size_t side, size_t i)
{
	char name[64];
	struct event e = {.kind = EVENT_PARTY_REGISTERED};

	(void)snprintf(name, sizeof(name), "试验单位%zu-%zu", side, i);
	e.party.party = (struct party){
	    .ref = party_of(side, i),
	    .name = span_str(name),
	    .roles = &roles[side],
	    .roles_n = 1,
	    .division = span_str("210106"),
	    .address = span_str("沈阳市铁西区"),
	    .generator_class = side == 0 ? 2 : 1,
	    .valid_from = long_ago,
	};
	submit(r, &e, NULL);
}

static void permit_number(size_t facility, char ret_number[16])
{
	(void)snprintf(ret_number, 16, "SY-%zu", facility + 1);
}

static void grant_permit(struct registrar *r, size_t facility)
{
	static const struct span codes[] = {{(const uint8_t *)"HW08", 4}};
	static const struct span methods[] = {{(const uint8_t *)"R9", 2}};
	char number[16];
	struct event e = {.kind = EVENT_PERMIT_GRANTED};

	permit_number(facility, number);
	e.permit.permit = (struct permit){
	    .number = span_str(number),
	    .facility = party_of(2, facility),
	    .waste_codes = codes,
	    .waste_codes_n = ARRAY_LEN(codes),
	    .methods = methods,
	    .methods_n = ARRAY_LEN(methods),
	    .grams_per_year = INT64_C(10000000000000),
	    .valid_from = long_ago,
	    .valid_until = far_off,
	};
	submit(r, &e, NULL);
}

static void enrol(struct registrar *r, struct device *d, size_t side)
{
	struct public_key public;
	struct event e = {.kind = EVENT_KEY_ENROLLED};

	key_generate(&d->keys[side], &public);
	d->keyids[side] = key_id(&public);
	d->numbers[side] = 1;
	e.signers[1] = (struct signer){.keyid = d->keyids[side], .number = 1};
	e.key_enrolled = (struct key_enrolled){
	    .key = public,
	    .party = d->parties[side],
	    .role = roles[side],
	    .device = span_str("bench"),
	    .valid_from = long_ago,
	};
	submit(r, &e, &d->keys[side]);
}

static void register_vehicle(struct registrar *r, const struct device *d)
{
	struct event e = {.kind = EVENT_VEHICLE_REGISTERED};

	e.vehicle_registered = (struct vehicle_registered){
	    .plate = span_str(d->plate),
	    .transporter = d->parties[1],
	    .licence = span_str("L1"),
	    .capacity_grams = 40000000,
	    .valid_from = long_ago,
	};
	submit(r, &e, NULL);
}

/* The year's numbers, in equal shares. */
static void grant_numbers(struct registrar *r, struct device *d, size_t i, size_t devices)
{
	size_t share = SERIALS / devices;
	uint64_t year = (uint64_t)civil_year(clock_now());
	uint64_t base = (year * 10000 + 2101) * 1000000;

	d->first_manifest = d->next_manifest = base + i * share + 1;
	d->last_manifest = d->next_manifest + share - 1;
	for (uint64_t first = d->next_manifest; first <= d->last_manifest; first += BLOCK) {
		struct event e = {.kind = EVENT_NUMBER_BLOCK_GRANTED};
		uint64_t left = d->last_manifest - first + 1;

		e.number_block_granted =
		    (struct number_block_granted){.generator = d->parties[0],
						  .first = first,
						  .last = first + (left < BLOCK ? left : BLOCK) - 1};
		submit(r, &e, NULL);
	}
}

static void add_device(struct registrar *r, struct cast *cast, size_t i)
{
	struct device *d = &cast->devices[i];
	const size_t which[SIDES] = {i, i / DEVICES_OF_TRANSPORTER, i % FACILITIES};

	for (size_t side = 0; side < SIDES; side++)
		d->parties[side] = party_of(side, which[side]);
	(void)snprintf(d->plate, sizeof(d->plate), "辽A%05zu", i);
	permit_number(i % FACILITIES, d->permit);
	register_party(r, 0, i);
	if (i % DEVICES_OF_TRANSPORTER == 0)
		register_party(r, 1, i / DEVICES_OF_TRANSPORTER);
	for (size_t side = 0; side < SIDES; side++)
		enrol(r, d, side);
	register_vehicle(r, d);
	grant_numbers(r, d, i, cast->devices_n);
}

static void read_file(const char *path, struct buffer *to)
{
	struct mft_failure f = {0};

	if (!mft_file_read(path, 4096, to, &f))
		fail("%s", f.en);
}

static void registrar_open(struct registrar *r, const struct cast *cast, const struct options *o)
{
	struct mft_failure f = {0};
	struct buffer key = BUFFER_EMPTY;

	read_file(o->registrar, &key);
	if (!secret_key_parse(buffer_span(&key), &r->secret))
		fail("%s: not a secret key", o->registrar);
	buffer_free(&key);
	struct public_key public = key_public(&r->secret);
	r->keyid = key_id(&public);
	const struct mft_client_config config = {
	    .host = "127.0.0.1",
	    .port = o->port,
	    .trusted = o->trusted,
	    .view = cast->view,
	    .secret = &r->secret,
	    .role = ROLE_REGISTRAR,
	    .agent = "bench",
	};
	/* The server says so while it has not yet read what is stored. */
	for (int i = 0; i < 200 && r->client == NULL; i++) {
		r->client = mft_client_open(&config, &f);
		if (r->client == NULL)
			(void)nanosleep(&(struct timespec){.tv_nsec = 50 * 1000 * 1000}, NULL);
	}
	if (r->client == NULL)
		fail("the registrar's connection: %s", f.en);
}

struct cast *cast_new(const struct options *o)
{
	struct cast *cast = calloc(1, sizeof(*cast));
	struct registrar r = {0};
	struct buffer vkey = BUFFER_EMPTY;
	struct mft_failure f = {0};

	if (cast == NULL)
		fail("no memory");
	cast->devices_n = o->devices;
	cast->devices = calloc(o->devices, sizeof(*cast->devices));
	read_file(o->vkey, &vkey);
	cast->view = mft_view_new(buffer_span(&vkey), &f);
	if (cast->devices == NULL || cast->view == NULL)
		fail("%s: %s", o->vkey, f.en);
	registrar_open(&r, cast, o);
	for (size_t i = 0; i < FACILITIES; i++) {
		register_party(&r, 2, i);
		grant_permit(&r, i);
	}
	for (size_t i = 0; i < o->devices; i++)
		add_device(&r, cast, i);
	while (r.under_way > 0)
		take_answer(&r);
	cast->seen = mft_view_seen(cast->view);
	buffer_put_span(&cast->origin, cast->seen.origin);
	cast->seen.origin = buffer_span(&cast->origin);
	mft_client_close(r.client);
	secret_key_wipe(&r.secret);
	buffer_free(&vkey);
	return cast;
}
