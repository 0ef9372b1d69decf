/* Owns the table that joins the store to the path, and the writer's high-water file. */
#include "store/port.h"

/* Opened at its first use, and held: another server of this machine cannot use the same file. */
static bool open_high_water(struct store_conn *c)
{
	char why[HIGH_WATER_ERROR_SIZE] = "no memory";

	if (c->high_water != NULL)
		return true;
	c->high_water = high_water_open(c->high_water_path, why);
	if (c->high_water == NULL)
		conn_error(c, "%s", why);
	return c->high_water != NULL;
}

bool store_high_water(void *conn, const struct log_head *head)
{
	struct store_conn *c = conn;
	char why[HIGH_WATER_ERROR_SIZE];

	if (!open_high_water(c))
		return false;
	if (high_water_raise(c->high_water, head->size, &head->root, why))
		return true;
	conn_error(c, "%s", why);
	return false;
}

bool store_high_water_get(struct store_conn *c, struct log_head *ret_head)
{
	struct log_head head = {0};

	if (!open_high_water(c))
		return false;
	if (high_water_get(c->high_water, &head.size, &head.root))
		*ret_head = head;
	else
		*ret_head = (struct log_head){0};
	return true;
}

static enum store_result high_water_read(void *conn, struct log_head *ret_head)
{
	return store_high_water_get(conn, ret_head) ? STORE_OK : STORE_CORRUPT;
}

static enum store_result reference(void *conn, enum reference_kind kind, struct span edition,
				   struct arena *arena, struct span *ret_file)
{
	return store_reference(conn, kind, edition, arena, ret_file);
}

static const char *error(const void *conn)
{
	return store_error(conn);
}

struct store_port store_port(void)
{
	return (struct store_port){
	    .recover = store_recover,
	    .load = store_load,
	    .commit = store_commit,
	    .cosigned = store_cosigned,
	    .high_water_read = high_water_read,
	    .high_water = store_high_water,
	    .reference = reference,
	    .error = error,
	    .due = store_due,
	    .open_manifests = store_open_manifests,
	    .query = store_query,
	    .tiles = store_tiles,
	    .hashes = store_hashes,
	    .entries = store_entries,
	};
}
