/*
 * The install script of segments, built from the parts sql/NN_name.sql in the
 * order of their numbers.  Schema segments is made by the control file.
 */

-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION segments" to load this file. \quit


-- Who can put objects into the schema could put them in the way of ours.
DO $do$
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_namespace AS n
               WHERE n.nspname = 'segments'
                 -- a dump gives the schema to the superuser who had it
                 AND (EXISTS (SELECT FROM pg_catalog.pg_roles AS r
                              WHERE r.oid = n.nspowner AND r.rolname <> current_user AND NOT r.rolsuper)
                      OR EXISTS (SELECT FROM pg_catalog.aclexplode(n.nspacl) AS a WHERE a.privilege_type = 'CREATE' AND a.grantee <> n.nspowner)
                      OR EXISTS (SELECT FROM pg_catalog.pg_proc AS p WHERE p.pronamespace = n.oid)
                      OR EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.relnamespace = n.oid))) THEN
        RAISE EXCEPTION 'schema "segments" is not empty, or others can create objects in it' USING ERRCODE = 'object_not_in_prerequisite_state',
            HINT = 'Have the schema renamed by its owner; CREATE EXTENSION makes one of its own.';
    END IF;
END
$do$;

-- What applications don't call, so that \df segments.* lists what they do.
CREATE SCHEMA segments_internal;
COMMENT ON SCHEMA segments_internal IS 'functions of extension segments that applications do not call; those of schema segments need them';
GRANT USAGE ON SCHEMA segments_internal TO PUBLIC;

/*
 * What is not revoked below is PUBLIC's, whatever the default privileges of
 * whoever creates the extension are.  Until its end (90_rights.sql).
 */
ALTER DEFAULT PRIVILEGES IN SCHEMA segments, segments_internal GRANT EXECUTE ON FUNCTIONS TO PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA segments, segments_internal GRANT USAGE ON TYPES TO PUBLIC;
