"""Who is let in, what goes through, and what comes back."""
import concurrent.futures
import os
import signal
import time

from check import equal, test, until
from client import Raw, answered, ask, basic, form

# Names and passwords

@test
def a_role_is_let_in_and_acts(w):
    reply = ask(w.main, "GET", "/api/segments")
    equal(reply.status, 200)
    equal(reply.headers["content-type"], "application/json")
    equal([reply.json[key] for key in ("method", "path", "query", "body", "role")],
          ["GET", "/api/segments", {}, None, "app"])
    equal(ask(w.main, "GET", "/", role="zoé du café", password="pässe: wörd").json["role"], "zoé du café")


@test
def wrong_names_and_passwords_are_401(w):
    for role, password in (("app", "wrong"), ("app", "secre"), ("app", "secrets"), ("missing", "secret"),
                           ("locked", "secret"), ("app", ""), ("", "secret"), ("app", "x" * 900)):
        reply = ask(w.main, "GET", "/api/segments", role=role, password=password)
        equal(reply.status, 401)
        assert reply.headers["www-authenticate"].startswith("Basic "), reply.headers
        equal(reply.json["errors"][0]["code"], 401)
    equal(ask(w.main, "GET", "/").status, 200)
    equal(ask(w.main, "POST", "/", {"a": 1}, password="wrong").status, 401)


@test
def malformed_authorization_is_401(w):
    for value in (None, "", "Basic", "Basic !!!", "Basic YXBw", "Bearer abc", "Basic " + "A" * 4000,
                  "Basic YXBwOnNlY3JldAB4", "Basic YXBwOnNlY3JldA==x", "Basic //46c2VjcmV0", "Basic CgoKOnNlY3JldA==",
                  "Basic YXBwOv/+"):
        equal(ask(w.main, "GET", "/", role=None, Authorization=value).status, 401)


@test
def rights_are_the_roles(w):
    equal(ask(w.main, "GET", "/", role="nobody").status, 403)
    equal(ask(w.main, "GET", "/", role="stranger").status, 403)


@test
def trust_lets_nobody_in_unless_allowed(w):
    equal(ask(w.main, "GET", "/", role="open", password="anything").status, 401)
    daemon = w.daemon("--allow-trust")
    equal(ask(daemon, "GET", "/", role="open", password="anything").json["role"], "open")
    equal(ask(daemon, "GET", "/", role="app", password="wrong").status, 401)


@test
def a_changed_password_counts(w):
    daemon = w.daemon("--recheck", "1")

    def status(password):
        return ask(daemon, "GET", "/", role="changing", password=password).status

    equal([status("before"), status("after")], [200, 401])
    w.db.psql("ALTER ROLE changing PASSWORD 'after'")
    equal(status("after"), 200)
    time.sleep(1.1)
    equal([status("before"), status("after")], [401, 200])
    w.db.psql("ALTER ROLE changing NOLOGIN")
    time.sleep(1.1)
    equal(status("after"), 401)


@test
def connections_are_kept_and_not_shared(w):
    pids = {ask(w.main, "GET", "/").json["pid"] for _ in range(10)}
    equal(len(pids), 1)
    assert ask(w.main, "GET", "/", role="other").json["pid"] not in pids


@test
def unused_connections_are_closed(w):
    daemon = w.daemon("--pool-idle", "1")
    pid = ask(daemon, "GET", "/", role="other").json["pid"]
    until(lambda: w.db.psql(f"SELECT count(*) FROM pg_stat_activity WHERE pid = {pid}") == "0")


@test
def the_pool_is_bounded(w):
    daemon = w.daemon("--pool", "4", "--pool-per-role", "2", name="bounded")
    most = 0
    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        jobs = [pool.submit(ask, daemon, "GET", "/?sleep=0.05", role=("app", "other")[i % 2]) for i in range(24)]
        while not all(job.done() for job in jobs):
            most = max(most, int(w.db.psql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'bounded'")))
            time.sleep(0.02)
    equal({job.result().status for job in jobs}, {200})
    assert most <= 4, most
    pids = {job.result().json["pid"] for job in jobs}
    assert len(pids) <= 4, pids
    # A third role gets a place although all are taken by others who are idle.
    equal(ask(daemon, "GET", "/", role="zoé du café", password="pässe: wörd").status, 200)


@test
def guessing_shuts_nobody_out(w):
    daemon = w.daemon("--pool", "4")
    equal(ask(daemon, "GET", "/").status, 200)
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        guesses = [pool.submit(ask, daemon, "GET", "/", password=f"guess {i}") for i in range(40)]
        for _ in range(10):
            equal(ask(daemon, "GET", "/").status, 200)
        equal({job.result().status for job in guesses}, {401})


# What is sent

@test
def json_goes_through_as_it_is(w):
    text = '{"name": "Zoé \\u00e9 \\ud83d\\ude00", "big": 123456789012345678901234567890, "n": 1.10, "l": [[], {}]}'
    reply = ask(w.main, "POST", "/api/segments/new", text, Content_Type="application/json; charset=UTF-8")
    equal(reply.json["body"]["name"], "Zoé é 😀")
    assert b"123456789012345678901234567890" in reply.body and b"1.10" in reply.body, reply.body
    equal(ask(w.main, "POST", "/", [1, 2]).json["body"], [1, 2])
    equal(ask(w.main, "PATCH", "/", '{"a":1}', Content_Type="application/merge-patch+json").json["body"], {"a": 1})
    equal(ask(w.main, "POST", "/", '{"a":1}').json["body"], {"a": 1})


@test
def bad_json_is_400(w):
    deep = "[" * 3000 + "]" * 3000
    for text in ("{", "nonsense", "1", '"text"', '{"a":1,"a":2}', '{"a":"\\u0000"}', '{"a":1}x', deep,
                 b'{"a":"\xff"}', b'\xef\xbb\xbf{}', "[1e999]", '{"a":"\\ud800"}', "\0", "[" + "0," * 1000001 + "0]"):
        reply = ask(w.main, "POST", "/", text, Content_Type="application/json")
        equal((reply.status, reply.json["errors"][0]["code"]), (400, 400))


@test
def forms_become_json(w):
    def body(text):
        return form(w.main, "POST", "/", text).json["body"]

    equal(body("name=A+b%20c&isGlobal=1&empty=&flag"), {"name": "A b c", "isGlobal": "1", "empty": "", "flag": ""})
    equal(body("filters%5B0%5D%5Bfield%5D=city&filters[0][properties][filter]=Z%C3%BCrich&filters[1][field]=x"),
          {"filters": [{"field": "city", "properties": {"filter": "Zürich"}}, {"field": "x"}]})
    equal(body("ids[]=1&ids[]=2&ids[]=3"), {"ids": ["1", "2", "3"]})
    equal(body("ids[1]=b&ids[0]=a"), {"ids": ["a", "b"]})
    equal(body("ids[1]=b&ids[3]=a"), {"ids": {"1": "b", "3": "a"}})
    equal(body("0[name]=A&1[name]=B"), [{"name": "A"}, {"name": "B"}])
    equal(body("0=5&1=6"), ["5", "6"])
    equal(body("a[b][c]=1&a[b][d]=2&&a[x][]=3"), {"a": {"b": {"c": "1", "d": "2"}, "x": ["3"]}})
    equal(body("a[][n]=1&a[][n]=2"), {"a": [{"n": "1"}, {"n": "2"}]})
    equal(body("p=100%&q=%zz&r=%4"), {"p": "100%", "q": "%zz", "r": "%4"})
    equal(body("a[00]=1"), {"a": {"00": "1"}})


@test
def bad_forms_are_400(w):
    for text in ("a=1&a=2", "a=1&a[b]=2", "a[b]=1&a=2", "a=%00", "%00=a", "a=%ff", "%ff=1", "a[%ff][b]=1", "=1", "[a]=1",
                 "a[b=1", "a[b]c=1", "a[]=1&a[5]=1&a[]=1&a[]=1&a[3]=1&a[]=2", "a" + "[b]" * 40 + "=1", '{"a":1}', "[1]",
                 "&".join(f"a[{i}]=" for i in range(200001))):
        reply = form(w.main, "POST", "/", text)
        equal((text[:40], reply.status), (text[:40], 400))


@test
def other_types_are_415(w):
    for kind in ("text/plain", "multipart/form-data; boundary=x", "application/json; charset=latin1", "application/jsonx"):
        equal(ask(w.main, "POST", "/", "{}", Content_Type=kind).status, 415)
    equal(ask(w.main, "POST", "/", "{}", Content_Type="application/json", Content_Encoding="gzip").status, 415)


@test
def queries_become_json(w):
    def query(text):
        return ask(w.main, "GET", "/api/segments?" + text).json["query"]

    equal(query(""), {})
    equal(query("search=ids%3A1%2C2&limit=5"), {"search": "ids:1,2", "limit": "5"})
    equal(query("where[0][col]=id&where[0][expr]=in&where%5B0%5D%5Bval%5D=1,2&order[0][dir]=ASC"),
          {"where": [{"col": "id", "expr": "in", "val": "1,2"}], "order": [{"dir": "ASC"}]})
    equal(query("ids[]=1&ids[]=2"), {"ids": ["1", "2"]})
    equal(query("0=7&1=8"), {"0": "7", "1": "8"})
    for text in ("a=1&a=2", "a=%00", "a=%ff"):
        equal(ask(w.main, "GET", "/?" + text).status, 400)


@test
def paths_are_decoded(w):
    equal(ask(w.main, "GET", "/api/segments/caf%C3%A9+x%20y").json["path"], "/api/segments/café+x y")
    for path in ("/%00", "/%ff", "/%C3"):
        equal(ask(w.main, "GET", path).status, 400)
    with Raw(w.main) as raw:
        raw.send(f"GET http://x/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: {basic()}\r\n\r\n")
        assert "400" in raw.rest().split("\r\n")[0]


@test
def the_contact_table_is_the_daemons(w):
    daemon = w.daemon("--contact-table", "crm.leads")
    equal(ask(daemon, "GET", "/?contact_table=mine&x=1").json["query"], {"contact_table": "crm.leads", "x": "1"})


@test
def methods(w):
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        reply = ask(w.main, method, "/api/segments")
        equal((reply.json["method"], reply.json["read_only"]), (method, "on" if method == "GET" else "off"))
    equal(ask(w.main, "DELETE", "/api/segments/batch/delete?ids=1,2", {"ids": [3]}).json["body"], {"ids": [3]})
    head = ask(w.main, "HEAD", "/api/segments?status=200&answer=text")
    equal((head.status, head.body, head.headers["content-length"]), (200, b"", "6"))
    options = ask(w.main, "OPTIONS", "/api/segments", role=None)
    equal(options.status, 204)
    assert "PATCH" in options.headers["allow"]
    for method in ("TRACE", "FOO", "get"):
        equal(ask(w.main, method, "/").status, 405)
    equal(ask(w.main, "GET", "/?insert=by-get").status, 503)


@test
def reading_needs_no_right_to_set(w):
    name = "FUNCTION pg_catalog.set_config(text, text, boolean)"
    w.db.psql(f"REVOKE EXECUTE ON {name} FROM PUBLIC")
    try:
        reply = ask(w.main, "GET", "/")
        equal((reply.status, reply.json["read_only"]), (200, "on"))
        equal(ask(w.main, "POST", "/").json["read_only"], "off")
        equal(ask(w.main, "GET", "/").json["read_only"], "on")
    finally:
        w.db.psql(f"GRANT EXECUTE ON {name} TO PUBLIC")


@test
def pages_of_other_sites_change_nothing(w):
    equal(form(w.main, "POST", "/", "a=1", Origin="http://evil.example").status, 403)
    equal(form(w.main, "POST", "/", "a=1", Sec_Fetch_Site="cross-site").status, 403)
    equal(form(w.main, "POST", "/", "a=1", Sec_Fetch_Site="same-origin").status, 200)
    equal(form(w.main, "POST", "/", "a=1", Origin=f"http://127.0.0.1:{w.main.port}").status, 200)


# What comes back

@test
def statuses_and_bodies_are_the_functions(w):
    for status in (200, 201, 400, 404, 422, 599):
        reply = ask(w.main, "POST", f"/?status={status}&answer=text")
        equal((reply.status, reply.body), (status, b'"text"'))
    equal(ask(w.main, "POST", "/?status=204").body, b"")
    equal(ask(w.main, "POST", "/?status=503").headers["retry-after"], "1")
    for query in ("status=0", "status=1000", "rows=0", "rows=2"):
        equal(ask(w.main, "POST", "/?" + query).status, 500)
    equal(len(ask(w.main, "GET", "/?big=20000000").body), 20000002)


@test
def created_things_have_a_location(w):
    def location(path, status=201):
        return ask(w.main, "POST", f"{path}?status={status}").headers.get("location")

    w.db.psql("""ALTER FUNCTION segments.act RENAME TO act_kept;
                 CREATE FUNCTION segments.act(method text, path text, query jsonb, given jsonb)
                 RETURNS TABLE (status int, answer jsonb) LANGUAGE sql
                 AS $$ SELECT (query->>'status')::int, '{"list": {"id": 7, "name": "x"}}'::jsonb $$""")
    try:
        equal(location("/api/segments/new"), "/api/segments/7")
        equal(location("/api/segments/99/edit"), "/api/segments/7")
        equal(location("/api/segments/batch/other"), None)
        equal(location("/api/segments/new", 200), None)
        equal(location("/api/s%0d%0aX:y/new"), None)
    finally:
        w.db.psql("DROP FUNCTION segments.act; ALTER FUNCTION segments.act_kept RENAME TO act")


@test
def a_function_that_is_replaced_is_used(w):
    equal(ask(w.main, "GET", "/").status, 200)
    w.db.psql("ALTER FUNCTION segments.rest_json RENAME TO rest_kept")
    try:
        equal(ask(w.main, "GET", "/").status, 500)
        w.main.wait_for('500 .*"42883 ')
        w.db.psql("""CREATE FUNCTION segments.rest_json(text, text, jsonb, jsonb) RETURNS TABLE (status int, body json)
                     LANGUAGE sql AS $$ SELECT 202, '{"new": 1}'::json $$""")
        equal(ask(w.main, "GET", "/").status, 202)
    finally:
        w.db.psql("DROP FUNCTION IF EXISTS segments.rest_json; ALTER FUNCTION segments.rest_kept RENAME TO rest_json")
    equal(ask(w.main, "GET", "/").status, 200)


@test
def errors_of_sql_have_their_status(w):
    for sqlstate, status in (("22023", 400), ("23502", 400), ("P0001", 400), ("54000", 400), ("42501", 403),
                             ("45000", 400), ("21000", 400), ("ZZZZZ", 400), ("P0002", 404), ("PT402", 402), ("PT200", 400), ("PTABC", 400),
                             ("23505", 409), ("2BP01", 422), ("XX000", 500), ("42P01", 500), ("0A000", 500),
                             ("55P03", 503), ("57014", 503), ("40P01", 503), ("53200", 503)):
        reply = ask(w.main, "POST", f"/?sqlstate={sqlstate}")
        equal((sqlstate, reply.status), (sqlstate, status))
        equal(reply.json["errors"][0]["code"], status)
        equal("told to fail" in reply.message, status in (400, 402, 404, 409, 422))
        equal(reply.headers.get("retry-after"), "1" if status == 503 else None)
    w.main.wait_for('500 .*"XX000 told to fail"')


@test
def conflicts_are_tried_again(w):
    w.db.psql("ALTER SEQUENCE segments.tries RESTART")
    equal(ask(w.main, "POST", "/?insert=conflict&conflicts=2").status, 200)
    equal(w.db.psql("SELECT count(*) FROM segments.done WHERE what = 'conflict'"), "1")
    w.db.psql("ALTER SEQUENCE segments.tries RESTART")
    equal(ask(w.main, "POST", "/?insert=never&conflicts=1000").status, 503)
    equal(w.db.psql("SELECT last_value FROM segments.tries"), "3")
    equal(w.db.psql("SELECT count(*) FROM segments.done WHERE what = 'never'"), "0")


@test
def what_is_answered_is_committed(w):
    equal(ask(w.main, "POST", "/?insert=kept").status, 200)
    equal(w.db.psql("SELECT who FROM segments.done WHERE what = 'kept'"), "app")
    equal(ask(w.main, "POST", "/?insert=lost&sqlstate=22023").status, 400)
    equal(w.db.psql("SELECT count(*) FROM segments.done WHERE what = 'lost'"), "0")
    # A constraint that is looked at when the transaction commits
    equal(ask(w.main, "POST", "/?insert=kept").status, 409)
    equal(ask(w.main, "GET", "/").status, 200)


@test
def sessions_forget(w):
    pid = ask(w.main, "POST", "/", role="other").json["pid"]
    for method, query, status in (("POST", "status=200", 200), ("GET", "status=200", 200), ("POST", "fails_at_the_end=1", 400),
                                  ("GET", "fails_at_the_end=1", 400)):
        equal(ask(w.main, method, f"/?leak=1&{query}", role="other").status, status)
        after = ask(w.main, "POST", "/", role="other").json
        assert after != "leak", "another's statement answers"
        equal([after[key] for key in ("pid", "search_path", "temporary", "locks", "listens", "cursors", "statements", "read_only")],
              [pid, '"$user", public', 0, 0, 0, 0, 0, "off"])
        assert after["leak"] in (None, ""), after


@test
def an_error_at_the_end_of_the_transaction_is_the_answer(w):
    for method in ("GET", "POST"):
        reply = ask(w.main, method, "/?fails_at_the_end=1")
        equal((reply.status, reply.message), (400, "division by zero"))
    equal(ask(w.main, "GET", "/").json["read_only"], "on")


@test
def a_broken_connection_is_replaced(w):
    w.db.psql("ALTER SEQUENCE segments.tries RESTART")
    equal(ask(w.main, "POST", "/?insert=killed&kills=1").status, 200)
    equal(w.db.psql("SELECT count(*) FROM segments.done WHERE what = 'killed'"), "1")
    w.db.psql("ALTER SEQUENCE segments.tries RESTART")
    equal(ask(w.main, "POST", "/?kills=100").status, 503)
    equal(w.db.psql("SELECT last_value FROM segments.tries"), "2")
    pid = ask(w.main, "GET", "/").json["pid"]
    w.db.psql(f"SELECT pg_terminate_backend({pid})")
    assert ask(w.main, "POST", "/").json["pid"] != pid


@test
def statements_that_take_too_long_are_ended(w):
    daemon = w.daemon("--timeout", "1")
    reply = ask(daemon, "POST", "/?sleep=600&insert=late")
    equal((reply.status, reply.headers["retry-after"]), (503, "1"))
    equal(w.db.psql("SELECT count(*) FROM segments.done WHERE what = 'late'"), "0")
    answered(daemon)


@test
def a_server_that_falls_silent_is_given_up(w):
    daemon = w.daemon("--timeout", "1")
    pid = answered(daemon)["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        equal(ask(daemon, "GET", "/").status, 503)
        assert answered(daemon)["pid"] != pid
    finally:
        os.kill(pid, signal.SIGCONT)
