/* Owns which fields an answer has. */
#include "web/view.h"

#include <stdlib.h>

#include "base/text.h"
#include "core/details.h"
#include "core/words.h"
#include "web/json.h"

static json_t *parties(struct making *m, const struct party_ref *refs, size_t n)
{
	json_t *list = json_begin_list(m);

	for (size_t i = 0; i < n; i++)
		json_append(m, list, json_party(&refs[i]));
	return list;
}

static void set_next(struct making *m, json_t *o, uint64_t next)
{
	if (next == 0)
		json_set(m, o, "next", json_null());
	else
		json_set_u64(m, o, "next", next);
}

/* As it was signed, in English; and what that is in Chinese. */
static void set_detail(struct making *m, json_t *o, struct span detail)
{
	struct buffer chinese = BUFFER_EMPTY;

	detail_in_chinese(detail, &chinese);
	json_set_text(m, o, "detail", detail);
	json_set_text(m, o, "detail_zh", buffer_span(&chinese));
	m->failed |= !buffer_ok(&chinese);
	buffer_free(&chinese);
}

static json_t *flag(struct making *m, const struct flag_view *f)
{
	json_t *o = json_begin(m);

	json_set_u64(m, o, "flag", f->flag);
	json_set(m, o, "kind", json_string(word_of(flag_words, (int)f->kind)->name));
	json_set_number(m, o, "number", f->number);
	json_set_digest(m, o, "keyid", &f->keyid);
	json_set(m, o, "parties", parties(m, f->parties, f->parties_n));
	json_set_text(m, o, "division", f->division);
	json_set_time(m, o, "raised_at", f->raised_at);
	json_set_time(m, o, "due_at", f->due_at);
	set_detail(m, o, f->detail);
	json_set(m, o, "provisional", json_boolean(f->provisional));
	json_set(m, o, "open", json_boolean(f->open));
	json_set_time(m, o, "closed_at", f->closed_at);
	if (f->closed_by == 0)
		json_set(m, o, "closed_by", json_null());
	else
		json_set_u64(m, o, "closed_by", f->closed_by);
	json_set(m, o, "claimed_in_time", json_boolean(f->claimed_in_time));
	json_set_text(m, o, "resolution", f->resolution);
	return o;
}

bool view_flags(const struct read_result *result, struct buffer *to)
{
	struct making m = {0};
	json_t *o = json_begin(&m);
	json_t *list = json_begin_list(&m);

	for (size_t i = 0; i < result->answers.n; i++)
		json_append(&m, list, flag(&m, &result->answers.flags[i]));
	json_set(&m, o, "flags", list);
	set_next(&m, o, result->answers.next);
	return json_finish(&m, o, to);
}

static json_t *line(struct making *m, const struct line_view *l)
{
	json_t *o = json_begin(m);

	json_set(m, o, "line", json_integer(l->line));
	json_set_text(m, o, "code", l->code);
	json_set_i64(m, o, "planned_grams", l->planned_grams);
	json_set_i64(m, o, "shipped_grams", l->shipped_grams);
	json_set_i64(m, o, "delivered_grams", l->delivered_grams);
	json_set_i64(m, o, "accepted_grams", l->accepted_grams);
	json_set_i64(m, o, "refused_grams", l->refused_grams);
	json_set_i64(m, o, "treated_grams", l->treated_grams);
	json_set_i64(m, o, "returned_grams", l->returned_grams);
	return o;
}

static json_t *manifest(struct making *m, const struct manifest_view *v)
{
	json_t *o = json_begin(m);
	json_t *lines = json_begin_list(m);

	for (size_t i = 0; i < v->lines_n; i++)
		json_append(m, lines, line(m, &v->lines[i]));
	json_set_number(m, o, "number", v->number);
	json_set(m, o, "state", json_string(word_of(state_words, (int)v->state)->name));
	json_set_party(m, o, "generator", &v->generator);
	json_set_party(m, o, "transporter", &v->transporter);
	json_set_party(m, o, "facility", &v->facility);
	json_set_text(m, o, "plate", v->plate);
	json_set_time(m, o, "issued_at", v->issued_at);
	json_set_time(m, o, "changed_at", v->changed_at);
	json_set_time(m, o, "due_at", v->due_at);
	json_set(m, o, "cancelled", json_boolean(v->cancelled));
	json_set(m, o, "open_flags", json_integer(v->open_flags));
	json_set_digest(m, o, "head", &v->head);
	json_set(m, o, "lines", lines);
	return o;
}

bool view_manifests(const struct read_result *result, struct buffer *to)
{
	struct making m = {0};
	json_t *o = json_begin(&m);
	json_t *list = json_begin_list(&m);

	for (size_t i = 0; i < result->answers.n; i++)
		json_append(&m, list, manifest(&m, &result->answers.manifests[i]));
	json_set(&m, o, "manifests", list);
	set_next(&m, o, result->answers.next);
	return json_finish(&m, o, to);
}

bool view_manifest(const struct read_result *result, struct buffer *to)
{
	struct making m = {0};

	return json_finish(&m, manifest(&m, &result->answers.manifests[0]), to);
}

static json_t *base64(struct making *m, struct span bytes)
{
	char *text = malloc(base64_length(bytes.n) + 1);

	if (text == NULL) {
		m->failed = true;
		return NULL;
	}
	base64_encode(bytes, text);
	json_t *value = json_string(text);
	free(text);
	return value;
}

bool view_trail(const struct read_result *result, struct buffer *to)
{
	struct making m = {0};
	json_t *o = json_begin(&m);
	json_t *list = json_begin_list(&m);

	for (size_t i = 0; i < result->answers.n; i++) {
		json_t *entry = json_begin(&m);
		json_set_u64(&m, entry, "index", result->answers.entries[i].index);
		json_set(&m, entry, "entry", base64(&m, result->answers.entries[i].entry));
		json_set_text(&m, entry, "proof", result->proofs[i]);
		json_append(&m, list, entry);
	}
	json_set_number(&m, o, "number", result->query->numbers_n == 0 ? 0 : result->query->numbers[0]);
	json_set(&m, o, "entries", list);
	set_next(&m, o, result->answers.next);
	json_set_text(&m, o, "checkpoint", result->checkpoint);
	return json_finish(&m, o, to);
}

static json_t *party(struct making *m, const struct party *p)
{
	json_t *o = json_begin(m);
	json_t *roles = json_begin_list(m);

	for (size_t i = 0; i < p->roles_n; i++)
		json_append(m, roles, json_string(word_of(role_words, (int)p->roles[i])->name));
	json_set_party(m, o, "ref", &p->ref);
	json_set_text(m, o, "name", p->name);
	json_set(m, o, "roles", roles);
	json_set_text(m, o, "division", p->division);
	json_set_text(m, o, "address", p->address);
	json_set(m, o, "generator_class", json_string(word_of(class_words, (int)p->generator_class)->name));
	json_set_time(m, o, "valid_from", p->valid_from);
	json_set_time(m, o, "valid_until", p->valid_until);
	return o;
}

bool view_summary(const struct read_result *result, struct buffer *to)
{
	const struct summary_view *s = &result->answers.summary[0];
	struct making m = {0};
	json_t *o = json_begin(&m);
	json_t *states = json_begin(&m);

	for (size_t i = 1; i < ARRAY_LEN(s->manifests); i++)
		json_set_u64(&m, states, word_of(state_words, (int)i)->name, s->manifests[i]);
	json_set(&m, o, "party", party(&m, &s->party));
	json_set(&m, o, "manifests", states);
	json_set_u64(&m, o, "open_flags", s->open_flags);
	json_set_i64(&m, o, "shipped_grams", s->shipped_grams);
	json_set_i64(&m, o, "received_grams", s->received_grams);
	json_set_i64(&m, o, "treated_grams", s->treated_grams);
	json_set_i64(&m, o, "stock_grams", s->stock_grams);
	return json_finish(&m, o, to);
}

bool view_blocks(const struct read_result *result, struct buffer *to)
{
	struct making m = {0};
	json_t *o = json_begin(&m);
	json_t *list = json_begin_list(&m);

	for (size_t i = 0; i < result->answers.n; i++) {
		const struct block_view *b = &result->answers.blocks[i];
		json_t *block = json_begin(&m);
		json_set_number(&m, block, "first", b->first);
		json_set_number(&m, block, "last", b->last);
		json_set(&m, block, "used", json_integer(b->used));
		json_set_number(&m, block, "next", b->next);
		json_append(&m, list, block);
	}
	json_set(&m, o, "blocks", list);
	return json_finish(&m, o, to);
}

bool view_refusal(enum refusal_kind kind, const struct problems *problems, struct buffer *to)
{
	struct making m = {0};
	json_t *o = json_begin(&m);
	json_t *list = json_begin_list(&m);

	for (const struct problem *p = problems->first; p != NULL; p = p->next) {
		json_t *problem = json_begin(&m);
		json_set_text(&m, problem, "path", span_str(p->path));
		json_set_text(&m, problem, "rule", span_str(p->rule->id));
		json_set_text(&m, problem, "source", span_str(p->rule->source->en));
		json_set_text(&m, problem, "source_zh", span_str(p->rule->source->zh));
		json_set_text(&m, problem, "found", span_str(p->found));
		json_set_text(&m, problem, "allowed", span_str(p->allowed));
		json_set_text(&m, problem, "zh", span_str(p->rule->zh));
		json_set_text(&m, problem, "en", span_str(p->rule->en));
		json_append(&m, list, problem);
	}
	json_set(&m, o, "kind", json_string(word_of(refusal_words, (int)kind)->name));
	json_set(&m, o, "problems", list);
	return json_finish(&m, o, to);
}
