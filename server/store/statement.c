/* Owns the text of the prepared statements. */
#include "store/statement.h"

#define BOTH   false
#define WRITER true

const struct statement_row statement_rows[STATEMENTS] = {
    [ST_BEGIN] = {"begin", "BEGIN", BOTH},
    [ST_BEGIN_SNAPSHOT] = {"begin_snapshot", "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY", BOTH},
    [ST_COMMIT] = {"commit", "COMMIT", BOTH},
    [ST_ROLLBACK] = {"rollback", "ROLLBACK", BOTH},

    /* Until the transaction ends, which is that of one question. */
    [ST_PLAN_EACH] = {"plan_each", "SELECT set_config('plan_cache_mode', 'force_custom_plan', true)", BOTH},

    [ST_LOCK] = {"lock", "SELECT pg_try_advisory_lock($1::bigint)", WRITER},
    [ST_HEAD_LOCKED] = {"head_locked", "SELECT size, root, accepted_at, epoch FROM log_head FOR UPDATE",
			WRITER},
    [ST_EPOCH_RAISE] = {"epoch_raise", "UPDATE log_head SET epoch = epoch + 1 RETURNING epoch", WRITER},
    [ST_HEAD] = {"head", "SELECT size, root, accepted_at, epoch FROM log_head", BOTH},
    [ST_PARTITIONS] = {"partitions", "SELECT entry_partitions($1::bigint)", WRITER},

    [ST_UNFINISHED] = {"unfinished", "SELECT 1::bigint FROM unfinished_rebuild", BOTH},
    [ST_REBUILD_BEGIN] = {"rebuild_begin", "SELECT rebuild_begin()", WRITER},
    [ST_REBUILD_END] = {"rebuild_end", "DELETE FROM unfinished_rebuild", WRITER},
    [ST_PATIENCE] = {"patience", "SELECT set_config('statement_timeout', '0', true)", WRITER},
    [ST_LOG_END] = {"log_end", "SELECT index, accepted_at FROM entry ORDER BY index DESC LIMIT 1", BOTH},
    [ST_CHECKPOINT_AT] = {"checkpoint_at",
			  "SELECT note FROM checkpoint WHERE size <= $1::bigint ORDER BY size DESC LIMIT 1",
			  BOTH},
    [ST_COSIGNED_LAST] = {"cosigned_last", "SELECT note FROM cosigned_checkpoint ORDER BY size DESC LIMIT 1",
			  WRITER},
    [ST_REFERENCES] = {"references",
		       "SELECT kind, edition, content FROM reference_file ORDER BY kind, edition", WRITER},
    [ST_REFERENCE] = {"reference",
		      "SELECT content FROM reference_file WHERE kind = $1::bigint AND edition = $2::text",
		      BOTH},
    [ST_REGISTRY_ENTRIES] =
	{"registry_entries",
	 "SELECT e.index, e.entry FROM registry_entry r JOIN entry e ON e.index = r.index "
	 "ORDER BY r.index",
	 WRITER},
    /* One pass over the primary key; only for ranges after a gap is anything looked up. */
    [ST_RANGES] =
	{"ranges",
	 "WITH used AS (SELECT DISTINCT key_no, number FROM running_number), "
	 "numbered AS (SELECT key_no, number, "
	 "number - row_number() OVER (PARTITION BY key_no ORDER BY number) AS island FROM used), "
	 "range AS (SELECT key_no, min(number) AS first, max(number) AS last "
	 "FROM numbered GROUP BY key_no, island), "
	 "dated AS (SELECT key_no, first, last, CASE WHEN first > 1 THEN (SELECT min(r.index) "
	 "FROM running_number r WHERE r.key_no = range.key_no "
	 "AND r.number BETWEEN first AND last) END AS index FROM range), "
	 "since AS (SELECT key_no, first, last, CASE WHEN first > 1 THEN "
	 "min(index) OVER (PARTITION BY key_no ORDER BY first DESC) END AS index FROM dated) "
	 "SELECT key_no, first, last, (SELECT e.accepted_at FROM entry e WHERE e.index = since.index) "
	 "FROM since ORDER BY key_no, first",
	 WRITER},
    [ST_LEAVES] = {"leaves",
		   "SELECT leaf FROM entry WHERE index >= $1::bigint AND index < $2::bigint ORDER BY index",
		   BOTH},
    [ST_ROOTS] = {"roots",
		  "SELECT root FROM tile WHERE level = $3::bigint AND n >= $1::bigint AND n < $2::bigint "
		  "ORDER BY n",
		  BOTH},
    [ST_TILES] =
	{"tiles",
	 "SELECT n, hashes FROM tile WHERE level = $1::bigint AND n >= $2::bigint AND n <= $3::bigint "
	 "ORDER BY n",
	 BOTH},
    [ST_TILES_AT] = {"tiles_at",
		     "SELECT w.place, t.hashes FROM unnest($1::bigint[], $2::bigint[]) "
		     "WITH ORDINALITY AS w (level, n, place) JOIN tile t ON t.level = w.level AND t.n = w.n",
		     BOTH},
    [ST_ENTRIES] = {"entries",
		    "SELECT w.place, e.entry FROM unnest($1::bigint[]) WITH ORDINALITY AS w (index, place) "
		    "JOIN entry e ON e.index = w.index",
		    BOTH},
    [ST_PARTY_NOS] = {"party_nos",
		      "SELECT no FROM party WHERE credit_code = $1::text "
		      "AND ($2::bigint = 0 OR site = $2::bigint) ORDER BY site LIMIT $3::bigint",
		      BOTH},

    [ST_LOAD_MANIFESTS] =
	{"load_manifests",
	 "SELECT number, body FROM manifest WHERE number = ANY($1::bigint[]) ORDER BY number", WRITER},
    [ST_LOAD_NUMBERS] =
	{"load_numbers",
	 "SELECT r.key_no, r.number, r.event, r.index "
	 "FROM (SELECT DISTINCT * FROM unnest($1::bigint[], $2::bigint[])) AS w (key_no, number) "
	 "JOIN running_number r ON r.key_no = w.key_no::integer AND r.number = w.number "
	 "ORDER BY r.key_no, r.number, r.index",
	 WRITER},
    [ST_LOAD_FLAGS] = {"load_flags",
		       "SELECT flag, kind, number, closed_at IS NULL, division_generator, division_facility "
		       "FROM flag WHERE flag = ANY($1::bigint[]) ORDER BY flag",
		       WRITER},
    /* Of those that were looked at too early, the moment is put right. */
    [ST_DUE] = {"due",
		"WITH seen AS MATERIALIZED (SELECT number, due_at FROM manifest WHERE look_at <= $1::bigint "
		"ORDER BY look_at LIMIT $2::bigint), "
		"early AS (UPDATE manifest m SET look_at = m.due_at FROM seen s WHERE m.number = s.number "
		"AND (m.due_at IS NULL OR m.due_at > $1::bigint)) "
		"SELECT number, due_at <= $1::bigint FROM seen ORDER BY due_at, number",
		WRITER},
    [ST_OPEN] = {"open",
		 "SELECT number FROM manifest WHERE number > $1::bigint AND state <> $3::bigint "
		 "ORDER BY number LIMIT $2::bigint",
		 BOTH},

    [ST_ADVANCE] = {"advance",
		    "WITH moved AS (UPDATE log_head SET size = $3::bigint, root = $4::bytea, "
		    "accepted_at = $5::bigint WHERE size = $1::bigint AND epoch = $2::bigint "
		    "AND size <= $3::bigint AND accepted_at <= $5::bigint RETURNING 1) "
		    "SELECT log_deposed($1::bigint, $2::bigint) WHERE NOT EXISTS (SELECT FROM moved)",
		    WRITER},
    [ST_ENTRY] = {"entry",
		  "INSERT INTO entry (index, accepted_at, number, kind, leaf, entry) "
		  "SELECT unnest($1::bigint[]), unnest($2::bigint[]), unnest($3::bigint[]), "
		  "unnest($4::bigint[]), unnest($5::bytea[]), unnest($6::bytea[])",
		  WRITER},
    [ST_RUNNING_NUMBER] = {"running_number",
			   "INSERT INTO running_number (key_no, number, event, index, tag) "
			   "SELECT unnest($1::bigint[]), unnest($2::bigint[]), unnest($3::bytea[]), "
			   "unnest($4::bigint[]), unnest($5::bigint[])",
			   WRITER},
    [ST_REGISTRY_ENTRY] = {"registry_entry", "INSERT INTO registry_entry (index) SELECT unnest($1::bigint[])",
			   WRITER},
    [ST_MANIFEST_NEW] =
	{"manifest_new",
	 "INSERT INTO manifest (number, changed_at, due_at, shipped_grams, accepted_grams, treated_grams, "
	 "state, body, trail, issued_at, generator, transporter, facility, division_generator, "
	 "division_facility, look_at) "
	 "SELECT unnest($1::bigint[]), unnest($2::bigint[]), unnest($3::bigint[]), "
	 "unnest($4::bigint[]), unnest($5::bigint[]), unnest($6::bigint[]), unnest($7::bigint[]), "
	 "unnest($8::bytea[]), unnest($9::bytea[]), unnest($10::bigint[]), unnest($11::bigint[]), "
	 "unnest($12::bigint[]), unnest($13::bigint[]), unnest($14::text[]), unnest($15::text[]), "
	 "unnest($16::bigint[])",
	 WRITER},
    /* Each row must be there, with the entries before these. */
    [ST_MANIFEST] =
	{"manifest",
	 "WITH done AS (UPDATE manifest m SET changed_at = greatest(u.changed_at, m.changed_at), "
	 "due_at = u.due_at, look_at = least(m.look_at, u.due_at), shipped_grams = u.shipped_grams, "
	 "accepted_grams = u.accepted_grams, treated_grams = u.treated_grams, state = u.state, "
	 "body = u.body, trail = m.trail || u.trail "
	 "FROM (SELECT unnest($1::bigint[]) AS number, unnest($2::bigint[]) AS changed_at, "
	 "unnest($3::bigint[]) AS due_at, unnest($4::bigint[]) AS shipped_grams, "
	 "unnest($5::bigint[]) AS accepted_grams, unnest($6::bigint[]) AS treated_grams, "
	 "unnest($7::bigint[]) AS state, unnest($8::bytea[]) AS body, unnest($9::bytea[]) AS trail, "
	 "unnest($10::bigint[]) AS trail_size) u "
	 "WHERE m.number = u.number AND octet_length(m.trail) = u.trail_size RETURNING 1) "
	 "SELECT manifest_missing() WHERE (SELECT count(*) FROM done) <> cardinality($1::bigint[])",
	 WRITER},
    [ST_TERM] = {"term",
		 "INSERT INTO manifest_term (number, generator, transporter, facility, code, plate) "
		 "SELECT unnest($1::bigint[]), unnest($2::bigint[]), unnest($3::bigint[]), "
		 "unnest($4::bigint[]), unnest($5::bigint[]), unnest($6::text[])",
		 WRITER},
    [ST_TERM_TRANSPORTER] =
	{"term_transporter",
	 "INSERT INTO manifest_term (number, transporter) "
	 "SELECT DISTINCT u.number, u.transporter::integer "
	 "FROM unnest($1::bigint[], $2::bigint[]) AS u (number, transporter) "
	 "WHERE NOT EXISTS (SELECT FROM manifest m WHERE m.number = u.number "
	 "AND u.transporter IN (m.generator, m.transporter, m.facility)) "
	 "AND NOT EXISTS (SELECT FROM manifest_term t WHERE t.transporter = u.transporter::integer "
	 "AND t.number = u.number)",
	 WRITER},
    [ST_TERM_PLATE] = {"term_plate",
		       "INSERT INTO manifest_term (number, plate) "
		       "SELECT DISTINCT u.number, u.plate FROM unnest($1::bigint[], $2::text[]) "
		       "AS u (number, plate) WHERE NOT EXISTS (SELECT FROM manifest_term t "
		       "WHERE t.plate = u.plate AND t.number = u.number)",
		       WRITER},
    [ST_TILE] =
	{"tile",
	 "INSERT INTO tile (level, n, hashes, root) "
	 "SELECT unnest($1::bigint[]), unnest($2::bigint[]), unnest($3::bytea[]), unnest($4::bytea[])",
	 WRITER},
    [ST_CHECKPOINT] = {"checkpoint",
		       "INSERT INTO checkpoint (size, note) VALUES ($1::bigint, $2::text) "
		       "ON CONFLICT DO NOTHING",
		       WRITER},
    [ST_COSIGNED] = {"cosigned",
		     "INSERT INTO cosigned_checkpoint (size, note) VALUES ($1::bigint, $2::text) "
		     "ON CONFLICT DO NOTHING",
		     WRITER},
    [ST_VOIDED] =
	{"voided",
	 "INSERT INTO voided_number (number, index) SELECT unnest($1::bigint[]), unnest($2::bigint[]) "
	 "ON CONFLICT DO NOTHING",
	 WRITER},
    [ST_FLAG_RAISE] =
	{"flag_raise",
	 "INSERT INTO flag (flag, number, raised_at, due_at, kind, provisional, division_generator, "
	 "division_facility, keyid, parties, detail) VALUES ($1::bigint, $2::bigint, $3::bigint, $4::bigint, "
	 "$5::bigint, $6::boolean, $7::text, $8::text, $9::bytea, $10::bigint[], $11::text)",
	 WRITER},
    [ST_FLAG_PARTY] = {"flag_party",
		       "INSERT INTO flag_party (flag, party) "
		       "SELECT unnest($1::bigint[]), unnest($2::bigint[]) ON CONFLICT DO NOTHING",
		       WRITER},
    /* Without closed_by it is only marked. */
    [ST_FLAG_CLOSE] = {"flag_close",
		       "UPDATE flag SET closed_at = coalesce($2::bigint, closed_at), "
		       "closed_by = coalesce($3::bigint, closed_by), "
		       "claimed_in_time = claimed_in_time OR $4::boolean, "
		       "resolution = coalesce(nullif($5::text, ''), resolution) WHERE flag = $1::bigint",
		       WRITER},
    [ST_EVIDENCE] = {"evidence",
		     "INSERT INTO evidence (number, previous, key_no, event, envelope, flag) VALUES "
		     "($1::bigint, $2::bytea, $3::bigint, $4::bytea, $5::bytea, $6::bigint) "
		     "ON CONFLICT DO NOTHING",
		     WRITER},

    [ST_PARTY] =
	{"party",
	 "INSERT INTO party (no, credit_code, site, name, roles, division, address, generator_class, "
	 "valid_from, valid_until, index) VALUES ($1::bigint, $2::text, $3::bigint, $4::text, $5::bigint, "
	 "$6::text, $7::text, $8::bigint, $9::bigint, $10::bigint, $11::bigint) "
	 "ON CONFLICT (no) DO UPDATE SET name = excluded.name, roles = excluded.roles, "
	 "division = excluded.division, address = excluded.address, "
	 "generator_class = excluded.generator_class, valid_from = excluded.valid_from, "
	 "valid_until = excluded.valid_until, index = excluded.index",
	 WRITER},
    [ST_KEY] = {"key",
		"INSERT INTO device_key (no, keyid, public_key, party, role, device, valid_from, "
		"revoked_from, index) VALUES ($1::bigint, $2::bytea, $3::bytea, $4::bigint, $5::bigint, "
		"$6::text, $7::bigint, $8::bigint, $9::bigint) "
		"ON CONFLICT (no) DO UPDATE SET role = excluded.role, party = excluded.party, "
		"revoked_from = excluded.revoked_from, index = excluded.index",
		WRITER},
    [ST_PERSON] = {"person",
		   "INSERT INTO person (person, party, digest, index) VALUES ($1::text, $2::bigint, "
		   "$3::bytea, $4::bigint) ON CONFLICT DO NOTHING",
		   WRITER},
    [ST_VEHICLE] = {"vehicle",
		    "INSERT INTO vehicle (plate, transporter, licence, capacity_grams, valid_from, "
		    "valid_until, index) VALUES ($1::text, $2::bigint, $3::text, $4::bigint, $5::bigint, "
		    "$6::bigint, $7::bigint) ON CONFLICT (plate) DO UPDATE SET "
		    "transporter = excluded.transporter, licence = excluded.licence, "
		    "capacity_grams = excluded.capacity_grams, valid_from = excluded.valid_from, "
		    "valid_until = excluded.valid_until, index = excluded.index",
		    WRITER},
    [ST_PERMIT] =
	{"permit",
	 "INSERT INTO permit (number, facility, waste_codes, methods, grams_per_year, valid_from, "
	 "valid_until, index) VALUES ($1::text, $2::bigint, $3::text[], $4::text[], $5::bigint, $6::bigint, "
	 "$7::bigint, $8::bigint) ON CONFLICT (number) DO UPDATE SET waste_codes = excluded.waste_codes, "
	 "methods = excluded.methods, grams_per_year = excluded.grams_per_year, "
	 "valid_from = excluded.valid_from, valid_until = excluded.valid_until, index = excluded.index",
	 WRITER},
    [ST_PERMIT_REVOKE] = {"permit_revoke",
			  "UPDATE permit SET revoked_from = $2::bigint, index = $3::bigint "
			  "WHERE number = $1::text",
			  WRITER},
    [ST_BLOCK] = {"block",
		  "INSERT INTO number_block (first, last, generator, index) VALUES ($1::bigint, "
		  "$2::bigint, $3::bigint, $4::bigint)",
		  WRITER},
    [ST_SETTING] = {"setting",
		    "INSERT INTO setting (key, value, index) VALUES ($1::text, $2::text, $3::bigint) "
		    "ON CONFLICT (key) DO UPDATE SET value = excluded.value, index = excluded.index",
		    WRITER},
};
