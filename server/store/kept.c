/* Owns the reading of what is kept as bytes, one row each: a checkpoint, a reference file, a refused
 * envelope. */
#include "store/port.h"

/* The cell of the one row there may be; n 0: there is none. Clears the result. */
static enum store_result take_cell(struct store_conn *c, PGresult *res, const char *what, struct arena *arena,
				   struct span *ret_cell)
{
	struct span cell = {0};
	bool good = PQntuples(res) == 0 || cell_copy(res, 0, 0, arena, &cell);

	PQclear(res);
	if (!good) {
		conn_error(c, "no memory for %s", what);
		return STORE_UNAVAILABLE;
	}
	*ret_cell = cell;
	return STORE_OK;
}

enum store_result read_checkpoint(struct store_conn *c, uint64_t size, struct arena *arena,
				  struct span *ret_note)
{
	struct params p = {0};
	PGresult *res;

	param_int(&p, (int64_t)size);
	enum store_result r = conn_run(c, ST_CHECKPOINT_AT, &p, &res);
	return r != STORE_OK ? r : take_cell(c, res, "a checkpoint", arena, ret_note);
}

enum store_result store_checkpoint(struct store_conn *c, uint64_t size, struct arena *arena,
				   struct span *ret_note)
{
	enum store_result r = conn_open(c);

	return r != STORE_OK ? r : read_checkpoint(c, size, arena, ret_note);
}

enum store_result store_reference(struct store_conn *c, enum reference_kind kind, struct span edition,
				  struct arena *arena, struct span *ret_file)
{
	struct params p = {0};
	PGresult *res;
	enum store_result r = conn_open(c);

	param_int(&p, kind);
	param_span(&p, edition);
	if (r == STORE_OK)
		r = conn_run(c, ST_REFERENCE, &p, &res);
	return r != STORE_OK ? r : take_cell(c, res, "a reference file", arena, ret_file);
}

enum store_result store_evidence(struct store_conn *c, uint64_t number, uint64_t flag, struct arena *arena,
				 struct span *ret_envelope)
{
	struct params p = {0};
	PGresult *res;

	param_int(&p, (int64_t)number);
	param_int(&p, (int64_t)flag);
	enum store_result r = conn_run_sql(
	    c, "SELECT envelope FROM evidence WHERE number = $1::bigint AND flag = $2::bigint", &p, &res);
	return r != STORE_OK ? r : take_cell(c, res, "evidence", arena, ret_envelope);
}
