"""What the generator of DDL knows: a world of tables, and what filters on them mean.

Tables and their columns (by identity, not by name), declared fields, partitions, and what every filter meant when
it was stored.  Here are the statements that change no definition of a table: of segments and of rows.
"""
import json

NAMES = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']        # of columns and of fields alike: they shadow one another
TYPES = ['text', 'integer', 'bigint', 'numeric', 'boolean', 'date', 'mood']
NUMBERS = ('integer', 'bigint', 'numeric')
WORDS = ['', 'x', 'X', 'yes', 'paris', 'a b']
KEYS = 60
FIRMS = 6
EVENT_OBJECTS = ('behaviors', 'groups')    # of fields over events

# What the server or segments may say of a statement that is refused.
REFUSED = {'2BP01'}

SETUP = """
CREATE EXTENSION segments;
CREATE SCHEMA home;
CREATE SCHEMA attic;
CREATE TYPE public.mood AS ENUM ('good', 'bad');
CREATE TABLE home.firm (id integer PRIMARY KEY, a text, b integer);
"""

CONTACTS = {
    'plain': "CREATE TABLE home.person (id integer PRIMARY KEY, firm_id integer, a text, b integer, c text, d boolean)",
    'partitioned': """
CREATE TABLE home.person (id integer PRIMARY KEY, firm_id integer, a text, b integer, c text, d boolean) PARTITION BY RANGE (id);
CREATE TABLE home.person_0 PARTITION OF home.person FOR VALUES FROM (MINVALUE) TO (20);
CREATE TABLE home.person_1 (d boolean, c text, b integer, a text, firm_id integer, id integer PRIMARY KEY);
ALTER TABLE home.person ATTACH PARTITION home.person_1 FOR VALUES FROM (20) TO (40);
CREATE TABLE home.person_2 PARTITION OF home.person FOR VALUES FROM (40) TO (MAXVALUE) PARTITION BY HASH (id);
CREATE TABLE home.person_2a PARTITION OF home.person_2 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE home.person_2b PARTITION OF home.person_2 FOR VALUES WITH (MODULUS 2, REMAINDER 1)""",
    'inherited': """
CREATE TABLE home.person (id integer PRIMARY KEY, firm_id integer, a text, b integer, c text, d boolean);
CREATE TABLE home.person_1 (own text, PRIMARY KEY (id)) INHERITS (home.person);
CREATE TABLE home.person_2 (PRIMARY KEY (id)) INHERITS (home.person_1)""",
}

EVENTS = {
    False: "CREATE TABLE home.event (person_id integer, at date, a text, e integer)",
    True: """
CREATE TABLE home.event (person_id integer, at date, a text, e integer) PARTITION BY RANGE (at);
CREATE TABLE home.event_0 PARTITION OF home.event FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE home.event_1 (e integer, a text, at date, person_id integer);
ALTER TABLE home.event ATTACH PARTITION home.event_1 FOR VALUES FROM ('2026-02-01') TO ('2026-03-01')""",
}

ATTACH = """
CREATE INDEX ON home.event (person_id);
CREATE ROLE %(one)s;
CREATE ROLE %(two)s;
GRANT ALL ON SCHEMA home, attic TO %(one)s, %(two)s;
GRANT SELECT ON ALL TABLES IN SCHEMA home TO %(one)s, %(two)s;
SELECT segments.attach('home.person');
SELECT segments.attach_company('home.person', 'home.firm', 'firm_id');
SELECT segments.attach_related('home.person', 'event', 'home.event', 'person_id');
CREATE FUNCTION public.members() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    EXECUTE format('SELECT md5(string_agg(m::text, %%L ORDER BY m.segment_id, m.contact_id)) FROM (SELECT segment_id, contact_id FROM %%s) AS m',
                   ',', (SELECT member_table FROM segments.contact_table)) INTO result;
    RETURN coalesce(result, 'none');
END $$;
CREATE FUNCTION public.wrong(by_query boolean) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT 'check() finds ' || c::text FROM segments.check(NULL, NULL::bigint, by_query => wrong.by_query) AS c LIMIT 20
$$;
CREATE FUNCTION public.counted() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    s record;
    stored bigint;
BEGIN
    FOR s IN SELECT id FROM segments.segment LOOP
        EXECUTE format('SELECT count(*) FROM %%s WHERE segment_id = %%s', (SELECT member_table FROM segments.contact_table), s.id) INTO stored;
        IF segments.count(s.id::text) <> stored THEN
            RETURN NEXT format('segment %%s has %%s members, and counts %%s', s.id, stored, segments.count(s.id::text));
        END IF;
    END LOOP;
END $$;
"""


class Column:
    def __init__(self, name, type):
        self.name, self.type = name, type


class Table:
    def __init__(self, name, fixed, columns):
        self.schema, self.name = 'home', name
        self.fixed = fixed              # names of columns that are needed whatever segments say
        self.columns = [Column(*c) for c in columns]
        self.indexes = 0

    def __str__(self):
        return '%s.%s' % (self.schema, self.name)

    def named(self, name):
        return next((c for c in self.columns if c.name == name), None)


class Part:
    """A partition, or a table that inherits: it has a schema of its own."""

    def __init__(self, name, bounds, filled=False):
        self.schema, self.name, self.bounds, self.attached = 'home', name, bounds, True

    def __str__(self):
        return '%s.%s' % (self.schema, self.name)


class Declared:
    """A declared field: over a column, by identity, or an expression that mentions some by name."""

    def __init__(self, table, column=None, expression=None, mentions=(), whole_row=False, aggregate=None, type=None):
        self.table, self.column, self.expression = table, column, expression
        self.mentions, self.whole_row, self.aggregate, self.type = list(mentions), whole_row, aggregate, type


class Statement:
    """What is run, whether it must be refused (None: either way), whether members stay, and what it does to the model."""

    def __init__(self, sql, refused=False, keeps=False, then=None, ddl=True, codes=(), why=''):
        self.sql, self.refused, self.keeps, self.then, self.ddl = sql, refused, keeps, then, ddl
        self.codes = set(codes)         # what else it may run into, which is no refusal of segments
        self.why = why


class World:
    def __init__(self, rng):
        self.rng = rng
        self.contacts = rng.choice(list(CONTACTS))
        self.split_events = rng.random() < 0.6
        self.person = Table('person', {'id', 'firm_id'},
                            [('id', 'integer'), ('firm_id', 'integer'), ('a', 'text'), ('b', 'integer'), ('c', 'text'), ('d', 'boolean')])
        self.firm = Table('firm', {'id'}, [('id', 'integer'), ('a', 'text'), ('b', 'integer')])
        self.event = Table('event', {'person_id', 'at'},
                           [('person_id', 'integer'), ('at', 'date'), ('a', 'text'), ('e', 'integer')])
        self.related = True             # is event attached?
        self.company = True
        self.fields = {}                # (object, name) -> Declared
        self.segments = {}              # alias -> [(object, name, operator, meaning)]
        self.next = 0
        self.moods = ['good', 'bad']
        self.parts = {'plain': [], 'partitioned': [Part('person_0', ''), Part('person_1', ''), Part('person_2', ''), Part('person_2a', ''), Part('person_2b', '')],
                      'inherited': [Part('person_1', ''), Part('person_2', '')]}[self.contacts]
        self.event_parts = [Part('event_0', (0, 31)), Part('event_1', (31, 59))] if self.split_events else []
        self.loose = []                 # parts that were detached, or are ready to be attached
        self.guests = None              # a table of contacts that comes and goes

    def setup(self, one, two):
        self.roles = (one, two)
        return SETUP + CONTACTS[self.contacts] + ';\n' + EVENTS[self.split_events] + ';\n' + ATTACH % {'one': one, 'two': two}

    def name(self):
        self.next += 1
        return 'n%d' % self.next

    # ----- meaning -----

    def meaning(self, object, name):
        """What a filter's name means now: a column, a declared field, or nothing."""
        if (object, name) in self.fields:
            return self.fields[object, name]
        if object == 'lead':
            column = self.person.named(name)
            if column:
                return column
            return self.fields.get(('behaviors', name))
        if object == 'company' and self.company:
            return self.firm.named(name)
        if object == 'rows' and self.related:
            return self.row_field(name) or self.event.named(name)
        return None

    def row_field(self, name):
        """What is declared of one row of events, whatever its object is."""
        fields = [self.fields.get((object, name)) for object in EVENT_OBJECTS]
        return next((f for f in fields if f and not f.aggregate), None)

    def base(self, object, meaning):
        """Two that have one base mean the same."""
        if isinstance(meaning, Declared) and meaning.column and not meaning.aggregate and (object == 'rows' or meaning.table is not self.event):
            return meaning.column
        return meaning

    def nodes(self):
        return [node for nodes in self.segments.values() for node in nodes]

    def loses(self):
        """Does some stored filter not mean what it meant?"""
        return any(self.base(object, self.meaning(object, name)) is not self.base(object, meaning)
                   for object, name, _, meaning in self.nodes())

    def type_of(self, meaning):
        if isinstance(meaning, Column):
            return meaning.type
        if meaning.aggregate == 'count':
            return 'integer'
        if meaning.aggregate == 'exists':
            return 'boolean'
        return meaning.type if meaning.expression else meaning.column.type

    # ----- segments -----

    def node(self):
        rng = self.rng
        choices = [('lead', c.name) for c in self.person.columns if c.name in NAMES]
        choices += [('company', c.name) for c in self.firm.columns if c.name in NAMES and self.company]
        choices += [key for key in self.fields if key[0] != 'groups']
        choices += [('lead', name) for object, name in self.fields if object == 'behaviors' and not self.meaning('lead', name) is None]
        if not choices:
            return None
        object, name = rng.choice(choices)
        meaning = self.meaning(object, name)
        if meaning is None:
            return None
        document, operator = self.test(name, meaning)
        document['object'] = object
        return document, [(object, name, operator, meaning)]

    def row_group(self):
        """Rows of events that satisfy something, or are so many, or add up to so much."""
        rng = self.rng
        names = [c.name for c in self.event.columns if c.name in NAMES] + [n for o, n in self.fields if o in EVENT_OBJECTS and self.row_field(n)]
        if not names or not self.related:
            return None
        document, nodes = {'glue': rng.choice(['and', 'or']), 'rows': 'event', 'filters': []}, []
        for name in rng.choices(names, k=rng.choice([1, 1, 2])):
            meaning = self.meaning('rows', name)
            test, operator = self.test(name, meaning)
            document['filters'].append(test)
            nodes.append(('rows', name, operator, meaning))
        numbers = [n for n in names if self.type_of(self.meaning('rows', n)) in NUMBERS]
        way = rng.random()
        if way < 0.3:
            document.update(aggregate='count', operator=rng.choice(['gte', 'lt', '=']), properties={'filter': rng.randint(0, 3)})
        elif way < 0.5 and numbers:
            of = rng.choice(numbers)
            document.update(aggregate=rng.choice(['sum', 'max', 'avg']), of=of, operator=rng.choice(['gt', 'lte']), properties={'filter': rng.randint(0, 5)})
            nodes.append(('rows', of, 'of', self.meaning('rows', of)))
        elif way < 0.6:
            document['negate'] = True
        return document, nodes

    def test(self, name, meaning):
        """A filter on what a name means, without an object, and its operator."""
        rng, type = self.rng, self.type_of(meaning)
        if type == 'boolean':
            operator, value = '=', rng.choice([0, 1])
        elif type == 'date':
            operator = rng.choice(['gt', 'lt', '=', 'empty', '!empty'])
            value = '2026-0%d-1%d' % (rng.randint(1, 2), rng.randint(0, 9))
        elif type in NUMBERS:
            operator = rng.choice(['=', '!=', 'gt', 'lte', 'in', 'between', 'empty'])
            value = rng.randint(-1, 5)
            value = [value, value + 2] if operator in ('in', 'between') else value
        else:
            operator = rng.choice(['=', '!=', 'like', 'contains', 'in', '!in', 'empty', '!empty', 'startsWith'])
            words = self.moods if type == 'mood' else WORDS + ['good']
            value = rng.choice(words)
            value = [value, rng.choice(words)] if operator in ('in', '!in') else value
        if operator in ('contains', 'startsWith') and value == '':
            value = 'x'
        document = {'glue': rng.choice(['and', 'or']), 'field': name, 'operator': operator}
        if not operator.endswith('empty'):
            document['properties'] = {'filter': value}
        return document, operator

    def filters(self):
        elements = [self.row_group() if self.rng.random() < 0.25 else self.node() for _ in range(self.rng.choice([1, 1, 2, 3]))]
        elements = [e for e in elements if e]
        documents = [document for document, _ in elements]
        return json.dumps(documents).replace("'", "''"), [node for _, nodes in elements for node in nodes]

    def create(self):
        alias = self.name()
        text, nodes = self.filters()
        refers = None
        if self.segments and self.rng.random() < 0.15:
            refers = self.rng.choice(sorted(self.segments))
            text = json.dumps(json.loads(text) + [{'object': 'lead', 'field': 'leadlist', 'operator': 'in', 'properties': {'filter': [refers]}}])

        def then():
            self.segments[alias] = nodes
        return Statement("INSERT INTO segments.segment (name, alias, filters, contact_table) VALUES ('%s', '%s', '%s', '%s')" % (
            alias, alias, text, self.person), then=then, ddl=False)

    def change(self):
        alias = self.rng.choice(sorted(self.segments))
        text, nodes = self.filters()

        def then():
            self.segments[alias] = nodes
        return Statement("UPDATE segments.segment SET filters = '%s' WHERE alias = '%s'" % (text, alias), then=then, ddl=False)

    def delete(self):
        alias = self.rng.choice(sorted(self.segments))

        def then():
            self.segments.pop(alias, None)
        return Statement("DELETE FROM segments.segment WHERE alias = '%s'" % alias, then=then, ddl=False, codes=REFUSED)

    # ----- rows -----

    def value(self, column):
        rng = self.rng
        if rng.random() < 0.15:
            return 'NULL'
        if column.type in NUMBERS:
            return str(rng.randint(-1, 5))
        if column.type == 'boolean':
            return rng.choice(['true', 'false'])
        if column.type == 'date':
            return "'2026-0%d-1%d'" % (rng.randint(1, 2), rng.randint(0, 9))
        return "'%s'" % rng.choice(self.moods if column.type == 'mood' else WORDS)

    def values(self, table, some):
        columns = [c for c in table.columns if c.name not in table.fixed]
        columns = self.rng.sample(columns, self.rng.randint(1 if some else 0, len(columns))) if columns else []
        return columns, [self.value(c) for c in columns]

    def target(self, table):
        """The table, or one that holds rows of it."""
        parts = {'person': self.parts, 'event': self.event_parts, 'firm': []}[self.kind(table)]
        parts = [p for p in parts if p.attached]
        return self.rng.choice(parts) if parts and self.rng.random() < 0.4 else table

    def kind(self, table):
        return 'person' if table is self.person else 'event' if table is self.event else 'firm'

    def key(self, table):
        """Of the primary key, or of the contact, by the names that they have now."""
        return [c.name for c in table.columns][0]

    def day(self):
        return "'2026-%02d-%02d'" % (self.rng.randint(1, 2), self.rng.randint(1, 28))

    def write(self):
        rng = self.rng
        table = rng.choice([self.person, self.person, self.event, self.event, self.firm])
        kind = self.kind(table)
        number = rng.randint(1, FIRMS if kind == 'firm' else KEYS)
        columns, values = self.values(table, False)
        names = [table.columns[0].name] + [c.name for c in columns]
        values = [str(number)] + values
        if kind == 'person':
            names.append(table.columns[1].name)
            values.append(rng.choice(['NULL', str(rng.randint(1, FIRMS))]))
        elif kind == 'event':
            names.append(table.columns[1].name)
            values.append(self.day())
        what = rng.choice(['insert', 'insert', 'update', 'update', 'delete', 'many'])
        codes = {'23505', '23514', '22P02'}
        if what == 'insert':
            sql = 'INSERT INTO %s (%s) VALUES (%s)' % (self.target(table), ', '.join(names), ', '.join(values))
        elif what == 'many' and kind != 'firm':
            sql = 'DELETE FROM %s WHERE %s %% 7 = %d' % (self.target(table), self.key(table), rng.randint(0, 6))
        elif what == 'delete':
            sql = 'DELETE FROM %s WHERE %s = %d' % (self.target(table), self.key(table), number)
        else:
            sets = ', '.join('%s = %s' % pair for pair in zip(names[1:], values[1:]))
            if kind == 'person' and rng.random() < 0.1:
                sets += ', %s = %d' % (names[0], rng.randint(1, KEYS))
            where = '%s = %d' % (self.key(table), number) if rng.random() < 0.8 else '%s %% 5 = %d' % (self.key(table), rng.randint(0, 4))
            if not sets:
                return self.write()
            sql = 'UPDATE %s SET %s WHERE %s' % (self.target(table), sets, where)
        return Statement(sql, ddl=False, codes=codes)

    def by_hand(self):
        if not self.segments:
            return self.write()
        return Statement("SELECT segments.%s_contact('%s', %d::%s)" % (
            self.rng.choice(['add', 'remove', 'reset']), self.rng.choice(sorted(self.segments)), self.rng.randint(1, KEYS),
            self.person.columns[0].type), ddl=False, codes={'P0002', '55000'})

    def truncate(self):
        table = self.rng.choice([self.person, self.event, self.event])
        return Statement('TRUNCATE %s' % self.target(table), ddl=False)

    def first_rows(self):
        for number in range(1, FIRMS + 1):
            yield "INSERT INTO home.firm (id, a, b) VALUES (%d, '%s', %d)" % (number, self.rng.choice(WORDS), number)
        for number in range(1, KEYS, 2):
            yield "INSERT INTO home.person (id, firm_id, a, b) VALUES (%d, %d, '%s', %d)" % (
                number, self.rng.randint(1, FIRMS), self.rng.choice(WORDS), number % 6)
            yield "INSERT INTO home.event (person_id, at, a, e) VALUES (%d, %s, '%s', %d)" % (number, self.day(), self.rng.choice(WORDS), number % 5)
