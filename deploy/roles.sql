-- The roles and the database, made once by the cluster's administrator; can be run again:
--
--     psql -X -f deploy/roles.sql postgres
--
-- manifest_owner owns the schema, manifest_writer may add to the log, manifest_reader answers queries (also on
-- replicas). The server logs in as `manifest` and takes the last two by turns; it cannot become the owner, so
-- migrations are run by the administrator. What each may do to a table is said by schema/migrations. `manifest`
-- is also the service's system user: with PostgreSQL on the same machine, peer authentication needs no password.
\set ON_ERROR_STOP on
SET client_min_messages = warning;

SELECT format('CREATE ROLE %I NOLOGIN', name)
FROM unnest(ARRAY['manifest_owner', 'manifest_writer', 'manifest_reader']) name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)
\gexec

SELECT 'CREATE ROLE manifest LOGIN NOINHERIT'
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'manifest')
\gexec

GRANT manifest_writer, manifest_reader TO manifest;

SELECT 'CREATE DATABASE manifest OWNER manifest_owner ENCODING ''UTF8'' LC_COLLATE ''C'' LC_CTYPE ''C'' TEMPLATE template0'
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'manifest')
\gexec

REVOKE ALL ON DATABASE manifest FROM PUBLIC;
GRANT CONNECT ON DATABASE manifest TO manifest;
