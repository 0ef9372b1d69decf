/* Owns the rows of manifests, what they are found by, flags and evidence. */
#include "store/port.h"

#include <stdio.h>

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

/* accepted_at of the batch's last entry that concerns it; 0: none, only what is computed of it has changed.
 */
static micros changed_at(const struct rows *rows, uint64_t number)
{
	for (size_t i = rows->entries_n; i > 0; i--)
		if (rows->entries[i - 1].number == number)
			return rows->entries[i - 1].accepted_at;
	return 0;
}

/* What changes with its events. */
static void add_manifest(struct array *a, const struct commit *commit, const struct manifest *m,
			 struct buffer *body)
{
	struct totals t = totals_of(m);
	micros due_at = manifest_due_at(m);

	array_int(&a[0], (int64_t)m->number);
	array_int(&a[1], changed_at(commit->rows, m->number));
	if (due_at == 0)
		array_null(&a[2]);
	else
		array_int(&a[2], due_at);
	array_int(&a[3], t.shipped);
	array_int(&a[4], t.accepted);
	array_int(&a[5], t.treated);
	array_int(&a[6], m->transporter);
	array_int(&a[7], __builtin_popcount(manifest_open_flags(m)));
	array_int(&a[8], m->state);
	array_bool(&a[9], m->cancelled_at != 0);
	array_span(&a[10], span_str(m->plate));
	array_span(&a[11], digest_span(manifest_head(m)));
	buffer_clear(body);
	if (!manifest_encode(m, body))
		body->broken = true;
	array_span(&a[12], buffer_span(body));
}

/* What was said when it was issued. */
static void add_issued(struct array *a, const struct commit *commit, const struct manifest *m)
{
	array_int(&a[13], m->issued_at);
	array_int(&a[14], m->generator);
	array_int(&a[15], m->facility);
	array_span(&a[16], division_of(commit, m->generator));
	array_span(&a[17], division_of(commit, m->facility));
}

static bool is_new(const struct rows *rows, uint64_t number)
{
	for (size_t i = 0; i < rows->entries_n; i++)
		if (rows->entries[i].number == number && rows->entries[i].kind == EVENT_ISSUED)
			return true;
	return false;
}

/* The changed manifests that this batch issued, or those that it did not. */
static void send_rows(struct pipeline *p, const struct commit *commit, bool issued)
{
	const struct rows *rows = commit->rows;
	struct buffer body = BUFFER_EMPTY;

	pipeline_columns(p, issued ? "iiiiiiiiiotbbiiitt" : "iiiiiiiiiotbb");
	for (size_t i = 0; i < rows->manifests_n; i++) {
		if (is_new(rows, rows->manifests[i]->number) != issued)
			continue;
		add_manifest(p->conn->columns, commit, rows->manifests[i], &body);
		if (issued)
			add_issued(p->conn->columns, commit, rows->manifests[i]);
	}
	if (!buffer_ok(&body))
		p->broken = true;
	pipeline_send_columns(p, issued ? ST_MANIFEST_NEW : ST_MANIFEST);
	buffer_free(&body);
}

/* ---- what a manifest is found by ---- */

static void add_term(struct array *a, uint64_t number, char kind, struct span term)
{
	array_int(&a[0], (int64_t)number);
	array_span(&a[1], span_of(&kind, 1));
	array_span(&a[2], term);
}

static void add_party(struct array *a, uint64_t number, party_no no)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%u", no);

	if (no != 0)
		add_term(a, number, 'p', span_of(text, (size_t)n));
}

static party_no no_of(const struct commit *commit, const struct party_ref *ref)
{
	const struct party_record *party = registry_party(commit->registry, ref);

	return party == NULL ? 0 : party->no;
}

/* The number is new, so its terms are, if each is given once: they are inserted without looking. */
static void add_issued_terms(struct array *a, const struct commit *commit, const struct event *e)
{
	const struct issued *i = &e->issued;
	const party_no no[] = {no_of(commit, &i->generator), no_of(commit, &i->transporter),
			       no_of(commit, &i->facility)};

	add_party(a, e->number, no[0]);
	if (no[1] != no[0])
		add_party(a, e->number, no[1]);
	if (no[2] != no[0] && no[2] != no[1])
		add_party(a, e->number, no[2]);
	if (i->plate.n > 0)
		add_term(a, e->number, 'v', i->plate);
	for (size_t k = 0; k < i->lines_n; k++) {
		size_t before = 0;
		while (before < k && !span_eq(i->lines[before].code, i->lines[k].code))
			before++;
		if (before == k)
			add_term(a, e->number, 'w', i->lines[k].code);
	}
}

/*
 * Whoever had a part in it, and whatever it travelled on, stays. Most often the plate is known from `issued`;
 * who loads always is.
 */
static void add_moved_terms(struct array *a, const struct commit *commit, const struct event *e)
{
	const struct transfer *transfer = NULL;

	enum event_kind step = manifest_step(e, &transfer);

	if (transfer == NULL || transfer->plate.n == 0)
		return;
	if (step != EVENT_LOADED)
		add_party(a, e->number, no_of(commit, &transfer->to));
	add_term(a, e->number, 'v', transfer->plate);
}

static void send_terms(struct pipeline *p, const struct commit *commit)
{
	const struct rows *rows = commit->rows;
	struct array *a = p->conn->columns;

	pipeline_columns(p, "itt");
	for (size_t i = 0; i < rows->entries_n; i++)
		if (rows->entries[i].kind == EVENT_ISSUED && rows->entries[i].event != NULL)
			add_issued_terms(a, commit, rows->entries[i].event);
	pipeline_send_columns(p, ST_TERM_NEW);

	pipeline_columns(p, "itt");
	for (size_t i = 0; i < rows->entries_n; i++)
		if (rows->entries[i].number != 0 && rows->entries[i].event != NULL)
			add_moved_terms(a, commit, rows->entries[i].event);
	pipeline_send_columns(p, ST_TERM);
}

void send_manifests(struct pipeline *p, const struct commit *commit)
{
	const struct rows *rows = commit->rows;
	struct array *a = p->conn->columns;

	send_rows(p, commit, true);
	send_rows(p, commit, false);
	send_terms(p, commit);

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
