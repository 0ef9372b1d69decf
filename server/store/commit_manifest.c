/* Owns the rows of manifests, what they are found by, flags and evidence. */
#include "store/port.h"

#include <stdlib.h>

struct totals { /* over all lines */
	int64_t shipped;
	int64_t accepted;
	int64_t treated;
};

static struct totals totals_of(const struct manifest *m)
{
	struct totals t = {0};

	for (size_t i = 0; i < m->lines_n; i++) {
		t.shipped += m->lines[i].shipped.grams;
		t.accepted += m->lines[i].accepted.grams;
		t.treated += m->lines[i].treated.grams;
	}
	return t;
}

static struct span division_of(const struct commit *commit, party_no no)
{
	const struct party_record *party = registry_party_no(commit->registry, no);

	return party == NULL ? span_of(NULL, 0) : party->party.division;
}

/* ---- which entries concern a manifest ---- */

struct place {
	uint64_t number;
	size_t at; /* in rows->entries */
};

/* Those of entries that concern any, by number and then in order. */
struct places {
	struct place *v;
	size_t n;
};

static int by_number(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

static bool places_of(const struct rows *rows, struct places *ret_places)
{
	struct places all = {.v = malloc((rows->entries_n + 1) * sizeof(*all.v))};

	if (all.v == NULL)
		return false;
	for (size_t i = 0; i < rows->entries_n; i++)
		if (rows->entries[i].number != 0)
			all.v[all.n++] = (struct place){rows->entries[i].number, i};
	qsort(all.v, all.n, sizeof(*all.v), by_number);
	*ret_places = all;
	return true;
}

static struct places places_for(const struct places *all, uint64_t number)
{
	size_t low = 0, high = all->n, n = 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (all->v[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	while (low + n < all->n && all->v[low + n].number == number)
		n++;
	return (struct places){all->v + low, n};
}

/* ---- rows ---- */

static void int_or_null(struct array *a, int64_t v)
{
	if (v == 0)
		array_null(a);
	else
		array_int(a, v);
}

/* What changes with its events. */
static void add_manifest(struct store_conn *c, const struct rows *rows, const struct manifest *m,
			 const struct places *places, struct buffer *scratch)
{
	struct array *a = c->columns;
	struct totals t = totals_of(m);

	array_int(&a[0], (int64_t)m->number);
	array_int(&a[1], places->n == 0 ? 0 : rows->entries[places->v[places->n - 1].at].accepted_at);
	int_or_null(&a[2], manifest_due_at(m));
	array_int(&a[3], t.shipped);
	array_int(&a[4], t.accepted);
	array_int(&a[5], t.treated);
	array_int(&a[6], m->state);
	buffer_clear(scratch);
	if (!manifest_encode(m, scratch))
		scratch->broken = true;
	array_span(&a[7], buffer_span(scratch));
	recent_put(c->recent, m->number, buffer_span(scratch));
	buffer_clear(scratch);
	for (size_t i = 0; i < places->n; i++)
		buffer_put_be64(scratch, rows->first_index + places->v[i].at);
	array_span(&a[8], buffer_span(scratch));
}

static party_no no_of(const struct commit *commit, const struct party_ref *ref)
{
	const struct party_record *party = registry_party(commit->registry, ref);

	return party == NULL ? 0 : party->no;
}

/* Not after the deadline that begins when it is loaded, which therefore moves nothing. */
static micros first_look(const struct manifest *m)
{
	micros due_at = manifest_due_at(m);

	return due_at != 0 && m->arrive_by != 0 && m->arrive_by < due_at ? m->arrive_by : due_at;
}

/* What was said when it was issued. */
static void add_issued(struct array *a, const struct commit *commit, const struct manifest *m,
		       const struct issued *issued)
{
	array_int(&a[9], m->issued_at);
	array_int(&a[10], m->generator);
	array_int(&a[11], no_of(commit, &issued->transporter));
	array_int(&a[12], m->facility);
	array_span(&a[13], division_of(commit, m->generator));
	array_span(&a[14], division_of(commit, m->facility));
	int_or_null(&a[15], first_look(m));
}

/* NULL: it was issued before this batch. */
static const struct issued *issued_here(const struct rows *rows, const struct places *places)
{
	for (size_t i = 0; i < places->n; i++) {
		const struct entry_row *row = &rows->entries[places->v[i].at];
		if (row->kind == EVENT_ISSUED && row->event != NULL)
			return &row->event->issued;
	}
	return NULL;
}

/* The size of its trail before this batch. */
static int64_t trail_size(const struct manifest *m, const struct places *places)
{
	return INT64_C(8) * ((int64_t)m->trail_n - (int64_t)places->n);
}

/* The changed manifests that this batch issued, or those that it did not. */
static void send_rows(struct pipeline *p, const struct commit *commit, const struct places *all, bool issued)
{
	const struct rows *rows = commit->rows;
	struct array *a = p->conn->columns;
	struct buffer scratch = BUFFER_EMPTY;

	pipeline_columns(p, issued ? "iiiiiiibbiiiitti" : "iiiiiiibbi");
	for (size_t i = 0; i < rows->manifests_n; i++) {
		const struct manifest *m = rows->manifests[i];
		struct places places = places_for(all, m->number);
		const struct issued *here = issued_here(rows, &places);
		if ((here != NULL) != issued)
			continue;
		add_manifest(p->conn, rows, m, &places, &scratch);
		if (here != NULL)
			add_issued(a, commit, m, here);
		else
			array_int(&a[9], trail_size(m, &places));
	}
	if (!buffer_ok(&scratch))
		p->broken = true;
	pipeline_send_columns(p, issued ? ST_MANIFEST_NEW : ST_MANIFEST);
	buffer_free(&scratch);
}

/* ---- what a manifest is found by ---- */

/* One row with all that there is one of, and one for each further waste code. */
static void add_issued_terms(struct array *a, const struct commit *commit, const struct event *e)
{
	const struct issued *i = &e->issued;
	const party_no no[] = {no_of(commit, &i->generator), no_of(commit, &i->transporter),
			       no_of(commit, &i->facility)};

	for (size_t k = 0; k == 0 || k < i->lines_n; k++) {
		size_t before = 0;
		while (before < k && !span_eq(i->lines[before].code, i->lines[k].code))
			before++;
		if (before < k)
			continue;
		array_int(&a[0], (int64_t)e->number);
		for (size_t side = 0; side < ARRAY_LEN(no); side++)
			int_or_null(&a[1 + side], k == 0 ? no[side] : 0);
		int_or_null(&a[4], i->lines_n == 0 ? 0 : term_of_code(i->lines[k].code));
		if (k == 0 && i->plate.n > 0)
			array_span(&a[5], i->plate);
		else
			array_null(&a[5]);
	}
}

static void send_issued_terms(struct pipeline *p, const struct commit *commit)
{
	const struct rows *rows = commit->rows;

	pipeline_columns(p, "iiiiit");
	for (size_t i = 0; i < rows->entries_n; i++)
		if (rows->entries[i].kind == EVENT_ISSUED && rows->entries[i].event != NULL)
			add_issued_terms(p->conn->columns, commit, rows->entries[i].event);
	pipeline_send_columns(p, ST_TERM);
}

/*
 * Whoever had a part in it, and whatever it travelled on, stays. Most often the plate is known from `issued`;
 * who loads always is. A statement of each kind has two columns.
 */
static void send_moved_terms(struct pipeline *p, const struct commit *commit)
{
	const struct rows *rows = commit->rows;
	struct array *plates = &p->conn->columns[0], *carriers = &p->conn->columns[2];
	struct params with_plates = {0}, with_carriers = {0};

	pipeline_columns(p, "itii");
	for (size_t i = 0; i < rows->entries_n; i++) {
		const struct event *e = rows->entries[i].event;
		const struct transfer *transfer = NULL;
		enum event_kind step =
		    e == NULL || rows->entries[i].number == 0 ? 0 : manifest_step(e, &transfer);
		if (transfer == NULL || transfer->plate.n == 0)
			continue;
		array_int(&plates[0], (int64_t)e->number);
		array_span(&plates[1], transfer->plate);
		party_no carrier = step == EVENT_LOADED ? 0 : no_of(commit, &transfer->to);
		if (carrier == 0)
			continue;
		array_int(&carriers[0], (int64_t)e->number);
		array_int(&carriers[1], carrier);
	}
	for (int i = 0; i < 2; i++) {
		param_array(&with_plates, &plates[i]);
		param_array(&with_carriers, &carriers[i]);
	}
	if (plates->n > 0)
		pipeline_send(p, ST_TERM_PLATE, &with_plates);
	if (carriers->n > 0)
		pipeline_send(p, ST_TERM_TRANSPORTER, &with_carriers);
}

static void send_voided(struct pipeline *p, const struct commit *commit)
{
	const struct rows *rows = commit->rows;
	struct array *a = p->conn->columns;

	pipeline_columns(p, "ii");
	for (size_t i = 0; i < rows->entries_n; i++) {
		const struct event *e = rows->entries[i].event;
		if (e == NULL || e->kind != EVENT_VOIDED || e->voided.running_number != 0)
			continue;
		array_int(&a[0], (int64_t)e->number);
		array_int(&a[1], (int64_t)(rows->first_index + i));
	}
	pipeline_send_columns(p, ST_VOIDED);
}

void send_manifests(struct pipeline *p, const struct commit *commit)
{
	struct places all;

	if (!places_of(commit->rows, &all)) {
		p->broken = true;
		return;
	}
	send_rows(p, commit, &all, true);
	send_rows(p, commit, &all, false);
	free(all.v);
	send_issued_terms(p, commit);
	send_moved_terms(p, commit);
	send_voided(p, commit);
}

/* ---- flags: rare enough for a statement each ---- */

static void send_raised(struct pipeline *p, const struct flag_row *row)
{
	struct array *parties = &p->conn->columns[0];
	struct params v = {0};

	array_begin(parties, ARRAY_INT8);
	for (size_t i = 0; i < row->parties_n; i++)
		array_int(parties, row->parties[i]);
	param_int(&v, (int64_t)row->flag);
	param_int(&v, (int64_t)row->number);
	param_int(&v, row->at);
	param_int_or_null(&v, row->raised->due_at);
	param_int(&v, row->raised->kind);
	param_bool(&v, row->raised->provisional);
	param_span(&v, row->division_generator);
	param_span(&v, row->division_facility);
	if (digest_is_zero(&row->raised->keyid))
		param_null(&v);
	else
		param_digest(&v, &row->raised->keyid);
	param_array(&v, parties);
	param_span(&v, row->raised->detail);
	pipeline_send(p, ST_FLAG_RAISE, &v);
}

static void send_closed(struct pipeline *p, const struct flag_row *row)
{
	struct params v = {0};

	param_int(&v, (int64_t)row->flag);
	param_int_or_null(&v, row->closed_by == 0 ? 0 : row->at);
	param_int_or_null(&v, (int64_t)row->closed_by);
	param_bool(&v, row->claimed_in_time);
	param_span(&v, row->resolution);
	pipeline_send(p, ST_FLAG_CLOSE, &v);
}

static void send_evidence(struct pipeline *p, const struct evidence_row *row)
{
	struct params v = {0};

	param_int(&v, (int64_t)row->number);
	param_digest(&v, &row->previous);
	param_int(&v, row->key);
	param_digest(&v, &row->event);
	param_span(&v, row->envelope);
	param_int(&v, (int64_t)row->flag);
	pipeline_send(p, ST_EVIDENCE, &v);
}

void send_flags(struct pipeline *p, const struct commit *commit)
{
	const struct rows *rows = commit->rows;
	struct array *a = p->conn->columns;

	for (size_t i = 0; i < rows->flags_n; i++) {
		if (rows->flags[i].raise)
			send_raised(p, &rows->flags[i]);
		else
			send_closed(p, &rows->flags[i]);
	}
	pipeline_columns(p, "ii");
	for (size_t i = 0; i < rows->flags_n; i++)
		for (size_t j = 0; rows->flags[i].raise && j < rows->flags[i].parties_n; j++) {
			array_int(&a[0], (int64_t)rows->flags[i].flag);
			array_int(&a[1], rows->flags[i].parties[j]);
		}
	pipeline_send_columns(p, ST_FLAG_PARTY);
	for (size_t i = 0; i < rows->evidence_n; i++)
		send_evidence(p, &rows->evidence[i]);
}
