/* `manifest import`: files in, a report out, and an event for every record that fits. */
#include "manifest/import_run.h"

#include <errno.h>
#include <iconv.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "libmanifest/file.h"
#include "manifest/act.h"
#include "manifest/import.h"
#include "manifest/jsontext.h"
#include "manifest/print.h"

static const struct {
	const char *name;
	const char *ending;
	bool (*read)(struct span file, struct arena *arena, struct import_result *ret_result);
} schemes[] = {{"us-emanifest", ".json", import_us_json}, {"cn-national", ".csv", import_cn_csv}};

static int scheme_of(const struct order *order, const char *path)
{
	size_t n = strlen(path);

	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		size_t end = strlen(schemes[i].ending);
		if (order->scheme != NULL ? strcmp(order->scheme, schemes[i].name) == 0
					  : n > end && strcmp(path + n - end, schemes[i].ending) == 0)
			return (int)i;
	}
	return -1;
}

/* Exports are often in GB 18030; the record keeps the hash of the file as it was. */
static void to_utf8(struct buffer *file)
{
	iconv_t convert = iconv_open("UTF-8", "GB18030");
	size_t left = file->n;
	size_t room = 4 * file->n + 16;
	char *out = malloc(room);
	char *in = (char *)file->p;
	char *at = out;

	if ((intptr_t)convert == -1 || out == NULL)
		goto end;
	if (iconv(convert, &in, &left, &at, &room) == (size_t)-1 || left > 0)
		goto end;
	buffer_clear(file);
	buffer_put(file, out, (size_t)(at - out));
end:
	free(out);
	if ((intptr_t)convert != -1)
		(void)iconv_close(convert);
}

/* ---- the report ---- */

static const char *what_text(const struct app *app, enum import_what what)
{
	switch (what) {
	case IMPORT_BAD: return T(app, "bad", "有误");
	case IMPORT_NOTE: return T(app, "note", "注意");
	case IMPORT_PERSONAL: return T(app, "personal", "个人信息");
	default: return T(app, "left out", "未导入");
	}
}

static const char *const what_names[] = {"bad", "note", "left_out", "personal"};

static const char *count_text(struct app *app, unsigned n)
{
	const char *text = n == 0 ? "" : arena_printf(app->arena, "%u", n);

	return text == NULL ? "" : text;
}

static void report(struct app *app, const struct import_result *r, json_t *into)
{
	static const char *const en[] = {">record", ">row",    "finding", "field",
					 "found",   "allowed", "why",     NULL};
	static const char *const zh[] = {">记录", ">行", "结果", "字段", "现为", "应为", "说明", NULL};
	struct table t = table_begin(app, T(app, en, zh));
	json_t *list = json_array();

	for (size_t i = 0; i < r->findings_n; i++) {
		const struct import_finding *f = &r->findings[i];
		table_put(&t, count_text(app, f->record));
		table_put(&t, count_text(app, f->row));
		table_put(&t, what_text(app, f->what));
		table_put(&t, f->column);
		table_put(&t, f->found);
		table_put(&t, f->allowed);
		table_put(&t, T(app, f->en, f->zh));
		(void)json_array_append_new(
		    list, json_pack("{s:s,s:i,s:i,s:s,s:s,s:s,s:s,s:s}", "what", what_names[f->what],
				    "record", (int)f->record, "row", (int)f->row, "field", f->column, "found",
				    f->found, "allowed", f->allowed, "en", f->en, "zh", f->zh));
	}
	table_end(&t);
	if (r->findings_more > 0)
		app_say(app, T(app, "and %zu more", "另有 %zu 项"), r->findings_more);
	(void)json_object_set_new(into, "findings", list);
	(void)json_object_set_new(into, "records", json_integer((json_int_t)r->records_n));
	(void)json_object_set_new(into, "bad", json_integer(r->bad));
}

/* ---- entering ---- */

static int enter(struct app *app, const struct command *command, const struct import_result *r,
		 const struct digest *source, json_t *into, size_t *ret_entered)
{
	const struct secret_key *keys[] = {&app->secret};
	json_t *indexes = json_array();
	int status = EXIT_DONE;

	for (size_t i = 0; i < r->records_n && status != EXIT_UNAVAILABLE && status != EXIT_USAGE; i++) {
		struct event e = {.kind = EVENT_IMPORTED,
				  .occurred_at = app_now(),
				  .signers_n = 1,
				  .imported = r->records[i].value};
		struct buffer envelope = BUFFER_EMPTY;
		struct mft_failure failure;
		int one = EXIT_DONE;
		e.imported.source_sha256 = *source;
		e.signers[0] = act_signer(app);
		if (!mft_sign(&e, keys, 1, &envelope, &failure) ||
		    !mft_state_put(app->state, e.signers[0].number, MFT_WAITING_EVENT, buffer_span(&envelope),
				   &failure))
			one = app_failed(app, &failure);
		else
			one = act_send(app, command->role, buffer_span(&envelope), e.signers[0].number);
		if (one == EXIT_DONE) {
			(*ret_entered)++;
			(void)json_array_append(indexes, json_object_get(app->result, "index"));
		}
		if (one > status)
			status = one;
		buffer_free(&envelope);
	}
	(void)json_object_set_new(into, "indexes", indexes);
	return status;
}

static int import_file(struct app *app, const struct command *command, const struct order *order,
		       const char *path, json_t *into)
{
	struct buffer file = BUFFER_EMPTY;
	struct mft_failure failure;
	struct import_result r;
	size_t entered = 0;
	int scheme = scheme_of(order, path);
	int status = EXIT_DONE;

	if (scheme < 0)
		return app_usage(app, "name the scheme: --scheme us-emanifest (JSON) or cn-national (CSV)",
				 "请指明格式：--scheme us-emanifest（JSON）或 cn-national（CSV）", path);
	if (!mft_file_read(path, IMPORT_FILE_MAX, &file, &failure))
		return app_failed(app, &failure);
	const struct digest source = digest_of(buffer_span(&file));
	if (!text_is_clean_lines(buffer_span(&file)) && schemes[scheme].read == import_cn_csv)
		to_utf8(&file);
	bool good = schemes[scheme].read(buffer_span(&file), app->arena, &r);
	app_say(app, "%s%s%s  sha256 %s", paint(app, PAINT_STRONG), path, paint(app, PAINT_END),
		text_digest(app, &source));
	report(app, &r, into);
	if (good && !order->offline)
		status = enter(app, command, &r, &source, into, &entered);
	(void)json_object_set_new(into, "entered", json_integer((json_int_t)entered));
	app_say(app, T(app, "%u read, %u bad, %zu entered", "读取 %u，有误 %u，导入 %zu"), r.seen, r.bad,
		entered);
	buffer_free(&file);
	return status == EXIT_DONE && (!good || r.bad > 0) ? EXIT_REFUSED : status;
}

int import_run(struct app *app, const struct command *command, struct order *order)
{
	int status = EXIT_DONE;

	if (!order->offline && !app_connect(app, command->role, &status))
		return status;
	json_t *files = json_array();
	for (size_t i = 0; i < order->files_n; i++) {
		json_t *into = json_pack("{s:s}", "file", order->files[i]);
		int one = import_file(app, command, order, order->files[i], into);
		(void)json_array_append_new(files, into);
		if (one > status)
			status = one;
	}
	(void)json_object_clear(app->result);
	app_set(app, "files", files);
	return status;
}
