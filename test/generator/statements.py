"""Random statements over every table, by every way to write rows that SQL has.

The generator never reads the database: it remembers roughly which rows there are.  A statement that
fails (a key that exists, a contact that does not) is a statement too, and must change nothing.
"""
import json

from domain import COMPANIES, CONTACTS, RELATED, TAGS, TEXTS, copy_field, literal

COMPANY_IDS = 40
# what json_populate_recordset does not read from a string
NOT_IN_JSON = {'langs', 'attributes'}


class Statements:
    """Draws statements; those of one unit run together, in one transaction or each in its own."""

    def __init__(self, rng, clock, filters, keys, contacts, tables, live, merge):
        self.rng = rng
        self.clock = clock
        self.filters = filters
        self.keys = keys
        self.contacts = contacts            # how many there are, more or less
        self.live = live                    # how many segments there are
        self.only_contact = tables == 'contact'
        self.merge = merge
        self.alive = set()
        self.ordered = None                 # the same, in order
        self.segments = {}                  # alias number -> published
        self.static = set()
        self.toggled = set()                # published, or changed by hand, since the last look
        self.last_segment = 0
        self.serial = 0
        names = ('city', 'country', 'points', 'email', 'last_purchase', 'birth_date', 'is_vip', 'interests', 'employer_id')
        written = {f.name for f in filters.hot} | set(names)
        self.hot_columns = [c for c in CONTACTS.columns if c.name in written]

    # ----- picking -----

    def some_contact(self):
        if self.alive and self.rng.random() < 0.93:
            return self.rng.choice(self.alive_list())
        return self.rng.randint(1, self.contacts * 6 // 5)

    def alive_list(self):
        # a set has no order of its own that is the same in every run
        if self.ordered is None:
            self.ordered = sorted(self.alive)
        return self.ordered

    def fresh_contact(self):
        for _ in range(20):
            n = self.rng.randint(1, self.contacts * 6 // 5)
            if n not in self.alive:
                break
        return n

    def born(self, n):
        self.alive.add(n)
        self.ordered = None

    def gone(self, n):
        self.alive.discard(n)
        self.ordered = None

    def few(self):
        return self.rng.choice([1, 1, 2, 3, 5, 8, 20])

    def contact_list(self):
        return ', '.join(self.keys.literal(self.some_contact()) for _ in range(self.few()))

    def contact_condition(self, alias=''):
        """A condition that picks some contacts."""
        rng, dot = self.rng, alias + '.' if alias else ''
        return rng.choice([
            lambda: '%sid = %s' % (dot, self.keys.literal(self.some_contact())),
            lambda: '%sid IN (%s)' % (dot, self.contact_list()),
            lambda: 'hashtext(%sid::text) %% %d = %d' % (dot, rng.choice([7, 31, 97]), rng.randint(0, 6)),
            lambda: '%scity = %s' % (dot, literal(rng.choice(TEXTS))),
            lambda: '%spoints = %d' % (dot, rng.choice([-1, 0, 100])),
        ])()

    def columns(self, table, most=4):
        rng = self.rng
        pool = self.hot_columns if table is CONTACTS and rng.random() < 0.7 else table.columns
        return rng.sample(pool, min(len(pool), rng.randint(1, most))) if pool else []

    def draw(self, column):
        return column.value(self.rng, self.clock)

    def assignments(self, table):
        sets = []
        for column in self.columns(table):
            if self.rng.random() < 0.08:
                sets.append('%s = %s' % (column.name, 'DEFAULT' if self.rng.random() < 0.5 and column.nullable else column.name))
            elif column.name == 'points' and self.rng.random() < 0.4:
                sets.append('points = points + %d' % self.rng.choice([1, -1, 100]))
            else:
                sets.append('%s = %s' % (column.name, literal(self.draw(column))))
        return ', '.join(sets)

    # ----- contacts -----

    def contact_row(self, n):
        columns = [c for c in CONTACTS.columns if not c.nullable or self.rng.random() < 0.7 or c in self.hot_columns]
        if not any(c.name == 'date_added' for c in columns):
            # its default is the server's clock
            columns += [c for c in CONTACTS.columns if c.name == 'date_added']
        return [('id', self.keys.value(n))] + [(c.name, self.draw(c)) for c in columns]

    def contact_rows(self, numbers):
        """Rows of the same columns."""
        names = [name for name, _ in self.contact_row(0)]
        columns = [next(c for c in CONTACTS.columns if c.name == name) for name in names[1:]]
        return names, [[self.keys.value(n)] + [self.draw(c) for c in columns] for n in numbers]

    def values(self, rows):
        return ', '.join('(%s)' % ', '.join(literal(v) for v in row) for row in rows)

    def json_rows(self, table, names, rows):
        documents = [{n: v for n, v in zip(names, row) if n not in NOT_IN_JSON} for row in rows]
        return 'json_populate_recordset(NULL::%s, %s)' % (table.qualified, literal(json.dumps(documents, ensure_ascii=False)))

    def insert_contacts(self, count=None):
        numbers = sorted({self.fresh_contact() for _ in range(count or self.few())})
        for n in numbers:
            self.born(n)
        names, rows = self.contact_rows(numbers)
        return 'INSERT INTO crm.leads (%s) VALUES %s' % (', '.join(names), self.values(rows))

    def copy_contacts(self, numbers=None):
        numbers = numbers or sorted({self.fresh_contact() for _ in range(self.few() * 2)})
        for n in numbers:
            self.born(n)
        names, rows = self.contact_rows(numbers)
        return 'COPY crm.leads (%s) FROM stdin;\n%s\\.' % (
            ', '.join(names), ''.join('\t'.join(copy_field(v) for v in row) + '\n' for row in rows))

    def insert_select_contacts(self):
        self.serial += 1
        names = [c.name for c in self.columns(CONTACTS, 12) if c.name not in ('points', 'date_added')]
        return 'INSERT INTO crm.leads (id, points, date_added%s) SELECT %s, points, date_added%s FROM crm.leads' \
            ' ORDER BY hashtext(id::text || \'%d\'), id LIMIT %d%s' % (
                ''.join(', ' + n for n in names), self.keys.derived('id', self.serial), ''.join(', ' + n for n in names),
                self.serial, self.few(), self.rng.choice(['', ' ON CONFLICT DO NOTHING']))

    def upsert_contacts(self):
        numbers = sorted({self.rng.choice([self.some_contact, self.fresh_contact])() for _ in range(self.few())})
        for n in numbers:
            self.born(n)
        names, rows = self.contact_rows(numbers)
        changed = self.rng.sample(names[1:], min(3, len(names) - 1))
        sets = ', '.join('%s = excluded.%s' % (c, c) for c in changed)
        return 'INSERT INTO crm.leads AS t (%s) VALUES %s ON CONFLICT (id) DO UPDATE SET %s%s' % (
            ', '.join(names), self.values(rows), sets, self.rng.choice(['', ' WHERE t.points <> excluded.points']))

    def merge_contacts(self):
        if not self.merge:
            return self.upsert_contacts()
        numbers = sorted({self.rng.choice([self.some_contact, self.fresh_contact])() for _ in range(self.few())})
        names, rows = self.contact_rows(numbers)
        source = self.json_rows(CONTACTS, names, rows)
        names = [n for n in names if n not in NOT_IN_JSON]
        changed = self.rng.sample(names[1:], min(3, len(names) - 1))
        return 'MERGE INTO crm.leads AS t USING %s AS s ON t.id = s.id' \
            ' WHEN MATCHED AND s.points < 0 THEN DELETE' \
            ' WHEN MATCHED AND s.points > 100 THEN DO NOTHING' \
            ' WHEN MATCHED THEN UPDATE SET %s' \
            ' WHEN NOT MATCHED THEN INSERT (%s) VALUES (%s)' % (
                source, ', '.join('%s = s.%s' % (c, c) for c in changed),
                ', '.join(names), ', '.join('s.' + n for n in names))

    def update_contacts(self):
        return 'UPDATE crm.leads SET %s WHERE %s' % (self.assignments(CONTACTS), self.contact_condition())

    def update_one(self):
        return 'UPDATE crm.leads SET %s WHERE id = %s' % (self.assignments(CONTACTS), self.keys.literal(self.some_contact()))

    def update_all(self):
        column = self.rng.choice(self.hot_columns)
        return 'UPDATE crm.leads SET %s = %s' % (column.name, self.rng.choice([literal(self.draw(column)), column.name]))

    def update_from(self):
        if not self.only_contact and self.rng.random() < 0.4:
            return 'UPDATE crm.leads AS t SET company = c.companyname FROM crm.companies_leads AS l' \
                ' JOIN crm.companies AS c ON c.id = l.company_id WHERE l.lead_id = t.id AND l.is_primary AND c.id %% 5 = %d' \
                % self.rng.randint(0, 4)
        names, rows = self.contact_rows(sorted({self.some_contact() for _ in range(self.few())}))
        changed = [n for n in self.rng.sample(names[1:], min(4, len(names) - 1)) if n not in NOT_IN_JSON] or ['points']
        return 'UPDATE crm.leads AS t SET %s FROM %s AS s WHERE t.id = s.id' % (
            ', '.join('%s = s.%s' % (c, c) for c in changed), self.json_rows(CONTACTS, names, rows))

    def swap_columns(self):
        a, b = self.rng.sample(['city', 'country', 'firstname', 'lastname', 'plan', 'code'], 2)
        return 'UPDATE crm.leads SET %s = %s, %s = %s WHERE %s' % (a, b, b, a, self.contact_condition())

    def delete_contacts(self):
        if self.rng.random() < 0.7:
            n = self.some_contact()
            self.gone(n)
            return 'DELETE FROM crm.leads WHERE id = %s' % self.keys.literal(n)
        self.serial += 1
        return "DELETE FROM crm.leads WHERE id IN (SELECT id FROM crm.leads WHERE %s ORDER BY hashtext(id::text || '%d'), id LIMIT %d)" \
            % (self.contact_condition(), self.serial, self.few())

    def change_key(self):
        old, new = self.some_contact(), self.fresh_contact()
        self.gone(old)
        self.born(new)
        sets = ', ' + self.assignments(CONTACTS) if self.rng.random() < 0.5 else ''
        return 'UPDATE crm.leads SET id = %s%s WHERE id = %s' % (self.keys.literal(new), sets, self.keys.literal(old))

    def rotate_keys(self):
        """Several keys change in one statement; some to keys that others had."""
        self.serial += 1
        return 'UPDATE crm.leads SET id = %s WHERE id IN (%s)' % (self.keys.derived('id', self.serial), self.contact_list())

    def several_changes(self):
        """One statement with several modifications of the same and of other tables."""
        rng = self.rng
        dead, new = self.some_contact(), self.fresh_contact()
        self.gone(dead)
        self.born(new)
        names, rows = self.contact_rows([new])
        parts = ['d AS (DELETE FROM crm.leads WHERE id = %s RETURNING *)' % self.keys.literal(dead),
                 'i AS (INSERT INTO crm.leads (%s) VALUES %s RETURNING id)' % (', '.join(names), self.values(rows)),
                 'u AS (UPDATE crm.leads SET %s WHERE id = %s RETURNING id)' % (
                     self.assignments(CONTACTS), self.keys.literal(self.some_contact()))]
        if not self.only_contact:
            parts.append('h AS (INSERT INTO crm.page_hits (lead_id, url, source, date_hit) SELECT id, %s, %s, %s FROM u)' % (
                literal(rng.choice(TEXTS)), literal(rng.choice(['email', 'sms', None])), literal(self.clock.instant(rng))))
            parts.append('x AS (DELETE FROM crm.lead_tags_xref WHERE lead_id = %s)' % self.keys.literal(self.some_contact()))
        parts = rng.sample(parts[:3], 3)[:rng.randint(2, 3)] + ([p for p in parts[3:]] if 'u AS' in str(parts) else [])
        if not any(p.startswith('u AS') for p in parts):
            parts = [p for p in parts if not p.startswith('h AS')]
        elif any(p.startswith('h AS') for p in parts):
            # h reads u, so it comes later
            parts.sort(key=lambda p: p.startswith('h AS'))
        return 'WITH %s UPDATE crm.leads SET %s WHERE id = %s' % (
            ', '.join(parts), self.assignments(CONTACTS), self.keys.literal(self.some_contact()))

    def block(self):
        """PL/pgSQL: a loop, and a subtransaction that fails."""
        return 'DO $$ DECLARE c record; BEGIN' \
            ' FOR c IN SELECT id FROM crm.leads WHERE %s ORDER BY id LIMIT 5 LOOP' \
            ' UPDATE crm.leads SET %s WHERE id = c.id;' \
            ' BEGIN UPDATE crm.leads SET %s WHERE id = c.id; PERFORM 1/(hashtext(c.id::text) %% 2);' \
            ' EXCEPTION WHEN division_by_zero THEN NULL; END; END LOOP; END $$' % (
                self.contact_condition(), self.assignments(CONTACTS), self.assignments(CONTACTS))

    def truncate_contacts(self):
        self.alive = set()
        self.ordered = None
        return 'TRUNCATE crm.leads CASCADE'

    # ----- rows that belong to a contact -----

    def related_row(self, table, contact=-1):
        if contact == -1:
            contact = self.some_contact()
            if table.early and self.rng.random() < 0.2:
                contact = self.fresh_contact()
            if table.contact_nullable and self.rng.random() < 0.05:
                contact = None
        row = [(table.contact, None if contact is None else self.keys.value(contact))]
        if table.reference:
            row.append((table.reference[0], self.rng.randint(1, table.reference[1])))
        return row + [(c.name, self.draw(c)) for c in table.columns]

    def related_condition(self, table):
        rng = self.rng
        tests = ['%s = %s' % (table.contact, self.keys.literal(self.some_contact())),
                 '%s IN (%s)' % (table.contact, self.contact_list())]
        if 'id' in table.keys:
            tests.append('id = (SELECT max(id) - %d FROM %s)' % (rng.randint(0, 50), table.qualified))
            tests.append('id %% %d = %d' % (rng.choice([17, 61]), rng.randint(0, 16)))
        else:
            tests.append('%s = %d AND hashtext(%s::text) %% 5 = 1' % (
                table.reference[0], rng.randint(1, table.reference[1]), table.contact))
        return rng.choice(tests)

    def insert_related(self, table, count=None):
        rows = [self.related_row(table) for _ in range(count or self.few())]
        names = [n for n, _ in rows[0]]
        values = [[v for _, v in row] for row in rows]
        if self.rng.random() < 0.3:
            return 'COPY %s (%s) FROM stdin;\n%s\\.' % (
                table.qualified, ', '.join(names),
                ''.join('\t'.join(copy_field(v) for v in row) + '\n' for row in values))
        conflict = ''
        if len(table.keys) == 2:
            update = table.columns[0].name if table.columns else None
            conflict = self.rng.choice(['', ' ON CONFLICT DO NOTHING'] + (
                [' ON CONFLICT (%s) DO UPDATE SET %s = excluded.%s' % (', '.join(table.keys), update, update)] * 2 if update else []))
            if 'UPDATE' in conflict:
                values = list({tuple(row[:2]): row for row in values}.values())
        return 'INSERT INTO %s (%s) VALUES %s%s' % (table.qualified, ', '.join(names), self.values(values), conflict)

    def insert_select_related(self, table):
        self.serial += 1
        names = [c.name for c in table.columns]
        columns = [table.contact] + ([table.reference[0]] if table.reference else []) + names
        source = ['%s::%s' % (self.keys.literal(self.some_contact()), self.keys.type)] + ([table.reference[0]] if table.reference else []) + names
        return 'INSERT INTO %s (%s) SELECT %s%s FROM %s WHERE %s ORDER BY %s LIMIT %d ON CONFLICT DO NOTHING' % (
            table.qualified, ', '.join(columns), 'DISTINCT ' if table.reference else '', ', '.join(source),
            table.qualified, self.related_condition(table), ', '.join(str(i + 1) for i in range(len(columns))), 50)

    def update_related(self, table):
        if not table.columns:
            return self.move_related(table)
        return 'UPDATE %s SET %s WHERE %s' % (table.qualified, self.assignments(table), self.related_condition(table))

    def move_related(self, table):
        target = None if table.contact_nullable and self.rng.random() < 0.15 else self.some_contact()
        sets = '%s = %s' % (table.contact, self.keys.literal(target))
        if table.columns and self.rng.random() < 0.3:
            sets += ', ' + self.assignments(table)
        return 'UPDATE %s SET %s WHERE %s' % (table.qualified, sets, self.related_condition(table))

    def swap_related(self, table):
        """The rows of two contacts change places."""
        a, b = self.keys.literal(self.some_contact()), self.keys.literal(self.some_contact())
        return 'UPDATE %s SET %s = CASE WHEN %s = %s THEN %s::%s ELSE %s END WHERE %s IN (%s, %s)' % (
            table.qualified, table.contact, table.contact, a, b, self.keys.type, a, table.contact, a, b)

    def delete_related(self, table):
        if self.rng.random() < 0.2:
            return 'DELETE FROM %s AS r USING crm.leads AS c WHERE c.id = r.%s AND %s' % (
                table.qualified, table.contact, self.contact_condition('c'))
        return 'DELETE FROM %s WHERE %s' % (table.qualified, self.related_condition(table))

    def related(self):
        rng = self.rng
        table = rng.choice(RELATED[:3] * 2 + RELATED)
        kind = rng.random()
        if kind < 0.42:
            return self.insert_related(table)
        if kind < 0.46:
            return self.insert_select_related(table)
        if kind < 0.64:
            return self.update_related(table)
        if kind < 0.74:
            return self.move_related(table)
        if kind < 0.78:
            return self.swap_related(table)
        if kind < 0.997:
            return self.delete_related(table)
        return 'TRUNCATE %s' % table.qualified

    # ----- companies and tags -----

    def company(self):
        rng = self.rng
        n = rng.randint(1, COMPANY_IDS)
        kind = rng.random()
        if kind < 0.35:
            row = [(c.name, self.draw(c)) for c in COMPANIES.columns]
            names, values = [n for n, _ in row], [v for _, v in row]
            return 'INSERT INTO crm.companies (id, %s) VALUES (%d, %s) ON CONFLICT (id) DO UPDATE SET %s' % (
                ', '.join(names), n, ', '.join(literal(v) for v in values),
                ', '.join('%s = excluded.%s' % (c, c) for c in rng.sample(names, 3)))
        if kind < 0.82:
            return 'UPDATE crm.companies SET %s WHERE id %s' % (
                self.assignments(COMPANIES), rng.choice(['= %d' % n, 'IN (%d, %d)' % (n, n % COMPANY_IDS + 1), '< 10']))
        if kind < 0.87:
            return 'DELETE FROM crm.companies WHERE id = %d' % n
        if kind < 0.93:
            return 'UPDATE crm.companies SET id = %d WHERE id = %d' % (rng.randint(1, COMPANY_IDS + 10), n)
        if kind < 0.98 and self.merge:
            return 'MERGE INTO crm.companies AS t USING generate_series(%d, %d) AS n ON t.id = n' \
                ' WHEN MATCHED AND n %% 3 = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET companycity = %s' \
                ' WHEN NOT MATCHED THEN INSERT (id, companyname) VALUES (n, %s)' % (
                    n, n + 3, literal(rng.choice(TEXTS)), literal(rng.choice(TEXTS)))
        return 'UPDATE crm.companies_leads SET is_primary = NOT is_primary WHERE company_id = %d' % n

    def tag(self):
        rng = self.rng
        n = rng.randint(1, 5)
        return rng.choice([
            lambda: "INSERT INTO crm.lead_tags (id, tag) VALUES (%d, %s) ON CONFLICT (id) DO UPDATE SET tag = excluded.tag" % (
                n, literal(rng.choice(TEXTS))),
            lambda: 'INSERT INTO crm.lead_tags (id, tag) VALUES (1, \'a\'), (2, \'b\'), (3, \'c\'), (4, \'d\'), (5, \'e\') ON CONFLICT DO NOTHING',
            lambda: 'DELETE FROM crm.lead_tags WHERE id = %d' % n,
            lambda: 'UPDATE crm.lead_tags SET id = %d WHERE id = %d' % (rng.randint(1, 6), n)])()

    def trim(self):
        """Keep the tables small, whatever was drawn."""
        table = self.rng.choice([CONTACTS] if self.only_contact else [CONTACTS] + [t for t in RELATED if 'id' in t.keys])
        most = self.contacts * 5 // 4
        return "DELETE FROM %s WHERE id IN (SELECT id FROM %s ORDER BY hashtext(id::text), id OFFSET %d)" % (
            table.qualified, table.qualified, most)

    def replenish(self):
        missing = [n for n in range(1, self.contacts + 1) if n not in self.alive]
        if not missing:
            return self.insert_contacts()
        for n in missing[:400]:
            self.born(n)
        names, rows = self.contact_rows(missing[:400])
        return 'INSERT INTO crm.leads (%s) VALUES %s ON CONFLICT DO NOTHING' % (', '.join(names), self.values(rows))

    # ----- segments -----

    def learn_segments(self, words):
        """What segments there really are, after statements that may have failed."""
        self.segments = {int(w[:-2]): w[-2] == 'p' for w in words}
        self.static = {int(w[:-2]) for w in words if w[-1] == 's'}
        self.toggled = set()

    def alias(self, published=True):
        """An existing segment, as far as is known."""
        known = [n for n in sorted(self.segments) if self.segments[n] or not published]
        return 'g%d' % self.rng.choice(known) if known else 'g1'

    def references(self, below=None):
        """What a filter may refer to; mostly older ones, so that few cycles are tried."""
        known = [n for n in sorted(self.segments) if self.segments[n]]
        if below is not None and self.rng.random() < 0.95:
            known = [n for n in known if n < below]
        return [self.rng.choice(['g%d' % n, 'g%d' % n, str(n)]) for n in known]

    def new_segment(self, static=False):
        """A row for segments.segment: id, name, alias, filters, is_published."""
        self.last_segment += 1
        n = self.last_segment
        filters = '[]' if static or self.rng.random() < 0.08 else self.filters.document(self.references(n))
        published = self.rng.random() < 0.95
        self.segments[n] = published
        if filters == '[]':
            self.static.add(n)
        return "(%d, 'Segment %d', 'g%d', %s, %s)" % (n, n, n, literal(filters), literal(published))

    def insert_segments(self, count=1, static=False):
        return 'INSERT INTO segments.segment (id, name, alias, filters, is_published) OVERRIDING SYSTEM VALUE VALUES %s' % \
            ', '.join(self.new_segment(static) for _ in range(count))

    def change_filters(self):
        alias = self.alias(published=False)
        n = int(alias[1:])
        filters = '[]' if self.rng.random() < 0.1 else self.filters.document(self.references(n))
        return 'UPDATE segments.segment SET filters = %s WHERE alias = %s' % (literal(filters), literal(alias))

    def publish(self, to):
        alias = self.alias(published=not to)
        self.segments[int(alias[1:])] = to
        if to:
            self.toggled.add(int(alias[1:]))
        return 'UPDATE segments.segment SET is_published = %s WHERE alias = %s' % (literal(to), literal(alias))

    def delete_segment(self):
        alias = self.alias(published=False)
        self.segments.pop(int(alias[1:]), None)
        self.static.discard(int(alias[1:]))
        return self.rng.choice(["SELECT segments.delete_segment('%s')", "DELETE FROM segments.segment WHERE alias = '%s'"]) % alias

    def segment(self):
        rng = self.rng
        if len(self.segments) < self.live * 3 // 4 or (len(self.segments) < self.live * 5 // 4 and rng.random() < 0.3):
            return self.insert_segments(rng.choice([1, 1, 3]))
        kind = rng.random()
        if kind < 0.45:
            return self.change_filters()
        if kind < 0.58:
            return self.publish(False)
        if kind < 0.75:
            return self.publish(True)
        if kind < 0.92:
            return self.delete_segment()
        if kind < 0.96:
            return "SELECT segments.rebuild('%s')" % self.alias()
        return "UPDATE segments.segment SET description = 'x', name = name || '' WHERE alias = '%s'" % self.alias()

    def by_hand(self):
        rng = self.rng
        alias = self.alias()
        if self.static and rng.random() < 0.2:
            alias = 'g%d' % rng.choice(sorted(self.static))
        if not self.segments.get(int(alias[1:]), False):
            alias = self.alias()
        other = self.alias()
        self.toggled |= {int(alias[1:]), int(other[1:])}
        kind = rng.random()
        contact = self.keys.literal(self.some_contact()) + '::' + self.keys.type
        several = 'ARRAY[%s]::%s[]' % (self.contact_list(), self.keys.type)
        if kind < 0.55:
            return "SELECT segments.%s_contact('%s', %s)" % (rng.choice(['add', 'add', 'remove', 'remove', 'reset']), alias, contact)
        if kind < 0.85:
            return "SELECT count(*) FROM segments.%s_contacts('%s', %s)" % (rng.choice(['add', 'remove']), alias, several)
        return "SELECT count(*) FROM segments.change_segments(%s, ARRAY['%s'], ARRAY['%s'])" % (several, alias, other)

    # ----- time -----

    def tick(self):
        """The clock moves; what is written before the refresh is evaluated at the new instant already."""
        self.clock.advance(self.rng)
        between = [self.change() for _ in range(self.rng.choice([0, 0, 1, 2]))]
        return [self.clock.setting()] + between + ['SELECT segments.refresh_due()']

    def zone(self):
        zone = self.rng.choice(['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kathmandu', 'Pacific/Apia'])
        return "SELECT segments.attach('crm.leads', timezone => '%s')" % zone

    # ----- all together -----

    def contact(self):
        rng = self.rng
        choices = [(24, self.update_one), (14, self.update_contacts), (8, self.insert_contacts), (4, self.copy_contacts),
                   (3, self.insert_select_contacts), (8, self.upsert_contacts), (6, self.merge_contacts), (0.7, self.update_all),
                   (5, self.update_from), (3, self.swap_columns), (9, self.delete_contacts), (3, self.change_key),
                   (1.5, self.rotate_keys), (6, self.several_changes), (3, self.block)]
        return rng.choices([c for _, c in choices], [w for w, _ in choices])[0]()

    def change(self):
        """A write of some row."""
        kind = self.rng.random()
        if self.only_contact or kind < 0.42:
            return self.contact()
        if kind < 0.88:
            return self.related()
        if kind < 0.97:
            return self.company()
        return self.tag()

    def one(self):
        kind = self.rng.random()
        if kind < 0.86:
            return self.change()
        if kind < 0.94:
            return self.by_hand()
        return self.segment()

    def transaction(self):
        """BEGIN … COMMIT or ROLLBACK, with savepoints."""
        rng = self.rng
        out, depth = ['BEGIN'], 0
        for _ in range(rng.randint(2, 6)):
            kind = rng.random()
            if kind < 0.2:
                depth += 1
                out.append('SAVEPOINT s%d' % depth)
            elif kind < 0.35 and depth:
                out.append('ROLLBACK TO SAVEPOINT s%d' % depth)
            elif kind < 0.42 and depth:
                out.append('RELEASE SAVEPOINT s%d' % depth)
                depth -= 1
            out.append(self.one())
        if depth and rng.random() < 0.4:
            out.append('ROLLBACK TO SAVEPOINT s%d' % depth)
            if rng.random() < 0.5:
                out.append(self.one())
        out.append(rng.choice(['COMMIT', 'COMMIT', 'COMMIT', 'ROLLBACK']))
        return out

    def unit(self):
        """The next statements that belong together."""
        rng = self.rng
        kind = rng.random()
        if kind < 0.025:
            return self.tick()
        if kind < 0.026:
            return [self.zone()]
        if kind < 0.0265:
            return [self.truncate_contacts(), self.replenish()]
        if kind < 0.034:
            return [self.trim()]
        if kind < 0.038:
            return [self.replenish()]
        if kind < 0.05 and not self.only_contact:
            # deletes, cascades and TRUNCATE would leave little
            table = rng.choice(RELATED + RELATED[:3])
            return [self.company() for _ in range(3)] + [self.insert_related(table, 30) for _ in range(2)]
        if kind < 0.13:
            return self.transaction()
        return [self.one()]

    def first_rows(self):
        """What there is before the first segment."""
        out = []
        for start in range(1, self.contacts + 1, 200):
            out.append(self.copy_contacts(list(range(start, min(start + 200, self.contacts + 1)))))
        if not self.only_contact:
            out.append("INSERT INTO crm.lead_tags (id, tag) VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd'), (5, 'e')")
            out += [self.company() for _ in range(60)]
            for table in RELATED:
                out += [self.insert_related(table) for _ in range(max(5, self.contacts // 12))]
        return out
