"""segments_http for a measurement: built, started, asked.  A role and its password come with each request."""
import base64
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def build(directory):
    """The daemon, built in a copy; None when it cannot be had."""
    place = os.path.join(directory, 'http')
    shutil.copytree(os.path.join(ROOT, 'http'), place, ignore=shutil.ignore_patterns('plain', 'asan', 'segments_http', 'segments_http-asan'))
    shutil.copy(os.path.join(ROOT, 'segments.control'), directory)
    built = subprocess.run(['make', '-s', '-C', place], capture_output=True, text=True)
    if built.returncode:
        print('T29 over HTTP: left out, segments_http could not be built (it needs libmicrohttpd-dev, libpq-dev and libjansson-dev)',
              file=sys.stderr)
        return None
    return os.path.join(place, 'segments_http')


class Role:
    """A role with a password, as requests need one, while they are asked."""

    NAME, PASSWORD = 'segments_bench_http', 'secret'

    def __init__(self, session):
        self.session = session

    def __enter__(self):
        self.drop()
        self.session.run(f"""CREATE ROLE {self.NAME} LOGIN PASSWORD '{self.PASSWORD}';
            GRANT USAGE ON SCHEMA crm TO {self.NAME}; GRANT SELECT ON ALL TABLES IN SCHEMA crm TO {self.NAME}""")
        return self

    def __exit__(self, *exception):
        self.drop()

    def drop(self):
        self.session.run(f"""DO $$ BEGIN
            IF to_regrole('{self.NAME}') IS NOT NULL THEN
                DROP OWNED BY {self.NAME};
                DROP ROLE {self.NAME};
            END IF;
        END $$""")


class Daemon:
    """segments_http on a port of its own.  The server may trust everybody."""

    def __init__(self, program, database):
        self.log = tempfile.NamedTemporaryFile('w+')
        place = f"host={os.environ.get('PGHOST', '')} port={os.environ.get('PGPORT', '5432')} dbname={database}"
        environment = {name: value for name, value in os.environ.items() if not name.startswith('PG')}
        self.process = subprocess.Popen([program, '--listen', '127.0.0.1:0', '--allow-trust', '--db', place, '--contact-table', 'crm.leads',
                                         '--recheck', '3600'], stdout=subprocess.DEVNULL, stderr=self.log, env=environment)

    def __enter__(self):
        for _ in range(200):
            said = open(self.log.name).read()
            if 'listening on' in said:
                self.port = int(said.split('listening on ')[1].split()[0].rsplit(':', 1)[1])
                return self
            time.sleep(0.05)
        self.__exit__()
        raise RuntimeError(f'segments_http did not start: {said}')

    def cpu_seconds(self):
        """Of all its threads, also of those that have ended with their connections; in ticks."""
        with open(f'/proc/{self.process.pid}/stat') as file:
            fields = file.read().rsplit(')', 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')

    def __exit__(self, *exception):
        self.process.terminate()
        self.process.wait()
        self.log.close()


def request_all(port, clients, requests, segments):
    """So many requests of each client, on one connection, one after the other."""
    failures = []
    threads = [threading.Thread(target=request_some, args=(port, requests, segments, failures)) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise RuntimeError(str(failures[0]))


def request_some(port, requests, segments, failures):
    secret = base64.b64encode(f'{Role.NAME}:{Role.PASSWORD}'.encode()).decode()
    try:
        with socket.create_connection(('127.0.0.1', port)) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for n in range(requests):
                number = 1 + n % segments
                connection.sendall(f'GET /api/segments/{number} HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {secret}\r\n\r\n'.encode())
                check_answer(read_answer(connection), number)
    except (OSError, RuntimeError) as error:
        failures.append(error)


def check_answer(answer, number):
    if not answer.startswith(b'HTTP/1.1 200') or f'"id": {number},'.encode() not in answer:
        raise RuntimeError(f'segments_http answered {answer[:300]}')


def read_answer(connection):
    """One answer: its head, and as many bytes as that says."""
    answer = b''
    while b'\r\n\r\n' not in answer:
        answer += receive(connection)
    head, body = answer.split(b'\r\n\r\n', 1)
    length = next(int(line.split(b':')[1]) for line in head.split(b'\r\n') if line.lower().startswith(b'content-length:'))
    while len(body) < length:
        body += receive(connection)
    return head + body


def receive(connection):
    part = connection.recv(65536)
    if not part:
        raise RuntimeError('segments_http closed the connection')
    return part
