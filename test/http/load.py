#!/usr/bin/env python3
"""How much segments_http adds: CPU time of a request, and time above that of the function.

Builds it plainly, before a segments.rest_json that answers at once; like run, not as root.  Counts the
daemon's own CPU time, so that other work on the machine disturbs little.
"""
import argparse
import multiprocessing
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from client import basic                        # noqa: E402
from servers import ROOT, Daemon, Database      # noqa: E402

TRIVIAL = """
CREATE ROLE app LOGIN PASSWORD 'secret';
CREATE SCHEMA segments;
GRANT USAGE ON SCHEMA segments TO app;
CREATE FUNCTION segments.rest_json(method text, path text, query jsonb DEFAULT '{}', body jsonb DEFAULT NULL)
RETURNS TABLE (status int, body json) LANGUAGE plpgsql AS
$$ #variable_conflict use_column
BEGIN RETURN QUERY SELECT 200, '{"total": 0, "lists": []}'::json; END $$;
""".replace("body jsonb DEFAULT NULL", "given jsonb DEFAULT NULL")


def ask_many(port, count, times):
    """Requests, one after the other, on one connection."""
    request = (f"GET /api/segments?limit=5 HTTP/1.1\r\nHost: x\r\nAuthorization: {basic()}\r\n\r\n").encode()
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(count):
            start = time.perf_counter()
            client.sendall(request)
            data = client.recv(65536)
            while not data.endswith(b"}"):
                data += client.recv(65536)
            times.append(time.perf_counter() - start)
            assert data.startswith(b"HTTP/1.1 200"), data


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def function_ms(database, count):
    """The median time of the function by itself, over a connection with a prepared statement."""
    script = os.path.join(database.socket, "script.sql")
    with open(script, "w", encoding="utf-8") as file:
        file.write("SELECT status, body::text FROM segments.rest_json('GET', '/api/segments', '{\"limit\": \"5\"}', NULL);\n")
    subprocess.run([os.path.join(database.bin, "pgbench"), "-n", "-M", "prepared", "-t", str(count), "-l", "-f", script,
                    "--log-prefix", os.path.join(database.socket, "bench"), "-h", database.socket, "-U", "postgres",
                    "postgres"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    times = []
    for name in os.listdir(database.socket):
        if name.startswith("bench."):
            with open(os.path.join(database.socket, name), encoding="ascii") as file:
                times += [int(line.split()[2]) / 1000 for line in file]
    return statistics.median(times)


def measure(daemon, database, count, clients):
    pid, port = daemon.process.pid, daemon.port
    times = []
    ask_many(port, 200, [])
    ask_many(port, count, times)
    alone, function = statistics.median(times) * 1000, function_ms(database, count)
    print(f"one client: {alone:.3f} ms a request, the function {function:.3f} ms, above it {alone - function:.3f} ms")
    before, start = cpu_seconds(pid), time.perf_counter()
    workers = [multiprocessing.Process(target=ask_many, args=(port, count, [])) for _ in range(clients)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    took, used = time.perf_counter() - start, cpu_seconds(pid) - before
    total = count * clients
    print(f"{clients} clients: {total / took:.0f} requests a second with all else on this machine; the daemon used "
          f"{used / total * 1e6:.0f} us of CPU a request: {total / used:.0f} requests a second on one core of its own")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=3000, help="of each client")
    parser.add_argument("--clients", type=int, default=8)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="segments-http-") as work:
        shutil.copytree(os.path.join(ROOT, "http"), os.path.join(work, "http"),
                        ignore=shutil.ignore_patterns("plain", "asan", "segments_http"))
        shutil.copy(os.path.join(ROOT, "segments.control"), work)
        subprocess.run(["make", "-s", "-C", os.path.join(work, "http")], check=True)
        database = Database(work)
        daemon = None
        try:
            database.psql(TRIVIAL)
            daemon = Daemon(os.path.join(work, "http", "segments_http"), database)
            measure(daemon, database, arguments.requests, arguments.clients)
        finally:
            if daemon:
                daemon.stop()
            database.stop("immediate")


if __name__ == "__main__":
    main()
