/* Owns libpq's pipeline mode: several statements in one round trip, their parameters as columns of arrays. */
#include "store/conn.h"

void pipeline_begin(struct pipeline *p, struct store_conn *c)
{
	*p = (struct pipeline){.conn = c};
	p->broken = c->pg == NULL || !PQenterPipelineMode(c->pg);
}

void pipeline_send(struct pipeline *p, enum statement st, const struct params *params)
{
	bool good = !p->broken && (params == NULL || !params->broken);

	if (!good ||
	    !(p->take != NULL ? p->take(p->take_self, st, params) : conn_send_run(p->conn, st, params)))
		p->broken = true;
	else
		p->sent++;
}

void pipeline_columns(struct pipeline *p, const char *types)
{
	int n = 0;

	for (; types[n] != '\0'; n++) {
		enum array_type type = types[n] == 'i'   ? ARRAY_INT8
				       : types[n] == 'b' ? ARRAY_BYTEA
				       : types[n] == 't' ? ARRAY_TEXT
							 : ARRAY_BOOL;
		array_begin(&p->conn->columns[n], type);
	}
	p->conn->columns_n = n;
}

void pipeline_send_columns(struct pipeline *p, enum statement st)
{
	struct params params = {0};

	if (p->conn->columns[0].n == 0)
		return;
	for (int i = 0; i < p->conn->columns_n; i++)
		param_array(&params, &p->conn->columns[i]);
	pipeline_send(p, st, &params);
}

bool pipeline_sync(struct pipeline *p)
{
	return !p->broken && PQpipelineSync(p->conn->pg) == 1;
}

PGresult *pipeline_next(struct pipeline *p)
{
	bool lost;
	PGresult *res = conn_next(p->conn, &lost);

	if (res == NULL)
		return NULL;
	/* Each statement's results end with a NULL, which is there already. */
	PGresult *end = conn_next(p->conn, &lost);
	if (end == NULL)
		return res;
	PQclear(end);
	PQclear(res);
	return NULL;
}

bool pipeline_end(struct pipeline *p)
{
	bool lost;
	PGresult *res = conn_next(p->conn, &lost);
	bool synced = PQresultStatus(res) == PGRES_PIPELINE_SYNC;

	PQclear(res);
	return synced && PQexitPipelineMode(p->conn->pg) == 1;
}
