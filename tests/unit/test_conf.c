/*
 * The server's settings: the table's own defaults, the order in which their sources win, and errors that say
 * where.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "conf.h"

static struct conf conf;
static char error[CONF_ERROR_SIZE];

static void setup(void)
{
	cr_assert(conf_default(&conf, error), "%s", error);
}

TestSuite(conf, .init = setup);

Test(conf, defaults_are_within_their_ranges)
{
	cr_expect_eq(conf.listen_port, 7310);
	cr_expect_eq(conf.batch_max, 256);
	cr_expect(conf.http_enabled);
	cr_expect_str_eq(conf.listen_address, "127.0.0.1");
}

Test(conf, every_key_stands_once_and_says_what_it_is_in_both_languages)
{
	for (size_t i = 0; i < conf_rows_n; i++) {
		for (size_t k = 0; k < i; k++)
			cr_expect_str_neq(conf_rows[i].key, conf_rows[k].key);
		cr_expect_gt(strlen(conf_rows[i].help_en), 10, "%s", conf_rows[i].key);
		cr_expect_gt(strlen(conf_rows[i].help_zh), 10, "%s", conf_rows[i].key);
		cr_expect_not(conf_rows[i].judging, "%s changes by the log alone", conf_rows[i].key);
	}
}

Test(conf, a_file_has_keys_or_sections)
{
	cr_assert(
	    conf_text(&conf, "# comment\nlisten.port = 1\n[limit.key]\nevents = 0\nbytes = 3 MiB\n", error),
	    "%s", error);
	cr_expect_eq(conf.listen_port, 1);
	cr_expect_eq(conf.key_events, 0);
	cr_expect_eq(conf.key_bytes, 3 << 20);
}

Test(conf, the_environment_and_then_the_command_line_win)
{
	cr_assert(conf_text(&conf, "listen.port = 1\nbatch.max = 2\nrequests.max = 100\n", error));
	cr_assert_eq(setenv("MANIFESTD_BATCH_MAX", "3", 1), 0);
	cr_assert_eq(setenv("MANIFESTD_REQUESTS_MAX", "101", 1), 0);
	cr_assert(conf_environment(&conf, error), "%s", error);
	cr_assert(conf_assign(&conf, "requests.max=102", error), "%s", error);
	cr_expect_eq(conf.listen_port, 1);
	cr_expect_eq(conf.batch_max, 3);
	cr_expect_eq(conf.requests_max, 102);
}

Test(conf, errors_say_the_line_the_key_and_what_is_allowed)
{
	static const struct {
		const char *text, *says[3];
	} bad[] = {
	    {"\nlisten.port = 65536\n", {"line 2", "listen.port", "65535"}},
	    {"listen.prot = 1\n", {"line 1", "listen.prot", "manifestd settings"}},
	    {"request.timeout = soon\n", {"line 1", "request.timeout", "soon"}},
	    {"log.level = loud\n", {"line 1", "log.level", "warning"}},
	    {"listen.port = 1\nwhat is this\n", {"line 2", "key = value", "configuration"}},
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		cr_expect_not(conf_text(&conf, bad[i].text, error), "%s", bad[i].text);
		for (size_t k = 0; k < ARRAY_LEN(bad[i].says); k++)
			cr_expect_not_null(strstr(error, bad[i].says[k]), "'%s' does not say %s", error,
					   bad[i].says[k]);
	}
	cr_expect_not(conf_assign(&conf, "listen.port", error));
	cr_expect_not_null(strstr(error, "key=value"));
	cr_expect_not(conf_file(&conf, "/nonexistent/manifestd.conf", error));
	cr_expect_not_null(strstr(error, "/nonexistent/manifestd.conf"));
}

/* deploy/manifestd.conf is what `manifestd settings` prints. */
Test(conf, the_example_to_deploy_is_current)
{
	struct buffer printed = BUFFER_EMPTY;
	static char file[65536];
	FILE *f = fopen("deploy/manifestd.conf", "r");

	cr_assert_not_null(f);
	size_t n = fread(file, 1, sizeof(file), f);
	cr_assert_eq(fclose(f), 0);
	conf_print_example(&printed);
	cr_assert(buffer_ok(&printed));
	cr_expect(span_eq(span_of(file, n), buffer_span(&printed)),
		  "run: build/release/manifestd settings > deploy/manifestd.conf");
	buffer_free(&printed);
}
