/* Owns what stands where on the printed page; how it is drawn is clients/paper's. */
#include "manifest/page.h"

#include <inttypes.h>

#include "base/text.h"
#include "core/credit_code.h"
#include "core/time_text.h"
#include "core/words.h"
#include "libmanifest/file.h"
#include "manifest/print.h"
#include "paper/paper.h"

struct page {
	struct app *app;
	const struct page_facts *f;
	struct paper *paper;
};

static const char *or_empty(const char *text)
{
	return text == NULL ? "" : text;
}

#define PRINT(app, ...) or_empty(arena_printf((app)->arena, __VA_ARGS__))
#define ROW(p, kind, ...)                                                                                    \
	paper_row((p)->paper, kind, (const struct paper_cell[]){__VA_ARGS__},                                \
		  sizeof((const struct paper_cell[]){__VA_ARGS__}) / sizeof(struct paper_cell))

static void section(struct page *p, const char *en, const char *zh)
{
	ROW(p, PAPER_SECTION, {T(p->app, en, zh), PAPER_HEADING, 100});
}

static void fact(struct page *p, const char *en, const char *zh, const char *value, enum paper_face face)
{
	ROW(p, PAPER_TEXT, {T(p->app, en, zh), PAPER_LABEL, 18}, {value, face, 82});
}

static bool holds(const struct page_facts *f)
{
	return f->verified->bad == 0 && (f->witnessed == NULL || f->witnessed->failure == LOG_HOLDS);
}

/* ---- the head, beside the QR code ---- */

static void put_party(struct page *p, const char *en, const char *zh, const struct party_ref *ref)
{
	struct app *app = p->app;
	const char *name = account_name(app, p->f->verified, ref);
	const char *code = text_party(app, ref);

	ROW(p, PAPER_TEXT, {T(app, en, zh), PAPER_LABEL, 14},
	    {strcmp(name, code) == 0 ? code : PRINT(app, "%s\n%s", name, code), PAPER_PLAIN,
	     PAPER_BESIDE - 14});
}

static void put_head(struct page *p)
{
	struct app *app = p->app;
	const struct issued *i = p->f->account->issued;

	ROW(p, PAPER_TEXT,
	    {T(app, "HAZARDOUS WASTE MANIFEST  ·  CHECKED RECORD", "危险废物转移联单  ·  核验记录"),
	     PAPER_LABEL, PAPER_BESIDE});
	ROW(p, PAPER_TEXT, {text_number(app, p->f->account->number), PAPER_TITLE, PAPER_BESIDE});
	if (i != NULL) {
		put_party(p, "generator", "移出人", &i->generator);
		put_party(p, "transporter", "承运人", &i->transporter);
		put_party(p, "facility", "接受人", &i->facility);
		ROW(p, PAPER_TEXT, {T(app, "vehicle, permit", "车辆、许可证"), PAPER_LABEL, 14},
		    {PRINT(app, "%.*s   ·   %.*s", SPAN_ARG(i->plate), SPAN_ARG(i->permit)), PAPER_PLAIN,
		     PAPER_BESIDE - 14});
	}
	paper_below_code(p->paper);
}

static void put_verdict(struct page *p)
{
	struct app *app = p->app;
	const struct verified *v = p->f->verified;
	bool good = holds(p->f);
	const char *small =
	    good ? PRINT(app,
			 T(app,
			   "%zu entries of the log, %zu proofs under one signed checkpoint of size %" PRIu64
			   ", %zu signatures; the chain is whole.",
			   "日志 %zu 条记录、%zu 个证明（检查点长度 %" PRIu64 "）、%zu 个签名，链条完整。"),
			 v->events_n, v->proofs, v->checkpoint.size, v->signatures)
		 : T(app, "Do not rely on what this page says. The faults are listed below.",
		     "请勿采信本页内容。问题见下。");

	ROW(p, good ? PAPER_GOOD : PAPER_BAD,
	    {good ? T(app, "HOLDS  验证通过", "验证通过  HOLDS")
		  : T(app, "DOES NOT HOLD\n验证不通过", "验证不通过\nDOES NOT HOLD"),
	     PAPER_VERDICT, 44},
	    {small, PAPER_PLAIN, 56});
}

static void put_findings(struct page *p)
{
	struct app *app = p->app;
	const struct verified *v = p->f->verified;

	if (v->findings_n == 0)
		return;
	section(p, "Faults and remarks", "问题与说明");
	for (size_t i = 0; i < v->findings_n; i++) {
		const struct finding *f = &v->findings[i];
		const char *text =
		    PRINT(app, "%s%s%s", T(app, f->en, f->zh), f->detail[0] == '\0' ? "" : ": ", f->detail);
		ROW(p, PAPER_LINE,
		    {PRINT(app, T(app, "entry %" PRIu64, "序号 %" PRIu64), f->index), PAPER_LABEL, 14},
		    {text, f->bad ? PAPER_ALARM : PAPER_PLAIN, 86});
	}
}

/* ---- the load and its way ---- */

static const char *word_text(struct app *app, const struct word *words, int value)
{
	const struct word *w = word_of(words, value);

	return T(app, w->en, w->zh);
}

static void put_load(struct page *p)
{
	struct app *app = p->app;
	const struct issued *i = p->f->account->issued;

	if (i == NULL)
		return;
	section(p, "The load, as issued", "废物（开具时）");
	ROW(p, PAPER_HEAD, {T(app, "line, code", "行、代码"), PAPER_LABEL, 18},
	    {T(app, "name", "名称"), PAPER_LABEL, 28}, {T(app, "quantity", "数量"), PAPER_LABEL, 14},
	    {T(app, "containers", "包装"), PAPER_LABEL, 20}, {T(app, "form", "形态"), PAPER_LABEL, 10},
	    {T(app, "method", "方式"), PAPER_LABEL, 10});
	for (size_t k = 0; k < i->lines_n; k++) {
		const struct waste_line *w = &i->lines[k];
		ROW(p, PAPER_LINE,
		    {PRINT(app, "%" PRIu32 "   %.*s", w->line, SPAN_ARG(w->code)), PAPER_PLAIN, 18},
		    {text_span(app, w->name), PAPER_PLAIN, 28},
		    {PRINT(app, "%s\n%" PRId64 " g", text_grams(app, w->grams), w->grams), PAPER_PLAIN, 14},
		    {PRINT(app, "%" PRIu32 " × %s", w->containers,
			   word_text(app, packaging_words, w->packaging)),
		     PAPER_PLAIN, 20},
		    {word_text(app, form_words, w->form), PAPER_PLAIN, 10},
		    {text_span(app, w->method), PAPER_PLAIN, 10});
	}
}

static const char *signers_text(struct app *app, const struct account_step *s)
{
	const char *text = "";

	for (size_t k = 0; k < s->signers_n; k++) {
		const struct account_signer *a = &s->signers[k];
		text = PRINT(app,
			     T(app, "%s%s%s%s%s%s%s\nkey %.16s  no. %" PRIu64,
			       "%s%s%s%s%s%s%s\n密钥 %.16s  流水号 %" PRIu64),
			     text, text[0] == '\0' ? "" : "\n\n", a->name,
			     a->device[0] == '\0' ? "" : "  ·  ", a->device, a->party[0] == '\0' ? "" : "\n",
			     a->party, text_digest(app, &a->signer->keyid), a->signer->number);
	}
	return text;
}

static bool is_flag(const struct account_step *s)
{
	return s->event->kind == EVENT_FLAG_RAISED || s->event->kind == EVENT_FLAG_CLEARED ||
	       s->event->kind == EVENT_FLAG_RESOLVED;
}

static bool is_bad(const struct page *p, uint64_t index)
{
	const struct verified *v = p->f->verified;

	for (size_t i = 0; i < v->findings_n; i++)
		if (v->findings[i].bad && v->findings[i].index == index)
			return true;
	return false;
}

static const char *flag_detail(struct app *app, const struct event *e)
{
	if (e->kind == EVENT_FLAG_RAISED)
		return text_detail(app, e->flag_raised.detail);
	return e->kind == EVENT_FLAG_RESOLVED ? text_span(app, e->flag_resolved.reason) : "";
}

static void put_steps(struct page *p, bool flags)
{
	struct app *app = p->app;
	const struct account *a = p->f->account;

	ROW(p, PAPER_HEAD, {T(app, "entry", "序号"), PAPER_LABEL, 7},
	    {T(app, "what", "事件"), PAPER_LABEL, 21},
	    {T(app, "happened, as stated\naccepted, as the server says", "所称发生时间\n服务器所称接受时间"),
	     PAPER_LABEL, 17},
	    {T(app, "signed by", "签署"), PAPER_LABEL, 29},
	    {T(app, "what the proofs say of the time", "证明所界定的时间"), PAPER_LABEL, 26});
	for (size_t i = 0; i < a->steps_n; i++) {
		const struct account_step *s = &a->steps[i];
		if (is_flag(s) != flags)
			continue;
		enum paper_face face = flags || is_bad(p, s->index) ? PAPER_ALARM : PAPER_PLAIN;
		const char *more = flags ? flag_detail(app, s->event) : s->load;
		ROW(p, PAPER_LINE, {PRINT(app, "%" PRIu64, s->index), face, 7},
		    {PRINT(app, "%s%s%s", s->what, more[0] == '\0' ? "" : "\n", more), face, 21},
		    {PRINT(app, "%s\n%s", s->occurred, s->accepted), PAPER_PLAIN, 17},
		    {signers_text(app, s), PAPER_PLAIN, 29},
		    {PRINT(app, "%s%s%s", s->after, T(app, "; ", "；"), s->before), PAPER_FAINT, 26});
	}
}

static void put_way(struct page *p)
{
	const struct account *a = p->f->account;
	size_t flags = 0;

	for (size_t i = 0; i < a->steps_n; i++)
		flags += is_flag(&a->steps[i]);
	section(p, "Who did what, when, with which key", "何人于何时以何密钥做了什么");
	put_steps(p, false);
	section(p, "Flags", "预警");
	if (flags > 0)
		put_steps(p, true);
	else
		ROW(p, PAPER_TEXT, {T(p->app, "none in this file", "本文件中无"), PAPER_PLAIN, 100});
}

/* ---- what was checked ---- */

/* Findings belong to a check by the first part of their id. */
static const struct {
	const char *ids[5];
	const char *en;
	const char *zh;
} checks[] = {
    {{"proof", "note", "checkpoint", "entry"},
     "every entry is in the log, under a checkpoint signed by the log's key",
     "每条记录均在日志中，检查点由日志密钥签署"},
    {{"signature", "signatures", "key", "genesis"},
     "every signature holds, by keys whose enrolment is in the log",
     "每个签名均成立，所用密钥的登记均在日志中"},
    {{"signers"}, "the keys belong to the parties that the steps name", "密钥属于各步所称单位"},
    {{"chain"},
     "every step continues the one before it: none left out, none put in",
     "各步前后相接：未缺少，未插入"},
    {{"number", "event", "index", "accepted_at"},
     "no running number, event or place in the log is used twice; times of acceptance grow",
     "流水号、事件、序号均未重复，接受时间递增"},
    {{"seen"}, "what the signers had seen of the log agrees with it", "签署人所见的日志与之相符"},
};

static bool is_of(const struct finding *f, size_t check)
{
	size_t n = strcspn(f->id, ".");

	for (size_t i = 0; i < ARRAY_LEN(checks[check].ids) && checks[check].ids[i] != NULL; i++)
		if (strlen(checks[check].ids[i]) == n && memcmp(checks[check].ids[i], f->id, n) == 0)
			return true;
	return false;
}

static void put_check(struct page *p, bool good, const char *words)
{
	ROW(p, PAPER_TEXT,
	    {good ? T(p->app, "holds", "成立") : T(p->app, "DOES NOT HOLD", "不成立"),
	     good ? PAPER_LABEL : PAPER_ALARM, 18},
	    {words, PAPER_PLAIN, 82});
}

static void put_checks(struct page *p)
{
	const struct verified *v = p->f->verified;
	const struct witnessed *w = p->f->witnessed;
	struct app *app = p->app;

	section(p, "What was checked", "核验项目");
	for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
		bool good = true;
		for (size_t k = 0; k < v->findings_n; k++)
			good &= !(v->findings[k].bad && is_of(&v->findings[k], i));
		put_check(p, good, T(app, checks[i].en, checks[i].zh));
	}
	if (w != NULL) {
		const struct log_failure_text *text = log_failure_text(w->failure);
		put_check(p, w->failure == LOG_HOLDS,
			  w->failure == LOG_HOLDS
			      ? T(app, "the witnesses that the policy demands have cosigned the checkpoint",
				  "策略所要求的见证人已对检查点见证")
			      : T(app, text->en, text->zh));
	}
}

static void put_missing(struct page *p)
{
	struct app *app = p->app;
	const struct account *a = p->f->account;

	section(p, "What this file does not hold, and what it cannot tell", "本文件所缺与不能说明的事项");
	for (size_t i = 0; i < a->gaps_n; i++) {
		const struct account_gap *g = &a->gaps[i];
		ROW(p, PAPER_TEXT, {T(app, "running numbers", "流水号"), PAPER_LABEL, 18},
		    {PRINT(app, T(app, "%s of key %.16s, %s", "%s（密钥 %.16s，%s）"), g->numbers,
			   text_digest(app, &g->key->keyid), g->name),
		     PAPER_PLAIN, 82});
	}
	for (size_t i = 0; i < a->unknown_n; i++)
		ROW(p, PAPER_TEXT, {i == 0 ? T(app, "it cannot tell", "不能说明") : "", PAPER_LABEL, 18},
		    {a->unknown[i], PAPER_PLAIN, 82});
}

static void put_witnesses(struct page *p)
{
	struct app *app = p->app;
	const struct witnessed *w = p->f->witnessed;

	for (size_t i = 0; w != NULL && i < w->policy->witnesses_n && w->newest.n > 0; i++)
		if (w->facts.cosigned[i])
			fact(p, "cosigned", "见证",
			     PRINT(app, "%s   %s", witness_name(app, w, i),
				   text_time(app, witness_time(w, i))),
			     PAPER_PLAIN);
}

static const char *root_base64(struct app *app, const struct digest *root)
{
	char text[64];

	base64_encode(span_of(root->b, DIGEST_SIZE), text);
	return text_span(app, span_str(text));
}

static void put_again(struct page *p)
{
	struct app *app = p->app;
	const struct verified *v = p->f->verified;
	struct buffer vkey = BUFFER_EMPTY;

	section(p, "The log, and how to check this again", "日志与复核方法");
	note_key_put(&vkey, p->f->log_key);
	fact(p, "log", "日志", text_span(app, v->checkpoint.origin), PAPER_PLAIN);
	fact(p, "its key", "日志公钥", text_span(app, buffer_span(&vkey)), PAPER_CODE);
	fact(p, "checkpoint", "检查点",
	     PRINT(app, T(app, "size %" PRIu64 "\nroot %s", "长度 %" PRIu64 "\n根 %s"), v->checkpoint.size,
		   root_base64(app, &v->checkpoint.root)),
	     PAPER_CODE);
	put_witnesses(p);
	fact(p, "SHA-256 of the file", "文件 SHA-256", text_digest(app, &p->f->file), PAPER_CODE);
	fact(p, "check it", "复核",
	     T(app,
	       "Paper proves nothing. Ask for the file whose SHA-256 stands here and in the code above, take "
	       "the log's key from somebody you trust, and run: manifest verify FILE --log KEY. It needs no "
	       "network.",
	       "纸面本身不构成证明。请索取 SHA-256 "
	       "与此处及二维码相符的文件，自可信来源取得日志公钥，执行：manifest verify 文件 --log "
	       "公钥。无需联网。"),
	     PAPER_PLAIN);
	buffer_free(&vkey);
}

/* What a reader needs to know that the file, and the log's state, are the ones of this page. */
static const char *code_text(struct page *p)
{
	struct app *app = p->app;
	const struct checkpoint *c = &p->f->verified->checkpoint;

	return PRINT(app, "manifest %s\nsha256 %s\n%.*s\n%" PRIu64 "\n%s\n",
		     text_number(app, p->f->account->number), text_digest(app, &p->f->file),
		     SPAN_ARG(c->origin), c->size, root_base64(app, &c->root));
}

/* The newest fact in the file; the clock is not read, so that the same file gives the same page. */
static const char *created(struct page *p)
{
	const struct verified *v = p->f->verified;
	micros last = 0;
	char text[TIME_TEXT_SIZE];

	for (size_t i = 0; i < v->events_n; i++)
		last = v->accepted_at[i] > last ? v->accepted_at[i] : last;
	time_format(last, text);
	return PRINT(p->app, "%.19s+08:00", text);
}

static int save(struct page *p, const char *path)
{
	struct app *app = p->app;
	struct buffer pdf = BUFFER_EMPTY;
	struct mft_failure failure;
	size_t missing = 0;
	int status = EXIT_DONE;

	if (!paper_finish(p->paper, &pdf, &missing)) {
		mft_fail(&failure, MFT_FAULT_LOCAL, "file",
			 "the page was not made: no font is installed (fonts-wqy-microhei), or no memory",
			 "未能生成页面：未安装字体（fonts-wqy-microhei）或内存不足", NULL);
		status = app_failed(app, &failure);
	} else if (!mft_file_replace(path, buffer_span(&pdf), 0644, &failure)) {
		status = app_failed(app, &failure);
	} else {
		app_set(app, "pdf", json_string(path));
		app_set(app, "pdf_missing_glyphs", json_integer((json_int_t)missing));
		app_say(app, T(app, "page: %s", "页面：%s"), path);
		if (missing > 0)
			app_note(
			    app,
			    T(app,
			      "note: no installed font has %zu of the page's characters; install "
			      "fonts-wqy-microhei and write it again",
			      "注意：页面中有 %zu 个字符无字体可显示，请安装 fonts-wqy-microhei 后重新生成"),
			    missing);
	}
	buffer_free(&pdf);
	return status;
}

int page_write(struct app *app, const struct page_facts *facts, const char *path)
{
	struct page p = {.app = app, .f = facts};
	const char *number = text_number(app, facts->account->number);
	const struct paper_about about = {
	    .title = PRINT(app, T(app, "Manifest %s", "联单 %s"), number),
	    .language = app->zh ? "zh-cn" : "en",
	    .created = created(&p),
	    .footer = PRINT(app, T(app, "%smanifest %s   ·   SHA-256 %.16s", "%s联单 %s   ·   SHA-256 %.16s"),
			    holds(facts) ? "" : T(app, "DOES NOT HOLD   ·   ", "验证不通过   ·   "), number,
			    text_digest(app, &facts->file)),
	};

	p.paper = paper_new(&about);
	if (p.paper == NULL || !paper_code(p.paper, code_text(&p))) {
		paper_free(p.paper);
		return app_no_memory(app);
	}
	put_head(&p);
	put_verdict(&p);
	put_findings(&p);
	put_load(&p);
	put_way(&p);
	put_checks(&p);
	put_missing(&p);
	put_again(&p);
	int status = save(&p, path);
	paper_free(p.paper);
	return status;
}
