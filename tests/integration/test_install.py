"""What `make install` leaves for others: a library that shares no name with their programs, and a server that finds its tables."""
import os
import subprocess

import pytest

from server import BUILD, ROOT

CALLED = {"hold", "put", "refuse", "say"}
SANITIZERS = {"asan": ["-fsanitize=address,undefined"]}
PROGRAM = r"""
#include <stdio.h>

#include "libmanifest/libmanifest.h"

int hold(int n), put(int n), refuse(int n), say(int n); /* not the library's */

static struct secret_key read_key(const struct secret_key *made)
{
	char text[KEY_TEXT_SIZE];
	struct secret_key read;

	secret_key_text(made, text);
	return secret_key_parse(span_str(text), &read) ? read : (struct secret_key){0};
}

int main(int argc, char **argv)
{
	struct mft_failure failure = {0};
	struct secret_key secret;
	struct public_key public;
	struct note_key log;
	struct buffer vkey = BUFFER_EMPTY;

	if (argc != 3 || !crypto_start())
		return 1;
	key_generate(&secret, &public);
	secret = read_key(&secret);
	struct signature signature = sign(&secret, span_str("message"));
	if (!signature_holds(&public, span_str("message"), &signature) ||
	    !note_key_make(span_str("log.example"), NOTE_ED25519, &public, &log))
		return 2;
	note_key_put(&vkey, &log);
	struct mft_view *view = mft_view_new(buffer_span(&vkey), &failure);
	struct digest id = key_id(&public);
	struct mft_state *state = mft_state_open(argv[1], &id, &failure);
	struct arena *arena = arena_new(1 << 20);
	struct problems problems = {.arena = arena};
	struct mft_signed nothing;
	if (view == NULL || state == NULL || mft_signed_read(span_str("?"), arena, &problems, &nothing) ||
	    !problems_any(&problems))
		return 3;
	const struct mft_client_config config = {
	    .host = "127.0.0.1", .port = "1", .trusted = argv[2], .view = view, .secret = &secret, .role = ROLE_GENERATOR, .agent = "test"};
	if (mft_client_open(&config, &failure) != NULL || law_setting_rows_n < 2)
		return 4;
	printf("%s; %s; %s; %d\n", failure.en, problems.first->rule->id, law_setting_rows[0].key,
	       hold(1) + put(1) + refuse(1) + say(1));
	mft_state_close(state);
	mft_view_free(view);
	arena_free(arena);
	buffer_free(&vkey);
}
"""


def names_in(library):
    """What a library shows to the program that links it."""
    text = subprocess.run(["nm", "-g", "--defined-only", "--format=posix", library], check=True, stdout=subprocess.PIPE, text=True).stdout
    return {line.split()[0] for line in text.splitlines() if line and not line.endswith(":")}


@pytest.fixture(scope="module", name="root")
def fixture_root(work):
    """Installed below a folder as a packager does it. Nothing is built again: other tests are using what there is."""
    root, build = work / "root", os.path.relpath(BUILD, ROOT)
    built = [f"-o{name}" for name in ("all", f"{build}/manifest", f"{build}/manifestd")]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MAKE") and k != "MFLAGS"}
    subprocess.run(["make", "-C", ROOT, *built, f"BUILD={os.path.dirname(build)}", f"FLAVOR={BUILD.name}", f"DESTDIR={root}", "PREFIX=/usr",
                    "install"], env=environment, check=True, stdout=subprocess.DEVNULL, timeout=60)
    return root


@pytest.mark.parametrize("how", [[], ["--static"]], ids=["shared", "static"])
def test_a_program_with_every_name_of_ours(root, tls, tmp_path, how):
    """Of the installed library a program sees mft_ alone: it may have functions by all our other names, and calls ours all the same."""
    inner = names_in(BUILD / "libmanifest.a")
    assert {"hold", "refuse", "say_values", "sign", "buffer_free"} <= inner
    assert all(name.startswith("mft_") for name in names_in(root / "usr/lib/libmanifest.a"))
    (tmp_path / "program.c").write_text(PROGRAM)
    theirs = {name for name in inner if name.isidentifier() and not name.startswith("mft_")} - CALLED
    (tmp_path / "theirs.c").write_text(
        "#include <stdlib.h>\n" + "".join(f"void {name}(void) {{ abort(); }}\n" for name in sorted(theirs)) +
        "".join(f"int {name}(int n) {{ return n + 1; }}\n" for name in CALLED))
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", *how, "libmanifest"], check=True, stdout=subprocess.PIPE, text=True,
                           env=os.environ | {"PKG_CONFIG_PATH": str(root / "usr/lib/pkgconfig"), "PKG_CONFIG_SYSROOT_DIR": str(root)})
    subprocess.run(["gcc", *SANITIZERS.get(BUILD.name, []), "-Wall", "-Wextra", "-Werror", "-fno-builtin", "program.c", "theirs.c",
                    "-o", "program", *flags.stdout.split()], cwd=tmp_path, check=True, timeout=60)
    said = subprocess.run([tmp_path / "program", tmp_path / "state", tls / "ca.crt"], check=True, stdout=subprocess.PIPE, text=True,
                          timeout=60).stdout
    assert said == "the server cannot be reached: 127.0.0.1:1: Connection refused; wire.malformed; collect.grace; 8\n"


def test_the_server_finds_its_tables(root):
    """Wherever it was installed, and unless it is told of others."""
    def migrate(*settings):
        done = subprocess.run([root / "usr/sbin/manifestd", "--set", "database.owner=host=/nonexistent", *settings, "migrate"],
                              check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=60)
        assert done.returncode == 3
        return done.stderr

    assert "/nonexistent/.s.PGSQL" in migrate()
    assert "/elsewhere/migrations" in migrate("--set", "schema=/elsewhere")
    (root / "usr/share/manifest/schema/migrations").rename(root / "migrations")
    assert f"{root}/usr/share/manifest/schema/migrations" in migrate()
