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

static void add_manifest(struct array *a, const struct commit *commit, const struct manifest *m,
			 struct buffer *body)
{
	struct totals t = totals_of(m);
	micros due_at = manifest_due_at(m);

	array_int(&a[0], (int64_t)m->number);
	array_int(&a[1], m->issued_at);
	array_int(&a[2], changed_at(commit->rows, m->number));
	if (due_at == 0)
		array_null(&a[3]);
	else
		array_int(&a[3], due_at);
	array_int(&a[4], t.shipped);
	array_int(&a[5], t.accepted);
	array_int(&a[6], t.treated);
	array_int(&a[7], m->generator);
	array_int(&a[8], m->transporter);
	array_int(&a[9], m->facility);
	array_int(&a[10], __builtin_popcount(manifest_open_flags(m)));
	array_int(&a[11], m->state);
	array_bool(&a[12], m->cancelled_at != 0);
	array_span(&a[13], division_of(commit, m->generator));
	array_span(&a[14], division_of(commit, m->facility));
	array_span(&a[15], span_str(m->plate));
	array_span(&a[16], digest_span(manifest_head(m)));
	buffer_clear(body);
	if (!manifest_encode(m, body))
		body->broken = true;
	array_span(&a[17], buffer_span(body));
}

/* ---- what a manifest is found by ---- */

static void add_term(struct array *a, uint64_t number, char kind, struct span term)
{
	if (term.n == 0)
		return;
	array_int(&a[0], (int64_t)number);
	array_span(&a[1], span_of(&kind, 1));
	array_span(&a[2], term);
}

static void add_party(struct array *a, const struct commit *commit, uint64_t number,
		      const struct party_ref *ref, bool with_division)
{
	const struct party_record *party = registry_party(commit->registry, ref);
	char text[16];

	if (party == NULL)
		return;
	int n = snprintf(text, sizeof(text), "%u", party->no);
	add_term(a, number, 'p', span_of(text, (size_t)n));
	if (with_division)
		add_term(a, number, 'd', party->party.division);
}

/* Only what an event can add: whoever had a part in it, and whatever it travelled on, stays. */
static void add_terms(struct array *a, const struct commit *commit, const struct entry_row *entry)
{
	const struct event *e = entry->event;
	const struct transfer *transfer = NULL;

	if (entry->number == 0 || e == NULL)
		return;
	if (e->kind == EVENT_ISSUED) {
		add_party(a, commit, e->number, &e->issued.generator, true);
		add_party(a, commit, e->number, &e->issued.transporter, false);
		add_party(a, commit, e->number, &e->issued.facility, true);
		add_term(a, e->number, 'v', e->issued.plate);
		for (size_t i = 0; i < e->issued.lines_n; i++)
			add_term(a, e->number, 'w', e->issued.lines[i].code);
		return;
	}
	manifest_step(e, &transfer);
	if (transfer == NULL || transfer->plate.n == 0)
		return;
	add_party(a, commit, e->number, &transfer->to, false);
	add_term(a, e->number, 'v', transfer->plate);
}

void send_manifests(struct pipeline *p, const struct commit *commit)
{
	const struct rows *rows = commit->rows;
	struct array *a = p->conn->columns;
	struct buffer body = BUFFER_EMPTY;

	pipeline_columns(p, "iiiiiiiiiiiiotttbb");
	for (size_t i = 0; i < rows->manifests_n; i++)
		add_manifest(a, commit, rows->manifests[i], &body);
	if (!buffer_ok(&body))
		p->broken = true;
	pipeline_send_columns(p, ST_MANIFEST);
	buffer_free(&body);

	pipeline_columns(p, "itt");
	for (size_t i = 0; i < rows->entries_n; i++)
		add_terms(a, commit, &rows->entries[i]);
	pipeline_send_columns(p, ST_TERM);

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
