"""Beside a rebuild as Mautic does it: the same contacts and segments in MariaDB, in a server of its own.

The statements are those that Mautic issues for a segment: count who is
missing; select them and insert them in batches; count who is too many; select
and delete these in batches; count members.  What would make it slower is left
out: the pause before each batch, PHP, and a transaction for each member (a
batch is one INSERT).  Its indexes are ours, and one for each other column that
an equality of these segments reads.
"""
import os
import shutil
import subprocess
import sys
import time

import sets
from harness import cpu_seconds

BATCH = 300
SEGMENTS = 100
CHANGED = 100                   # one contact in so many changes its points
PROGRAMS = ('mariadbd', 'mariadb-install-db', 'mariadb')
PACKAGES = ('mariadb-server-core', 'mariadb-client-core')

COLUMNS = ('id', 'owner_id', 'stage_id', 'date_added', 'points', 'last_active', 'date_identified', 'title', 'firstname',
           'lastname', 'company', 'position', 'email', 'phone', 'address1', 'city', 'state', 'zipcode', 'timezone',
           'country', 'preferred_locale', 'attribution', 'website')
NUMBERS = {'id': 'bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY', 'owner_id': 'int', 'stage_id': 'int',
           'points': 'int NOT NULL', 'attribution': 'double', 'date_added': 'datetime', 'last_active': 'datetime',
           'date_identified': 'datetime'}
INDEXES = ('date_added', 'date_identified', 'last_active', 'stage_id', 'country', 'email', 'city', 'owner_id')
MEMBERS = """CREATE TABLE lead_lists_leads (leadlist_id int unsigned NOT NULL, lead_id bigint unsigned NOT NULL,
    date_added datetime NOT NULL, manually_removed tinyint(1) NOT NULL, manually_added tinyint(1) NOT NULL,
    PRIMARY KEY (leadlist_id, lead_id), KEY (lead_id), KEY (manually_removed)) DEFAULT CHARSET utf8mb4 COLLATE utf8mb4_unicode_ci"""

NOW = '2030-01-01 00:00:00'     # after all data: nobody is too new
MARK = '\x01done\x01'


class Server:
    """A MariaDB server in a directory, without network, and one session of it."""

    def __init__(self, directory):
        self.directory = directory
        names = ['mariadb-install-db', '--no-defaults', f'--datadir={directory}', '--auth-root-authentication-method=normal',
                 '--skip-test-db', f'--user={os.environ.get("USER") or "root"}']
        subprocess.run(names, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.socket = f'{directory}/socket'
        self.server = subprocess.Popen(
            [shutil.which('mariadbd'), '--no-defaults', f'--datadir={directory}', f'--socket={self.socket}', '--skip-networking',
             f'--user={os.environ.get("USER") or "root"}', '--innodb-buffer-pool-size=4G', '--innodb-log-file-size=1G',
             '--innodb-flush-log-at-trx-commit=0', '--innodb-doublewrite=0', '--skip-log-bin', '--secure-file-priv='],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(300):
            if os.path.exists(self.socket) or self.server.poll() is not None:
                break
            time.sleep(0.1)
        self.client = subprocess.Popen(['mariadb', '--no-defaults', '-S', self.socket, '-u', 'root', '-N', '-B', '--unbuffered'],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def rows(self, sql):
        self.client.stdin.write(f"{sql};\nSELECT '{MARK}';\n")
        self.client.stdin.flush()
        answer = []
        for line in self.client.stdout:
            if line.rstrip('\n') == MARK:
                return answer
            answer.append(line.rstrip('\n').split('\t'))
        raise RuntimeError(f'MariaDB failed in: {sql[:300]}')

    def number(self, sql):
        return int(self.rows(sql)[0][0])

    def close(self):
        self.client.stdin.close()
        self.client.wait()
        self.server.terminate()
        self.server.wait()


def where(session, n):
    """The condition of a segment as Mautic writes it."""
    names = sets.SPEC_COLUMNS[:10]
    column = {'points_from': 'points', 'points_before': 'points', 'active_from': 'last_active',
              'active_before': 'last_active', 'added_from': 'date_added', 'added_before': 'date_added'}
    values = session.rows(f"SELECT {', '.join(names)} FROM bench.spec WHERE kind = 'dense' AND n = {n}")[0]
    terms = []
    for name, value in zip(names, values):
        operator = '>=' if name.endswith('_from') else '<' if name.endswith('_before') else '='
        if value:
            literal = value if column.get(name, name) in ('points', 'owner_id', 'stage_id') else f"'{value}'"
            terms.append(f'(l.{column.get(name, name)} {operator} {literal})')
    return ' AND '.join(terms)


def rebuild(server, n, condition):
    """The statements of a rebuild of one segment; how many joined and left."""
    stored = f'SELECT m.lead_id FROM lead_lists_leads m WHERE m.leadlist_id = {n}'
    wanted = f'{condition} AND (l.id NOT IN ({stored}))'
    count, last, _ = server.rows('SELECT count(leadIdPrimary) count, max(leadIdPrimary) maxId, min(leadIdPrimary) minId FROM'
                                 f' (SELECT DISTINCT l.id as leadIdPrimary FROM leads l WHERE {wanted}) sss')[0]
    joined, left = int(count), 0
    for _ in range(0, joined, BATCH):
        ids = server.rows(f"SELECT l.id FROM leads l WHERE {wanted} AND (l.id <= {last})"
                          f" AND ((l.date_added <= '{NOW}') OR (l.date_added IS NULL)) LIMIT {BATCH}")
        server.rows('INSERT INTO lead_lists_leads (leadlist_id, lead_id, date_added, manually_removed, manually_added) VALUES '
                    + ', '.join(f"({n}, {row[0]}, '{NOW}', 0, 0)" for row in ids))
    orphans = (f'FROM lead_lists_leads orp WHERE (orp.leadlist_id = {n}) AND (orp.manually_added = 0)'
               f' AND (orp.lead_id NOT IN (SELECT l.id FROM leads l WHERE {condition}))')
    left = server.number('SELECT count(leadIdPrimary) count FROM'
                         f' (SELECT DISTINCT orp.lead_id as leadIdPrimary, orp.leadlist_id {orphans}) sss')
    for _ in range(0, left, BATCH):
        ids = server.rows(f'SELECT orp.lead_id as id, orp.leadlist_id {orphans} LIMIT {BATCH}')
        server.rows(f'DELETE FROM lead_lists_leads WHERE leadlist_id = {n} AND lead_id IN ({", ".join(row[0] for row in ids)})')
    server.rows(f'SELECT count(*) FROM lead_lists_leads WHERE leadlist_id = {n} AND manually_removed = 0')
    return joined, left


def load(bench, server):
    """The contacts, and members of all segments but the one that will be built."""
    types = ', '.join(f'{name} {NUMBERS.get(name, "varchar(191)")}' for name in COLUMNS)
    keys = ', '.join(f'KEY ({name})' for name in INDEXES)
    server.rows(f'CREATE DATABASE mautic; USE mautic; CREATE TABLE leads ({types}, {keys})'
                f' DEFAULT CHARSET utf8mb4 COLLATE utf8mb4_unicode_ci; {MEMBERS}')
    contacts, members = f'{bench.options.scratch}/maria_contacts', f'{bench.options.scratch}/maria_members'
    names = ', '.join(f'"{name}"' for name in COLUMNS)
    bench.session.run(f"COPY (SELECT {names} FROM plain.leads ORDER BY id) TO '{contacts}'")
    bench.session.run(f"COPY (SELECT segment_id, contact_id, '{NOW}', 0, 0 FROM crm.leads_segment_member ORDER BY 1, 2) TO '{members}'")
    server.rows('SET unique_checks = 0, foreign_key_checks = 0')
    for name, path in (('leads', contacts), ('lead_lists_leads', members)):
        server.rows(f"LOAD DATA INFILE '{path}' INTO TABLE {name} CHARACTER SET utf8mb4")
        os.unlink(path)
    server.rows('SET unique_checks = 1, foreign_key_checks = 1; ANALYZE TABLE leads, lead_lists_leads')


def is_here(install):
    """Whether there is a MariaDB to run; installs it when told to."""
    if install and not all(map(shutil.which, PROGRAMS)):
        subprocess.run(['apt-get', 'install', '-qy', '--no-install-recommends', *PACKAGES], check=True,
                       env=dict(os.environ, DEBIAN_FRONTEND='noninteractive'), stdout=subprocess.DEVNULL)
    if all(map(shutil.which, PROGRAMS)):
        return True
    print(f'mautic: left out, {" and ".join(PACKAGES)} are not installed (--install does it)', file=sys.stderr)
    return False


def measure(bench):
    """Lines for MariaDB and for segments, of the same works."""
    if not is_here(bench.options.install):
        return
    bench.install(('dense', SEGMENTS))
    directory = f'{bench.options.scratch}/mariadb'
    os.mkdir(directory)
    server = Server(directory)
    try:
        load(bench, server)
        Mautic(bench, server).measure()
    finally:
        server.close()
        shutil.rmtree(directory, ignore_errors=True)
        bench.forget()


class Mautic:
    def __init__(self, bench, server):
        self.bench, self.session, self.server = bench, bench.session, server
        self.conditions = {n: where(bench.session, n) for n in range(1, SEGMENTS + 1)}
        sizes = bench.session.rows('SELECT segment_id FROM crm.leads_segment_member GROUP BY 1 ORDER BY count(*), 1')
        self.one = int(sizes[len(sizes) // 2][0])
        version = server.rows('SELECT version()')[0][0].split('-')[0]
        self.names = {'maria': f'MariaDB {version}, Mautic’s statements', 'ours': 'segments'}

    def timed(self, who, work, function, note=''):
        pid = self.server.server.pid if who == 'maria' else self.session.pid
        clock = process_seconds if who == 'maria' else cpu_seconds
        cpu, wall = clock(pid), time.perf_counter()
        answer = function()
        wall, cpu = time.perf_counter() - wall, clock(pid) - cpu
        self.bench.results.add({'key': f'{work} {who}', 'server': self.names[who], 'work': work, 'cpu': cpu, 'wall': wall,
                                'note': note, 'wrong': None}, 'mautic')
        return answer

    def all(self):
        for n, condition in self.conditions.items():
            rebuild(self.server, n, condition)

    def measure(self):
        session, server, one = self.session, self.server, self.one
        members = session.number(f'SELECT count(*) FROM crm.leads_segment_member WHERE segment_id = {one}')
        work = f'a new segment of {members:,} members'
        server.rows(f'DELETE FROM lead_lists_leads WHERE leadlist_id = {one}')
        self.timed('maria', work, lambda: rebuild(server, one, self.conditions[one]))
        session.run(f"""SET session_replication_role = replica; DELETE FROM segments.segment WHERE id = {one};
            DELETE FROM crm.leads_segment_member WHERE segment_id = {one}; SET session_replication_role = origin;
            SELECT segments_internal.invalidate('crm.leads'); UPDATE crm.leads SET points = points WHERE id = 1""")
        self.timed('ours', work, lambda: session.run(
            sets.insert_sql('dense', one, start=one - 1)))

        work = 'the same again, nothing to do'
        self.timed('maria', work, lambda: rebuild(server, one, self.conditions[one]))
        self.timed('ours', work, lambda: session.run(f"SELECT segments.rebuild('{one}')"), 'never needed')
        work = f'all {SEGMENTS} segments, nothing to do'
        self.timed('maria', work, self.all)
        self.timed('ours', work, lambda: session.run('CALL segments.rebuild_all()'), 'never needed')

        work = f'one contact in {CHANGED} gets other points, and all {SEGMENTS} segments are right again'
        change = f'UPDATE {{}}leads SET points = (points + {{}}) % 1000 WHERE id % {CHANGED} = 0'
        self.timed('maria', work, lambda: (server.rows(change.format('', 370)), self.all()))
        self.timed('ours', work, lambda: session.run(change.format('crm.', 370)))
        wrong = self.bench.wrong(changed=True) + self.unlike()
        session.run(change.format('crm.', 630))
        self.bench.results.add({'key': 'exactness', 'server': self.names['ours'], 'work': 'members wrong, or other than MariaDB’s',
                                'cpu': None, 'wall': None, 'note': str(wrong), 'wrong': wrong}, 'mautic')

    def unlike(self):
        """Segments whose members are not the same in both."""
        query = 'SELECT {0}, count(*), sum({1}) FROM {2} GROUP BY {0} ORDER BY {0}'
        theirs = self.server.rows(query.format('leadlist_id', 'lead_id', 'lead_lists_leads'))
        ours = self.session.rows(query.format('segment_id', 'contact_id', 'crm.leads_segment_member'))
        return len({tuple(row) for row in theirs} ^ {tuple(row) for row in ours})


def process_seconds(pid):
    """CPU time of all threads of a process that are there."""
    return sum(cpu_seconds(f'{pid}/task/{thread}') for thread in os.listdir(f'/proc/{pid}/task'))
