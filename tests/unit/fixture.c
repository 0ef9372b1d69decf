#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/credit_code.h"
#include "wire/envelope.h"

#define MUST(what)                                                                                           \
	do {                                                                                                 \
		if (!(what)) {                                                                               \
			(void)fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what);                     \
			abort();                                                                             \
		}                                                                                            \
	} while (0)

enum { DAY = 86400, BATCH_NEEDS = 4096 };

static void *take(struct world *w, size_t n)
{
	void *p = arena_alloc(w->arena, n);

	MUST(p != NULL);
	return p;
}

/* An array with one more item: the old one stays in the arena. */
static void *more(struct world *w, void *items, size_t n, size_t size)
{
	if (n != 0 && (n & (n - 1)) != 0)
		return items;
	void *grown = take(w, (n == 0 ? 1 : 2 * n) * size);
	if (n > 0)
		memcpy(grown, items, n * size);
	return grown;
}

/* ---- who there is ---- */

static const struct cast {
	const char *code16; /* of the credit code */
	enum role role;
	const char *division;
	const char *name;
} cast[DEVICES] = {
    [REGISTRAR] = {"11210100MB0000X0", ROLE_REGISTRAR, "210100", "沈阳市生态环境局"},
    [GENERATOR] = {"91210106MA0P0001", ROLE_GENERATOR, "210106", "铁西机械厂"},
    [OTHER_GENERATOR] = {"91210106MA0P0002", ROLE_GENERATOR, "210112", "浑南电子厂"},
    [HAULER] = {"91210106MA0P0003", ROLE_TRANSPORTER, "210106", "安达运输"},
    [OTHER_HAULER] = {"91210106MA0P0004", ROLE_TRANSPORTER, "210113", "北运物流"},
    [FACILITY] = {"91210106MA0P0005", ROLE_FACILITY, "210114", "于洪处置中心"},
    [INSPECTOR] = {"11210106MB0000X0", ROLE_INSPECTOR, "210106", "铁西分局"},
    [FAR_INSPECTOR] = {"11210181MB0000X0", ROLE_INSPECTOR, "210181", "新民分局"},
};

struct party_ref world_party(enum device device)
{
	struct party_ref ref = {.site = 1};

	MUST(cast[device].code16 != NULL);
	MUST(credit_code_make(span_str(cast[device].code16), ref.credit_code));
	return ref;
}

struct span world_file(struct world *w, const char *path)
{
	FILE *f = fopen(path, "rb");

	MUST(f != NULL);
	MUST(fseek(f, 0, SEEK_END) == 0);
	size_t n = (size_t)ftell(f);
	rewind(f);
	uint8_t *p = take(w, n + 1);
	MUST(fread(p, 1, n, f) == n);
	(void)fclose(f);
	return span_of(p, n);
}

/* ---- events ---- */

struct event world_event(const struct world *w, enum event_kind kind)
{
	return (struct event){.kind = kind, .occurred_at = w->now};
}

#define TEXT(s)                                                                                              \
	{                                                                                                    \
		(const uint8_t *)(s), sizeof(s) - 1                                                          \
	}

static const struct waste_line waste_lines[] = {
    {.line = 1,
     .code = TEXT("900-249-08"),
     .name = TEXT("废矿物油"),
     .grams = 1200000,
     .containers = 6,
     .packaging = 1,
     .form = 3,
     .method = TEXT("R9")},
    {.line = 2,
     .code = TEXT("900-041-49"),
     .name = TEXT("废包装物"),
     .grams = 300000,
     .containers = 12,
     .packaging = 3,
     .form = 1,
     .method = TEXT("D10")},
};
static const struct line_quantity quantities[] = {{1, 1200000, 6}, {2, 300000, 12}};
static const struct line_decision decisions[] = {
    {.line = 1, .decision = DECISION_ACCEPTED, .accepted = {1, 1200000, 6}, .method = TEXT("R9")},
    {.line = 2, .decision = DECISION_ACCEPTED, .accepted = {2, 300000, 12}, .method = TEXT("D10")},
};
static const struct line_treatment treatments[] = {
    {1, 1200000, 6, TEXT("R9")},
    {2, 300000, 12, TEXT("D10")},
};

struct event world_issued(const struct world *w, uint64_t number)
{
	struct event e = world_event(w, EVENT_ISSUED);

	e.number = number;
	e.issued = (struct issued){
	    .generator = world_party(number >= NUMBER(OTHER_BLOCK) ? OTHER_GENERATOR : GENERATOR),
	    .transporter = world_party(HAULER),
	    .facility = world_party(FACILITY),
	    .plate = span_str(PLATE),
	    .edition = span_str("2021"),
	    .lines = waste_lines,
	    .lines_n = ARRAY_LEN(waste_lines),
	    .collect_by = w->now + 2 * 3600 * MICROS_PER_SECOND,
	    .arrive_by = w->now + 6 * 3600 * MICROS_PER_SECOND,
	    .permit = span_str(PERMIT),
	    .destination = span_str("于洪区沙岭街道1号"),
	    .emergency = span_str("吸附棉围堵，拨打应急电话"),
	};
	return e;
}

static void fill_transfer(struct event *e)
{
	struct transfer *t = &e->transfer;

	t->lines = quantities;
	t->lines_n = ARRAY_LEN(quantities);
	switch ((int)e->kind) {
	case EVENT_LOADED:
		t->to = world_party(HAULER);
		t->plate = span_str(PLATE);
		break;
	case EVENT_HANDED_OVER:
		t->from = world_party(HAULER);
		t->to = world_party(OTHER_HAULER);
		t->plate = span_str(OTHER_PLATE);
		break;
	case EVENT_DELIVERED:
		t->from = world_party(HAULER);
		t->to = world_party(FACILITY);
		break;
	default: t->plate = span_str(PLATE); break;
	}
}

struct event world_step(const struct world *w, enum event_kind kind, uint64_t number,
			const struct digest *previous)
{
	struct event e = world_event(w, kind);

	e.number = number;
	e.previous = *previous;
	switch ((int)kind) {
	case EVENT_RECEIVED:
		e.received = (struct received){world_party(FACILITY), decisions, ARRAY_LEN(decisions)};
		break;
	case EVENT_TREATED:
		e.treated = (struct treated){world_party(FACILITY), treatments, ARRAY_LEN(treatments)};
		break;
	default: fill_transfer(&e); break;
	}
	return e;
}

/* ---- signing ---- */

struct signed_event *world_sign_as_is(struct world *w, const struct event *e, size_t n, const enum device *by)
{
	struct signed_event *s = take(w, sizeof(*s));
	struct buffer payload = BUFFER_EMPTY, pae = BUFFER_EMPTY, bytes = BUFFER_EMPTY;
	struct envelope envelope = {.payload_type = span_str(EVENT_PAYLOAD_TYPE), .signatures_n = n};

	s->event = *e;
	MUST(event_encode(&s->event, &payload));
	envelope.payload = buffer_span(&payload);
	s->event.id = event_id(envelope.payload);
	envelope_pae(&envelope, &pae);
	for (size_t i = 0; i < n; i++)
		envelope.signatures[i] = (struct envelope_signature){
		    sign(&w->devices[by[i]].secret, buffer_span(&pae)), w->devices[by[i]].keyid};
	MUST(envelope_encode(&envelope, &bytes));
	s->envelope = arena_copy(w->arena, buffer_span(&bytes));
	MUST(s->envelope.p != NULL);
	buffer_free(&payload);
	buffer_free(&pae);
	buffer_free(&bytes);
	return s;
}

struct signed_event *world_sign(struct world *w, const struct event *e, size_t n, const enum device *by)
{
	struct event numbered = *e;

	numbered.signers_n = n;
	for (size_t i = 0; i < n; i++) {
		numbered.signers[i].keyid = w->devices[by[i]].keyid;
		numbered.signers[i].number = ++w->devices[by[i]].number;
	}
	return world_sign_as_is(w, &numbered, n, by);
}

static bool server_sign(void *self, struct event *e, struct span *ret_envelope)
{
	struct world *w = self;
	const struct signed_event *s = world_sign_as_is(w, e, 1, (const enum device[]){SERVER});

	w->devices[SERVER].number = e->signers[0].number;
	e->id = s->event.id;
	*ret_envelope = s->envelope;
	return true;
}

static enum seen_answer seen(void *self, const struct checkpoint_ref *checkpoint)
{
	(void)checkpoint;
	return ((struct world *)self)->seen;
}

/* ---- the store ---- */

static int by_number(const void *a, const void *b)
{
	uint64_t x = ((const struct manifest *)a)->number, y = ((const struct manifest *)b)->number;

	return x < y ? -1 : x > y;
}

static int by_key_and_number(const void *a, const void *b)
{
	const struct loaded_number *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

static struct manifest *find_manifest(const struct world *w, uint64_t number)
{
	for (size_t i = 0; i < w->manifests_n; i++)
		if (w->manifests[i].number == number)
			return &w->manifests[i];
	return NULL;
}

const struct manifest *world_manifest(const struct world *w, uint64_t number)
{
	return find_manifest(w, number);
}

static void add_needed(struct manifest *to, size_t *n, const struct manifest *m)
{
	for (size_t i = 0; i < *n; i++)
		if (m == NULL || to[i].number == m->number)
			return;
	if (m != NULL)
		to[(*n)++] = *m;
}

/* Only what was asked for, so that a test sees what judge_needs() forgot. */
static struct loaded load(struct world *w, const struct needs *needs)
{
	struct manifest *manifests = take(w, (needs->manifests_n + needs->flags_n) * sizeof(*manifests));
	struct loaded_flag *flags = take(w, needs->flags_n * sizeof(*flags));
	struct loaded_number *numbers = take(w, (w->numbers_n + 1) * sizeof(*numbers));
	size_t manifests_n = 0, flags_n = 0, numbers_n = 0;

	for (size_t i = 0; i < needs->manifests_n; i++)
		add_needed(manifests, &manifests_n, find_manifest(w, needs->manifests[i]));
	for (size_t i = 0; i < w->flags_n; i++)
		for (size_t k = 0; k < needs->flags_n; k++) {
			const struct stored_flag *f = &w->flags[i];
			if (f->row.flag != needs->flags[k])
				continue;
			flags[flags_n++] = (struct loaded_flag){
			    .flag = f->row.flag,
			    .kind = f->row.raised->kind,
			    .number = f->row.number,
			    .open = f->open,
			    .division_generator = f->row.division_generator,
			    .division_facility = f->row.division_facility,
			};
			add_needed(manifests, &manifests_n, find_manifest(w, f->row.number));
		}
	for (size_t i = 0; i < w->numbers_n; i++)
		for (size_t k = 0; k < needs->numbers_n; k++)
			if (by_key_and_number(&w->numbers[i], &needs->numbers[k]) == 0) {
				numbers[numbers_n++] = w->numbers[i];
				break;
			}
	qsort(manifests, manifests_n, sizeof(*manifests), by_number);
	qsort(numbers, numbers_n, sizeof(*numbers), by_key_and_number);
	return (struct loaded){
	    .manifests = manifests,
	    .manifests_n = manifests_n,
	    .numbers = numbers,
	    .numbers_n = numbers_n,
	    .flags = flags,
	    .flags_n = flags_n,
	};
}

static void store_manifest(struct world *w, const struct manifest *m)
{
	struct manifest *stored = find_manifest(w, m->number);
	struct buffer bytes = BUFFER_EMPTY;

	if (stored == NULL) {
		w->manifests = more(w, w->manifests, w->manifests_n, sizeof(*w->manifests));
		stored = &w->manifests[w->manifests_n++];
	}
	/* Through the bytes that the database would hold. */
	MUST(manifest_encode(m, &bytes));
	memset(stored, 0, sizeof(*stored));
	MUST(manifest_decode(buffer_span(&bytes), stored));
	buffer_free(&bytes);
}

static void store_flag(struct world *w, const struct flag_row *row)
{
	if (row->raise) {
		w->flags = more(w, w->flags, w->flags_n, sizeof(*w->flags));
		w->flags[w->flags_n++] = (struct stored_flag){.row = *row, .open = true};
		return;
	}
	for (size_t i = 0; i < w->flags_n; i++) {
		struct stored_flag *f = &w->flags[i];
		if (f->row.flag != row->flag)
			continue;
		f->claimed_in_time |= row->claimed_in_time;
		if (row->closed_by == 0)
			return;
		MUST(f->open);
		f->open = false;
		f->closed_by = row->closed_by;
		return;
	}
	MUST(!"a flag is closed that was never raised");
}

static void store(struct world *w, const struct rows *rows)
{
	MUST(rows->first_index == w->entries_n);
	for (size_t i = 0; i < rows->entries_n; i++) {
		const struct entry_row *row = &rows->entries[i];
		struct buffer bytes = BUFFER_EMPTY;
		MUST(w->entries_n == 0 || row->accepted_at > w->entries[w->entries_n - 1].row.accepted_at);
		MUST(log_entry_encode(&(struct log_entry){row->envelope, row->accepted_at}, &bytes));
		w->entries = more(w, w->entries, w->entries_n, sizeof(*w->entries));
		w->entries[w->entries_n++] =
		    (struct stored_entry){*row, arena_copy(w->arena, buffer_span(&bytes))};
		buffer_free(&bytes);
	}
	for (size_t i = 0; i < rows->numbers_n; i++) {
		const struct number_row *n = &rows->numbers[i];
		w->numbers = more(w, w->numbers, w->numbers_n, sizeof(*w->numbers));
		w->numbers[w->numbers_n++] = (struct loaded_number){n->key, n->number, n->event, n->index};
	}
	for (size_t i = 0; i < rows->manifests_n; i++)
		store_manifest(w, rows->manifests[i]);
	for (size_t i = 0; i < rows->flags_n; i++)
		store_flag(w, &rows->flags[i]);
	for (size_t i = 0; i < rows->evidence_n; i++) {
		w->evidence = more(w, w->evidence, w->evidence_n, sizeof(*w->evidence));
		w->evidence[w->evidence_n++] = rows->evidence[i];
	}
	for (size_t i = 0; i < rows->registry_n; i++) {
		w->registry_rows = more(w, w->registry_rows, w->registry_rows_n, sizeof(*w->registry_rows));
		w->registry_rows[w->registry_rows_n++] = rows->registry[i];
	}
}

static struct judgement *begin(struct world *w, const struct loaded *loaded)
{
	const struct judge_ports ports = {w, server_sign, seen};
	micros last = w->entries_n == 0 ? 0 : w->entries[w->entries_n - 1].row.accepted_at;
	struct judgement *j = judge_begin(w->arena, w->registry, loaded, w->entries_n, last, w->now, &ports);

	MUST(j != NULL);
	return j;
}

static void end(struct world *w, const struct judgement *j)
{
	struct rows rows;

	judge_rows(j, &rows);
	store(w, &rows);
}

void world_judge(struct world *w, const struct signed_event *const *members, size_t n,
		 struct verdict *ret_verdicts)
{
	struct needs needs = {0};
	struct loaded *loaded = take(w, sizeof(*loaded));

	for (size_t i = 0; i < n; i++)
		MUST(judge_needs(w->registry, &members[i]->event, w->arena, &needs));
	*loaded = load(w, &needs);
	struct judgement *j = begin(w, loaded);
	for (size_t i = 0; i < n; i++)
		MUST(judge_member(j, &members[i]->event, members[i]->envelope, &ret_verdicts[i]));
	end(w, j);
}

struct verdict world_submit(struct world *w, const struct signed_event *member)
{
	struct verdict verdict;

	world_judge(w, &member, 1, &verdict);
	return verdict;
}

struct digest world_accept(struct world *w, const struct signed_event *member)
{
	struct verdict v = world_submit(w, member);

	if (v.refused != REFUSAL_NONE)
		(void)fprintf(stderr, "%s refused:\n%s\n", event_kind_name(member->event.kind),
			      world_problems(w, &v.problems));
	MUST(v.refused == REFUSAL_NONE);
	return member->event.id;
}

void world_sweep(struct world *w)
{
	struct manifest *manifests = take(w, (w->manifests_n + 1) * sizeof(*manifests));
	struct loaded loaded = {.manifests = manifests, .manifests_n = w->manifests_n};

	memcpy(manifests, w->manifests, w->manifests_n * sizeof(*manifests));
	qsort(manifests, w->manifests_n, sizeof(*manifests), by_number);
	struct judgement *j = begin(w, &loaded);
	for (size_t i = 0; i < loaded.manifests_n; i++)
		MUST(judge_sweep_manifest(j, manifests[i].number));
	MUST(judge_sweep_keys(j));
	end(w, j);
}

size_t world_open_flags(const struct world *w, enum flag_kind kind, const struct stored_flag **ret_last)
{
	size_t n = 0;

	*ret_last = NULL;
	for (size_t i = 0; i < w->flags_n; i++)
		if (w->flags[i].open && w->flags[i].row.raised->kind == kind) {
			*ret_last = &w->flags[i];
			n++;
		}
	return n;
}

/* ---- verdicts ---- */

bool problems_have(const struct problems *p, const char *rule_id)
{
	for (const struct problem *at = p->first; at != NULL; at = at->next)
		if (strcmp(at->rule->id, rule_id) == 0)
			return true;
	return false;
}

bool verdict_breaks(const struct verdict *v, const char *rule_id)
{
	return problems_have(&v->problems, rule_id);
}

const char *world_problems(struct world *w, const struct problems *p)
{
	const char *text = "";

	for (const struct problem *at = p->first; at != NULL; at = at->next)
		text = arena_printf(w->arena, "%s%s at %s: found '%s', allowed '%s'\n", text, at->rule->id,
				    at->path, at->found, at->allowed);
	return text;
}

/* ---- the city ---- */

static const struct {
	enum reference_kind kind;
	const char *edition;
	const char *path;
} files[] = {
    {REFERENCE_WASTE_CODES, "2021", "schema/data/waste_codes/2021.csv"},
    {REFERENCE_DIVISIONS, "2023", "schema/data/divisions/2023.csv"},
    {REFERENCE_TREATMENT_METHODS, "2021", "schema/data/treatment_methods/2021.csv"},
    {REFERENCE_CALENDAR, "2026", "schema/data/calendar/2026.csv"},
};

static struct registry *fresh_registry(struct world *w)
{
	struct registry *r = registry_new();
	struct reference_error error;

	MUST(r != NULL);
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		MUST(registry_offer_reference(r, files[i].kind, span_str(files[i].edition),
					      world_file(w, files[i].path), &error));
	return r;
}

struct world *world_empty(void)
{
	struct world *w = calloc(1, sizeof(*w));

	MUST(crypto_start());
	MUST(w != NULL);
	w->arena = arena_new(SIZE_MAX / 2);
	MUST(w->arena != NULL);
	w->now = WORLD_MORNING - INT64_C(100) * DAY * MICROS_PER_SECOND;
	w->registry = fresh_registry(w);
	for (int i = 0; i < DEVICES; i++) {
		uint8_t seed[SEED_SIZE] = {(uint8_t)(i + 1)};
		struct device_key *d = &w->devices[i];
		key_from_seed(seed, &d->secret, &d->public);
		d->keyid = key_id(&d->public);
	}
	return w;
}

static void begin_log(struct world *w)
{
	uint8_t seed[SEED_SIZE] = {0xff};
	struct secret_key log_secret;
	struct event e = world_event(w, EVENT_GENESIS);

	e.genesis = (struct genesis){
	    .origin = span_str("shenyang.example/manifest"),
	    .city = span_str("210100"),
	    .server_key = w->devices[SERVER].public,
	    .authority = world_party(REGISTRAR),
	    .authority_name = span_str(cast[REGISTRAR].name),
	    .registrar_key = w->devices[REGISTRAR].public,
	    .recovery_key = w->devices[RECOVERY].public,
	    .rules_version = 1,
	};
	key_from_seed(seed, &log_secret, &e.genesis.log_key);
	(void)world_accept(w, SIGN(w, &e, SERVER));
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		struct span file = world_file(w, files[i].path);
		struct event loaded = world_event(w, EVENT_REFERENCE_LOADED);
		loaded.reference_loaded = (struct reference_loaded){files[i].kind, span_str(files[i].edition),
								    digest_of(file), file.n};
		(void)world_accept(w, SIGN(w, &loaded, SERVER));
	}
}

static void register_party(struct world *w, enum device device)
{
	struct event e = world_event(w, EVENT_PARTY_REGISTERED);

	e.party.party = (struct party){
	    .ref = world_party(device),
	    .name = span_str(cast[device].name),
	    .roles = &cast[device].role,
	    .roles_n = 1,
	    .division = span_str(cast[device].division),
	    .address = span_str("沈阳市"),
	    .generator_class = cast[device].role == ROLE_GENERATOR ? 2 : 1,
	    .valid_from = w->now,
	};
	(void)world_accept(w, SIGN(w, &e, REGISTRAR));
	struct event enrolled = world_event(w, EVENT_KEY_ENROLLED);
	enrolled.key_enrolled = (struct key_enrolled){
	    .key = w->devices[device].public,
	    .party = world_party(device),
	    .role = cast[device].role,
	    .device = span_str("terminal"),
	    .valid_from = w->now,
	};
	(void)world_accept(w, SIGN(w, &enrolled, REGISTRAR, device));
}

static void register_vehicle(struct world *w, const char *plate, enum device hauler)
{
	struct event e = world_event(w, EVENT_VEHICLE_REGISTERED);

	e.vehicle_registered = (struct vehicle_registered){
	    .plate = span_str(plate),
	    .transporter = world_party(hauler),
	    .licence = span_str("辽交运管210100"),
	    .capacity_grams = 20000000,
	    .valid_from = w->now,
	};
	(void)world_accept(w, SIGN(w, &e, REGISTRAR));
}

static void grant_permit(struct world *w)
{
	static const struct span codes[] = {TEXT("HW08"), TEXT("900-041-49")};
	static const struct span methods[] = {TEXT("D10"), TEXT("R9")};
	struct event e = world_event(w, EVENT_PERMIT_GRANTED);

	e.permit.permit = (struct permit){
	    .number = span_str(PERMIT),
	    .facility = world_party(FACILITY),
	    .waste_codes = codes,
	    .waste_codes_n = ARRAY_LEN(codes),
	    .methods = methods,
	    .methods_n = ARRAY_LEN(methods),
	    .grams_per_year = INT64_C(10000000000),
	    .valid_from = w->now,
	    .valid_until = w->now + INT64_C(1000) * DAY * MICROS_PER_SECOND,
	};
	(void)world_accept(w, SIGN(w, &e, REGISTRAR));
}

static void grant_block(struct world *w, enum device generator, unsigned first)
{
	struct event e = world_event(w, EVENT_NUMBER_BLOCK_GRANTED);

	e.number_block_granted =
	    (struct number_block_granted){world_party(generator), NUMBER(first), NUMBER(first + 999)};
	(void)world_accept(w, SIGN(w, &e, REGISTRAR));
}

struct world *world_new(void)
{
	struct world *w = world_empty();

	begin_log(w);
	for (enum device d = GENERATOR; d <= FAR_INSPECTOR; d++)
		register_party(w, d);
	register_vehicle(w, PLATE, HAULER);
	register_vehicle(w, OTHER_PLATE, OTHER_HAULER);
	grant_permit(w);
	grant_block(w, GENERATOR, 1);
	grant_block(w, OTHER_GENERATOR, OTHER_BLOCK);
	w->now = WORLD_MORNING;
	return w;
}

void world_restart(struct world *w)
{
	registry_free(w->registry);
	w->registry = fresh_registry(w);
	for (size_t i = 0; i < w->registry_rows_n; i++) {
		const struct registry_row *row = &w->registry_rows[i];
		MUST(registry_apply(w->registry, row->event, row->index,
				    w->entries[row->index].row.accepted_at));
	}
	struct loaded_number *numbers = take(w, (w->numbers_n + 1) * sizeof(*numbers));
	memcpy(numbers, w->numbers, w->numbers_n * sizeof(*numbers));
	qsort(numbers, w->numbers_n, sizeof(*numbers), by_key_and_number);
	for (size_t i = 0; i < w->numbers_n; i++)
		registry_number_used(w->registry, registry_key_no(w->registry, numbers[i].key),
				     numbers[i].number, w->entries[numbers[i].index].row.accepted_at);
}

void world_free(struct world *w)
{
	registry_free(w->registry);
	arena_free(w->arena);
	free(w);
}
