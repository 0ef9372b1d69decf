/*
 * manifestd person: what the log's pseudonymous ids stand for. The value comes by standard input, since other
 * users of the machine see command lines.
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "main.h"
#include "store/store.h"

enum { LINE_SIZE = 4200, SALT_SIZE = 32 };

static int failed(const struct store_conn *c, enum store_result r)
{
	(void)fprintf(stderr, "manifestd: %s\n", store_error(c));
	return r == STORE_DATA ? EXIT_REFUSED : EXIT_UNAVAILABLE;
}

/* A line without its end; false: there is none, or it is longer. */
static bool read_line(char line[LINE_SIZE])
{
	if (fgets(line, LINE_SIZE, stdin) == NULL)
		return false;
	size_t n = strcspn(line, "\r\n");
	bool whole = line[n] != '\0' || feof(stdin);
	line[n] = '\0';
	return whole;
}

static int add(struct store_conn *c, struct span person, struct arena *arena)
{
	char salt_text[LINE_SIZE], value[LINE_SIZE];
	uint8_t salt[SALT_SIZE];

	(void)arena;
	if (!read_line(salt_text) || !hex_decode(span_str(salt_text), salt, sizeof(salt)) ||
	    !read_line(value)) {
		(void)fprintf(stderr,
			      "manifestd: give two lines on standard input: the salt in hexadecimal, as "
			      "`manifest registrar person` printed it, and the value\n");
		return EXIT_USAGE;
	}
	enum store_result r = store_person_put(c, person, span_of(salt, sizeof(salt)), span_str(value));
	explicit_bzero(value, sizeof(value));
	return r == STORE_OK ? EXIT_DONE : failed(c, r);
}

static void print_kept(const struct person_record *record)
{
	char salt[2 * SALT_SIZE + 1] = "";

	if (record->salt.n == SALT_SIZE)
		hex_encode(record->salt, salt);
	(void)printf("salt:       %s\nvalue:      %.*s\n", salt, SPAN_ARG(record->value));
}

static int show(struct store_conn *c, struct span person, struct arena *arena)
{
	struct person_record record;
	char digest[DIGEST_HEX + 1];
	enum store_result r = store_person_get(c, person, arena, &record);

	if (r != STORE_OK)
		return failed(c, r);
	if (record.registered) {
		digest_hex(&record.digest, digest);
		(void)printf("registered: entry %llu, of party %s-%u\ndigest:     %s\n",
			     (unsigned long long)record.index, record.party.credit_code,
			     (unsigned)record.party.site, digest);
	} else {
		(void)printf("registered: not in the log\n");
	}
	if (record.kept)
		print_kept(&record);
	else
		(void)printf("value:      not kept, or erased\n");
	if (record.kept && record.registered && !record.matches)
		(void)printf("salt and value are NOT those that were registered\n");
	return record.matches ? EXIT_DONE : EXIT_REFUSED;
}

static int erase(struct store_conn *c, struct span person, struct arena *arena)
{
	bool erased = false;
	enum store_result r = store_person_erase(c, person, &erased);

	(void)arena;
	if (r != STORE_OK)
		return failed(c, r);
	(void)printf(erased ? "erased; backups and archived WAL keep it until they are gone\n"
			    : "there was nothing to erase\n");
	return erased ? EXIT_DONE : EXIT_REFUSED;
}

static const struct {
	const char *name;
	int (*run)(struct store_conn *c, struct span person, struct arena *arena);
} actions[] = {{"add", add}, {"show", show}, {"erase", erase}};

int command_person(const struct conf *conf, const char *const *operands, size_t operands_n)
{
	struct store_options options = {.conninfo = conf->database_owner};
	size_t i = 0;

	while (operands_n == 2 && i < ARRAY_LEN(actions) && strcmp(actions[i].name, operands[0]) != 0)
		i++;
	if (operands_n != 2 || i == ARRAY_LEN(actions)) {
		(void)fprintf(stderr, "manifestd: person add ID, person show ID, or person erase ID\n");
		return EXIT_USAGE;
	}
	struct store_conn *c = store_conn_new(STORE_OWNER, &options);
	struct arena *arena = arena_new((size_t)4 * LINE_SIZE);
	int status = EXIT_UNAVAILABLE;
	if (c != NULL && arena != NULL)
		status = actions[i].run(c, span_str(operands[1]), arena);
	else
		(void)fprintf(stderr, "manifestd: no memory\n");
	arena_free(arena);
	store_conn_free(c);
	return status;
}
