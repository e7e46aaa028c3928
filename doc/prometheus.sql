-- Queries for an exporter that turns rows into metrics, such as sql_exporter or
-- postgres_exporter; as a role with pg_monitor and USAGE on schema segments.

-- segments_health{contact_table, kind, name}: lag in seconds, unread and unsettled in entries, else 1
SELECT coalesce(contact_table::text, '') AS contact_table, kind, coalesce(name, '') AS name, sum(value) AS segments_health
FROM segments.health GROUP BY 1, 2, 3;

-- segments_members, segments_joins_total, segments_leaves_total, segments_evaluations_total, segments_evaluation_seconds_total{contact_table, alias}
SELECT contact_table::text AS contact_table, alias, members AS segments_members, joins AS segments_joins_total, leaves AS segments_leaves_total,
       extract(epoch FROM build_time) AS segments_build_seconds,
       evaluations AS segments_evaluations_total, extract(epoch FROM evaluation_time) AS segments_evaluation_seconds_total
FROM segments.status;

-- segments_state{state}: how many segments
SELECT state, count(*) AS segments_state FROM segments.status GROUP BY state;

-- segments_worker_*{database}: whether it runs, how late it was, how long it took
SELECT database, 1 AS segments_worker_up, extract(epoch FROM lag) AS segments_worker_lag_seconds,
       extract(epoch FROM duration) AS segments_worker_duration_seconds, changes AS segments_worker_changes_total
FROM segments.worker;

-- segments_building{contact_table, command}: contacts read by builds, rebuilds and checks that run now
SELECT contact_table::text AS contact_table, command, sum(contacts_done) AS segments_building FROM segments.progress GROUP BY 1, 2;
