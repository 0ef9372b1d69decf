/*
 * Owns what stands behind persons' pseudonymous ids: the one table that the log does not hold and from which
 * can be erased. Nobody but the owner's role reaches it.
 */
#include "store/conn.h"

static enum store_result no_memory(struct store_conn *c)
{
	conn_error(c, "no memory for a person");
	return STORE_UNAVAILABLE;
}

/* The digest of the registration in the log; *ret_registered false: there is none yet. */
static enum store_result registration(struct store_conn *c, struct span person, struct person_record *record)
{
	struct params p = {0};
	PGresult *res;

	param_span(&p, person);
	enum store_result r = conn_open(c);
	if (r == STORE_OK)
		r = conn_run_sql(c,
				 "SELECT n.digest, n.index, p.credit_code, p.site FROM person n "
				 "LEFT JOIN party p ON p.no = n.party WHERE n.person = $1::text",
				 &p, &res);
	if (r != STORE_OK)
		return r;
	record->registered = PQntuples(res) > 0;
	if (record->registered) {
		struct span code = cell_span(res, 0, 2);
		if (!cell_digest(res, 0, 0, &record->digest) || code.n > CREDIT_CODE_SIZE) {
			conn_error(c, "the registration of a person is malformed");
			r = STORE_CORRUPT;
		} else {
			record->index = (uint64_t)cell_int(res, 0, 1);
			memcpy(record->party.credit_code, code.p, code.n);
			record->party.site = (uint32_t)cell_int(res, 0, 3);
		}
	}
	PQclear(res);
	return r;
}

static bool stands_for(const struct person_record *record, struct span salt, struct span value)
{
	struct buffer both = BUFFER_EMPTY;

	buffer_put_span(&both, salt);
	buffer_put_span(&both, value);
	struct digest digest = digest_of(buffer_span(&both));
	bool same = buffer_ok(&both) && digest_eq(&digest, &record->digest);
	buffer_free(&both);
	return same;
}

enum store_result store_person_put(struct store_conn *c, struct span person, struct span salt,
				   struct span value)
{
	struct person_record record = {0};
	struct params p = {0};
	PGresult *res;
	enum store_result r = registration(c, person, &record);

	if (r != STORE_OK)
		return r;
	if (record.registered && !stands_for(&record, salt, value)) {
		conn_error(c,
			   "salt and value are not those that entry %llu registers: give them as they were",
			   (unsigned long long)record.index);
		return STORE_DATA;
	}
	param_span(&p, person);
	param_span(&p, salt);
	param_span(&p, value);
	r = conn_run_sql(c,
			 "INSERT INTO person_secret (person, salt, value) "
			 "VALUES ($1::text, $2::bytea, $3::text) ON CONFLICT (person) DO UPDATE "
			 "SET value = person_secret.value WHERE person_secret.salt = excluded.salt "
			 "AND person_secret.value = excluded.value RETURNING 1",
			 &p, &res);
	if (r != STORE_OK)
		return r;
	if (PQntuples(res) == 0) {
		conn_error(
		    c, "another salt or value is kept for this person: show it, erase it, and add it again");
		r = STORE_DATA;
	}
	PQclear(res);
	return r;
}

enum store_result store_person_get(struct store_conn *c, struct span person, struct arena *arena,
				   struct person_record *ret_record)
{
	struct person_record record = {0};
	struct params p = {0};
	PGresult *res;
	enum store_result r = registration(c, person, &record);

	param_span(&p, person);
	if (r == STORE_OK)
		r = conn_run_sql(c, "SELECT salt, value FROM person_secret WHERE person = $1::text", &p,
				 &res);
	if (r != STORE_OK)
		return r;
	record.kept = PQntuples(res) > 0;
	if (record.kept &&
	    (!cell_copy(res, 0, 0, arena, &record.salt) || !cell_copy(res, 0, 1, arena, &record.value)))
		r = no_memory(c);
	PQclear(res);
	if (r != STORE_OK)
		return r;
	record.matches = record.kept && record.registered && stands_for(&record, record.salt, record.value);
	*ret_record = record;
	return STORE_OK;
}

/* A deleted row's bytes stay in its page, and a vacuum leaves them there: the table is written anew. */
enum store_result store_person_erase(struct store_conn *c, struct span person, bool *ret_erased)
{
	struct params p = {0}, none = {0};
	PGresult *res;
	enum store_result r = conn_open(c);

	param_span(&p, person);
	if (r == STORE_OK)
		r = conn_run_sql(c, "DELETE FROM person_secret WHERE person = $1::text RETURNING 1", &p,
				 &res);
	if (r != STORE_OK)
		return r;
	bool erased = PQntuples(res) > 0;
	PQclear(res);
	r = conn_run_sql(c, "VACUUM FULL person_secret", &none, &res);
	if (r != STORE_OK)
		return r;
	PQclear(res);
	*ret_erased = erased;
	return STORE_OK;
}
