"""The servers of the tests: a PostgreSQL that asks for passwords, and the daemon."""
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time

from check import PATIENCE, until

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def bindir():
    config = os.environ.get("PG_CONFIG", "pg_config")
    return subprocess.run([config, "--bindir"], stdout=subprocess.PIPE, check=True, encoding="utf-8").stdout.strip()


class Database:
    """A throw-away cluster on a socket of its own."""

    def __init__(self, work):
        self.data, self.socket, self.bin = os.path.join(work, "data"), work, bindir()
        self.log = os.path.join(work, "postgres.log")
        self.run("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        with open(os.path.join(self.data, "postgresql.conf"), "a", encoding="utf-8") as file:
            file.write(f"listen_addresses = ''\nunix_socket_directories = '{work}'\nfsync = off\n"
                       "max_connections = 60\nshared_buffers = 32MB\nlog_min_messages = fatal\n")
        with open(os.path.join(self.data, "pg_hba.conf"), "w", encoding="utf-8") as file:
            file.write("local all postgres trust\nlocal all open trust\nlocal all all scram-sha-256\n")
        self.start()

    def run(self, program, *arguments):
        subprocess.run([os.path.join(self.bin, program), *arguments], stdout=subprocess.DEVNULL, check=True)

    def start(self):
        self.run("pg_ctl", "-D", self.data, "-l", self.log, "-w", "-s", "start")

    def stop(self, mode="fast"):
        self.run("pg_ctl", "-D", self.data, "-m", mode, "-w", "-s", "stop")

    def command(self):
        return [os.path.join(self.bin, "psql"), "-XqAt", "-h", self.socket, "-U", "postgres", "-d", "postgres",
                "-v", "ON_ERROR_STOP=1", "-f", "-"]

    def psql(self, sql):
        done = subprocess.run(self.command(), input=sql, stdout=subprocess.PIPE, check=True, encoding="utf-8")
        return done.stdout.strip()

    @contextlib.contextmanager
    def held(self, lock):
        """While somebody holds an advisory lock."""
        with subprocess.Popen(self.command(), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, encoding="utf-8") as holder:
            holder.stdin.write(f"SELECT pg_advisory_lock({lock});\n")
            holder.stdin.flush()
            until(lambda: self.psql(f"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = {lock}") != "0")
            yield
            holder.stdin.close()


class Daemon:
    """segments_http, and what it said."""

    running = []

    def __init__(self, program, database, *options, listen="127.0.0.1:0"):
        self.log_name = os.path.join(database.socket, f"daemon{len(Daemon.running)}.log")
        self.log_file = open(self.log_name, "wb")
        environment = dict(os.environ, ASAN_OPTIONS="exitcode=66", UBSAN_OPTIONS="print_stacktrace=1",
                           PGPASSWORD="secret", LC_ALL="C")
        for name in ("PGUSER", "PGPASSFILE", "PGOPTIONS"):
            environment.pop(name, None)
        self.process = subprocess.Popen(
            [program, "--listen", listen, "--db", f"host={database.socket} dbname=postgres", *options],
            stdout=subprocess.DEVNULL, stderr=self.log_file, env=environment)
        Daemon.running.append(self)
        shown = self.wait_for(r"listening on (\S+):(\d+)")
        self.host, self.port = shown[1].strip("[]"), int(shown[2])

    def log(self):
        with open(self.log_name, encoding="utf-8", errors="replace") as file:
            return file.read()

    def wait_for(self, pattern):
        """The match in the log, when it has come."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            match = re.search(pattern, self.log())
            if match:
                return match
            time.sleep(0.02)
        raise AssertionError(f"the log has no {pattern!r}:\n{self.log()[-3000:]}")

    def signal(self):
        self.process.send_signal(signal.SIGTERM)

    def stop(self):
        """Stop it; what is wrong with how it ended, or None."""
        if self.process.poll() is None:
            self.signal()
        try:
            code = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return "it did not stop"
        finally:
            self.log_file.close()
        text = self.log()
        if code != 0 or "Sanitizer" in text or "runtime error" in text:
            at = min([text.find(word) for word in ("Sanitizer", "runtime error") if word in text] or [len(text)])
            return f"ended with {code}: {text[max(0, at - 200):at + 4000]}"
        return None


def build(work):
    """The daemon with sanitizers, built in a copy."""
    shutil.copytree(os.path.join(ROOT, "http"), os.path.join(work, "http"),
                    ignore=shutil.ignore_patterns("plain", "asan", "segments_http", "segments_http-asan"))
    shutil.copy(os.path.join(ROOT, "segments.control"), work)
    done = subprocess.run(["make", "-s", "-j2", "-C", os.path.join(work, "http"), "SANITIZE=1"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", check=False)
    if done.returncode != 0:
        sys.exit(done.stdout)
    return os.path.join(work, "http", "segments_http-asan")
