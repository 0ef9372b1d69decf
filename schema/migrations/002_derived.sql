-- What is computed from the log, for finding things: everything here can be made again from the entries.

-- Manifests as they stand. Every event rewrites its manifest's row, within its page as long as there is room and
-- no indexed column changes: that is why most of a page is left free at first and why look_at is not due_at, which most
-- events move further away. What does not change is found through manifest_term.
CREATE TABLE manifest (
	number             bigint   PRIMARY KEY,  -- 14 decimal digits
	look_at            bigint,                -- never after due_at; the sweep brings it up to that
	due_at             bigint,                -- the next deadline not yet flagged
	issued_at          bigint   NOT NULL,
	changed_at         bigint   NOT NULL,     -- accepted_at of the last entry that concerns it
	shipped_grams      bigint   NOT NULL,
	accepted_grams     bigint   NOT NULL,
	treated_grams      bigint   NOT NULL,
	generator          integer  NOT NULL,     -- party.no
	transporter        integer  NOT NULL,     -- as issued
	facility           integer  NOT NULL,
	state              smallint NOT NULL,     -- proto ManifestState
	division_generator text     COLLATE "C" NOT NULL,
	division_facility  text     COLLATE "C" NOT NULL,
	trail              bytea    NOT NULL,     -- the indexes of its entries in order, 8 bytes each
	body               bytea    NOT NULL      -- all that judging needs (core/manifest.h)
) WITH (fillfactor = 30, autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE manifest ALTER COLUMN body SET STORAGE EXTERNAL;
ALTER TABLE manifest ALTER COLUMN trail SET STORAGE EXTERNAL;
CREATE INDEX manifest_look ON manifest (look_at) WHERE look_at IS NOT NULL;

-- The entries that concern one manifest.
CREATE FUNCTION manifest_trail(of bigint) RETURNS TABLE (index bigint, "position" integer) LANGUAGE sql STABLE AS $$
	SELECT ('x' || encode(substring(m.trail FROM n * 8 + 1 FOR 8), 'hex'))::bit(64)::bigint, n
	FROM manifest m, generate_series(0, octet_length(m.trail) / 8 - 1) n WHERE m.number = $1
$$;

-- What an update comes to that did not find all of its rows, with as many entries as it should have: the tables
-- are not those of the log.
CREATE FUNCTION manifest_missing() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'a manifest that was loaded is not stored' USING ERRCODE = 'data_corrupted';
END $$;

-- By what a manifest can be found, newest first: one row as it was issued, and one more for each further waste
-- code, transporter and plate that it came to. A district has a good share of all manifests, and states change
-- with every event: they are conditions, not terms.
CREATE TABLE manifest_term (
	number      bigint  NOT NULL,
	generator   integer,
	transporter integer,
	facility    integer,
	code        integer,                     -- of waste: NNN-NNN-NN without its hyphens
	plate       text    COLLATE "C"
);
CREATE INDEX manifest_generator ON manifest_term (generator, number) WHERE generator IS NOT NULL;
CREATE INDEX manifest_transporter ON manifest_term (transporter, number) WHERE transporter IS NOT NULL;
CREATE INDEX manifest_facility ON manifest_term (facility, number) WHERE facility IS NOT NULL;
CREATE INDEX manifest_code ON manifest_term (code, number) WHERE code IS NOT NULL;
CREATE INDEX manifest_plate ON manifest_term (plate, number) WHERE plate IS NOT NULL;

CREATE TABLE flag (
	flag               bigint   PRIMARY KEY,  -- index of the FlagRaised entry
	number             bigint   NOT NULL,     -- the manifest; 0: none
	raised_at          bigint   NOT NULL,
	due_at             bigint,
	closed_at          bigint,
	closed_by          bigint,                -- index of the FlagCleared or FlagResolved entry
	kind               smallint NOT NULL,
	provisional        boolean  NOT NULL,
	claimed_in_time    boolean  NOT NULL DEFAULT false,
	division_generator text     COLLATE "C" NOT NULL,
	division_facility  text     COLLATE "C" NOT NULL,
	keyid              bytea,
	parties            integer[] NOT NULL,    -- party.no, in the order of the event
	detail             text     NOT NULL,
	resolution         text     NOT NULL DEFAULT ''
);
CREATE INDEX flag_open ON flag (flag) WHERE closed_at IS NULL;
CREATE INDEX flag_number ON flag (number) WHERE number <> 0;

CREATE TABLE flag_party (
	flag  bigint  NOT NULL,
	party integer NOT NULL,
	PRIMARY KEY (party, flag)
);

-- The registry, for queries. Judging never reads it.
CREATE TABLE party (
	no              integer  PRIMARY KEY,
	credit_code     text     COLLATE "C" NOT NULL,
	site            bigint   NOT NULL,
	name            text     NOT NULL,
	roles           integer  NOT NULL,       -- bit 1 << role
	division        text     COLLATE "C" NOT NULL,
	address         text     NOT NULL,
	generator_class smallint NOT NULL,
	valid_from      bigint   NOT NULL,
	valid_until     bigint   NOT NULL,       -- 0: no end known
	index           bigint   NOT NULL,
	UNIQUE (credit_code, site)
);

CREATE TABLE device_key (
	no           integer  PRIMARY KEY,
	keyid        bytea    NOT NULL UNIQUE,
	public_key   bytea    NOT NULL,
	party        integer,                    -- NULL: the server's or the recovery key
	role         smallint NOT NULL,
	device       text     NOT NULL,
	valid_from   bigint   NOT NULL,
	revoked_from bigint,
	index        bigint   NOT NULL
);

CREATE TABLE permit (
	number         text    COLLATE "C" PRIMARY KEY,
	facility       integer NOT NULL,
	waste_codes    text[]  NOT NULL,
	methods        text[]  NOT NULL,
	grams_per_year bigint  NOT NULL,
	valid_from     bigint  NOT NULL,
	valid_until    bigint  NOT NULL,
	revoked_from   bigint,
	index          bigint  NOT NULL
);

CREATE TABLE vehicle (
	plate          text    COLLATE "C" PRIMARY KEY,
	transporter    integer NOT NULL,
	licence        text    NOT NULL,
	capacity_grams bigint  NOT NULL,
	valid_from     bigint  NOT NULL,
	valid_until    bigint  NOT NULL,
	index          bigint  NOT NULL
);

-- A pseudonymous id and SHA-256(salt || value). What it stands for is in person_secret, or no longer anywhere.
CREATE TABLE person (
	person text    COLLATE "C" PRIMARY KEY,
	party  integer NOT NULL,
	digest bytea   NOT NULL,
	index  bigint  NOT NULL
);
CREATE TABLE person_secret (
	person text  COLLATE "C" PRIMARY KEY CHECK (person ~ '^[0-9A-Za-z-]{1,32}$'),
	salt   bytea NOT NULL CHECK (octet_length(salt) = 32),
	value  text  NOT NULL CHECK (octet_length(value) BETWEEN 1 AND 4000)
);

CREATE TABLE number_block (
	first     bigint  PRIMARY KEY,
	last      bigint  NOT NULL,
	generator integer NOT NULL,
	index     bigint  NOT NULL
);
CREATE INDEX number_block_generator ON number_block (generator, first);

CREATE TABLE voided_number (
	number bigint PRIMARY KEY,
	index  bigint NOT NULL
);

CREATE TABLE setting (
	key   text   COLLATE "C" PRIMARY KEY,
	value text   NOT NULL,
	index bigint NOT NULL
);

-- Reference files as the operator loaded them; the log names the one in force by its SHA-256.
CREATE TABLE reference_file (
	kind    smallint NOT NULL,               -- proto ReferenceKind
	edition text     COLLATE "C" NOT NULL,
	sha256  bytea    NOT NULL,
	content bytea    NOT NULL CHECK (sha256 = sha256(content)),
	PRIMARY KEY (kind, edition)
);
