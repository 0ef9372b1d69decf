/* Owns the reading of the schema folder: migrations by number, reference files by kind and edition. */
#include "store/migrate.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "core/reference.h"

/* The whole file with a NUL after it; free() it. False: explained. */
static bool read_file(struct migration *m, const char *path, char **ret_text, size_t *ret_n)
{
	FILE *f = fopen(path, "rbe");
	struct stat st;
	char *text = NULL;

	if (f == NULL || fstat(fileno(f), &st) != 0) {
		migration_fail(m, "%s: %s", path, strerror(errno));
		goto fail;
	}
	if (!S_ISREG(st.st_mode) || st.st_size > MIGRATION_FILE_MAX) {
		migration_fail(m, "%s is not a file of at most %d bytes", path, MIGRATION_FILE_MAX);
		goto fail;
	}
	text = calloc(1, (size_t)st.st_size + 1);
	if (text == NULL || fread(text, 1, (size_t)st.st_size, f) != (size_t)st.st_size) {
		migration_fail(m, "%s could not be read", path);
		goto fail;
	}
	fclose(f);
	*ret_text = text;
	*ret_n = (size_t)st.st_size;
	return true;
fail:
	free(text);
	if (f != NULL)
		fclose(f);
	return false;
}

static bool ends_with(const char *name, const char *end)
{
	size_t n = strlen(name), k = strlen(end);

	return n > k && strcmp(name + n - k, end) == 0;
}

/* "NNN_name.sql" gives NNN; else 0. */
static int number_of(const char *name)
{
	if (!isdigit((unsigned char)name[0]) || !isdigit((unsigned char)name[1]) ||
	    !isdigit((unsigned char)name[2]) || name[3] != '_' || !ends_with(name, ".sql") ||
	    strlen(name) >= MIGRATION_NAME_MAX)
		return 0;
	return (name[0] - '0') * 100 + (name[1] - '0') * 10 + (name[2] - '0');
}

static bool read_migration(struct migration *m, const char *name)
{
	char path[PATH_MAX];
	int number = number_of(name);
	size_t n;

	if (number == 0 || number > SCHEMA_VERSION) {
		migration_fail(
		    m,
		    "%s/migrations/%s is not one of this program's %d migrations: use the schema folder "
		    "that came with the program",
		    m->schema_dir, name, SCHEMA_VERSION);
		return false;
	}
	struct migration_file *f = &m->files[number - 1];
	if (f->number != 0) {
		migration_fail(m, "migration %03d is there twice: %s and %s", number, f->name, name);
		return false;
	}
	snprintf(path, sizeof(path), "%s/migrations/%s", m->schema_dir, name);
	if (!read_file(m, path, &f->text, &n))
		return false;
	f->number = number;
	memcpy(f->name, name, strlen(name) + 1);
	f->sha256 = digest_of(span_of(f->text, n));
	return true;
}

/* Calls `each` for the names in a folder that end so; hidden ones are passed over. */
static bool each_name(struct migration *m, const char *path, const char *end,
		      bool (*each)(struct migration *m, const char *name, void *self), void *self)
{
	struct dirent **names = NULL;
	int n = scandir(path, &names, NULL, alphasort);
	bool good = n >= 0;

	if (!good)
		migration_fail(m, "%s: %s: name the schema folder that came with the program", path,
			       strerror(errno));
	for (int i = 0; i < n; i++) {
		if (good && names[i]->d_name[0] != '.' && ends_with(names[i]->d_name, end))
			good = each(m, names[i]->d_name, self);
		free(names[i]);
	}
	free(names);
	return good;
}

static bool on_migration(struct migration *m, const char *name, void *self)
{
	(void)self;
	return read_migration(m, name);
}

bool migration_read_files(struct migration *m)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/migrations", m->schema_dir);
	if (!each_name(m, path, ".sql", on_migration, NULL))
		return false;
	for (int i = 0; i < SCHEMA_VERSION; i++)
		if (m->files[i].number == 0) {
			migration_fail(m, "migration %03d is missing in %s", i + 1, path);
			return false;
		}
	m->files_n = SCHEMA_VERSION;
	return true;
}

void migration_free_files(struct migration *m)
{
	for (size_t i = 0; i < SCHEMA_VERSION; i++)
		free(m->files[i].text);
}

/* ---- reference files ---- */

static const struct {
	enum reference_kind kind;
	const char *folder;
} reference_folders[] = {
    {REFERENCE_WASTE_CODES, "waste_codes"},
    {REFERENCE_DIVISIONS, "divisions"},
    {REFERENCE_TREATMENT_METHODS, "treatment_methods"},
    {REFERENCE_CALENDAR, "calendar"},
};

/* The same edition with other bytes is refused: what the log named must stay what it was. */
static bool store_file(struct migration *m, size_t folder, const char *edition, struct span file)
{
	struct digest sha256 = digest_of(file);
	struct params p = {0};

	param_int(&p, reference_folders[folder].kind);
	param_str(&p, edition);
	param_digest(&p, &sha256);
	param_span(&p, file);
	PGresult *res = migration_query(
	    m, "reference data",
	    "WITH new AS (INSERT INTO reference_file (kind, edition, sha256, content) VALUES "
	    "($1::bigint, $2::text, $3::bytea, $4::bytea) ON CONFLICT DO NOTHING RETURNING 1) "
	    "SELECT EXISTS (SELECT FROM new), EXISTS (SELECT FROM reference_file "
	    "WHERE kind = $1::bigint AND edition = $2::text AND sha256 <> $3::bytea)",
	    &p);
	if (res == NULL)
		return false;
	bool is_new = cell_int(res, 0, 0) != 0, differs = cell_int(res, 0, 1) != 0;
	PQclear(res);
	if (differs)
		migration_fail(
		    m,
		    "data/%s/%s.csv differs from the file that was loaded under that edition: put it back, "
		    "and give the changed list a new edition's name",
		    reference_folders[folder].folder, edition);
	if (is_new)
		migration_say(m, "loaded %s %s", reference_folders[folder].folder, edition);
	return !differs;
}

static bool on_reference_file(struct migration *m, const char *name, void *self)
{
	size_t folder = *(const size_t *)self, n = strlen(name) - strlen(".csv");
	char path[PATH_MAX], edition[REFERENCE_EDITION_MAX + 1];
	char *file;
	size_t file_n;

	if (n == 0 || n > REFERENCE_EDITION_MAX) {
		migration_fail(m, "data/%s/%s: an edition's name has 1 to %d bytes",
			       reference_folders[folder].folder, name, REFERENCE_EDITION_MAX);
		return false;
	}
	memcpy(edition, name, n);
	edition[n] = '\0';
	snprintf(path, sizeof(path), "%s/data/%s/%s", m->schema_dir, reference_folders[folder].folder, name);
	if (!read_file(m, path, &file, &file_n))
		return false;
	bool stored = store_file(m, folder, edition, span_of(file, file_n));
	free(file);
	return stored;
}

bool migration_load_references(struct migration *m)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < ARRAY_LEN(reference_folders); i++) {
		snprintf(path, sizeof(path), "%s/data/%s", m->schema_dir, reference_folders[i].folder);
		if (!each_name(m, path, ".csv", on_reference_file, &i))
			return false;
	}
	return true;
}
