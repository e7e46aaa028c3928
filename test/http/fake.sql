-- A segments.rest_json that does what its query says, for the tests of the front.
-- Without anything said it shows what it was given, and its session.
CREATE ROLE app LOGIN PASSWORD 'secret';
CREATE ROLE "zoé du café" LOGIN PASSWORD 'pässe: wörd';
CREATE ROLE other LOGIN PASSWORD 'secret';
CREATE ROLE open LOGIN;
CREATE ROLE nobody LOGIN PASSWORD 'secret';
CREATE ROLE locked NOLOGIN PASSWORD 'secret';
CREATE ROLE stranger LOGIN PASSWORD 'secret';
CREATE ROLE changing LOGIN PASSWORD 'before';

REVOKE CONNECT, TEMPORARY ON DATABASE postgres FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE postgres TO app, "zoé du café", other, open, nobody, changing;

CREATE SCHEMA segments;
GRANT USAGE ON SCHEMA segments TO app, "zoé du café", other, open, changing;
CREATE SEQUENCE segments.tries;
GRANT USAGE ON segments.tries TO PUBLIC;
CREATE TABLE segments.done (what text, who name DEFAULT current_user,
                            UNIQUE (what) DEFERRABLE INITIALLY DEFERRED);
GRANT SELECT, INSERT ON segments.done TO PUBLIC;

-- What the session has prepared answers as somebody else likes, from now on.
CREATE FUNCTION segments.leak_statements() RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT p.name FROM pg_prepared_statements AS p UNION SELECT 'leak' LOOP
        BEGIN
            EXECUTE format('DEALLOCATE %I', name);
        EXCEPTION WHEN invalid_sql_statement_name THEN
        END;
        EXECUTE format('PREPARE %I (text, text, jsonb, jsonb) AS SELECT 200, ''"leak"''', name);
    END LOOP;
END
$$;

CREATE FUNCTION segments.act(method text, path text, query jsonb, given jsonb)
RETURNS TABLE (status int, answer jsonb)
LANGUAGE plpgsql AS $$
BEGIN
    IF query ? 'sleep' THEN
        PERFORM pg_sleep((query->>'sleep')::float);
    END IF;
    IF query ? 'lock' THEN
        PERFORM pg_advisory_xact_lock_shared((query->>'lock')::bigint);
    END IF;
    IF query ? 'insert' THEN
        INSERT INTO segments.done (what) VALUES (query->>'insert');
    END IF;
    IF query ? 'sqlstate' THEN
        RAISE EXCEPTION 'told to fail' USING ERRCODE = query->>'sqlstate';
    END IF;
    IF query ? 'conflicts' AND nextval('segments.tries') <= (query->>'conflicts')::int THEN
        RAISE EXCEPTION 'lost' USING ERRCODE = '40001';
    END IF;
    IF query ? 'kills' AND nextval('segments.tries') <= (query->>'kills')::int THEN
        PERFORM pg_terminate_backend(pg_backend_pid());
        PERFORM pg_sleep(5);
    END IF;
    IF query ? 'fails_at_the_end' THEN
        -- the rows of a cursor that outlasts its transaction are made when that commits
        EXECUTE 'DECLARE late CURSOR WITH HOLD FOR SELECT 1 / (random() * 0)::int';
    END IF;
    IF query ? 'leak' THEN
        PERFORM set_config('search_path', 'pg_temp', false), set_config('test.leak', 'yes', false);
        PERFORM pg_advisory_lock(4711);
        IF current_setting('transaction_read_only') = 'off' THEN
            EXECUTE 'CREATE TEMP TABLE leak (x int)';
        END IF;
        EXECUTE 'LISTEN leak';
        EXECUTE 'DECLARE leak CURSOR WITH HOLD FOR SELECT 1';
        PERFORM segments.leak_statements();
    END IF;
    IF query ? 'rows' THEN
        RETURN QUERY SELECT 200, to_jsonb(n) FROM generate_series(1, (query->>'rows')::int) n;
    ELSIF query ? 'status' THEN
        RETURN QUERY SELECT (query->>'status')::int, query->'answer';
    ELSIF query ? 'big' THEN
        RETURN QUERY SELECT 200, to_jsonb(repeat('x', (query->>'big')::int));
    ELSE
        RETURN QUERY SELECT 200, jsonb_build_object(
            'method', method, 'path', path, 'query', query, 'body', given,
            'role', current_user, 'pid', pg_backend_pid(), 'search_path', current_setting('search_path'),
            'leak', current_setting('test.leak', true), 'read_only', current_setting('transaction_read_only'),
            'temporary', (SELECT count(*) FROM pg_class WHERE relnamespace = pg_my_temp_schema()),
            'locks', (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()),
            'listens', (SELECT count(*) FROM pg_listening_channels()),
            'cursors', (SELECT count(*) FROM pg_cursors WHERE name = 'leak'),
            'statements', (SELECT count(*) FROM pg_prepared_statements WHERE from_sql));
    END IF;
END
$$;

-- PL/pgSQL has no parameter and column of the same name.
CREATE FUNCTION segments.rest_json(method text, path text, query jsonb DEFAULT '{}', body jsonb DEFAULT NULL)
RETURNS TABLE (status int, body json)
LANGUAGE sql AS $$ SELECT status, answer::json FROM segments.act(method, path, query, rest_json.body) $$;
