"""Clients that are slow, broken or hostile, many at once, and servers that go under them."""
import concurrent.futures
import json
import os
import re
import socket
import threading
import time

from check import PATIENCE, active, equal, test, until
from client import Raw, answered, ask, basic, connect

# Limits, and clients that are slow, broken or hostile

def body_without_end(daemon, head):
    """It is not read to the end."""
    with Raw(daemon) as raw:
        raw.send(head + "Transfer-Encoding: chunked\r\n\r\n")
        try:
            for _ in range(10000):
                raw.send("2710\r\n" + "x" * 10000 + "\r\n")
            raise AssertionError("a body without end is read to the end")
        except ConnectionError:
            pass


@test
def long_bodies_are_413(w):
    daemon = w.daemon("--max-body", "100000")
    long = json.dumps({"a": "x" * 200000})
    reply = ask(daemon, "POST", "/", long, Content_Type="application/json")
    equal((reply.status, reply.json["errors"][0]["code"]), (413, 413))
    with Raw(daemon) as raw:
        head = f"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: {basic()}\r\nContent-Type: application/json\r\n"
        raw.send(head + "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n")
        for _ in range(20):
            raw.send("2710\r\n" + "[" * 10000 + "\r\n")
        raw.send("0\r\n\r\n")
        assert raw.rest().startswith("HTTP/1.1 413"), "chunked"
    body_without_end(daemon, head)
    with Raw(daemon) as raw:
        raw.send(head + "Content-Length: 999999999999\r\nExpect: 100-continue\r\n\r\n")
        assert raw.rest().startswith("HTTP/1.1 413"), "expected"
    body_without_end(daemon, head)
    with Raw(daemon) as raw:
        raw.send(head + "Content-Length: 99999999999999999999999999\r\n\r\n")
        assert re.match(r"HTTP/1.1 4(00|13)", raw.rest()), "beyond all numbers"
    equal(ask(daemon, "POST", "/", {"a": "x" * 90000}).status, 200)


@test
def large_bodies_and_unproven_passwords(w):
    long = json.dumps({"a": "x" * 4000000})
    reply = ask(w.main, "POST", "/", long, Content_Type="application/json")
    equal(len(reply.json["body"]["a"]), 4000000)
    equal(ask(w.main, "POST", "/", long, Content_Type="application/json", password="wrong").status, 401)
    with Raw(w.main) as raw:
        raw.send("POST / HTTP/1.1\r\nHost: x\r\nAuthorization: " + basic(password="bad") +
                 "\r\nContent-Length: 8000000\r\nExpect: 100-continue\r\n\r\n")
        assert raw.rest().startswith("HTTP/1.1 401"), "asked before the body"


@test
def long_heads_are_refused(w):
    for head in ("GET /" + "a" * 200000 + " HTTP/1.1\r\nHost: x\r\n\r\n",
                 "GET / HTTP/1.1\r\nHost: x\r\nX: " + "a" * 200000 + "\r\n\r\n",
                 "GET / HTTP/1.1\r\nHost: x\r\n" + "".join(f"X{i}: y\r\n" for i in range(20000)) + "\r\n"):
        with Raw(w.main) as raw:
            try:
                raw.send(head)
            except ConnectionError:
                pass
            answer = raw.rest()
            assert answer == "" or re.match(r"HTTP/1.1 4(14|31|13|00)", answer), answer[:100]
    equal(ask(w.main, "GET", "/?x=" + "a" * 16000).status, 200)


@test
def garbage_is_survived(w):
    for junk in (b"\0" * 5000, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 50, b"\r\n\r\n\r\n", b"GET\r\n\r\n",
                 b"GET / HTTP/9.9\r\n\r\n", os.urandom(20000), b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
                 b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                 b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n"):
        with Raw(w.main) as raw:
            try:
                raw.send(junk)
                raw.socket.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            raw.rest()
    equal(ask(w.main, "GET", "/").status, 200)


@test
def a_length_said_twice_is_refused(w):
    for lengths in ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "Content-Length: 5\r\nContent-Length: 6\r\n",
                    "Transfer-Encoding: gzip, chunked\r\n", "Transfer-Encoding: identity\r\n"):
        with Raw(w.main) as raw:
            raw.send(f"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: {basic()}\r\n{lengths}\r\n0\r\n\r\n")
            answer = raw.rest()
            assert answer.startswith("HTTP/1.1 400") and answer.count("HTTP/1.1") == 1, answer


@test
def slow_clients_are_cut(w):
    daemon = w.daemon("--client-timeout", "1", "--client-rate", "8000000")
    beginnings = {"nothing": "", "line": "GET ", "head": "GET / HTTP/1.1\r\nHost: x\r\n",
                  "body": f"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: {basic()}\r\nContent-Length: 1000\r\n\r\n"}

    def drip(text):
        with Raw(daemon) as raw:
            start = time.monotonic()
            try:
                raw.send(text)
                while time.monotonic() - start < PATIENCE:
                    raw.send("a" if text else "")
                    raw.socket.settimeout(0.1)
                    try:
                        if raw.socket.recv(1, socket.MSG_PEEK) is not None:
                            break
                    except TimeoutError:
                        pass
            except ConnectionError:
                pass
            raw.socket.settimeout(PATIENCE)
            return time.monotonic() - start, raw.rest()

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        results = dict(zip(beginnings, pool.map(drip, beginnings.values())))
    for name, (seconds, answer) in results.items():
        assert seconds < PATIENCE, (name, seconds)
        if name in ("head", "body"):
            assert answer.startswith("HTTP/1.1 408"), (name, answer)
            json.loads(answer.split("\r\n\r\n")[1])
    # One that doesn't read what it asked for
    with Raw(daemon) as raw:
        raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.send(f"GET /?big=8000000 HTTP/1.1\r\nHost: x\r\nAuthorization: {basic()}\r\n\r\n")
        daemon.wait_for(r'"GET /" 200 8000002 \d+ms broken')
    answered(daemon, "/?sleep=1.5")


@test
def cut_connections_are_survived(w):
    head = f"POST /?insert=cut HTTP/1.1\r\nHost: x\r\nAuthorization: {basic()}\r\nContent-Type: application/json\r\n"
    for data in ("POST", head, head + "Content-Length: 100\r\n\r\n", head + "Content-Length: 100\r\n\r\n{\"a\": 1}",
                 head + "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"a\""):
        for linger in (False, True):
            with Raw(w.main) as raw:
                raw.send(data)
                if linger:      # a reset instead of an end
                    raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    with Raw(w.main) as raw:    # gone while the database works
        raw.send(f"POST /?sleep=0.3&insert=gone HTTP/1.1\r\nHost: x\r\nAuthorization: {basic()}\r\nContent-Length: 0\r\n\r\n")
        time.sleep(0.1)
    until(lambda: w.db.psql("SELECT count(*) FROM segments.done WHERE what = 'gone'") == "1")
    equal(ask(w.main, "GET", "/").status, 200)
    equal(w.db.psql("SELECT count(*) FROM segments.done WHERE what = 'cut'"), "0")


@test
def too_many_connections_are_told(w):
    daemon = w.daemon("--max-connections", "5")
    held = [Raw(daemon) for _ in range(5)]
    until(lambda: ask(daemon, "GET", "/").status == 503)
    equal(ask(daemon, "GET", "/").headers["retry-after"], "1")
    for raw in held:
        raw.socket.close()
    until(lambda: ask(daemon, "GET", "/").status == 200)


@test
def connections_are_used_again(w):
    connection = connect(w.main)
    equal(ask(w.main, "GET", "/", connection=connection).status, 200)
    local = connection.sock.getsockname()
    for method, body, status in (("POST", {"a": 1}, 200), ("POST", "{", 400), ("GET", None, 200), ("PUT", [1], 200)):
        equal(ask(w.main, method, "/", body, connection=connection).status, status)
    equal(ask(w.main, "POST", "/", {"a": 1}, password="wrong", connection=connection).status, 401)
    equal(ask(w.main, "GET", "/", connection=connection, role="other").json["role"], "other")
    equal(connection.sock.getsockname(), local)
    connection.close()


@test
def requests_may_stand_in_line(w):
    head = f"Host: x\r\nAuthorization: {basic()}\r\n"
    body = '{"n": 1}'
    with Raw(w.main) as raw:
        raw.send("".join(f"GET /n{i} HTTP/1.1\r\n{head}\r\nPOST /p{i} HTTP/1.1\r\n{head}Content-Length: {len(body)}\r\n\r\n{body}"
                         for i in range(20)) + f"GET /end HTTP/1.1\r\n{head}Connection: close\r\n\r\n")
        answer = raw.rest()
    paths = re.findall(r'"path": "/(\w+)"', answer)
    equal(paths, [name for i in range(20) for name in (f"n{i}", f"p{i}")] + ["end"])


@test
def old_http_is_spoken(w):
    with Raw(w.main) as raw:
        raw.send(f"GET /old HTTP/1.0\r\nAuthorization: {basic()}\r\n\r\n")
        answer = raw.rest()
    assert answer.startswith("HTTP/1.") and '"path": "/old"' in answer, answer


# Many, and the end

@test
def two_hundred_clients_at_once(w):
    daemon = w.daemon("--pool", "16")
    failures = []
    barrier = threading.Barrier(200)

    def client(number):
        try:
            barrier.wait(PATIENCE)
            connection = connect(daemon)
            for i in range(2):
                name = f"{number}.{i}"
                reply = ask(daemon, "POST", f"/x?n={name}", {"n": name}, connection=connection,
                            role=("app", "other")[number % 2])
                wanted = [200, {"n": name}, {"n": name}, ("app", "other")[number % 2]]
                got = [reply.status] + [reply.json.get(key) for key in ("query", "body", "role")]
                if got != wanted:
                    failures.append((got, wanted))
            connection.close()
        except Exception as error:      # pylint: disable=broad-except
            failures.append(repr(error))

    threads = [threading.Thread(target=client, args=(i,)) for i in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    equal(failures[:3], [])


def under_load(daemon, act):
    """What clients meet before, and after, something is done to the servers: statuses, and names of errors."""
    stop, met = threading.Event(), []

    def client(number):
        while not stop.is_set():
            try:
                met.append(ask(daemon, ("GET", "POST")[number % 2], "/?sleep=0.02").status)
            except OSError as error:
                met.append(type(error).__name__)
                time.sleep(0.05)

    threads = [threading.Thread(target=client, args=(i,)) for i in range(12)]
    for thread in threads:
        thread.start()
    try:
        until(lambda: met.count(200) > 20)
        act()
        before = len(met)
        until(lambda: len(met) > before + 50 and (daemon.process.poll() is not None or met[-5:] == [200] * 5))
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    return met


@test
def the_database_restarts_under_load(w):
    daemon = w.daemon()

    def restart():
        w.db.stop("fast")
        time.sleep(0.3)
        equal(ask(daemon, "GET", "/healthz", role=None).status, 200)
        equal(ask(daemon, "GET", "/healthz?db=1", role=None).status, 503)
        reply = ask(daemon, "GET", "/")
        equal((reply.status, reply.headers["retry-after"]), (503, "1"))
        w.db.start()

    met = under_load(daemon, restart)
    assert set(met) <= {200, 503} and 503 in met, set(met)


@test
def a_crash_of_the_database_is_survived(w):
    daemon = w.daemon()

    def crash():
        w.db.stop("immediate")
        w.db.start()

    met = under_load(daemon, crash)
    assert set(met) <= {200, 503}, set(met)


@test
def running_requests_end_before_a_stop(w):
    daemon = w.daemon("--grace", str(PATIENCE), name="stopped")
    idle = Raw(daemon)
    equal(ask(daemon, "GET", "/").status, 200)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        with w.db.held(55):
            jobs = [pool.submit(ask, daemon, "POST", f"/?lock=55&insert=stop{i}") for i in range(4)]
            until(lambda: active(w, "stopped") == 4)
            daemon.signal()
            equal(idle.rest(), "")
        replies = [job.result() for job in jobs]
    equal([reply.status for reply in replies], [200] * 4)
    equal({reply.headers.get("connection") for reply in replies}, {"close"})
    equal(daemon.process.wait(PATIENCE), 0)
    equal(w.db.psql("SELECT count(*) FROM segments.done WHERE what LIKE 'stop%'"), "4")


@test
def a_stop_under_load_is_clean(w):
    daemon = w.daemon("--grace", "5")
    met = under_load(daemon, daemon.signal)
    assert 200 in met and set(met) <= {200, 503, "ConnectionRefusedError", "ConnectionResetError", "BrokenPipeError",
                                       "RemoteDisconnected"}, set(met)
    equal(daemon.process.wait(PATIENCE), 0)


@test
def the_grace_is_not_endless(w):
    daemon = w.daemon("--grace", "0", "--timeout", "600", name="endless")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        job = pool.submit(ask, daemon, "POST", "/?sleep=600&insert=endless")
        until(lambda: active(w, "endless") == 1)
        daemon.signal()
        equal(job.result().status, 503)
        equal(daemon.process.wait(PATIENCE), 0)
    equal(w.db.psql("SELECT count(*) FROM segments.done WHERE what = 'endless'"), "0")
