"""The rows and the segments that all cases share, as scripts for psql that bring them in one way or another."""
import json
import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))

# In an order that the foreign keys allow.
TABLES = ['leads', 'companies', 'companies_leads', 'page_hits', 'email_stats', 'lead_donotcontact',
          'lead_tags', 'lead_tags_xref', 'lead_utmtags', 'lead_devices', 'lead_categories',
          'campaign_leads', 'asset_downloads', 'push_ids', 'point_group_contact_score',
          'integration_entity']
KEYS = {'companies_leads': 2, 'lead_tags_xref': 2, 'campaign_leads': 2,
        'point_group_contact_score': 2}     # leading columns of the primary key; 1 elsewhere


class Table:
    """Rows of one file: fields stay in COPY's text form."""

    def __init__(self, name):
        self.name = name
        with open(os.path.join(HERE, 'data', name + '.tsv'), encoding='utf-8', newline='\n') as f:
            lines = f.read().split('\n')
        self.columns = lines[0].split('\t')
        self.rows = [line.split('\t') for line in lines[1:] if line != '']
        self.nkeys = KEYS.get(name, 1)

    def quoted_columns(self):
        return ', '.join('"%s"' % c for c in self.columns)

    def copy(self, rows=None, target=None):
        """A COPY command with its data, for psql's standard input."""
        rows = self.rows if rows is None else rows
        return 'COPY %s (%s) FROM stdin;\n%s\\.\n' % (
            target or 'crm.' + self.name, self.quoted_columns(),
            ''.join('\t'.join(r) + '\n' for r in rows))

    def insert(self, row):
        return 'INSERT INTO crm.%s (%s) VALUES (%s);\n' % (
            self.name, self.quoted_columns(), ', '.join(literal(unescape(v)) for v in row))


def unescape(field):
    if field == '\\N':
        return None
    return re.sub(r'\\(.)', lambda m: {'n': '\n', 't': '\t', 'r': '\r', 'b': '\b', 'f': '\f',
                                       'v': '\v'}.get(m.group(1), m.group(1)), field, flags=re.S)


def literal(value):
    if value is None:
        return 'NULL'
    if '\\' in value:
        return "E'%s'" % value.replace('\\', '\\\\').replace("'", "''")
    return "'%s'" % value.replace("'", "''")


def copy_field(text):
    return (text.replace('\\', '\\\\').replace('\n', '\\n').replace('\r', '\\r')
            .replace('\t', '\\t'))


def read_lines(name):
    with open(os.path.join(HERE, name), encoding='utf-8') as f:
        return [json.loads(line) for line in f if line.strip()]


def load_script():
    return ''.join(t.copy() for t in DATA.values())


def load_in_parts_script(rng):
    """COPY again, but every table in parts, and children early where they can be."""
    out = []
    for table in DATA.values():
        cut = rng.randint(1, max(1, len(table.rows) - 1))
        out += [table.copy(table.rows[:cut]), table.copy(table.rows[cut:])]
    return ''.join(out)


def single_inserts_script(rng):
    """Every row by a statement of its own, in a random order that references allow."""
    when = {'leads': {}, 'companies': {}, 'lead_tags': {}}
    timed = []
    for table in DATA.values():
        for row in table.rows:
            after = 0.0
            for column, parent in (('lead_id', 'leads'), ('contact_id', 'leads'), ('internal_entity_id', 'leads'),
                                   ('company_id', 'companies'), ('tag_id', 'lead_tags')):
                if column in table.columns:
                    after = max(after, when[parent].get(row[table.columns.index(column)], 0.0))
            t = after + (1 - after) * rng.random()
            if table.name in when:
                when[table.name][row[0]] = t
            timed.append((t, table.insert(row)))
    timed.sort()
    return ''.join(sql for _, sql in timed)


def scrambled(table, rng):
    """Rows with the right keys (some missing, some wrong where keys can be) and wrong values."""
    rows = [list(r) for r in table.rows]
    n = len(rows)
    for c in range(table.nkeys, len(table.columns)):
        shift = rng.randint(1, max(1, n - 1))
        column = [r[c] for r in rows]
        for i in range(n):
            rows[i][c] = column[(i + shift) % n]
    if table.nkeys == 1:
        return rows
    right = {tuple(r[:2]) for r in table.rows}
    wrong = {}
    for i in range(0, n, 4):
        pair = (rows[i][0], rows[(i + 11) % n][1])
        if pair not in right:
            wrong[pair] = list(pair) + rows[i][2:]
    return [r for i, r in enumerate(rows) if i % 3] + list(wrong.values())


def unscramble_script(table, rng):
    """Statements that bring a scrambled table to the truth, one after another."""
    name, truth = 'crm.' + table.name, 'truth_' + table.name
    keys, values = table.columns[:table.nkeys], table.columns[table.nkeys:]
    same = ' AND '.join('t."%s" = s."%s"' % (k, k) for k in keys)
    out = ['CREATE TEMP TABLE %s AS SELECT %s FROM %s LIMIT 0;\n' % (truth, table.quoted_columns(), name),
           table.copy(target=truth), 'ANALYZE %s;\n' % truth]
    if table.nkeys > 1:
        out.append('DELETE FROM %s AS t WHERE NOT EXISTS (SELECT FROM %s AS s WHERE %s);\n' % (name, truth, same))
        out.append('INSERT INTO %s (%s) SELECT * FROM %s AS s WHERE NOT EXISTS (SELECT FROM %s AS t WHERE %s);\n'
                   % (name, table.quoted_columns(), truth, name, same))
    if not values:
        return ''.join(out)

    def update(columns, where):
        return 'UPDATE %s AS t SET %s FROM %s AS s WHERE %s AND %s;\n' % (
            name, ', '.join('"%s" = s."%s"' % (c, c) for c in columns), truth, same, where)

    if table.nkeys == 1:
        # some rows one at a time, the others by column groups, then whatever is left
        out += [update(values, "t.id = %s" % row[0]) for row in rng.sample(table.rows, min(40, len(table.rows)))]
        mixed = rng.sample(values, len(values))
        half = len(mixed) // 2
        out += [update(mixed[:half], 't.id % 2 = 0')] if half else []
        out += [update(mixed[half:], 't.id % 3 = 0')]
    out.append(update(values, 'true'))
    return ''.join(out)


def by_hand_script():
    return ''.join('SELECT segments.%s_contact(\'%s\', %s::bigint) \\g /dev/null\n' % (action, segment, contact)
                   for segment, contact, action in BY_HAND)


def fixed_segments_script():
    """All published at first, so that contacts can be added by hand."""
    out = []
    for s in FIXED:
        out.append('INSERT INTO segments.segment (id, name, alias, filters) OVERRIDING SYSTEM VALUE '
                   'VALUES (%d, %s, %s, %s);\n' % (s['id'], literal(s['alias']), literal(s['alias']),
                                                   literal(json.dumps(s['filters'], ensure_ascii=False))))
    out.append("SELECT setval(pg_get_serial_sequence('segments.segment', 'id'), 1000000) \\g /dev/null\n")
    return ''.join(out)


def unpublish_script():
    return ''.join('UPDATE segments.segment SET is_published = false WHERE id = %d;\n' % s['id']
                   for s in FIXED if not s['published'])


DATA = {name: Table(name) for name in TABLES}
CONTACTS = sorted(int(row[0]) for row in DATA['leads'].rows)
CONTACT_FIELDS = set(DATA['leads'].columns) | {'stage', 'generated_email_domain'}
FIXED = read_lines('segments.jsonl')
BY_HAND = Table('by_hand').rows
