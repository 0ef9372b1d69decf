/*
 * meeting: what a device makes of the checkpoint that the other side of a step shows, without a network. The
 * same against servers, honest and forked, is in tests/integration.
 */
#include <criterion/criterion.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "libmanifest/file.h"
#include "manifest/evidence.h"
#include "manifest/meeting.h"

#define ORIGIN "shenyang.example/log"

static struct app app;
static struct note_key log_key;
static struct secret_key log_secret;
static struct secret_key other_secret;
static char folder[] = "/tmp/meeting-XXXXXX";

static struct span note_of(uint64_t size, uint8_t root, const struct secret_key *secret)
{
	const struct checkpoint c = {.origin = span_str(ORIGIN), .size = size, .root = {{root}}};
	struct buffer note = BUFFER_EMPTY;

	checkpoint_sign(&note, &c, &log_key, secret);
	struct span copy = arena_copy(app.arena, buffer_span(&note));
	buffer_free(&note);
	return copy;
}

static void start(void)
{
	struct buffer vkey = BUFFER_EMPTY;
	struct public_key public;

	cr_assert(crypto_start());
	key_from_seed((const uint8_t[SEED_SIZE]){1}, &other_secret, &public);
	key_from_seed((const uint8_t[SEED_SIZE]){2}, &log_secret, &public);
	cr_assert(note_key_make(span_str(ORIGIN), NOTE_ED25519, &public, &log_key));
	note_key_put(&vkey, &log_key);
	app = (struct app){.json = true, .arena = arena_new(1 << 22), .result = json_object()};
	cr_assert_not_null(mkdtemp(folder));
	(void)snprintf(app.state_dir, sizeof(app.state_dir), "%s", folder);
	app.view = mft_view_new(buffer_span(&vkey), NULL);
	cr_assert_not_null(app.view);
	cr_assert_eq(mft_view_restore(app.view, note_of(9, 1, &log_secret)), LOG_HOLDS);
	buffer_free(&vkey);
}

static void stop(void)
{
	char command[100];

	(void)snprintf(command, sizeof(command), "rm -r %s", folder);
	cr_assert_eq(system(command), 0);
	mft_view_free(app.view);
	json_decref(app.result);
	arena_free(app.arena);
}

TestSuite(client_meeting, .init = start, .fini = stop);

static struct card card_of(uint64_t size, uint8_t root, struct span checkpoint)
{
	struct card c = {.signer = {.number = 1, .seen = {span_str(ORIGIN), size, {{root}}}},
			 .checkpoint = checkpoint};

	c.key = key_public(&other_secret);
	c.signer.keyid = key_id(&c.key);
	return c;
}

static int files_in(const char *name)
{
	char path[200];
	int n = 0;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	DIR *d = opendir(path);
	while (d != NULL) {
		const struct dirent *entry = readdir(d);
		if (entry == NULL)
			break;
		n += entry->d_name[0] != '.';
	}
	if (d != NULL)
		(void)closedir(d);
	return n;
}

static bool proves(const char *path)
{
	struct buffer text = BUFFER_EMPTY;
	struct checkpoint a, b;
	struct evidence e;
	bool good = mft_file_read(path, EVIDENCE_FILE_MAX, &text, NULL) &&
		    evidence_parse(buffer_span(&text), app.arena, &e) &&
		    evidence_proves(&e, &log_key, &a, &b);

	buffer_free(&text);
	return good;
}

Test(client_meeting, one_history)
{
	const struct card same = card_of(9, 1, note_of(9, 1, &log_secret));
	const struct card nothing = card_of(0, 0, span_str(""));

	meet(&app, &same);
	meet(&app, &nothing);
	cr_expect_eq(json_object_size(app.result), 0u);
	cr_expect(files_in("met") == 0 && files_in("evidence") == 0);
}

Test(client_meeting, another_root_is_proved_at_once)
{
	const struct card other = card_of(9, 2, note_of(9, 2, &log_secret));

	meet(&app, &other);
	cr_assert_not_null(json_object_get(app.result, "two_histories"));
	cr_expect(proves(json_string_value(json_object_get(app.result, "evidence"))));
	cr_expect_eq(files_in("evidence"), 1);
}

/* Anybody can say that he saw something: without the log's signature for it nothing is proved. */
Test(client_meeting, a_claim_is_kept_and_is_no_proof)
{
	const struct card forged[] = {
	    card_of(9, 2, span_str("")),
	    card_of(9, 2, span_str("no note")),
	    card_of(9, 2, note_of(9, 2, &other_secret)),
	    card_of(9, 2, note_of(9, 1, &log_secret)),
	    card_of(9, 2, note_of(8, 2, &log_secret)),
	};

	for (size_t i = 0; i < ARRAY_LEN(forged); i++) {
		meet(&app, &forged[i]);
		cr_assert_not_null(json_object_get(app.result, "two_histories"));
		cr_expect_not(proves(json_string_value(json_object_get(app.result, "evidence"))));
		cr_expect_eq(files_in("evidence"), (int)i + 1);
	}
}

Test(client_meeting, what_cannot_be_compared_waits)
{
	const struct card smaller = card_of(7, 3, note_of(7, 3, &log_secret));
	const struct card larger = card_of(11, 3, span_str(""));
	struct card stranger = card_of(7, 3, span_str(""));

	meet(&app, &smaller);
	meet(&app, &larger);
	meet(&app, &larger); /* once is enough */
	stranger.signer.seen.origin = span_str("other.example/log");
	meet(&app, &stranger);
	cr_expect_eq(files_in("met"), 2);
	cr_expect_eq(json_object_size(app.result), 0u);
}

/* Evidence that cannot be written is told, and does not end the step. */
Test(client_meeting, a_folder_that_cannot_be_written)
{
	const struct card other = card_of(9, 2, note_of(9, 2, &log_secret));
	const struct card smaller = card_of(7, 3, span_str(""));

	(void)snprintf(app.state_dir, sizeof(app.state_dir), "/proc/no/such");
	meet(&app, &other);
	meet(&app, &smaller);
	cr_expect_not_null(json_object_get(app.result, "two_histories"));
}
