"""Sessions, each a psql that is fed statement by statement, and the server that they talk to."""
import os
import re
import shutil
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TREE = os.path.dirname(os.path.dirname(HERE))


class Wrong(Exception):
    """Something does not hold."""


class Session:
    def __init__(self, database='interrupt', name='interrupt'):
        self.psql = subprocess.Popen(
            ['psql', '-XqAt', '-v', 'VERBOSITY=verbose', '-d', database, '-f', '-'], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0,
            env=dict(os.environ, PGAPPNAME=name, PGOPTIONS='-c client_min_messages=error'))
        self.alive = True
        self.pid = None

    def send(self, sql):
        self.psql.stdin.write((sql + ';\n\\warn end\n').encode())

    def receive(self):
        """The lines of output, and the SQLSTATEs of errors with their messages."""
        lines, errors = [], []
        for line in iter(self.psql.stdout.readline, b''):
            line = line.decode(errors='replace').rstrip('\n')
            if line == 'end':
                return lines, errors
            found = re.match(r'psql:<stdin>:\d+: (?:ERROR|FATAL|PANIC):  (\w{5}): (.*)', line)
            if found:
                errors.append(found.groups())
            elif not line.startswith(('LOCATION:', 'CONTEXT:', 'DETAIL:', 'HINT:')):
                lines.append(line)
        self.alive = False
        return lines, errors

    def run(self, *statements):
        try:
            self.send(';\n'.join(statements))
            return self.receive()
        except BrokenPipeError:
            self.alive = False
            return [], []

    def must(self, *statements):
        lines, errors = self.run(*statements)
        if errors or not self.alive:
            raise Wrong('%s fails: %s %s' % (statements, errors, lines[-3:]))
        return lines

    def value(self, sql):
        return '\n'.join(self.must(sql))

    def close(self):
        try:
            self.psql.stdin.close()
        except BrokenPipeError:
            pass
        self.psql.wait()


class Server:
    """A server of our own with the build for tests; the extension's scripts are those that are installed."""

    def __init__(self, keep, library=None):
        self.work = tempfile.mkdtemp(prefix='interrupt.')
        self.keep = keep
        config = os.environ.get('PG_CONFIG', 'pg_config')
        self.library = library or self.build(config)
        self.bin = self.install(config)
        self.start()

    def build(self, config):
        tree = os.path.join(self.work, 'tree')
        os.mkdir(tree)
        for name in ('Makefile', 'segments.control'):
            shutil.copy(os.path.join(TREE, name), tree)
        for name in ('src', 'sql'):
            shutil.copytree(os.path.join(TREE, name), os.path.join(tree, name),
                            ignore=shutil.ignore_patterns('*.o', '*.bc'))
        done = subprocess.run(
            ['make', '-C', tree, '-s', '-j2', 'with_llvm=no', 'FAULT_INJECTION=1', 'PG_CONFIG=' + config,
             'PG_CFLAGS=-O0 -g0 -DUSE_ASSERT_CHECKING', 'segments.so'], capture_output=True, text=True)
        if done.returncode != 0:
            raise Wrong(done.stdout + done.stderr)
        return os.path.join(tree, 'segments.so')

    def install(self, config):
        """A server finds its files from where its program lies: one of our own that has another library."""
        places = {}
        for kind in ('bindir', 'pkglibdir', 'sharedir'):
            there = subprocess.check_output([config, '--' + kind], text=True).strip()
            places[kind] = self.work + there
            os.makedirs(os.path.dirname(places[kind]), exist_ok=True)
            if kind == 'sharedir':
                os.symlink(there, places[kind])
                continue
            os.mkdir(places[kind])
            for name in os.listdir(there) if kind == 'pkglibdir' else ():
                if name != 'segments.so':
                    os.symlink(os.path.join(there, name), os.path.join(places[kind], name))
            for name in ('postgres', 'initdb', 'pg_ctl') if kind == 'bindir' else ():
                shutil.copy(os.path.join(there, name), places[kind])
        shutil.copy(self.library, places['pkglibdir'])
        return places['bindir']

    def start(self):
        data = os.path.join(self.work, 'data')
        self.log = os.path.join(self.work, 'log')
        self.control('initdb', '-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync')
        with open(os.path.join(data, 'postgresql.conf'), 'a') as f:
            f.write("listen_addresses = ''\nport = 5432\nunix_socket_directories = '%s'\nfsync = off\nautovacuum = off\n"
                    "synchronous_commit = off\nfull_page_writes = off\nlog_min_messages = warning\n"
                    "deadlock_timeout = '50ms'\nshared_preload_libraries = 'segments'\n" % self.work)
        self.control('pg_ctl', '-D', data, '-l', self.log, '-w', '-s', 'start')
        os.environ.update(PGHOST=self.work, PGPORT='5432', PGUSER='postgres')

    def control(self, program, *arguments):
        subprocess.run([os.path.join(self.bin, program), *arguments], check=True, stdout=subprocess.DEVNULL)

    def complaints(self):
        """What the server has logged that it never should."""
        with open(self.log, errors='replace') as f:
            return [line.rstrip() for line in f
                    if re.search(r'TRAP:|PANIC|terminated by signal|leak|not closed|non-empty SPI stack|'
                                 r'while in \w+ state|snapshot .* (still|registered)', line)]

    def stop(self):
        self.control('pg_ctl', '-D', os.path.join(self.work, 'data'), '-m', 'immediate', '-s', 'stop')
        if not self.keep:
            shutil.rmtree(self.work)
