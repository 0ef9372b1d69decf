-- The roles and the database, made once by the cluster's administrator; can be run again:
--
--     psql -X -f deploy/roles.sql postgres
--
-- manifest_owner owns the schema and is for `manifestd migrate` and `init` alone; manifest_writer may add to the log;
-- manifest_reader answers queries, also on replicas. What each may do to a table is said by schema/migrations.
--
-- They log in without a password where PostgreSQL is on the same machine. In pg_ident.conf (root runs `manifestd init`):
--
--     manifestd  root       manifest_owner
--     manifestd  root       manifest_writer
--     manifestd  root       manifest_reader
--     manifestd  manifestd  manifest_writer
--     manifestd  manifestd  manifest_reader
--     manifestd  postgres   postgres
--
-- and in pg_hba.conf, above its other lines:
--
--     local  manifest  all  peer map=manifestd

\set ON_ERROR_STOP on
SET client_min_messages = warning;

SELECT format('CREATE ROLE %I', name)
FROM unnest(ARRAY['manifest_owner', 'manifest_writer', 'manifest_reader']) name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)
\gexec

ALTER ROLE manifest_owner LOGIN;
ALTER ROLE manifest_writer LOGIN;
ALTER ROLE manifest_reader LOGIN;

SELECT 'CREATE DATABASE manifest OWNER manifest_owner ENCODING ''UTF8'' LC_COLLATE ''C'' LC_CTYPE ''C'' TEMPLATE template0'
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'manifest')
\gexec

REVOKE ALL ON DATABASE manifest FROM PUBLIC;
GRANT CONNECT ON DATABASE manifest TO manifest_writer, manifest_reader;
