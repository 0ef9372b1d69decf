-- The log: its head, its entries, the tree over them, and the narrow tables that hold what is unique in it.
-- All of these but log_head are written once and never changed.

-- The compare-and-swap of every batch goes through this one row; it is rewritten within its own page.
CREATE TABLE log_head (
	single      boolean PRIMARY KEY DEFAULT true CHECK (single),
	size        bigint NOT NULL CHECK (size >= 0),
	root        bytea  NOT NULL CHECK (octet_length(root) = 32),
	accepted_at bigint NOT NULL,           -- of the last entry, microseconds UTC; 0: the log is empty
	epoch       bigint NOT NULL            -- raised by each server that takes the lease
) WITH (fillfactor = 10);
INSERT INTO log_head (size, root, accepted_at, epoch) VALUES (0, sha256(''), 0, 0);

-- What the first statement of a batch comes to when it changed no row: another server writes.
CREATE FUNCTION log_deposed(size bigint, epoch bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'the log is no longer at size % of epoch %', size, epoch USING ERRCODE = 'MF001';
END $$;

-- What was accepted, in order. Signed bytes do not compress: no attempt is made.
CREATE TABLE entry (
	index       bigint   NOT NULL,
	accepted_at bigint   NOT NULL,
	number      bigint   NOT NULL,         -- the manifest it concerns; 0: none
	kind        smallint NOT NULL,         -- Event.kind's field number
	leaf        bytea    NOT NULL,
	entry       bytea    NOT NULL,         -- the serialized LogEntry
	PRIMARY KEY (index),
	CONSTRAINT entry_leaf CHECK (leaf = sha256('\x00'::bytea || entry)),
	CONSTRAINT entry_size CHECK (octet_length(entry) <= 65535)
) PARTITION BY RANGE (index);
ALTER TABLE entry ALTER COLUMN entry SET STORAGE EXTERNAL;

-- Makes the partitions for all indexes below `until` and returns how far they reach. Runs as the owner, for
-- the server: it may ask for room ahead of the log, not for any number of tables. A new table is attached, since
-- that does not stop readers as creating it in place would.
CREATE FUNCTION entry_partitions(until bigint)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = manifest, pg_temp AS $$
DECLARE
	span CONSTANT bigint := 4194304;
	n    bigint;
	name text;
BEGIN
	PERFORM pg_advisory_xact_lock(hashtext('manifest.entry_partitions'));
	SELECT count(*) INTO n FROM pg_inherits WHERE inhparent = 'entry'::regclass;
	WHILE n * span < least(until, (SELECT size FROM log_head) + 8 * span) LOOP
		name := 'entry_' || lpad(n::text, 5, '0');
		EXECUTE format('CREATE TABLE %I (LIKE entry INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE)', name);
		EXECUTE format('ALTER TABLE entry ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
			name, n * span, (n + 1) * span);
		n := n + 1;
	END LOOP;
	RETURN n * span;
END $$;
REVOKE EXECUTE ON FUNCTION entry_partitions(bigint) FROM PUBLIC;

-- Every use of a device key's own running number. It leads to an event that was sent before, and shows a number
-- that a restored device used twice. Ordered by key and number: no page is random. `tag` is the beginning of the
-- event's id, enough to keep an event from being stored twice in an index half as large.
CREATE TABLE running_number (
	number bigint  NOT NULL,
	tag    bigint  NOT NULL,
	index  bigint  NOT NULL,
	key_no integer NOT NULL,
	event  bytea   NOT NULL,               -- its id, 32 bytes
	PRIMARY KEY (key_no, number, tag)
);

-- The registry is made again from these at every start, without reading the rest of the log.
CREATE TABLE registry_entry (
	index bigint PRIMARY KEY
);

-- Full tiles of the tree: 256 hashes, and the one hash that they have together one level up.
CREATE TABLE tile (
	n      bigint   NOT NULL,
	level  smallint NOT NULL,
	hashes bytea    NOT NULL CHECK (octet_length(hashes) = 8192),
	root   bytea    NOT NULL CHECK (octet_length(root) = 32),
	PRIMARY KEY (level, n)
);
ALTER TABLE tile ALTER COLUMN hashes SET STORAGE EXTERNAL;

-- Signed checkpoints, each kept by the batch after it.
CREATE TABLE checkpoint (
	size bigint PRIMARY KEY,
	note text   NOT NULL
);

-- Those that enough witnesses cosigned, as they were then: the last says what others have vouched for.
CREATE TABLE cosigned_checkpoint (
	size bigint PRIMARY KEY,
	note text   NOT NULL
);

-- Refused envelopes with good signatures, whole; the flag's entry names their hash.
CREATE TABLE evidence (
	number   bigint  NOT NULL,
	flag     bigint  NOT NULL,
	key_no   integer NOT NULL,
	previous bytea   NOT NULL,
	event    bytea   NOT NULL,
	envelope bytea   NOT NULL,
	PRIMARY KEY (number, previous, key_no, event)
);
