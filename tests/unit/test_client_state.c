/* Running numbers and checkpoints on disk: never used twice, never lost, never half-written. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libmanifest/file.h"
#include "libmanifest/state.h"

static char dir[64];
static struct digest keyid;

static void begin(void)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/manifest-state-XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
	keyid = digest_of(span_str("a key"));
}

static void end(void)
{
	char command[128];

	(void)snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	cr_assert_eq(system(command), 0);
}

static struct mft_state *opened(void)
{
	struct mft_failure failure = {0};
	struct mft_state *s = mft_state_open(dir, &keyid, &failure);

	cr_assert_not_null(s, "%s", failure.en);
	return s;
}

static void path_of(const char *name, char ret_path[256])
{
	char hex[DIGEST_HEX + 1];

	digest_hex(&keyid, hex);
	(void)snprintf(ret_path, 256, "%s/%s%s", dir, hex, name);
}

static size_t waiting(struct mft_state *s)
{
	struct mft_waiting_number *list = NULL;
	size_t n = 0;

	cr_assert(mft_state_waiting(s, &list, &n, NULL));
	for (size_t i = 1; i < n; i++)
		cr_assert_lt(list[i - 1].number, list[i].number);
	free(list);
	return n;
}

#define STATE(name) Test(client_state, name, .init = begin, .fini = end)

STATE(numbers_go_on_after_closing)
{
	for (uint64_t n = 1; n <= 12; n++) {
		struct mft_state *s = opened();
		cr_assert_eq(mft_state_next(s), n);
		cr_assert(mft_state_put(s, n, MFT_WAITING_EVENT, span_str("envelope"), NULL));
		cr_assert_eq(mft_state_next(s), n + 1);
		cr_assert_eq(waiting(s), n);
		mft_state_close(s);
	}
}

STATE(a_number_is_what_was_said_last)
{
	struct mft_state *s = opened();
	struct buffer bytes = BUFFER_EMPTY;
	const struct mft_waiting_number event = {.number = 1, .what = MFT_WAITING_EVENT};
	struct mft_failure failure = {0};

	cr_assert(mft_state_put(s, 1, MFT_WAITING_CARD, span_str("card"), NULL));
	cr_assert(mft_state_put(s, 1, MFT_WAITING_EVENT, span_str("event"), NULL));
	cr_assert_eq(waiting(s), 1);
	cr_assert(mft_state_read(s, &event, &bytes, NULL));
	cr_assert(span_eq_str(buffer_span(&bytes), "event"));
	cr_assert_eq(mft_state_next(s), 2);
	cr_assert_not(mft_state_put(s, 3, MFT_WAITING_EVENT, span_str("a number is not skipped"), &failure));
	cr_assert_str_eq(failure.id, "state.number");
	cr_assert_not(mft_state_put(s, 0, MFT_WAITING_EVENT, span_str(""), NULL));
	cr_assert(mft_state_done(s, 1, NULL));
	cr_assert_eq(waiting(s), 0);
	cr_assert(mft_state_done(s, 1, NULL));
	buffer_free(&bytes);
	mft_state_close(s);
}

/* The program died between writing what the number is for and writing the state. */
STATE(a_number_found_in_use_is_passed)
{
	char path[256];
	struct mft_state *s = opened();

	cr_assert(mft_state_put(s, 1, MFT_WAITING_EVENT, span_str("one"), NULL));
	mft_state_close(s);
	path_of(".out/2.event", path);
	cr_assert(mft_file_replace(path, span_str("two"), 0600, NULL));
	s = opened();
	cr_assert_eq(mft_state_next(s), 3);
	cr_assert_eq(waiting(s), 2);
	mft_state_close(s);
}

STATE(the_checkpoint_and_the_role_are_kept)
{
	static const char checkpoint[] = "log.test/1\n5\nAAAA\n\n— log.test/1 AAAA\n";
	struct mft_state *s = opened();

	cr_assert_eq(mft_state_checkpoint(s).n, 0);
	cr_assert_eq(mft_state_role(s), ROLE_NONE);
	cr_assert(mft_state_keep(s, span_str(checkpoint), ROLE_FACILITY, NULL));
	cr_assert(mft_state_catch_up(s, 9, NULL));
	cr_assert(mft_state_catch_up(s, 4, NULL));
	mft_state_close(s);
	s = opened();
	cr_assert(span_eq_str(mft_state_checkpoint(s), checkpoint));
	cr_assert_eq(mft_state_role(s), ROLE_FACILITY);
	cr_assert_eq(mft_state_next(s), 9, "numbers never go back");
	mft_state_close(s);
}

STATE(one_program_at_a_time)
{
	struct mft_state *s = opened();
	struct mft_failure failure = {0};

	cr_assert_null(mft_state_open(dir, &keyid, &failure));
	cr_assert_str_eq(failure.id, "state.locked");
	const struct digest other = digest_of(span_str("another key"));
	struct mft_state *t = mft_state_open(dir, &other, NULL);
	cr_assert_not_null(t);
	mft_state_close(t);
	mft_state_close(s);
	mft_state_close(opened());
}

STATE(an_altered_state_is_not_used)
{
	static const char *const bad[] = {"",
					  "MANIFEST-STATE-1\n",
					  "MANIFEST-STATE-1\nnext 0\nrole 0\n",
					  "MANIFEST-STATE-1\nnext 01\nrole 0\n",
					  "MANIFEST-STATE-1\nnext 5\nrole 8\n",
					  "MANIFEST-STATE-1\nnext 5\n",
					  "MANIFEST-STATE-1\nnext -5\nrole 0\n",
					  "MANIFEST-STATE-2\nnext 5\nrole 0\n",
					  "MANIFEST-STATE-1\nnext 18446744073709551616\nrole 0\n"};
	char path[256];

	path_of(".state", path);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct mft_failure failure = {0};
		cr_assert(mft_file_replace(path, span_str(bad[i]), 0600, NULL));
		cr_expect_null(mft_state_open(dir, &keyid, &failure), "%zu", i);
		cr_expect_str_eq(failure.id, "state.malformed", "%zu", i);
	}
}

STATE(files_are_replaced_whole_and_private)
{
	char path[256];
	struct stat st;
	struct buffer text = BUFFER_EMPTY;
	struct mft_failure failure = {0};

	path_of(".state", path);
	cr_assert(mft_file_replace(path, span_str("old"), 0600, NULL));
	cr_assert(mft_file_replace(path, span_str("new"), 0600, NULL));
	cr_assert_eq(stat(path, &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0600);
	cr_assert(mft_file_read(path, 3, &text, NULL));
	cr_assert(span_eq_str(buffer_span(&text), "new"));
	cr_assert_not(mft_file_read(path, 2, &text, &failure));
	cr_assert_str_eq(failure.id, "file");
	cr_assert_not(mft_file_replace("/nonexistent/folder/file", span_str(""), 0600, &failure));
	cr_assert_not(mft_file_read("/nonexistent", 10, &text, &failure));
	buffer_free(&text);
}

STATE(evidence_is_kept)
{
	char path[4096];
	struct buffer text = BUFFER_EMPTY;

	mft_state_evidence(dir, "proof.not_included", span_str("what did not hold"), path);
	cr_assert_neq(path[0], '\0');
	cr_assert(mft_file_read(path, 100, &text, NULL));
	cr_assert(span_eq_str(buffer_span(&text), "what did not hold"));
	mft_state_evidence(dir, "x", span_str(""), path);
	cr_assert_eq(path[0], '\0');
	buffer_free(&text);
}
