/* Owns what the schema `manifest` may hold beside plain tables: the five functions of schema/migrations. */
#include <stdio.h>

#include "store/conn.h"
#include "store/projection.h"

/*
 * One row for each thing that is too much, not as it was made, or missing: its name, and what it is. A
 * function is known by the SHA-256 of its text and its settings: a migration that changes one changes it
 * here.
 */
static const char shape_sql[] =
    "WITH own (name, sha256) AS (VALUES "
    "('entry_partitions', '06f5f4d00950a827c2189b10783b0137b3f7ebb8af2d7d21c7a78b9c8b23b746'), "
    "('log_deposed', 'b42987c06d94cc22e3dfc85c2ce66afb25d5cefde6dd08dffa3b6ca631e7d52f'), "
    "('manifest_missing', '6da32bf1f75e9e89661174411cca2c4f1be01ec57a57ebc8578d30c339f4b8f4'), "
    "('manifest_trail', '14d018cba4e2db069448e9bde642ec82007248f0cd617fa8b56ba3e5aabe19fb'), "
    "('rebuild_begin', '3631f5b148e42c0f0266a8aee2ce8c1a4ede390bac1a40c8e85aa5dbd9e35b69')), "
    "held AS (SELECT oid, relname::text AS name, relkind, relrowsecurity FROM pg_class "
    "WHERE relnamespace = 'manifest'::regnamespace), "
    "stored AS (SELECT proname::text AS name, encode(sha256(convert_to(concat_ws('|', prosrc, "
    "proconfig::text, prosecdef::text), 'UTF8')), 'hex') AS sha256 FROM pg_proc "
    "WHERE pronamespace = 'manifest'::regnamespace) "
    "SELECT name, 1::bigint FROM held WHERE relkind IN ('v', 'm', 'f') "
    "UNION ALL SELECT h.name || ': ' || i.inhrelid::regclass::text, 1 FROM pg_inherits i "
    "JOIN held h ON h.oid = i.inhparent WHERE i.inhrelid NOT IN (SELECT oid FROM held) "
    "UNION ALL SELECT name, 2 FROM held WHERE relrowsecurity "
    "UNION ALL SELECT h.name || '.' || p.polname, 2 FROM pg_policy p JOIN held h ON h.oid = p.polrelid "
    "UNION ALL SELECT h.name || '.' || r.rulename, 3 FROM pg_rewrite r JOIN held h ON h.oid = r.ev_class "
    "WHERE h.relkind IN ('r', 'p') "
    "UNION ALL SELECT h.name || '.' || t.tgname, 4 FROM pg_trigger t JOIN held h ON h.oid = t.tgrelid "
    "WHERE NOT t.tgisinternal "
    "UNION ALL SELECT coalesce(s.name, o.name), 5 FROM stored s FULL JOIN own o USING (name, sha256) "
    "WHERE s.name IS NULL OR o.name IS NULL "
    "UNION ALL SELECT oprname, 6 FROM pg_operator WHERE oprnamespace = 'manifest'::regnamespace "
    "ORDER BY 2, 1";

static const struct {
	const char *en, *zh;
} words[] = {
    [1] = {"stands in the place of a table", "取代了表"},
    [2] = {"hides rows", "隐藏行"},
    [3] = {"is a rule, of which the schema has none", "是规则，而模式中本无规则"},
    [4] = {"is a trigger, of which the schema has none", "是触发器，而模式中本无触发器"},
    [5] = {"is not a function of the schema as it was made", "不是模式原有的函数"},
    [6] = {"is an operator, of which the schema has none", "是运算符，而模式中本无运算符"},
};

enum store_result projection_schema(struct store_conn *c, const struct projection_report *report)
{
	struct params none = {0};
	PGresult *res;
	enum store_result r = conn_run_sql(c, shape_sql, &none, &res);

	if (r != STORE_OK)
		return r;
	for (int i = 0; i < PQntuples(res); i++) {
		struct finding f = {
		    .what = "schema.changed", .table = "", .column = "", .entry = FINDING_NO_ENTRY};
		int64_t what = cell_int(res, i, 1);
		(void)snprintf(f.key, sizeof(f.key), "%.*s", SPAN_ARG(cell_span(res, i, 0)));
		if (what < 1 || what >= (int64_t)ARRAY_LEN(words))
			continue;
		(void)snprintf(f.en, sizeof(f.en), "%s %s", f.key, words[what].en);
		(void)snprintf(f.zh, sizeof(f.zh), "%s %s", f.key, words[what].zh);
		report->finding(report->self, &f);
	}
	PQclear(res);
	return STORE_OK;
}
