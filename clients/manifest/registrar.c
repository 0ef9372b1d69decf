/* Owns the defaults of registration: from now on, for ten years where an end is demanded. */
#include "manifest/registrar.h"

#include <sodium.h>
#include <stdlib.h>

#include "core/reference.h"
#include "libmanifest/file.h"
#include "manifest/jsontext.h"
#include "manifest/print.h"

static void from_now(micros *at)
{
	if (*at == 0)
		*at = app_now();
}

static int by_role(const void *a, const void *b)
{
	return (int)*(const enum role *)a - (int)*(const enum role *)b;
}

int registrar_party(struct app *app, const struct command *command, struct order *order)
{
	struct party *p = &order->event.party.party;
	enum role *roles = arena_array(app->arena, p->roles_n, sizeof(*roles));

	(void)command;
	if (roles == NULL)
		return app_usage(app, "out of memory", "内存不足", NULL);
	/* Typed in any order, signed in theirs. */
	if (p->roles_n > 0) {
		memcpy(roles, p->roles, p->roles_n * sizeof(*roles));
		qsort(roles, p->roles_n, sizeof(*roles), by_role);
	}
	p->roles = roles;
	from_now(&p->valid_from);
	if (p->generator_class == 0)
		p->generator_class = class_words[0].value;
	return EXIT_DONE;
}

int registrar_enrol(struct app *app, const struct command *command, struct order *order)
{
	if (command->kind == EVENT_KEY_ENROLLED)
		from_now(&order->event.key_enrolled.valid_from);
	if (order->new_key != NULL || order->cards_n > 0)
		return EXIT_DONE;
	return app_usage(app, "the new key must prove that it is there: --new-key FILE, or its --card FILE",
			 "新密钥须证明持有：--new-key 文件，或其 --card 文件", NULL);
}

int registrar_revoke(struct app *app, const struct command *command, struct order *order)
{
	(void)app;
	(void)command;
	from_now(&order->event.key_revoked.revoked_from);
	return EXIT_DONE;
}

/* The log keeps only SHA-256(salt || value); whoever keeps the salt and the value can show what it stood for.
 */
int registrar_person(struct app *app, const struct command *command, struct order *order)
{
	enum { SALT = 32 };
	uint8_t salt[SALT];
	struct buffer both = BUFFER_EMPTY;
	char hex[2 * SALT + 1];

	(void)command;
	if (order->files_n != 1)
		return app_usage(app, "the person's name and number, as one text, or - to read it",
				 "须给出一段文本（姓名与证件号），或以 - 从标准输入读取", NULL);
	randombytes_buf(salt, sizeof(salt));
	buffer_put(&both, salt, sizeof(salt));
	struct mft_failure failure;
	if (strcmp(order->files[0], "-") != 0)
		buffer_put_str(&both, order->files[0]);
	else if (!mft_file_read("-", 4096, &both, &failure))
		return app_failed(app, &failure);
	if (both.n > SALT && both.p[both.n - 1] == '\n')
		both.n--;
	order->event.person_registered.digest = digest_of(buffer_span(&both));
	(void)sodium_bin2hex(hex, sizeof(hex), salt, sizeof(salt));
	app_set(app, "salt", json_string(hex));
	app_say(app,
		T(app, "salt (keep it with the value, outside the log): %s",
		  "盐值（与原文一同另行保管，不入日志）：%s"),
		hex);
	if (both.p != NULL)
		explicit_bzero(both.p, both.n);
	buffer_free(&both);
	return EXIT_DONE;
}

int registrar_vehicle(struct app *app, const struct command *command, struct order *order)
{
	(void)app;
	(void)command;
	from_now(&order->event.vehicle_registered.valid_from);
	return EXIT_DONE;
}

int registrar_permit(struct app *app, const struct command *command, struct order *order)
{
	struct permit *p = &order->event.permit.permit;

	(void)app;
	(void)command;
	from_now(&p->valid_from);
	return EXIT_DONE;
}

int registrar_permit_revoke(struct app *app, const struct command *command, struct order *order)
{
	(void)app;
	(void)command;
	from_now(&order->event.permit_revoked.revoked_from);
	return EXIT_DONE;
}

int registrar_reference(struct app *app, const struct command *command, struct order *order)
{
	struct reference_loaded *r = &order->event.reference_loaded;
	struct buffer file = BUFFER_EMPTY;
	struct mft_failure failure;

	(void)command;
	if (order->files_n != 1)
		return app_usage(app, "one reference file", "须给出一个基础数据文件", NULL);
	if (!mft_file_read(order->files[0], REFERENCE_FILE_MAX, &file, &failure))
		return app_failed(app, &failure);
	r->sha256 = digest_of(buffer_span(&file));
	r->size = file.n;
	buffer_free(&file);
	return EXIT_DONE;
}

int registrar_plain(struct app *app, const struct command *command, struct order *order)
{
	(void)app;
	(void)command;
	(void)order;
	return EXIT_DONE;
}
