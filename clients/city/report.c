/* Owns the summary that a person reads. */
#include "city/report.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "core/details.h"
#include "core/flags.h"
#include "core/manifest_table.h"
#include "core/words.h"

#define MILLION 1000000.0

/* ---- how it looks ---- */

static void paint(const struct report *r, const char *code)
{
	if (r->colour)
		(void)printf("\033[%sm", code);
}

static void heading(const struct report *r, const char *zh, const char *en)
{
	(void)printf("\n");
	paint(r, "1;36");
	(void)printf("%s  %s", zh, en);
	paint(r, "0");
	(void)printf("\n");
}

/* The text, and blanks up to so many columns. */
static void cell(const char *text, size_t columns)
{
	size_t n = text_columns(text);

	(void)printf("%s%*s", text, (int)(n < columns ? columns - n : 0), "");
}

static double tonnes(int64_t grams)
{
	return (double)grams / MILLION;
}

static void bar(const struct report *r, double share)
{
	paint(r, "36");
	for (int i = 0; i < (int)(share * 24 + 0.5); i++)
		(void)printf("█");
	paint(r, "0");
}

/* ---- sections ---- */

static void print_title(const struct report *r)
{
	char from[32], to[32];

	paint(r, "1");
	(void)printf("\n沈阳市危险废物转移的一天   A day of Shenyang's hazardous waste\n");
	paint(r, "0");
	(void)printf("%s — %s   %d 区县 districts, %d 家产废单位 key generators, %d 家承运人 "
		     "transporters,\n%zu 辆车 vehicles, "
		     "%d 家经营单位 licensed plants; %zu 份联单 transfers\n",
		     clock_text(r->city->now - DAY, from), clock_text(r->city->now, to), DISTRICTS,
		     GENERATORS, TRANSPORTERS, r->city->vehicles_n, PLANTS, r->city->loads_n);
}

static void print_accepted(const struct report *r)
{
	const struct tally *t = r->day;

	heading(r, "已接受的事件", "Events accepted");
	for (unsigned kind = 0; kind < TALLY_KINDS; kind++) {
		uint64_t n = t->accepted[kind];
		if (n == 0)
			continue;
		(void)printf("  ");
		cell(word_of(event_words, (int)kind)->zh, 14);
		cell(event_kind_name((enum event_kind)kind), 16);
		(void)printf("%7" PRIu64 "  ", n);
		bar(r, (double)n / (double)(t->accepted[EVENT_ISSUED] + 1));
		(void)printf("\n");
	}
	(void)printf("  %" PRIu64 " accepted, %" PRIu64 " signatures, every receipt proved; %" PRIu64
		     " brought again and answered with the first receipt;\n  %" PRIu64
		     " told to bring the predecessor first. With the registry (%" PRIu64
		     ") and the server's own events the log holds %" PRIu64 " entries.\n",
		     t->accepted_n, t->signatures, t->repeated, t->told_early, r->registry->accepted_n,
		     r->log_size);
}

static double seconds(const struct tally *t)
{
	return (double)(t->ended - t->began) / MILLION;
}

static void print_rates(const struct report *r)
{
	struct tally *t = r->day;

	heading(r, "速度", "Rates");
	(void)printf(
	    "  %.0f events/s over TLS from up to %zu devices at once (registry: %.0f events/s from one)\n",
	    (double)t->accepted_n / seconds(t), r->connections,
	    (double)r->registry->accepted_n / seconds(r->registry));
	(void)printf("  from sending to the proved, durable receipt: p50 %.1f ms, p99 %.1f ms\n",
		     (double)tally_percentile(t, 500) / 1000, (double)tally_percentile(t, 990) / 1000);
}

static void print_refused(const struct report *r)
{
	const struct tally *t = r->day;

	heading(r, "拒绝及理由", "Refused, and why");
	for (size_t i = 0; i < t->rules_n; i++) {
		const struct tally_rule *rule = &t->rules[i];
		(void)printf("  %4" PRIu64 "  ", rule->n);
		paint(r, "33");
		cell(rule->rule, 20);
		paint(r, "0");
		(void)printf("  %s\n%28s  %s\n", rule->zh, "", rule->en);
	}
	(void)printf("  %4" PRIu64
		     "  in all; the running numbers they had taken were given up by their keys (voided)\n",
		     t->refused_n);
}

static void print_flags(const struct report *r)
{
	heading(r, "预警", "Flags");
	for (unsigned kind = 1; kind < FLAG_KINDS; kind++) {
		size_t n = 0, open = 0, claimed = 0;
		for (size_t i = 0; i < r->flags.n; i++) {
			const struct seen_flag *f = &r->flags.items[i];
			if (f->kind != kind)
				continue;
			n++;
			open += f->open;
			claimed += f->claimed_in_time;
		}
		if (n == 0)
			continue;
		(void)printf("  %4zu  ", n);
		paint(r, "31");
		cell(word_of(flag_words, (int)kind)->zh, 30);
		paint(r, "0");
		cell(word_of(flag_words, (int)kind)->en, 36);
		(void)printf("%zu open", open);
		if (claimed > 0)
			(void)printf(", %zu say in time, arrived late", claimed);
		(void)printf("\n");
	}
}

static void print_bad_load(const struct report *r, const struct bad_load *b)
{
	const struct actor *from = city_party(r->city, &b->manifest->generator);
	const struct actor *to = city_party(r->city, &b->manifest->facility);
	int64_t shipped = 0;
	char how[64], span[32];

	for (size_t i = 0; i < b->manifest->lines_n; i++)
		shipped += b->manifest->lines[i].shipped_grams;
	if (b->flag->kind == FLAG_QUANTITY)
		(void)snprintf(how, sizeof(how), "少 %.2f t (%.0f%%) light", tonnes(b->badness),
			       100.0 * (double)b->badness / (double)(shipped > 0 ? shipped : 1));
	else
		(void)snprintf(how, sizeof(how), "逾期 %s late", span_text(b->badness, span));
	(void)printf("  ");
	paint(r, "1");
	(void)printf("%014" PRIu64 "  ", b->manifest->number);
	paint(r, "31");
	cell(word_of(flag_words, (int)b->flag->kind)->zh, 18);
	paint(r, "0");
	cell(how, 26);
	(void)printf("%.*s  %.2f t  %s\n", SPAN_ARG(b->manifest->lines[0].code), tonnes(shipped),
		     b->manifest->plate);
	(void)printf("                  %s → %s\n", from == NULL ? "?" : from->name,
		     to == NULL ? "?" : to->name);
}

static void print_worst(const struct report *r)
{
	struct bad_load worst[12];
	size_t n = report_worst(r, 3, worst, ARRAY_LEN(worst));

	heading(r, "最严重的转移", "The worst transfers");
	for (size_t i = 0; i < n; i++)
		print_bad_load(r, &worst[i]);
}

static void print_totals(const struct report *r)
{
	struct category_total totals[60];
	size_t n = report_totals(r, totals);
	struct category_total all = {.loads = 0};

	heading(r, "按类别的数量（吨）", "Tonnes by category");
	(void)printf("          lines    shipped  delivered   accepted    treated\n");
	for (size_t i = 0; i < n; i++) {
		const struct category_total *t = &totals[i];
		(void)printf("  %-5s %7zu %10.1f %10.1f %10.1f %10.1f  ", t->category, t->loads,
			     tonnes(t->shipped), tonnes(t->delivered), tonnes(t->accepted),
			     tonnes(t->treated));
		bar(r, (double)t->shipped / (double)(totals[0].shipped + 1));
		(void)printf("\n");
		all.loads += t->loads;
		all.shipped += t->shipped;
		all.delivered += t->delivered;
		all.accepted += t->accepted;
		all.treated += t->treated;
	}
	(void)printf("  合计  %7zu %10.1f %10.1f %10.1f %10.1f\n", all.loads, tonnes(all.shipped),
		     tonnes(all.delivered), tonnes(all.accepted), tonnes(all.treated));
}

/* ---- a trail ---- */

static const char *signer_name(const struct report *r, const struct digest *keyid)
{
	const struct actor *const groups[] = {r->city->generators, r->city->transporters, r->city->plants,
					      r->city->offices};
	const size_t sizes[] = {GENERATORS, TRANSPORTERS, PLANTS, OFFICES};

	for (size_t g = 0; g < ARRAY_LEN(groups); g++)
		for (size_t i = 0; i < sizes[g]; i++)
			for (size_t k = 0; k < groups[g][i].devices_n; k++)
				if (digest_eq(&groups[g][i].devices[k].keyid, keyid))
					return groups[g][i].name;
	return "服务器 server";
}

static void print_decision(const struct line_decision *l)
{
	(void)printf("  #%u", l->line);
	if (l->accepted.line != 0)
		(void)printf(" 接受 accepted %.2f t", tonnes(l->accepted.grams));
	if (l->refused.line != 0)
		(void)printf(" 拒收 refused %.2f t", tonnes(l->refused.grams));
}

static void print_flag(const struct flag_raised *f)
{
	struct buffer detail = BUFFER_EMPTY;

	detail_in_chinese(f->detail, &detail);
	(void)printf("  %s: %.*s", word_of(flag_words, (int)f->kind)->zh, SPAN_ARG(buffer_span(&detail)));
	buffer_free(&detail);
}

static void print_quantities(const struct event *e)
{
	static const char *const legs[] = {[RETURN_NO_LEG] = "",
					   [RETURN_OUT] = "  离厂 leaves the plant",
					   [RETURN_BACK] = "  退回产生单位 back at the generator"};

	switch ((int)e->kind) {
	case EVENT_ISSUED:
		for (size_t i = 0; i < e->issued.lines_n; i++)
			(void)printf("  %.*s %.2f t/%u", SPAN_ARG(e->issued.lines[i].code),
				     tonnes(e->issued.lines[i].grams), e->issued.lines[i].containers);
		break;
	case EVENT_LOADED:
	case EVENT_HANDED_OVER:
	case EVENT_DELIVERED:
	case EVENT_RETURNED:
		for (size_t i = 0; i < e->transfer.lines_n; i++)
			(void)printf("  #%u %.2f t/%u", e->transfer.lines[i].line,
				     tonnes(e->transfer.lines[i].grams), e->transfer.lines[i].containers);
		(void)printf("  %.*s%s", SPAN_ARG(e->transfer.plate), legs[e->transfer.leg]);
		break;
	case EVENT_RECEIVED:
		for (size_t i = 0; i < e->received.lines_n; i++)
			print_decision(&e->received.lines[i]);
		break;
	case EVENT_TREATED:
		for (size_t i = 0; i < e->treated.lines_n; i++)
			(void)printf("  #%u %.2f t %.*s", e->treated.lines[i].line,
				     tonnes(e->treated.lines[i].grams), SPAN_ARG(e->treated.lines[i].method));
		break;
	case EVENT_FLAG_RAISED: print_flag(&e->flag_raised); break;
	default: break;
	}
}

static void print_trail_entry(const struct report *r, const struct trail_entry *t)
{
	const struct event *e = &t->event;
	bool flag = e->kind == EVENT_FLAG_RAISED || e->kind == EVENT_FLAG_CLEARED;
	char at[32];

	(void)printf("  %s  ", clock_text(e->occurred_at, at) + 5);
	paint(r, flag ? "31" : "32");
	cell(word_of(event_words, (int)e->kind)->zh, 10);
	paint(r, "0");
	cell(event_kind_name(e->kind), 13);
	(void)printf("[%" PRIu64 "]", t->index);
	print_quantities(e);
	(void)printf("\n               ");
	for (size_t i = 0; i < e->signers_n; i++)
		(void)printf("%s%s", i == 0 ? "签署 signed by " : ", ", signer_name(r, &e->signers[i].keyid));
	(void)printf("\n");
}

static void print_trail(const struct report *r)
{
	char number[24];

	(void)snprintf(number, sizeof(number), "%014" PRIu64, r->city->hero->number);
	heading(r, "一份联单的全过程", "One transfer, step by step");
	(void)printf(
	    "  %s, made without signal and brought by the second vehicle in one go; [index in the log]\n",
	    number);
	for (size_t i = 0; i < r->trail.n; i++)
		print_trail_entry(r, &r->trail.items[i]);
}

void report_print(struct report *r)
{
	print_title(r);
	print_accepted(r);
	print_rates(r);
	print_refused(r);
	print_flags(r);
	print_worst(r);
	print_totals(r);
	print_trail(r);
	if (r->surprises + r->flags_missing == 0)
		return;
	paint(r, "1;31");
	(void)printf("\n%zu answers and %zu flags were not what this day should bring: see above\n",
		     r->surprises, r->flags_missing);
	paint(r, "0");
}
