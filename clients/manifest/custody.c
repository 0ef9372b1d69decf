/*
 * Owns how a step of custody is filled in from the chain before it and from what was typed: by default all
 * that is there moves, and goes where the manifest says.
 */
#include "manifest/custody.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"
#include "core/credit_code.h"
#include "core/number.h"
#include "core/quantity.h"
#include "manifest/print.h"

/* ---- text forms of lines ---- */

/* Up to the separator; false: the rest was empty before. The last part has no separator after it. */
static bool take_part(struct span *rest, char separator, struct span *ret_part)
{
	const uint8_t *end = rest->n == 0 ? NULL : memchr(rest->p, separator, rest->n);

	if (rest->p == NULL)
		return false;
	*ret_part = end == NULL ? *rest : span_of(rest->p, (size_t)(end - rest->p));
	*rest = end == NULL ? span_of(NULL, 0) : span_of(end + 1, rest->n - ret_part->n - 1);
	return true;
}

static bool take_u32(struct span text, uint32_t *ret_value)
{
	uint64_t value;

	if (!decimal_parse(text, &value) || value > UINT32_MAX)
		return false;
	*ret_value = (uint32_t)value;
	return true;
}

/* "800kg/4" */
static bool take_quantity(struct span text, struct line_quantity *q)
{
	struct span grams;
	struct span containers;

	return take_part(&text, '/', &grams) && take_part(&text, '/', &containers) && text.p == NULL &&
	       grams_parse(grams, &q->grams) && take_u32(containers, &q->containers);
}

/* "2=": which line of the chain it is about. */
static bool take_line(const struct chain *c, struct span *text, uint32_t *ret_line)
{
	struct span number;

	return take_part(text, '=', &number) && text->p != NULL && take_u32(number, ret_line) &&
	       *ret_line >= 1 && *ret_line <= c->lines_n;
}

static int bad_line(struct app *app, struct span line, const char *form)
{
	char detail[300];

	(void)snprintf(detail, sizeof(detail), "%.*s (%.150s)", line.n > 100 ? 100 : (int)line.n,
		       (const char *)line.p, form);
	return app_usage(app, "--line is not of its form", "--line 的格式不对", detail);
}

/* ---- issued ---- */

#define WASTE_FORM "CODE;NAME;QUANTITY;CONTAINERS;PACKAGING;FORM;METHOD"

static bool take_waste(struct span text, uint32_t line, struct waste_line *ret_line)
{
	struct waste_line w = {.line = line};
	struct span quantity;
	struct span containers;
	struct span packaging;
	struct span form;

	if (!take_part(&text, ';', &w.code) || !take_part(&text, ';', &w.name) ||
	    !take_part(&text, ';', &quantity) || !take_part(&text, ';', &containers) ||
	    !take_part(&text, ';', &packaging) || !take_part(&text, ';', &form) ||
	    !take_part(&text, ';', &w.method) || text.p != NULL)
		return false;
	const struct word *p = word_named(packaging_words, packaging);
	const struct word *f = word_named(form_words, form);
	if (p == NULL || f == NULL || !grams_parse(quantity, &w.grams) ||
	    !take_u32(containers, &w.containers))
		return false;
	w.packaging = p->value;
	w.form = f->value;
	*ret_line = w;
	return true;
}

/* The lowest number of a granted block that was neither used nor voided. */
static int next_number(struct app *app, uint64_t *ret_number)
{
	const struct query query = {.kind = QUERY_BLOCKS};
	struct mft_news news = {.last = false};
	uint64_t found = 0;
	int status = EXIT_DONE;

	if (!app_connect(app, ROLE_GENERATOR, &status))
		return status;
	uint64_t id = mft_client_ask(app->client, &query);
	while (id != 0 && !(news.id == id && news.last)) {
		if (!mft_client_next(app->client, -1, &news))
			return app_client_failed(app);
		if (news.id == id && news.kind == MFT_REFUSED)
			return app_refused(app, &news.refusal);
		if (news.id == id && news.answer.kind == ANSWER_BLOCK && news.answer.block.next != 0 &&
		    found == 0)
			found = news.answer.block.next;
	}
	if (id == 0)
		return app_client_failed(app);
	if (found == 0)
		return app_usage(app, "no granted number is free; ask the registrar for a block",
				 "没有可用编号；请向主管部门申请号段", NULL);
	*ret_number = found;
	return EXIT_DONE;
}

int custody_issue(struct app *app, const struct command *command, struct order *order)
{
	struct issued *i = &order->event.issued;
	struct waste_line *lines = arena_array(app->arena, order->lines_n, sizeof(*lines));

	(void)command;
	if (lines == NULL)
		return app_no_memory(app);
	for (size_t k = 0; k < order->lines_n; k++)
		if (!take_waste(order->lines[k], (uint32_t)k + 1, &lines[k]))
			return bad_line(app, order->lines[k], WASTE_FORM);
	i->lines = lines;
	i->lines_n = order->lines_n;
	if (i->edition.n == 0)
		i->edition = span_str("2021");
	if (order->event.number == 0 && order->offline)
		return app_usage(app, "--offline needs --number", "--offline 须给出 --number", NULL);
	return order->event.number != 0 ? EXIT_DONE : next_number(app, &order->event.number);
}

/* ---- continuing a chain ---- */

bool custody_number(struct app *app, struct order *order, int *ret_status)
{
	if (order->files_n == 1 && manifest_number_parse(span_str(order->files[0]), &order->event.number))
		return true;
	*ret_status = app_usage(app, "one manifest number of 14 digits", "须给出一个十四位联单编号",
				order->files_n > 0 ? order->files[0] : NULL);
	return false;
}

static int begin(struct app *app, const struct command *command, struct order *order, struct chain *c)
{
	int status = EXIT_DONE;

	if (!custody_number(app, order, &status) ||
	    !chain_load(app, command, order, order->event.number, c, &status))
		return status;
	if (digest_is_zero(&order->event.previous))
		order->event.previous = c->head;
	return EXIT_DONE;
}

/* Where the manifest stands: its last step, in words. */
static const char *last_step(const struct app *app, const struct chain *c)
{
	const struct word *w = word_of(event_words, (int)c->last.kind);

	return T(app, w->en, w->zh);
}

static int take_lines(struct app *app, const struct order *order, const struct chain *c, bool refused,
		      struct transfer *t)
{
	struct line_quantity *lines = arena_array(app->arena, MAX_LINES, sizeof(*lines));
	size_t n = 0;

	if (lines == NULL)
		return app_no_memory(app);
	for (size_t i = 0; i < c->lines_n; i++)
		if (!refused || c->kept[i].refused.line != 0)
			lines[n++] = refused ? c->kept[i].refused : c->here[i];
	for (size_t k = 0; k < order->lines_n; k++) {
		struct span text = order->lines[k];
		struct line_quantity q;
		if (!take_line(c, &text, &q.line) || !take_quantity(text, &q))
			return bad_line(app, order->lines[k], "LINE=QUANTITY/CONTAINERS");
		for (size_t i = 0; i < n; i++)
			if (lines[i].line == q.line)
				lines[i] = q;
	}
	t->lines = lines;
	t->lines_n = n;
	return EXIT_DONE;
}

static void default_party(struct party_ref *ref, const struct party_ref *otherwise)
{
	if (party_ref_is_absent(ref))
		*ref = *otherwise;
}

static int fill_transfer(struct app *app, const struct order *order, const struct chain *c,
			 enum event_kind step, struct transfer *t)
{
	switch ((int)step) {
	case EVENT_LOADED:
		default_party(&t->to, &c->issued.transporter);
		if (t->plate.n == 0)
			t->plate = c->issued.plate;
		break;
	case EVENT_HANDED_OVER: default_party(&t->from, &c->carrier); break;
	case EVENT_DELIVERED:
		default_party(&t->from, &c->carrier);
		default_party(&t->to, &c->issued.facility);
		break;
	default:
		default_party(&t->from, t->leg == RETURN_OUT ? &c->issued.facility : &c->carrier);
		default_party(&t->to, t->leg == RETURN_OUT ? &c->carrier : &c->issued.generator);
		if (t->plate.n == 0)
			t->plate = c->issued.plate;
		break;
	}
	return take_lines(app, order, c, step == EVENT_RETURNED, t);
}

int custody_transfer(struct app *app, const struct command *command, struct order *order)
{
	struct chain c = {0};

	/* Refused before anything is signed: the step would only cost a running number. */
	if (order->cards_n == 0)
		return app_usage(
		    app, "the other side signs too: --card FILE (they make it with `manifest key card`)",
		    "须由对方共同签署：--card 文件（由对方用 `manifest key card` 生成）", NULL);
	int status = begin(app, command, order, &c);

	if (command->kind == EVENT_RETURNED)
		order->event.transfer.leg = command->role == ROLE_FACILITY ? RETURN_OUT : RETURN_BACK;
	return status == EXIT_DONE ? fill_transfer(app, order, &c, command->kind, &order->event.transfer)
				   : status;
}

int custody_attest(struct app *app, const struct command *command, struct order *order)
{
	struct attested *a = &order->event.attested;
	struct chain c = {0};

	if (a->step != EVENT_LOADED && a->step != EVENT_HANDED_OVER && a->step != EVENT_DELIVERED &&
	    a->step != EVENT_RETURNED)
		return app_usage(
		    app, "--step: only a step of two sides: loaded, handed_over, delivered or returned",
		    "--step 只能是双方签署的一步：loaded、handed_over、delivered 或 returned", NULL);
	int status = begin(app, command, order, &c);

	if (status == EXIT_DONE && a->step == EVENT_RETURNED && a->transfer.leg == RETURN_NO_LEG)
		return app_usage(app, "--leg must be given for a return", "退回须给出 --leg", NULL);
	return status == EXIT_DONE ? fill_transfer(app, order, &c, a->step, &a->transfer) : status;
}

int custody_confirm(struct app *app, const struct command *command, struct order *order)
{
	struct chain c = {0};
	int status = EXIT_DONE;

	if (!custody_number(app, order, &status))
		return status;
	if (!digest_is_zero(&order->event.confirmed.attested))
		return EXIT_DONE;
	if (!chain_load(app, command, order, order->event.number, &c, &status))
		return status;
	order->event.confirmed.attested = c.head;
	if (c.last.kind == EVENT_ATTESTED)
		return EXIT_DONE;
	return app_usage(app, "the last step was not attested by one side; name the event with --attested",
			 "最近一步不是单方声明；请以 --attested 指明事件", NULL);
}

/* ---- received ---- */

#define DECISION_FORM                                                                                        \
	"LINE=accepted[;METHOD] | LINE=partly;QUANTITY/CONTAINERS;METHOD;DIFFERENCE | "                      \
	"LINE=refused;DIFFERENCE"

static bool take_decision(const struct chain *c, struct span text, struct line_decision *lines)
{
	struct span parts[4] = {{0}};
	struct line_decision d = {0};
	size_t n = 0;

	if (!take_line(c, &text, &d.line))
		return false;
	while (n < ARRAY_LEN(parts) && take_part(&text, ';', &parts[n]))
		n++;
	const struct word *what = n == 0 ? NULL : word_named(decision_words, parts[0]);
	if (what == NULL || text.p != NULL)
		return false;
	const struct line_quantity *here = &c->here[d.line - 1];
	d.decision = (enum decision)what->value;
	switch (d.decision) {
	case DECISION_ACCEPTED:
		d.accepted = *here;
		d.method = n > 1 ? parts[1] : c->issued.lines[d.line - 1].method;
		break;
	case DECISION_PARTLY:
		d.accepted.line = d.line;
		if (n != 4 || !take_quantity(parts[1], &d.accepted))
			return false;
		d.refused = (struct line_quantity){.line = d.line,
						   .grams = here->grams - d.accepted.grams,
						   .containers = here->containers - d.accepted.containers};
		d.method = parts[2];
		d.difference = parts[3];
		break;
	case DECISION_REFUSED:
		if (n != 2)
			return false;
		d.refused = *here;
		d.difference = parts[1];
		break;
	}
	lines[d.line - 1] = d;
	return true;
}

int custody_receive(struct app *app, const struct command *command, struct order *order)
{
	struct received *r = &order->event.received;
	struct line_decision *lines = arena_array(app->arena, MAX_LINES, sizeof(*lines));
	struct chain c = {0};
	int status = begin(app, command, order, &c);

	if (status != EXIT_DONE || lines == NULL)
		return status;
	/* What is not mentioned is accepted, and treated as was planned. */
	for (size_t i = 0; i < c.lines_n; i++)
		lines[i] = (struct line_decision){.line = c.issued.lines[i].line,
						  .decision = DECISION_ACCEPTED,
						  .accepted = c.here[i],
						  .method = c.issued.lines[i].method};
	for (size_t k = 0; k < order->lines_n; k++)
		if (!take_decision(&c, order->lines[k], lines))
			return bad_line(app, order->lines[k], DECISION_FORM);
	default_party(&r->facility, &c.issued.facility);
	r->lines = lines;
	r->lines_n = c.lines_n;
	return EXIT_DONE;
}

/* ---- treated ---- */

static bool take_treatment(const struct chain *c, struct span text, struct line_treatment *t)
{
	struct span quantity;
	struct line_quantity q;

	if (!take_line(c, &text, &t->line) || !take_part(&text, ';', &quantity) ||
	    !take_quantity(quantity, &q))
		return false;
	t->grams = q.grams;
	t->containers = q.containers;
	t->method = c->kept[t->line - 1].method;
	return text.p == NULL || (take_part(&text, ';', &t->method) && text.p == NULL);
}

int custody_treat(struct app *app, const struct command *command, struct order *order)
{
	struct treated *t = &order->event.treated;
	struct line_treatment *lines = arena_array(app->arena, MAX_LINES, sizeof(*lines));
	struct chain c = {0};
	size_t n = 0;
	int status = begin(app, command, order, &c);

	if (status != EXIT_DONE || lines == NULL)
		return status;
	if (!c.received)
		return app_usage(app,
				 "the facility decides on the load first (manifest facility receive NUMBER); "
				 "the last step is",
				 "经营单位须先确认接受（manifest facility receive 编号）；目前最近一步为",
				 last_step(app, &c));
	if (order->lines_n > MAX_LINES)
		return app_usage(app, "too many --line", "--line 过多", NULL);
	for (size_t k = 0; k < order->lines_n; k++)
		if (!take_treatment(&c, order->lines[k], &lines[n++]))
			return bad_line(app, order->lines[k], "LINE=QUANTITY/CONTAINERS[;METHOD]");
	for (size_t i = 0; i < c.lines_n && order->lines_n == 0; i++) {
		const struct kept_line *k = &c.kept[i];
		if (k->accepted.grams > k->treated.grams)
			lines[n++] = (struct line_treatment){.line = k->accepted.line,
							     .grams = k->accepted.grams - k->treated.grams,
							     .containers = k->accepted.containers -
									   k->treated.containers,
							     .method = k->method};
	}
	default_party(&t->facility, &c.issued.facility);
	t->lines = lines;
	t->lines_n = n;
	if (n == 0)
		return app_usage(app, "nothing is left to be treated", "没有待处置的废物", NULL);
	return EXIT_DONE;
}

int custody_cancel(struct app *app, const struct command *command, struct order *order)
{
	int status = EXIT_DONE;

	(void)command;
	(void)!custody_number(app, order, &status);
	return status;
}
