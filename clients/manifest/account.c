/* Owns the words for what a trail proves, and for what it does not. */
#include "manifest/account.h"

#include <inttypes.h>

#include "core/credit_code.h"
#include "core/words.h"
#include "manifest/event_text.h"
#include "manifest/jsontext.h"
#include "manifest/print.h"

enum { GAPS_SHOWN = 8 };

static const char *or_empty(const char *text)
{
	return text == NULL ? "" : text;
}

#define PRINT(app, ...) or_empty(arena_printf((app)->arena, __VA_ARGS__))

const char *account_name(struct app *app, const struct verified *v, const struct party_ref *ref)
{
	for (size_t i = v->parties_n; i > 0; i--)
		if (party_ref_eq(&v->parties[i - 1].ref, ref))
			return text_span(app, v->parties[i - 1].name);
	return text_party(app, ref);
}

static const struct trail_key *key_of(const struct verified *v, const struct digest *keyid)
{
	for (size_t i = 0; i < v->keys_n; i++)
		if (digest_eq(&v->keys[i].keyid, keyid))
			return &v->keys[i];
	return NULL;
}

/* Only the recovery key has no role. */
static const char *role_name(struct app *app, enum role role)
{
	const struct word *word = word_of(role_words, (int)role);

	return role == ROLE_NONE ? T(app, "recovery", "恢复") : T(app, word->en, word->zh);
}

static const char *key_name(struct app *app, const struct verified *v, const struct trail_key *key)
{
	return party_ref_is_absent(&key->party) ? role_name(app, key->role)
						: account_name(app, v, &key->party);
}

static struct account_signer signer_of(struct app *app, const struct verified *v, const struct signer *s)
{
	const struct trail_key *key = key_of(v, &s->keyid);
	struct account_signer a = {.signer = s, .name = "?", .party = "", .role = "", .device = ""};

	if (key == NULL)
		return a;
	a.name = key_name(app, v, key);
	a.party = text_party(app, &key->party);
	a.role = role_name(app, key->role);
	a.device = text_span(app, key->device);
	return a;
}

/* ---- what was done ---- */

static const char *what_of(struct app *app, const struct event *e)
{
	const struct word *kind = word_of(event_words, (int)e->kind);
	const struct word *more = NULL;

	if (e->kind == EVENT_FLAG_RAISED)
		more = word_of(flag_words, (int)e->flag_raised.kind);
	else if (e->kind == EVENT_ATTESTED)
		more = word_of(event_words, (int)e->attested.step);
	else if (e->kind == EVENT_FLAG_RESOLVED)
		more = word_of(resolution_words, e->flag_resolved.resolution);
	if (more == NULL)
		return T(app, kind->en, kind->zh);
	return PRINT(app, T(app, "%s: %s", "%s：%s"), T(app, kind->en, kind->zh), T(app, more->en, more->zh));
}

/* "1: 800 kg, 4 containers; " and so on, after what is there. */
static const char *add_line(struct app *app, const char *text, const char *word,
			    const struct line_quantity *q)
{
	if (q->line == 0)
		return text;
	return PRINT(app,
		     T(app, "%s%sline %" PRIu32 "%s%s: %s, %" PRIu32 " pcs",
		       "%s%s第 %" PRIu32 " 行%s%s：%s，%" PRIu32 " 件"),
		     text, text[0] == '\0' ? "" : T(app, "; ", "；"), q->line, word[0] == '\0' ? "" : " ",
		     word, text_grams(app, q->grams), q->containers);
}

static const char *load_of(struct app *app, const struct event *e)
{
	const struct transfer *t = e->kind == EVENT_ATTESTED ? &e->attested.transfer : &e->transfer;
	const char *text = "";

	switch ((int)e->kind) {
	case EVENT_ISSUED:
		for (size_t i = 0; i < e->issued.lines_n; i++) {
			const struct waste_line *w = &e->issued.lines[i];
			const struct line_quantity q = {w->line, w->grams, w->containers};
			text = add_line(app, text, "", &q);
		}
		return text;
	case EVENT_LOADED:
	case EVENT_HANDED_OVER:
	case EVENT_DELIVERED:
	case EVENT_RETURNED:
	case EVENT_ATTESTED:
		for (size_t i = 0; i < t->lines_n; i++)
			text = add_line(app, text, "", &t->lines[i]);
		return text;
	case EVENT_RECEIVED:
		for (size_t i = 0; i < e->received.lines_n; i++) {
			text =
			    add_line(app, text, T(app, "accepted", "接受"), &e->received.lines[i].accepted);
			text = add_line(app, text, T(app, "refused", "拒收"), &e->received.lines[i].refused);
		}
		return text;
	case EVENT_TREATED:
		for (size_t i = 0; i < e->treated.lines_n; i++) {
			const struct line_treatment *l = &e->treated.lines[i];
			const struct line_quantity q = {l->line, l->grams, l->containers};
			text = add_line(app, text, text_span(app, l->method), &q);
		}
		return text;
	default: return text;
	}
}

/* ---- when ---- */

static const char *after_words(struct app *app, const struct bracket *b)
{
	if (b->after_size == 0)
		return T(app, "its signers state no checkpoint that they had seen",
			 "签署人未载明所见的检查点");
	if (b->after == 0)
		return PRINT(app,
			     T(app, "made after entry %" PRIu64 " of the log, which a signer had seen",
			       "在日志第 %" PRIu64 " 条之后作出（签署人已见该条）"),
			     b->after_size - 1);
	return PRINT(app,
		     T(app,
		       "made after entry %" PRIu64 " of the log, which a signer had seen, and so after %s",
		       "在日志第 %" PRIu64 " 条之后作出（签署人已见该条），即不早于 %s"),
		     b->after_size - 1, text_time(app, b->after));
}

static const char *before_words(struct app *app, const struct bracket *b, uint64_t size, bool enough)
{
	const char *text = "";

	if (b->known_by != 0)
		text = PRINT(app,
			     T(app, "before entry %" PRIu64 ", whose signer had seen it (accepted %s)",
			       "早于第 %" PRIu64 " 条（其签署人已见本条，该条 %s 接受）"),
			     b->known_by, text_time(app, b->known_at));
	if (b->before != 0)
		text = PRINT(app,
			     enough ? T(app, "%s%sbefore %s, when enough witnesses had cosigned",
					"%s%s早于 %s（其时见证已足数）")
				    : T(app, "%s%sbefore %s, when a witness cosigned",
					"%s%s早于 %s（见证人签署之时）"),
			     text, text[0] == '\0' ? "" : T(app, "; ", "；"), text_time(app, b->before));
	if (text[0] != '\0')
		return text;
	return PRINT(app,
		     T(app, "before the log had %" PRIu64 " entries: no time but the server's word",
		       "早于日志达到 %" PRIu64 " 条之时：除服务器所述外别无时间依据"),
		     size);
}

/* Is the entry proved under the newest checkpoint itself? */
static bool is_under_newest(const struct trail *trail, uint64_t index, const struct witnessed *w)
{
	struct proof p;

	for (size_t i = 0; i < trail->n; i++)
		if (trail->entries[i].index == index)
			return proof_parse(trail->entries[i].proof, &p) && span_eq(p.checkpoint, w->newest);
	return false;
}

static void add_step(struct app *app, const struct trail *trail, const struct verified *v,
		     const struct witnessed *w, const struct placed_event *placed, size_t i,
		     struct account *a)
{
	const struct event *e = &v->events[i];
	struct account_step *s = &a->steps[a->steps_n++];
	bool under = w != NULL && w->newest.n > 0 && is_under_newest(trail, v->indexes[i], w);

	*s = (struct account_step){.event = e,
				   .index = v->indexes[i],
				   .what = what_of(app, e),
				   .load = load_of(app, e),
				   .occurred = text_time(app, e->occurred_at),
				   .accepted = text_time(app, v->accepted_at[i]),
				   .signers_n = e->signers_n,
				   .bracket =
				       bundle_bracket(placed, v->events_n, i, v->checkpoint.origin,
						      under ? policy_earliest(w->policy, &w->facts) : 0)};
	for (size_t k = 0; k < e->signers_n; k++)
		s->signers[k] = signer_of(app, v, &e->signers[k]);
	s->after = after_words(app, &s->bracket);
	s->before = before_words(app, &s->bracket, v->checkpoint.size,
				 w != NULL && !w->policy->quorum_none && w->facts.quorum);
	a->custody_n += event_is_custody(e->kind);
	if (e->kind == EVENT_ISSUED && a->issued == NULL)
		a->issued = &e->issued;
}

/* ---- what is missing ---- */

static void add_gaps(struct app *app, const struct verified *v, const struct placed_event *placed,
		     const struct trail_key *key, struct account *a)
{
	struct number_gap gaps[GAPS_SHOWN];
	size_t n = bundle_number_gaps(placed, v->events_n, &key->keyid, gaps, GAPS_SHOWN);
	const char *text = "";

	for (size_t i = 0; i < n && i < GAPS_SHOWN; i++) {
		const char *comma = i == 0 ? "" : T(app, ", ", "、");
		text = gaps[i].first == gaps[i].last
			   ? PRINT(app, "%s%s%" PRIu64, text, comma, gaps[i].first)
			   : PRINT(app, "%s%s%" PRIu64 "-%" PRIu64, text, comma, gaps[i].first, gaps[i].last);
	}
	if (n > GAPS_SHOWN)
		text = PRINT(app, T(app, "%s and %zu more", "%s等 %zu 段"), text, n - GAPS_SHOWN);
	if (n > 0)
		a->gaps[a->gaps_n++] =
		    (struct account_gap){.key = key, .name = key_name(app, v, key), .numbers = text};
}

static void add_unknown(struct app *app, const struct verified *v, const struct witnessed *w,
			struct account *a)
{
	a->unknown[a->unknown_n++] =
	    PRINT(app,
		  T(app,
		    "whether more happened later: it shows the log as it was with %" PRIu64
		    " entries; ask for the trail of %s again",
		    "之后是否还有新情况：本文件所示为日志 %" PRIu64 " 条时的状况，可再次查询联单 %s"),
		  v->checkpoint.size, text_number(app, a->number));
	if (a->gaps_n > 0)
		a->unknown[a->unknown_n++] = T(app,
					       "what the keys signed under the missing numbers: a device "
					       "signs for many manifests, so that is "
					       "no fault, but what to ask for when it matters",
					       "各密钥以所缺流水号签署了什么：一台设备会签署多份联单，缺号本"
					       "身并非过错，必要时可据以调取");
	if (w == NULL)
		a->unknown[a->unknown_n++] = T(app,
					       "that nobody was shown another history: no policy of "
					       "witnesses was demanded (--policy), and no "
					       "other checkpoint was compared (manifest log compare)",
					       "他人所见是否为另一历史：未要求见证策略（--"
					       "policy），也未与他人的检查点比较（manifest log compare）");
	a->unknown[a->unknown_n++] = T(app,
				       "whether what was stated is true: it proves who stated it and when, "
				       "and that nobody changed it since",
				       "所述是否属实：仅能证明由谁、何时所述，且此后未被改动");
}

bool account_make(struct app *app, const struct trail *trail, const struct verified *v,
		  const struct witnessed *w, struct account *ret_account)
{
	struct account a = {.number = trail->number};
	struct placed_event *placed = arena_array(app->arena, v->events_n + 1, sizeof(placed[0]));

	a.steps = arena_array(app->arena, v->events_n + 1, sizeof(a.steps[0]));
	a.gaps = arena_array(app->arena, v->keys_n + 1, sizeof(a.gaps[0]));
	if (placed == NULL || a.steps == NULL || a.gaps == NULL)
		return false;
	for (size_t i = 0; i < v->events_n; i++)
		placed[i] = (struct placed_event){
		    .event = &v->events[i], .index = v->indexes[i], .accepted_at = v->accepted_at[i]};
	for (size_t i = 0; i < v->events_n; i++)
		if (v->events[i].number == trail->number)
			add_step(app, trail, v, w, placed, i, &a);
	/* The server and the registrars sign for the whole city: what is not here says nothing. */
	for (size_t i = 0; i < v->keys_n; i++)
		if (v->keys[i].role != ROLE_SERVER && v->keys[i].role != ROLE_REGISTRAR)
			add_gaps(app, v, placed, &v->keys[i], &a);
	add_unknown(app, v, w, &a);
	*ret_account = a;
	return true;
}

/* ---- telling ---- */

static void say_signer(struct app *app, const struct account_signer *s)
{
	app_say(app,
		T(app, "  signed by %s%s%s%s%s%s%s, key %.16s, number %" PRIu64,
		  "  签署：%s%s%s%s%s%s%s，密钥 %.16s，流水号 %" PRIu64),
		s->name, s->party[0] == '\0' ? "" : " (", s->party, s->party[0] == '\0' ? "" : ")",
		s->device[0] == '\0' ? "" : T(app, ", device ", "，设备 "), s->device,
		s->role[0] == '\0' ? T(app, ", not enrolled in this file", "，文件中无其登记") : "",
		text_digest(app, &s->signer->keyid), s->signer->number);
}

static void say_step(struct app *app, const struct account_step *s)
{
	app_say(
	    app,
	    T(app, "%sentry %" PRIu64 "  %s%s  %s, accepted %s", "%s序号 %" PRIu64 "  %s%s  %s，接受于 %s"),
	    paint(app, PAINT_STRONG), s->index, s->what, paint(app, PAINT_END), s->occurred, s->accepted);
	if (s->load[0] != '\0')
		app_say(app, "  %s", s->load);
	for (size_t k = 0; k < s->signers_n; k++)
		say_signer(app, &s->signers[k]);
	app_say(app, "  %s%s%s%s%s", paint(app, PAINT_FAINT), s->after, T(app, "; ", "；"), s->before,
		paint(app, PAINT_END));
}

static json_t *bracket_json(const struct account_step *s)
{
	const struct bracket *b = &s->bracket;

	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "index", json_of_u64(s->index), "after_size",
			 json_of_u64(b->after_size), "after", json_of_i64(b->after), "accepted_at",
			 json_of_i64(b->accepted_at), "known_by", json_of_u64(b->known_by), "known_at",
			 json_of_i64(b->known_at), "before", json_of_i64(b->before));
}

static json_t *entries_json(const struct verified *v)
{
	json_t *list = json_array();

	for (size_t i = 0; i < v->events_n; i++) {
		json_t *value = event_json(&v->events[i]);
		(void)json_object_set_new(value, "index", json_of_u64(v->indexes[i]));
		(void)json_object_set_new(value, "accepted_at", json_of_i64(v->accepted_at[i]));
		(void)json_array_append_new(list, value);
	}
	return list;
}

static void say_missing(struct app *app, const struct account *a)
{
	json_t *gaps = json_array();
	json_t *unknown = json_array();

	app_say(app, "%s", T(app, "What this file does not hold:", "本文件所缺："));
	for (size_t i = 0; i < a->gaps_n; i++) {
		const struct account_gap *g = &a->gaps[i];
		app_say(app,
			T(app, "  key %.16s of %s: running numbers %s", "  %2$s的密钥 %1$.16s：流水号 %3$s"),
			text_digest(app, &g->key->keyid), g->name, g->numbers);
		(void)json_array_append_new(gaps, json_pack("{s:o,s:s,s:s}", "keyid",
							    json_of_digest(&g->key->keyid), "name", g->name,
							    "numbers", g->numbers));
	}
	if (a->gaps_n == 0)
		app_say(app, "  %s",
			T(app, "nothing: of the running numbers between those in it none is missing",
			  "所载流水号之间无缺号"));
	app_say(app, "%s", T(app, "What it cannot tell:", "本文件不能说明："));
	for (size_t i = 0; i < a->unknown_n; i++) {
		app_say(app, "  %s", a->unknown[i]);
		(void)json_array_append_new(unknown, json_string(a->unknown[i]));
	}
	app_set(app, "number_gaps", gaps);
	app_set(app, "cannot_tell", unknown);
}

void account_say(struct app *app, const struct account *a, const struct verified *v)
{
	json_t *brackets = json_array();

	for (size_t i = 0; i < a->steps_n; i++) {
		say_step(app, &a->steps[i]);
		(void)json_array_append_new(brackets, bracket_json(&a->steps[i]));
	}
	app_set(app, "entries", entries_json(v));
	app_set(app, "brackets", brackets);
	say_missing(app, a);
}
