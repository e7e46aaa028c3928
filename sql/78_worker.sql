-- ---------------------------------------------------------------------------
-- Time by itself: the background worker (src/worker)
-- ---------------------------------------------------------------------------

CREATE TABLE segments.worker_error (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    message text NOT NULL,
    at timestamptz NOT NULL
);
COMMENT ON TABLE segments.worker_error IS 'The last error of this database''s worker, until it has succeeded again; written by the worker';
COMMENT ON COLUMN segments.worker_error.is_only IS 'there is one row at most';
COMMENT ON COLUMN segments.worker_error.message IS 'the error';
COMMENT ON COLUMN segments.worker_error.at IS 'when it occurred first';
-- pg_dump of 14 locks what it does not dump, see segments.count_state.
ALTER TABLE segments.worker_error ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON segments.worker_error TO pg_database_owner;

CREATE FUNCTION segments_internal.store_worker_error(message text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF message IS NULL THEN
        DELETE FROM segments.worker_error;
    ELSE
        INSERT INTO segments.worker_error AS e (message, at) VALUES (store_worker_error.message, clock_timestamp())
        ON CONFLICT (is_only) DO UPDATE SET message = excluded.message, at = excluded.at WHERE e.message <> excluded.message;
    END IF;
END
$function$;
COMMENT ON FUNCTION segments_internal.store_worker_error(text) IS 'keeps the last error of the worker; null: it has succeeded';
REVOKE ALL ON FUNCTION segments_internal.store_worker_error(text) FROM PUBLIC;

CREATE FUNCTION segments_internal.backend_workers(OUT pid integer, OUT database oid, OUT state text, OUT last_run timestamptz,
                                         OUT duration bigint, OUT lag bigint, OUT changes bigint)
    RETURNS SETOF record LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'segments_backend_workers';
COMMENT ON FUNCTION segments_internal.backend_workers() IS 'workers of all databases, times in microseconds';

CREATE VIEW segments.worker AS
SELECT d.datname AS database, w.pid, w.state, w.last_run, w.duration * interval '1 microsecond' AS duration,
       w.lag * interval '1 microsecond' AS lag, w.changes, e.message AS last_error
FROM segments_internal.backend_workers() AS w
    JOIN pg_catalog.pg_database AS d ON d.oid = w.database
    LEFT JOIN segments.worker_error AS e ON d.datname = current_database();
COMMENT ON VIEW segments.worker IS 'Background workers of the databases of this cluster';
COMMENT ON COLUMN segments.worker.database IS 'the database';
COMMENT ON COLUMN segments.worker.pid IS 'its process';
COMMENT ON COLUMN segments.worker.state IS 'idle, refreshing, trimming or failing';
COMMENT ON COLUMN segments.worker.last_run IS 'when it last brought segments forward';
COMMENT ON COLUMN segments.worker.duration IS 'how long that took';
COMMENT ON COLUMN segments.worker.lag IS 'how late it began; null: segments move all the time';
COMMENT ON COLUMN segments.worker.changes IS 'joins and leaves that it has made since it started';
COMMENT ON COLUMN segments.worker.last_error IS 'its last error, until it has succeeded again; of this database only';
GRANT SELECT ON segments.worker TO pg_monitor;

CREATE FUNCTION segments_internal.start_launcher() RETURNS boolean
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'segments_start_launcher';
COMMENT ON FUNCTION segments_internal.start_launcher() IS 'starts a launcher for this database; false: there is no room for another process';
REVOKE ALL ON FUNCTION segments_internal.start_launcher() FROM PUBLIC;

CREATE FUNCTION segments_internal.launchers() RETURNS SETOF integer
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT a.pid FROM pg_stat_activity AS a
    WHERE a.backend_type = 'segments launcher'
      AND a.application_name = format('segments launcher %s', (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database()))
$function$;
COMMENT ON FUNCTION segments_internal.launchers() IS 'launchers of this database alone';
REVOKE ALL ON FUNCTION segments_internal.launchers() FROM PUBLIC;

CREATE FUNCTION segments.start_worker() RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF current_setting('shared_preload_libraries') ~ '(^|[ ,/"])segments([ ,"]|$)' OR EXISTS (SELECT FROM segments_internal.launchers()) THEN
        RETURN false;
    END IF;
    IF NOT segments_internal.start_launcher() THEN
        RAISE EXCEPTION 'could not start a background process' USING ERRCODE = 'insufficient_resources',
            HINT = 'You might need to increase max_worker_processes.';
    END IF;
    RETURN true;
END
$function$;
COMMENT ON FUNCTION segments.start_worker() IS 'starts the worker of this database, until the server stops; false: there is one already, or the library is preloaded, which keeps one by itself.  For superusers and the owner of the database';
CREATE FUNCTION segments.stop_worker() RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    stopped boolean;
BEGIN
    SELECT bool_or(pg_terminate_backend(l)) INTO stopped FROM segments_internal.launchers() AS l;
    IF stopped THEN
        PERFORM pg_terminate_backend(a.pid, 5000) FROM pg_stat_activity AS a
        WHERE a.backend_type = 'segments worker' AND a.datname = current_database();
        DELETE FROM segments.worker_error;
    END IF;
    RETURN coalesce(stopped, false);
END
$function$;
COMMENT ON FUNCTION segments.stop_worker() IS 'ends the worker that segments.start_worker() started; false: there is none.  Where the library is preloaded, segments.worker = off does it.  For superusers and the owner of the database';
REVOKE ALL ON FUNCTION segments.start_worker(), segments.stop_worker() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION segments.start_worker(), segments.stop_worker() TO pg_database_owner;
