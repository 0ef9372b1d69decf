/*
 * The US e-Manifest service's JSON. One walk over all leaves of a record: a table of paths (import_us.c) says
 * what type each must have and where it goes; a leaf that is in no row has no place in the event and is
 * reported as left out. Numbers are kept as they are written: they are quoted before the text is parsed.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "manifest/import.h"
#include "manifest/import_us.h"
#include "manifest/jsontext.h"

#define SCHEME     "us-emanifest-json"
#define UNNUMBERED "(none)"
enum { DEPTH_MAX = 24, PATH_SIZE = 512, REMARK_MAX = 2000 };

struct line_draft {
	struct foreign_line value;
	struct span codes[IMPORT_CODES_MAX];
	struct span quantity, unit, unit_words, containers, container_type;
};

struct walk {
	struct import_result *r;
	struct imported value;
	struct foreign_party parties[IMPORT_PARTIES_MAX];
	char party_paths[IMPORT_PARTIES_MAX][96]; /* which object each came from */
	struct line_draft *lines;                 /* one for each of wastes[] */
	struct buffer remark;
	bool bad;
	size_t line;             /* of wastes[], while in it */
	char path[PATH_SIZE];    /* with indexes, for reports */
	char pattern[PATH_SIZE]; /* without */
};

static void find(struct walk *w, enum import_what what, struct span found, const char *allowed,
		 const char *en, const char *zh)
{
	w->bad |= what == IMPORT_BAD;
	import_find(w->r, &(struct import_finding){.what = what,
						   .record = w->value.record,
						   .column = w->path,
						   .found = import_quote(w->r, found),
						   .allowed = allowed,
						   .en = en,
						   .zh = zh});
}

/* ---- leaves ---- */

static enum leaf_type type_of(const json_t *value)
{
	if (json_is_string(value))
		return json_string_value(value)[0] == JSON_NUMBER_MARK ? NUMBER_LEAF : TEXT_LEAF;
	if (json_is_object(value))
		return OBJECT_NODE;
	if (json_is_array(value))
		return ARRAY_NODE;
	return json_is_boolean(value) ? BOOL_LEAF : ANY_LEAF;
}

static struct span leaf_text(struct walk *w, const json_t *value)
{
	if (json_is_boolean(value))
		return span_str(json_is_true(value) ? "true" : "false");
	if (!json_is_string(value))
		return span_str("");
	size_t mark = type_of(value) == NUMBER_LEAF;
	struct span text = span_of(json_string_value(value) + mark, json_string_length(value) - mark);
	/* The JSON is gone when the record is used. */
	return arena_copy(w->r->arena, text);
}

static void remark(struct walk *w, const char *name, size_t line, struct span text)
{
	char label[160];

	if (line == 0)
		(void)snprintf(label, sizeof(label), "%s%.100s: ", w->remark.n == 0 ? "" : "; ", name);
	else
		(void)snprintf(label, sizeof(label), "%sline %zu %.100s: ", w->remark.n == 0 ? "" : "; ",
			       line, name);
	if (w->remark.n + strlen(label) + text.n > REMARK_MAX) {
		find(w, IMPORT_LEFT_OUT, text, "", "no room left in the remark", "备注已满");
		return;
	}
	buffer_put_str(&w->remark, label);
	buffer_put_span(&w->remark, text);
}

static const char *last_name(const char *pattern)
{
	const char *dot = strrchr(pattern, '.');

	return dot == NULL ? pattern : dot + 1;
}

/* The party of the object that the leaf is in: found again by the path of the object. */
static struct foreign_party *party(struct walk *w, enum role role)
{
	const char *dot = strrchr(w->path, '.');
	size_t n = dot == NULL ? 0 : (size_t)(dot - w->path);

	for (size_t i = 0; i < w->value.parties_n; i++)
		if (strlen(w->party_paths[i]) == n && memcmp(w->party_paths[i], w->path, n) == 0)
			return &w->parties[i];
	if (w->value.parties_n == IMPORT_PARTIES_MAX || n >= sizeof(w->party_paths[0]))
		return NULL;
	size_t i = w->value.parties_n++;
	(void)snprintf(w->party_paths[i], sizeof(w->party_paths[i]), "%.*s", (int)n, w->path);
	w->parties[i] = (struct foreign_party){.role = role};
	return &w->parties[i];
}

static void take_party(struct walk *w, const struct us_row *row, struct span text)
{
	struct foreign_party *p = party(w, row->role);

	if (p == NULL)
		find(w, IMPORT_BAD, text, "20", "too many parties", "单位过多");
	else if (row->use == USE_PARTY_ID)
		p->id = text;
	else
		p->name = text;
}

static void take_line(struct walk *w, const struct us_row *row, struct span text)
{
	struct line_draft *l = &w->lines[w->line];
	uint64_t number;

	switch (row->use) {
	case USE_LINE_NUMBER:
		if (decimal_parse(text, &number) && number >= 1 && number <= UINT32_MAX)
			l->value.line = (uint32_t)number;
		else
			find(w, IMPORT_BAD, text, "1, 2, 3, ...", "not the number of a line", "不是行号");
		return;
	case USE_LINE_NAME: l->value.name = text; return;
	case USE_LINE_CODE:
		if (l->value.codes_n < IMPORT_CODES_MAX)
			l->codes[l->value.codes_n++] = text;
		else
			find(w, IMPORT_BAD, text, "40", "too many waste codes", "废物代码过多");
		return;
	case USE_QUANTITY: l->quantity = text; return;
	case USE_UNIT: l->unit = text; return;
	case USE_UNIT_WORDS: l->unit_words = text; return;
	case USE_CONTAINERS: l->containers = text; return;
	case USE_CONTAINER_TYPE: l->container_type = text; return;
	case USE_METHOD: l->value.method = text; return;
	default: remark(w, last_name(w->pattern), w->line + 1, text); return;
	}
}

static void take(struct walk *w, const struct us_row *row, struct span text, bool is_false)
{
	switch (row->use) {
	case USE_NOTHING: return;
	case USE_NUMBER: w->value.foreign_number = text; return;
	case USE_STATUS: w->value.status = text; return;
	case USE_ISSUED: w->value.issued = text; return;
	case USE_SHIPPED: w->value.shipped = text; return;
	case USE_RECEIVED: w->value.received = text; return;
	case USE_SHIPPED_ELSE:
		if (w->value.shipped.n == 0)
			w->value.shipped = text;
		return;
	case USE_RECEIVED_ELSE:
		if (w->value.received.n == 0)
			w->value.received = text;
		return;
	case USE_REMARK:
		if (!is_false)
			remark(w, last_name(w->pattern), 0, text);
		return;
	case USE_PARTY_ID:
	case USE_PARTY_NAME: take_party(w, row, text); return;
	case USE_PERSONAL:
		find(w, IMPORT_PERSONAL, span_str(""), "", "personal data does not go into the log",
		     "个人信息不写入日志");
		return;
	default:
		if (!is_false)
			take_line(w, row, text);
		return;
	}
}

static void leaf(struct walk *w, const json_t *value)
{
	static const char *const names[] = {"", "text", "a number", "true or false", "an object", "a list"};
	const struct us_row *row = us_row_of(w->pattern);
	enum leaf_type type = type_of(value);
	struct span text = leaf_text(w, value);

	if (json_is_null(value))
		return;
	if (row == NULL) {
		find(w, IMPORT_LEFT_OUT, text, "", "there is no place for it in the event",
		     "事件中没有对应字段");
		return;
	}
	if (row->type != type && row->type != ANY_LEAF) {
		find(w, IMPORT_BAD, text, names[row->type],
		     "it has another type than the published schema says", "类型与公布的格式不符");
		return;
	}
	if (!text_is_clean(text) || text.p == NULL) {
		find(w, IMPORT_BAD, text, "text without control characters",
		     "control characters or bad UTF-8", "含控制字符或无效 UTF-8");
		return;
	}
	take(w, row, text, json_is_false(value));
}

/* ---- the walk ---- */

static bool extend(char *path, size_t from, const char *name)
{
	int n = snprintf(path + from, PATH_SIZE - from, "%s%s", from == 0 || name[0] == '[' ? "" : ".", name);

	return n >= 0 && (size_t)n < PATH_SIZE - from;
}

static void node(struct walk *w, json_t *value, int depth);

static void below(struct walk *w, json_t *value, const char *name, const char *pattern_name, int depth)
{
	size_t path_n = strlen(w->path);
	size_t pattern_n = strlen(w->pattern);

	if (extend(w->path, path_n, name) && extend(w->pattern, pattern_n, pattern_name))
		node(w, value, depth + 1);
	else
		find(w, IMPORT_BAD, span_str(""), "", "the names are too long", "字段名过长");
	w->path[path_n] = '\0';
	w->pattern[pattern_n] = '\0';
}

static void node(struct walk *w, json_t *value, int depth)
{
	const struct us_row *row = us_row_of(w->pattern);
	const char *name;
	json_t *item;
	size_t i;

	if (!json_is_object(value) && !json_is_array(value)) {
		leaf(w, value);
		return;
	}
	if (depth > DEPTH_MAX) {
		find(w, IMPORT_BAD, span_str(""), "", "it is nested too deeply", "嵌套过深");
		return;
	}
	if (row != NULL && row->type != type_of(value)) {
		find(w, IMPORT_BAD, span_str(json_is_object(value) ? "an object" : "a list"),
		     row->type == BOOL_LEAF ? "true or false" : "another type",
		     "it has another type than the published schema says", "类型与公布的格式不符");
		return;
	}
	bool wastes = strcmp(w->pattern, "wastes") == 0;
	if (wastes && json_array_size(value) > IMPORT_LINES_MAX) {
		find(w, IMPORT_BAD, span_str(""), "200", "too many lines", "行数过多");
		return;
	}
	if (wastes && json_array_size(value) > 0) {
		w->lines = calloc(json_array_size(value), sizeof(w->lines[0]));
		w->value.lines_n = w->lines == NULL ? 0 : json_array_size(value);
	}
	json_object_foreach(value, name, item) below(w, item, name, name, depth);
	if (wastes && w->value.lines_n != json_array_size(value))
		return;
	json_array_foreach(value, i, item)
	{
		char index[32];
		(void)snprintf(index, sizeof(index), "[%zu]", i);
		if (wastes)
			w->line = i;
		below(w, item, index, "[]", depth);
	}
}

/* ---- a record ---- */

static struct span join(struct walk *w, struct span a, struct span b, struct span words)
{
	const char *text =
	    arena_printf(w->r->arena, "%.*s%s%.*s%s%.*s%s", SPAN_ARG(a), b.n == 0 || a.n == 0 ? "" : " ",
			 SPAN_ARG(b), words.n == 0 ? "" : " (", SPAN_ARG(words), words.n == 0 ? "" : ")");

	return span_str(text);
}

static void finish_lines(struct walk *w)
{
	struct foreign_line *lines = arena_array(w->r->arena, w->value.lines_n + 1, sizeof(*lines));

	for (size_t i = 0; i < w->value.lines_n && lines != NULL; i++) {
		struct line_draft *l = &w->lines[i];
		struct span *codes = arena_array(w->r->arena, l->value.codes_n + 1, sizeof(*codes));
		if (l->value.line == 0)
			l->value.line = (uint32_t)i + 1;
		if (codes == NULL) {
			w->bad = true;
			return;
		}
		memcpy(codes, l->codes, l->value.codes_n * sizeof(*codes));
		l->value.codes = codes;
		if (l->quantity.n > 0)
			l->value.planned = join(w, l->quantity, l->unit, l->unit_words);
		l->value.containers = join(w, l->containers, l->container_type, span_str(""));
		lines[i] = l->value;
	}
	w->value.lines = lines;
}

static void finish_parties(struct walk *w)
{
	struct foreign_party *parties = arena_array(w->r->arena, w->value.parties_n + 1, sizeof(*parties));

	if (parties == NULL)
		return;
	memcpy(parties, w->parties, w->value.parties_n * sizeof(*parties));
	w->value.parties = parties;
}

static bool record_read(struct walk *w, json_t *value)
{
	if (json_is_object(value))
		node(w, value, 0);
	else
		find(w, IMPORT_BAD, span_str(""), "an object", "not a manifest", "不是联单");
	if (w->value.foreign_number.n == 0 && !w->bad) {
		(void)snprintf(w->path, sizeof(w->path), "manifestTrackingNumber");
		find(w, IMPORT_NOTE, span_str(""), "",
		     "it has no tracking number yet: entered as " UNNUMBERED
		     ", to be found by its file's hash",
		     "尚无联单编号：记为 " UNNUMBERED "，可按文件哈希查找");
		w->value.foreign_number = span_str(UNNUMBERED);
	}
	finish_lines(w);
	finish_parties(w);
	w->value.remark = arena_copy(w->r->arena, buffer_span(&w->remark));
	return buffer_ok(&w->remark) && !w->bad && w->value.lines != NULL && w->value.parties != NULL &&
	       w->value.remark.p != NULL && import_check(w->r, &w->value, 0);
}

static void record(struct import_result *r, json_t *value)
{
	struct walk *w = calloc(1, sizeof(*w));

	r->seen++;
	r->bad++; /* until it is known to be good */
	if (w == NULL)
		return;
	w->r = r;
	w->value.scheme = span_str(SCHEME);
	w->value.record = r->seen;
	if (record_read(w, value)) {
		r->bad--;
		r->records[r->records_n++] = (struct import_record){.value = w->value};
	}
	free(w->lines);
	buffer_free(&w->remark);
	free(w);
}

/* ---- the file ---- */

static json_t *load(struct span file, json_error_t *ret_error)
{
	struct buffer text = BUFFER_EMPTY;

	/* Editors put a byte order mark in front. */
	if (file.n >= 3 && memcmp(file.p, "\xEF\xBB\xBF", 3) == 0)
		file = span_of(file.p + 3, file.n - 3);
	json_quote_numbers(file, &text);
	(void)snprintf(ret_error->text, sizeof(ret_error->text), "out of memory");
	json_t *root = buffer_ok(&text)
			   ? json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, ret_error)
			   : NULL;
	buffer_free(&text);
	return root;
}

bool import_us_json(struct span file, struct arena *arena, struct import_result *ret_result)
{
	struct import_result r = {.arena = arena};
	json_error_t error = {.line = 0};
	json_t *root = load(file, &error);
	size_t n = json_is_array(root) ? json_array_size(root) : 1;

	r.records = root == NULL ? NULL : arena_array(arena, n + 1, sizeof(r.records[0]));
	if (r.records == NULL) {
		import_find(&r, &(struct import_finding){.what = IMPORT_BAD,
							 .row = error.line < 0 ? 0 : (unsigned)error.line,
							 .found = error.text,
							 .allowed = "JSON",
							 .en = "the file is not JSON",
							 .zh = "文件不是 JSON"});
		json_decref(root);
		*ret_result = r;
		return false;
	}
	for (size_t i = 0; i < n; i++)
		record(&r, json_is_array(root) ? json_array_get(root, i) : root);
	json_decref(root);
	*ret_result = r;
	return true;
}
