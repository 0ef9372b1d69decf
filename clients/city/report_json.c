/* The summary for machines. 64-bit integers are written as JSON integers here: none is above 2 to the 53rd.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "city/report.h"
#include "core/credit_code.h"
#include "core/details.h"
#include "core/flags.h"
#include "core/words.h"

static json_t *number_json(uint64_t number)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%014" PRIu64, number);
	return json_string(text);
}

static json_t *party_json(const struct report *r, const struct party_ref *ref)
{
	const struct actor *a = city_party(r->city, ref);
	char text[PARTY_REF_TEXT_SIZE] = "";

	if (!party_ref_is_absent(ref))
		party_ref_format(ref, text);
	return json_pack("{s:s, s:s}", "ref", text, "name", a == NULL ? "" : a->name);
}

static json_t *accepted_json(const struct tally *t)
{
	json_t *o = json_object();

	for (unsigned kind = 0; kind < TALLY_KINDS; kind++)
		if (t->accepted[kind] > 0)
			(void)json_object_set_new(o, event_kind_name((enum event_kind)kind),
						  json_integer((json_int_t)t->accepted[kind]));
	return o;
}

static json_t *refused_json(const struct tally *t)
{
	json_t *list = json_array();

	for (size_t i = 0; i < t->rules_n; i++)
		(void)json_array_append_new(
		    list, json_pack("{s:s, s:s, s:s, s:s, s:I}", "rule", t->rules[i].rule, "kind",
				    word_of(refusal_words, (int)t->rules[i].kind)->name, "en", t->rules[i].en,
				    "zh", t->rules[i].zh, "count", (json_int_t)t->rules[i].n));
	return list;
}

static json_t *flags_json(const struct report *r)
{
	json_t *o = json_object();

	for (unsigned kind = 1; kind < FLAG_KINDS; kind++) {
		json_int_t n = 0, open = 0;
		for (size_t i = 0; i < r->flags.n; i++) {
			n += r->flags.items[i].kind == kind;
			open += r->flags.items[i].kind == kind && r->flags.items[i].open;
		}
		if (n > 0)
			(void)json_object_set_new(o, word_of(flag_words, (int)kind)->en,
						  json_pack("{s:s, s:I, s:I}", "zh",
							    word_of(flag_words, (int)kind)->zh, "raised", n,
							    "open", open));
	}
	return o;
}

static json_t *detail_zh_json(const char *detail)
{
	struct buffer zh = BUFFER_EMPTY;

	detail_in_chinese(span_str(detail), &zh);
	json_t *text = json_stringn(zh.p == NULL ? "" : (const char *)zh.p, zh.n);
	buffer_free(&zh);
	return text;
}

static json_t *worst_json(const struct report *r)
{
	struct bad_load worst[12];
	size_t n = report_worst(r, 3, worst, ARRAY_LEN(worst));
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++) {
		const struct bad_load *b = &worst[i];
		(void)json_array_append_new(
		    list,
		    json_pack("{s:o, s:s, s:s, s:o, s:I, s:o, s:o}", "number",
			      number_json(b->manifest->number), "flag",
			      word_of(flag_words, (int)b->flag->kind)->name, "detail", b->flag->detail,
			      "detail_zh", detail_zh_json(b->flag->detail),
			      b->flag->kind == FLAG_QUANTITY ? "grams_missing" : "microseconds_late",
			      (json_int_t)b->badness, "generator", party_json(r, &b->manifest->generator),
			      "facility", party_json(r, &b->manifest->facility)));
	}
	return list;
}

static json_t *totals_json(const struct report *r)
{
	struct category_total totals[60];
	size_t n = report_totals(r, totals);
	json_t *o = json_object();

	for (size_t i = 0; i < n; i++)
		(void)json_object_set_new(o, totals[i].category,
					  json_pack("{s:I, s:I, s:I, s:I, s:I}", "lines",
						    (json_int_t)totals[i].loads, "shipped_grams",
						    (json_int_t)totals[i].shipped, "delivered_grams",
						    (json_int_t)totals[i].delivered, "accepted_grams",
						    (json_int_t)totals[i].accepted, "treated_grams",
						    (json_int_t)totals[i].treated));
	return o;
}

static json_t *trail_json(const struct report *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->trail.n; i++) {
		const struct trail_entry *t = &r->trail.items[i];
		(void)json_array_append_new(list,
					    json_pack("{s:I, s:s, s:I, s:I}", "index", (json_int_t)t->index,
						      "kind", event_kind_name(t->event.kind), "occurred_at",
						      (json_int_t)t->event.occurred_at, "accepted_at",
						      (json_int_t)t->accepted_at));
	}
	return list;
}

bool report_json(struct report *r)
{
	struct tally *t = r->day;
	double seconds = (double)(t->ended - t->began) / MICROS_PER_SECOND;
	json_t *o = json_pack(
	    "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:I, s:I, s:I}", "transfers",
	    (json_int_t)r->city->loads_n, "accepted", (json_int_t)t->accepted_n, "registered",
	    (json_int_t)r->registry->accepted_n, "signatures", (json_int_t)t->signatures, "repeated",
	    (json_int_t)t->repeated, "refused", (json_int_t)t->refused_n, "log_size", (json_int_t)r->log_size,
	    "events_per_second", (double)t->accepted_n / seconds, "p50_ms",
	    (double)tally_percentile(t, 500) / 1000, "p99_ms", (double)tally_percentile(t, 990) / 1000,
	    "connections", (json_int_t)r->connections, "unexpected_answers", (json_int_t)r->surprises,
	    "flags_missing", (json_int_t)r->flags_missing);
	bool good = o != NULL;

	if (good) {
		(void)json_object_set_new(o, "accepted_by_kind", accepted_json(t));
		(void)json_object_set_new(o, "refused_by_rule", refused_json(t));
		(void)json_object_set_new(o, "flags", flags_json(r));
		(void)json_object_set_new(o, "worst", worst_json(r));
		(void)json_object_set_new(o, "totals", totals_json(r));
		(void)json_object_set_new(o, "number", number_json(r->city->hero->number));
		(void)json_object_set_new(o, "trail", trail_json(r));
		good =
		    json_dumpf(o, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER) == 0 && putchar('\n') == '\n';
	}
	json_decref(o);
	return good;
}
