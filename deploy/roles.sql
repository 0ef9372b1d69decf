-- The roles and the database, made once by the cluster's administrator; can be run again:
--
--     psql -X -f deploy/roles.sql postgres
--
-- manifest_owner migrates the schema, manifest_writer is the server, manifest_reader answers queries (also on
-- replicas). They log in; give them passwords or an ident map. What each may do to a table is said by the
-- migrations in schema/migrations.
\set ON_ERROR_STOP on

SELECT format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE', name)
FROM unnest(ARRAY['manifest_owner', 'manifest_writer', 'manifest_reader']) name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)
\gexec

ALTER ROLE manifest_reader SET default_transaction_read_only = on;

SELECT 'CREATE DATABASE manifest OWNER manifest_owner ENCODING ''UTF8'' LC_COLLATE ''C'' LC_CTYPE ''C'' TEMPLATE template0'
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'manifest')
\gexec

REVOKE ALL ON DATABASE manifest FROM PUBLIC;
GRANT CONNECT ON DATABASE manifest TO manifest_writer, manifest_reader;
