/* What HTTP answers, byte for byte: each view as JSON, refusals, health, metrics, header lines. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "core/words.h"
#include "web/health.h"
#include "web/metrics.h"
#include "web/reply.h"
#include "web/rules.h"
#include "web/view.h"

#define MORNING INT64_C(1772416800000000) /* Monday 2026-03-02 10:00 in Shenyang */

static const struct party_ref generator = {"91210106MA0P0000X9", 1};
static const struct party_ref facility = {"91210106MA0P0000X9", 12};

static struct buffer out;

static void begin(void)
{
	buffer_clear(&out);
}

static void end(void)
{
	buffer_free(&out);
}

/* The text is compared whole, with a NUL put after it. */
static void expect(bool good, const char *text)
{
	cr_assert(good);
	buffer_put_u8(&out, 0);
	cr_assert(buffer_ok(&out));
	cr_expect_str_eq((const char *)out.p, text);
}

TestSuite(web_view, .init = begin, .fini = end);

/* ---- queries ---- */

Test(web_view, flags)
{
	const struct party_ref parties[] = {generator, facility};
	const struct flag_view flags[] = {
	    {.flag = UINT64_C(18446744073709551615),
	     .kind = FLAG_OVERDUE,
	     .number = UINT64_C(20262101000001),
	     .parties = parties,
	     .parties_n = 2,
	     .division = span_str("210106"),
	     .raised_at = MORNING,
	     .due_at = MORNING - 1,
	     .detail = span_str("迟到 \"2\" 小时 / a\\b"),
	     .provisional = true,
	     .open = true},
	    {.flag = 7,
	     .kind = FLAG_NUMBER_GAP,
	     .keyid = {{0xab, 0xcd}},
	     .raised_at = MORNING,
	     .closed_at = MORNING + MICROS_PER_SECOND,
	     .closed_by = 9,
	     .claimed_in_time = true,
	     .detail = span_str("running numbers missing between 4 and 6"),
	     .resolution = span_str("已核实")},
	};
	const struct read_result result = {.answers = {.flags = flags, .n = 2, .next = 7}};

	expect(
	    view_flags(&result, &out),
	    "{\"flags\":[{\"flag\":\"18446744073709551615\",\"kind\":\"overdue\",\"number\":"
	    "\"20262101000001\",\"keyid\":null,\"parties\":[\"91210106MA0P0000X9-1\","
	    "\"91210106MA0P0000X9-12\"],\"division\":\"210106\",\"raised_at\":\"1772416800000000\","
	    "\"raised_at_text\":\"2026-03-02T10:00:00+08:00\",\"due_at\":\"1772416799999999\","
	    "\"due_at_text\":\"2026-03-02T09:59:59.999999+08:00\",\"detail\":\"迟到 \\\"2\\\" 小时 / "
	    "a\\\\b\",\"detail_zh\":\"迟到 \\\"2\\\" 小时 / "
	    "a\\\\b\",\"provisional\":true,\"open\":true,\"closed_at\":null,\"closed_at_text\":null,"
	    "\"closed_by\":null,\"claimed_in_time\":false,\"resolution\":\"\"},{\"flag\":\"7\",\"kind\":"
	    "\"number_gap\",\"number\":null,\"keyid\":"
	    "\"abcd000000000000000000000000000000000000000000000000000000000000\",\"parties\":[],"
	    "\"division\":\"\",\"raised_at\":\"1772416800000000\",\"raised_at_text\":"
	    "\"2026-03-02T10:00:00+08:00\",\"due_at\":null,\"due_at_text\":null,\"detail\":\"running numbers "
	    "missing between 4 and 6\",\"detail_zh\":\"流水号 4 与 6 之间缺号\","
	    "\"provisional\":false,\"open\":false,\"closed_at\":\"1772416801000000\",\"closed_at_text\":"
	    "\"2026-03-02T10:00:01+08:00\",\"closed_by\":\"9\",\"claimed_in_time\":true,\"resolution\":"
	    "\"已核实\"}],\"next\":\"7\"}\n");
}

static const struct line_view oil = {.line = 1,
				     .code = {(const uint8_t *)"900-249-08", 10},
				     .planned_grams = 1200000,
				     .shipped_grams = 1200001,
				     .delivered_grams = 1200002,
				     .accepted_grams = INT64_MAX,
				     .refused_grams = 1,
				     .treated_grams = 2,
				     .returned_grams = 3};
static const struct manifest_view manifest = {.number = UINT64_C(20262101000001),
					      .state = 5,
					      .generator = {"91210106MA0P0000X9", 1},
					      .facility = {"91210106MA0P0000X9", 12},
					      .plate = {(const uint8_t *)"辽A12345", 9},
					      .issued_at = MORNING,
					      .changed_at = MORNING,
					      .cancelled = true,
					      .open_flags = 2,
					      .head = {{1}},
					      .lines = &oil,
					      .lines_n = 1};
#define MANIFEST                                                                                             \
	"{\"number\":\"20262101000001\",\"state\":\"partly_accepted\",\"generator\":"                        \
	"\"91210106MA0P0000X9-1\",\"transporter\":null,\"facility\":\"91210106MA0P0000X9-12\",\"plate\":"    \
	"\"辽A12345\",\"issued_at\":\"1772416800000000\",\"issued_at_text\":"                               \
	"\"2026-03-02T10:00:00+08:00\",\"changed_at\":\"1772416800000000\",\"changed_at_text\":"             \
	"\"2026-03-02T10:00:00+08:00\",\"due_at\":null,\"due_at_text\":null,\"cancelled\":true,"             \
	"\"open_flags\":2,\"head\":\"0100000000000000000000000000000000000000000000000000000000000000\","    \
	"\"lines\":[{\"line\":1,\"code\":\"900-249-08\",\"planned_grams\":\"1200000\",\"shipped_grams\":"    \
	"\"1200001\",\"delivered_grams\":\"1200002\",\"accepted_grams\":\"9223372036854775807\","            \
	"\"refused_grams\":\"1\",\"treated_grams\":\"2\",\"returned_grams\":\"3\"}]}"

Test(web_view, manifests)
{
	const struct read_result result = {.answers = {.manifests = &manifest, .n = 1}};

	expect(view_manifests(&result, &out), "{\"manifests\":[" MANIFEST "],\"next\":null}\n");
}

Test(web_view, one_manifest)
{
	const struct read_result result = {.answers = {.manifests = &manifest, .n = 1}};

	expect(view_manifest(&result, &out), MANIFEST "\n");
}

Test(web_view, trail)
{
	const uint64_t number = UINT64_C(20262101000001);
	const struct query query = {.numbers = &number, .numbers_n = 1};
	const struct entry_view entries[] = {{.index = 41, .entry = span_str("\xff\xfe\xfd\xfc")},
					     {.index = 43}};
	const struct span proofs[] = {span_str("c2sp.org/tlog-proof@v1\nindex 41\n"), span_str("b\n")};
	const struct read_result result = {.query = &query,
					   .answers = {.entries = entries, .n = 2},
					   .proofs = proofs,
					   .checkpoint = span_str("city\n44\n\n— city x\n")};

	expect(view_trail(&result, &out),
	       "{\"number\":\"20262101000001\",\"entries\":[{\"index\":\"41\",\"entry\":\"//79/A==\","
	       "\"proof\":\"c2sp.org/tlog-proof@v1\\nindex 41\\n\"},{\"index\":\"43\",\"entry\":\"\","
	       "\"proof\":\"b\\n\"}],\"next\":null,\"checkpoint\":\"city\\n44\\n\\n— city x\\n\"}\n");
}

Test(web_view, summary)
{
	static const enum role roles[] = {ROLE_GENERATOR, ROLE_FACILITY};
	const struct summary_view summary = {.party = {.ref = facility,
						       .name = span_str("沈阳处置厂"),
						       .roles = roles,
						       .roles_n = 2,
						       .division = span_str("210106"),
						       .address = span_str("铁西区"),
						       .generator_class = 2,
						       .valid_from = MORNING},
					     .manifests = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9},
					     .open_flags = 3,
					     .shipped_grams = 10,
					     .received_grams = 20,
					     .treated_grams = 15,
					     .stock_grams = -5};
	const struct read_result result = {.answers = {.summary = &summary, .n = 1}};

	expect(
	    view_summary(&result, &out),
	    "{\"party\":{\"ref\":\"91210106MA0P0000X9-12\",\"name\":\"沈阳处置厂\",\"roles\":[\"generator\","
	    "\"facility\"],\"division\":\"210106\",\"address\":\"铁西区\",\"generator_class\":\"key\","
	    "\"valid_from\":\"1772416800000000\",\"valid_from_text\":\"2026-03-02T10:00:00+08:00\",\"valid_"
	    "until\":null,\"valid_until_text\":null},\"manifests\":{\"issued\":\"1\",\"in_transit\":\"2\","
	    "\"delivered\":\"3\",\"accepted\":\"4\",\"partly_accepted\":\"5\",\"refused\":\"6\","
	    "\"returning\":\"7\",\"returned\":\"8\",\"closed\":\"9\"},\"open_flags\":\"3\",\"shipped_grams\":"
	    "\"10\",\"received_grams\":\"20\",\"treated_grams\":\"15\",\"stock_grams\":\"-5\"}\n");
}

Test(web_view, blocks)
{
	const struct block_view blocks[] = {
	    {UINT64_C(20262101000001), UINT64_C(20262101000100), 2, UINT64_C(20262101000003)},
	    {UINT64_C(20262101000101), UINT64_C(20262101000101), 1, 0},
	};
	const struct read_result result = {.answers = {.blocks = blocks, .n = 2}};

	expect(view_blocks(&result, &out),
	       "{\"blocks\":[{\"first\":\"20262101000001\",\"last\":\"20262101000100\",\"used\":2,\"next\":"
	       "\"20262101000003\"},{\"first\":\"20262101000101\",\"last\":\"20262101000101\",\"used\":1,"
	       "\"next\":null}]}\n");
}

Test(web_view, nothing_found_is_an_empty_list)
{
	const struct read_result result = {0};

	expect(view_flags(&result, &out), "{\"flags\":[],\"next\":null}\n");
}

/* A text that is not UTF-8 can only come from a broken database: no half an answer. */
Test(web_view, broken_text_fails_the_whole)
{
	const struct flag_view flag = {.flag = 1, .kind = FLAG_FORK, .detail = span_str("\xff")};
	const struct read_result result = {.answers = {.flags = &flag, .n = 1}};

	cr_expect_not(view_flags(&result, &out));
}

Test(web_view, refusal)
{
	struct arena *arena = arena_new(65536);
	struct problems problems = {.arena = arena};

	problem_add(&problems, WEB_PROBLEM(PARAMETER_VALUE), "limit", "0", "1 to 500");
	problem_add(&problems, WEB_PROBLEM(TOKEN), "", NULL, NULL);
	cr_expect_eq(web_rule_broken(&problems), WEB(PARAMETER_VALUE));
	expect(
	    view_refusal(REFUSAL_MALFORMED, &problems, &out),
	    "{\"kind\":\"malformed\",\"problems\":[{\"path\":\"limit\",\"rule\":\"parameter.value\","
	    "\"source\":\"manifestd(8), HTTP\",\"source_zh\":\"manifestd(8) 手册，HTTP\","
	    "\"found\":\"0\",\"allowed\":\"1 to 500\",\"zh\":\"参数值不符合要求，请按“allowed”所示改正。\","
	    "\"en\":\"The value is not one that is allowed: see \\\"allowed\\\".\"},{\"path\":\"\","
	    "\"rule\":\"access.token\",\"source\":\"manifestd(8), HTTP\","
	    "\"source_zh\":\"manifestd(8) 手册，HTTP\",\"found\":\"\",\"allowed\":\"\",\"zh\":"
	    "\"需要有效的令牌（Authorization: "
	    "Bearer）。令牌由设备连接签发：manifest inspector token。\",\"en\":\"A valid token is needed "
	    "(Authorization: "
	    "Bearer). One is issued over the device connection: manifest inspector token.\"}]}\n");
	arena_free(arena);
}

/* ---- health ---- */

static const char ready_text[] =
    "{\"ready\":true,\"state\":\"standby\",\"size\":\"5\",\"checks\":[{\"name\":\"state\",\"ok\":true,"
    "\"warning\":false,\"detail\":\"standby\",\"until\":null,\"until_text\":null},{\"name\":\"checkpoint\","
    "\"ok\":true,\"warning\":false,\"detail\":\"there is one\",\"until\":null,\"until_text\":null},{\"name\":"
    "\"witnesses\",\"ok\":true,\"warning\":false,\"detail\":\"none are configured\",\"until\":null,"
    "\"until_text\":null},{\"name\":\"calendar\",\"ok\":true,\"warning\":true,\"detail\":\"ends in less than "
    "60 days\",\"until\":"
    "\"1777600799999999\",\"until_text\":\"2026-05-01T09:59:59.999999+08:00\"},{\"name\":\"certificate\","
    "\"ok\":true,\"warning\":false,\"detail\":\"ends in 60 days or more\",\"until\":\"1777600800000000\","
    "\"until_text\":\"2026-05-01T10:00:00+08:00\"}]}\n";

Test(web_view, ready_with_a_warning)
{
	const struct health h = {.status = {.state = PATH_STANDBY,
					    .head = {.size = 5},
					    .calendar_end = MORNING + 60 * MICROS_PER_DAY - 1,
					    .reason = ""},
				 .checkpoint = true,
				 .now = MORNING,
				 .certificate_until = MORNING + 60 * MICROS_PER_DAY};

	cr_expect(health_is_ready(&h));
	expect(health_put(&h, &out), ready_text);
}

static const struct {
	enum path_state state;
	bool checkpoint, ready;
	const char *says;
} conditions[] = {
    {PATH_WRITING, true, true, "no calendar has been loaded"},
    {PATH_STANDBY, true, true, "\"detail\":\"standby\""},
    {PATH_WRITING, false, false, "none has been read yet"},
    {PATH_RECOVERING, true, false, "\"ok\":false,\"warning\":false,\"detail\":\"recovering\""},
    {PATH_STOPPED, true, false, "\"ok\":false,\"warning\":false,\"detail\":\"the root differs\""},
    {PATH_DRAINING, true, false, "\"detail\":\"draining\""},
    {PATH_WITNESSES, true, false, "\"detail\":\"waiting_for_witnesses\""},
};

static const struct {
	enum path_state state;
	struct witnesses_status status;
	bool ready;
	const char *says;
} witnessed[] = {
    {PATH_WRITING,
     {.configured = 2, .reachable = 2, .detail = ""},
     true,
     "\"name\":\"witnesses\",\"ok\":true,\"warning\":false,\"detail\":\"all cosign\""},
    {PATH_WRITING,
     {.configured = 2, .reachable = 1, .detail = "north: refused"},
     true,
     "\"name\":\"witnesses\",\"ok\":true,\"warning\":true,\"detail\":\"north: refused\""},
    {PATH_WITNESSES,
     {.configured = 2, .reachable = 1, .detail = "north: refused"},
     false,
     "\"name\":\"witnesses\",\"ok\":false,\"warning\":false,\"detail\":\"north: refused\""},
};

Test(web_view, readiness_tells_of_witnesses)
{
	for (size_t i = 0; i < ARRAY_LEN(witnessed); i++) {
		const struct health h = {
		    .status = {.state = witnessed[i].state, .witnesses = witnessed[i].status, .reason = ""},
		    .checkpoint = true,
		    .now = MORNING};
		buffer_clear(&out);
		cr_expect_eq(health_is_ready(&h), witnessed[i].ready, "%zu", i);
		cr_assert(health_put(&h, &out));
		buffer_put_u8(&out, 0);
		cr_expect_not_null(strstr((const char *)out.p, witnessed[i].says), "%zu: %s", i, out.p);
	}
}

Test(web_view, readiness)
{
	for (size_t i = 0; i < ARRAY_LEN(conditions); i++) {
		const struct health h = {
		    .status = {.state = conditions[i].state, .reason = "the root differs"},
		    .checkpoint = conditions[i].checkpoint,
		    .now = MORNING};
		buffer_clear(&out);
		cr_expect_eq(health_is_ready(&h), conditions[i].ready, "%zu", i);
		cr_assert(health_put(&h, &out));
		buffer_put_u8(&out, 0);
		cr_expect_not_null(strstr((const char *)out.p, conditions[i].says), "%zu: %s", i, out.p);
	}
}

/* ---- metrics ---- */

Test(web_view, every_counter_is_exported)
{
	cr_expect_eq(metrics_covered(METRICS_PATH), sizeof(struct path_counters));
	cr_expect_eq(metrics_covered(METRICS_NET), sizeof(struct net_counters));
	cr_expect_eq(metrics_covered(METRICS_SERVE), sizeof(struct serve_counters));
	cr_expect_eq(metrics_covered(METRICS_WEB), sizeof(struct web_counters));
}

static bool has_line(const char *line)
{
	const char *at = strstr((const char *)out.p, line);

	return at != NULL && (at == (const char *)out.p || at[-1] == '\n') && at[strlen(line)] == '\n';
}

Test(web_view, metrics)
{
	const struct path_counters path = {
	    .accepted = UINT64_MAX, .refused = {[REFUSAL_FORK] = 3}, .commit_time = 1500000};
	const struct path_status status = {.state = PATH_WRITING,
					   .head = {.size = 77},
					   .queued = 5,
					   .calendar_end = MORNING + 3 * MICROS_PER_DAY};
	const struct net_counters net = {.open = 4, .ended = {[NET_END_IDLE] = 6}};
	const struct serve_counters serve = {.late = 8};
	const struct web_counters web = {.answers = {[2] = 9}};
	struct metrics m = {.path = &path,
			    .status = &status,
			    .net = &net,
			    .serve = &serve,
			    .web = &web,
			    .now = MORNING,
			    .certificate_until = MORNING - 1};

	metrics_put(&m, &out);
	buffer_put_u8(&out, 0);
	cr_assert(buffer_ok(&out));
	cr_expect(has_line("# TYPE manifestd_events_accepted_total counter"));
	cr_expect(has_line("# HELP manifestd_events_accepted_total Events accepted and durable."));
	cr_expect(has_line("manifestd_events_accepted_total 18446744073709551615"));
	cr_expect(has_line("manifestd_refused_total{kind=\"fork\"} 3"));
	cr_expect(has_line("manifestd_commit_seconds_total 1.500000"));
	cr_expect(has_line("manifestd_device_connections_open 4"));
	cr_expect(has_line("manifestd_device_connections_ended_total{reason=\"idle\"} 6"));
	cr_expect(has_line("manifestd_http_connections_late_total 8"));
	cr_expect(has_line("manifestd_http_answers_total{status=\"2xx\"} 9"));
	cr_expect(has_line("manifestd_log_size 77"));
	cr_expect(has_line("manifestd_events_queued 5"));
	cr_expect(has_line("manifestd_state{state=\"writing\"} 1"));
	cr_expect(has_line("manifestd_state{state=\"standby\"} 0"));
	cr_expect(has_line("manifestd_calendar_days_left 3"));
	cr_expect(has_line("manifestd_certificate_days_left 0"));
	m.net = NULL;
	m.certificate_until = 0;
	buffer_clear(&out);
	metrics_put(&m, &out);
	buffer_put_u8(&out, 0);
	cr_expect_null(strstr((const char *)out.p, "manifestd_device_"));
	cr_expect_null(strstr((const char *)out.p, "certificate"));
}

/* Names and their HELP and TYPE come once: what Prometheus insists on. */
Test(web_view, metrics_names_are_unique)
{
	const struct path_counters path = {0};
	const struct path_status status = {0};
	const struct net_counters net = {0};
	const struct serve_counters serve = {0};
	const struct web_counters web = {0};
	const struct metrics m = {
	    .path = &path, .status = &status, .net = &net, .serve = &serve, .web = &web, .now = MORNING};
	char name[128];

	metrics_put(&m, &out);
	buffer_put_u8(&out, 0);
	for (const char *at = (const char *)out.p; (at = strstr(at, "# TYPE ")) != NULL; at++) {
		cr_assert_eq(sscanf(at, "# TYPE %100s", name), 1);
		char line[160];
		(void)snprintf(line, sizeof(line), "# TYPE %s ", name);
		cr_expect_null(strstr(at + 1, line), "%s", name);
		cr_expect_eq(strspn(name, "abcdefghijklmnopqrstuvwxyz_"), strlen(name), "%s", name);
	}
}

/* ---- header lines ---- */

static const struct {
	struct reply reply;
	const char *text;
} replies[] = {
    {{.status = 200, .type = TYPE_TEXT, .cache = "max-age=2", .body = {(const uint8_t *)"body", 4}},
     "HTTP/1.1 200 OK\r\nDate: Mon, 02 Mar 2026 02:00:00 GMT\r\nContent-Type: text/plain; charset=utf-8\r\n"
     "Content-Length: 4\r\nCache-Control: max-age=2\r\nX-Content-Type-Options: nosniff\r\nConnection: "
     "close\r\n\r\nbody"},
    {{.status = 405, .type = TYPE_JSON, .body = {(const uint8_t *)"{}", 2}, .head = true},
     "HTTP/1.1 405 Method Not Allowed\r\nDate: Mon, 02 Mar 2026 02:00:00 GMT\r\nContent-Type: "
     "application/json; charset=utf-8\r\nContent-Length: 2\r\nAllow: GET, HEAD\r\nCache-Control: "
     "no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"},
};

Test(web_view, replies)
{
	for (size_t i = 0; i < ARRAY_LEN(replies); i++) {
		buffer_clear(&out);
		reply_put(&out, &replies[i].reply, MORNING);
		expect(true, replies[i].text);
	}
}

/* Every rule has a status line of its own, and words in both languages. */
Test(web_view, rules)
{
	for (size_t i = 0; i < WEB_RULE_COUNT; i++) {
		const struct web_rule *rule = &web_rules[i];
		char start[32];
		buffer_clear(&out);
		reply_put(&out, &(const struct reply){.status = rule->status, .type = TYPE_JSON}, MORNING);
		int n = snprintf(start, sizeof(start), "HTTP/1.1 %d ", rule->status);
		cr_expect_eq(memcmp(out.p, start, (size_t)n), 0, "%s", rule->rule.id);
		cr_expect_gt(strlen(rule->rule.zh), 0);
		cr_expect_gt(strlen(rule->rule.en), 0);
		cr_expect_neq(word_of(refusal_words, (int)rule->kind)->name[0], '\0');
	}
}
