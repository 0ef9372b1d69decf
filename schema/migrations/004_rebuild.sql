-- A database that is being made again from a copy of its log (`manifest log rebuild`) is marked from before its
-- first entry until its last one is there: the server refuses one that is marked, and only one that is marked
-- may be emptied.
CREATE TABLE unfinished_rebuild (
	single   boolean     PRIMARY KEY DEFAULT true CHECK (single),
	begun_at timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT ON unfinished_rebuild TO manifest_reader;
GRANT SELECT, DELETE ON unfinished_rebuild TO manifest_writer;

-- Runs as the owner, for the writer: marks a database that has no entry, or empties one that is marked. A log
-- that is there and not marked stays as it is, which the head tells the caller.
CREATE FUNCTION rebuild_begin() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = manifest, pg_temp AS $$
DECLARE
	written text;
BEGIN
	PERFORM FROM log_head FOR UPDATE;
	IF EXISTS (SELECT FROM unfinished_rebuild) THEN
		SELECT string_agg(format('%I', tablename), ', ') INTO written FROM pg_tables WHERE schemaname = 'manifest'
			AND has_table_privilege('manifest_writer', format('manifest.%I', tablename), 'INSERT');
		EXECUTE 'TRUNCATE ' || written;
		UPDATE log_head SET size = 0, root = sha256(''), accepted_at = 0;
	ELSIF NOT EXISTS (SELECT FROM entry) THEN
		INSERT INTO unfinished_rebuild DEFAULT VALUES;
	END IF;
END $$;
REVOKE EXECUTE ON FUNCTION rebuild_begin() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION rebuild_begin() TO manifest_writer;
