"""Random DDL against random segments, with writes between, and an oracle.

A model follows what there is: tables, their columns (by identity, not by name), declared fields,
partitions, and what every filter meant when it was stored.  From it follows of each statement
whether it has to be refused, because a segment or a declared field would lose its meaning; whatever else
is refused, or accepted, is a fault.  After each statement check() finds nothing; and what only
names, moves, adds or takes away what no filter means leaves every membership as it was.
"""
from ddl_world import EVENT_OBJECTS, NAMES, NUMBERS, TYPES, Column, Declared, Statement, World


class ChangingWorld(World):
    """A world with the statements that change it."""

    # ----- columns -----

    def any_table(self):
        return self.rng.choice([self.person, self.person, self.event, self.firm])

    def of_children(self, table):
        """A table that came with columns of its own keeps them when the parent loses its."""
        return {'42701', '42804'} if table is self.person and self.contacts == 'inherited' else set()

    def with_model(self, change, undo):
        """Would filters lose their meaning if the model changed so?"""
        change()
        lost = self.loses()
        undo()
        return lost

    def read_whole(self, table):
        """A declared field reads the table's whole rows, which have other columns then."""
        return any(d.whole_row and d.table is table for d in self.fields.values())

    def add_column(self):
        rng = self.rng
        table = self.any_table()
        free = [n for n in NAMES if not table.named(n)]
        if not free:
            return self.drop_column()
        new = [Column(n, rng.choice(TYPES)) for n in rng.sample(free, min(len(free), rng.choice([1, 1, 2])))]

        def then():
            table.columns += new

        def undo():
            del table.columns[-len(new):]
        words = []
        for c in new:
            default = '' if rng.random() < 0.5 else ' DEFAULT ' + self.value(c)
            words.append('ADD COLUMN %s %s%s' % (c.name, c.type, default))
        return Statement('ALTER TABLE %s %s' % (table, ', '.join(words)), self.with_model(then, undo), not self.read_whole(table), then,
                         codes=self.of_children(table))

    def needed_by_declared(self, table, columns):
        """An expression mentions one of these columns."""
        return any(d.table is table and d.expression and any(c in d.mentions for c in columns) for d in self.fields.values())

    def drop_column(self):
        rng = self.rng
        table = self.any_table()
        choices = [c for c in table.columns if c.name not in table.fixed] or table.columns[:1]
        gone = rng.sample(choices, min(len(choices), rng.choice([1, 1, 1, 2])))
        attached = {'person': True, 'firm': self.company, 'event': self.related}[self.kind(table)]
        if rng.random() < 0.05 and attached:
            gone = [table.columns[0]]
        elif table.columns[0] in gone:
            return self.add_column()
        before, fields = table.columns, dict(self.fields)

        def then():
            table.columns = [c for c in table.columns if c not in gone]
            for key, d in list(self.fields.items()):
                if d.table is table and d.column in gone:
                    del self.fields[key]

        def undo():
            table.columns = before
            self.fields = fields.copy()
        needed = self.with_model(then, undo) or self.needed_by_declared(table, gone)
        if table.columns[0] in gone:
            needed = True
        elif not attached:
            needed = False
        return Statement('ALTER TABLE %s %s' % (table, ', '.join('DROP COLUMN ' + c.name for c in gone)), needed,
                         not self.read_whole(table), then,
                         codes={'42P16'} if table.columns[0] in gone else ())

    def rename_column(self):
        rng = self.rng
        table = self.any_table()
        column = rng.choice([c for c in table.columns if rng.random() < 0.3 or c.name not in table.fixed] or table.columns)
        if table.columns.index(column) < (1 if table is self.firm else 2) and rng.random() < 0.5:
            return self.add_column()
        free = [n for n in NAMES if not table.named(n)] + ['key%d' % rng.randint(0, 9)]
        name, old = rng.choice(free), column.name
        if table.named(name):
            return self.add_column()
        fields = dict(self.fields)

        def then():
            followed = {}
            for object, word, _, meaning in self.nodes():
                # what a filter named is the column still, by a field that is declared for it
                if self.base(object, meaning) is not column or word != old:
                    continue
                if object == 'rows' and not self.row_field(word):
                    free = [o for o in EVENT_OBJECTS if (o, word) not in self.fields]
                    followed.update({(o, word): Declared(table, column) for o in free[:1]})
                elif object != 'rows' and (object, word) not in self.fields:
                    followed[object, word] = Declared(table, column)
            column.name = name
            self.fields.update(followed)
            if old in table.fixed:
                table.fixed = table.fixed - {old} | {name}

        def undo():
            column.name = old
            self.fields = fields.copy()
            if name in table.fixed:
                table.fixed = table.fixed - {name} | {old}
        needed = self.with_model(then, undo)
        if not needed and self.needed_by_declared(table, [column]):
            needed = None           # what is declared in SQL follows where it can be told what it means
        if table is self.event and not self.related or table is self.firm and not self.company:
            needed = False
        return Statement('ALTER TABLE %s RENAME COLUMN %s TO %s' % (table, old, name), needed, not self.read_whole(table), then,
                         codes=self.of_children(table))

    def retype_column(self):
        rng = self.rng
        table = self.any_table()
        choices = [c for c in table.columns if c.name not in table.fixed]
        if not choices:
            return self.add_column()
        column = rng.choice(choices)
        wider = {'integer': ['bigint', 'numeric'], 'bigint': ['numeric'], 'mood': ['text'], 'date': ['text'], 'boolean': ['text'],
                 'numeric': ['text'], 'text': ['integer', 'date']}[column.type]
        type, old = rng.choice(wider), column.type
        using = {'integer': 'length(%s)', 'date': "'2026-01-15'::date + length(%s)"}.get(type, '%s::' + type) % column.name
        operators = {operator for object, _, operator, meaning in self.nodes() if self.base(object, meaning) is column or
                     isinstance(meaning, Declared) and meaning.column is column and meaning.aggregate in (None, 'max')}
        mentioned = self.needed_by_declared(table, [column])
        aggregated = any(d.column is column and d.aggregate for d in self.fields.values())
        if column.type in NUMBERS and type in NUMBERS or column.type == 'mood':
            refused = None if mentioned else False
        elif not operators and not mentioned and not aggregated:
            refused = False
        elif type == 'text' and operators and not operators - {'gt', 'lte', 'lt', 'between'} and not mentioned and old != 'boolean':
            refused = True
        else:
            refused = None
        if column.type == 'mood' and type == 'text':
            refused = None if mentioned else False
        # values are other texts, or may not be numbers

        def then():
            column.type = type
        return Statement('ALTER TABLE %s ALTER COLUMN %s DROP DEFAULT, ALTER COLUMN %s TYPE %s USING %s' % (
            table, column.name, column.name, type, using), refused, False, then, codes={'42804', '0A000'})

    def widen_key(self):
        key = self.person.columns[0]
        if self.contacts == 'partitioned' or key.type == 'bigint':
            return self.write()

        def then():
            key.type = 'bigint'
        return Statement('ALTER TABLE %s ALTER COLUMN %s TYPE bigint' % (self.person, key.name), False, True, then)

    def narrow_key(self):
        key = self.person.columns[0]
        type = self.rng.choice(['text', 'numeric', 'smallint'])
        if self.contacts == 'partitioned':
            return Statement('ALTER TABLE %s ALTER COLUMN %s TYPE %s' % (self.person, key.name, type), True, True, codes={'42P16'})
        return Statement('ALTER TABLE %s ALTER COLUMN %s TYPE %s' % (self.person, key.name, type), True, True)

    # ----- what is declared -----

    def define(self):
        rng = self.rng
        object = rng.choice(['lead', 'lead', 'behaviors', 'company'])
        table = {'lead': self.person, 'behaviors': self.event, 'company': self.firm}[object]
        if object == 'behaviors' and not self.related or object == 'company' and not self.company:
            return self.write()
        name = rng.choice(NAMES)
        columns = [c for c in table.columns if c.name in NAMES]
        if not columns:
            return self.add_column()
        column = rng.choice(columns)
        arguments = ["object => '%s'" % object]
        if object == 'behaviors':
            arguments.append("relation => 'event'")
        way = rng.random()
        if way < 0.45:
            declared = Declared(table, column)
            arguments.append("column_name => '%s'" % column.name)
        elif object == 'behaviors' and way < 0.7:
            declared = Declared(table, aggregate=rng.choice(['count', 'exists']))
            arguments.append("aggregate => '%s'" % declared.aggregate)
        elif column.type in NUMBERS:
            declared = Declared(table, expression='%s + 1', mentions=[column], type='numeric')
            arguments += ["type => 'number'", "expression => '%s + 1'" % column.name]
        elif object == 'lead' and way > 0.9:
            declared = Declared(table, expression='whole', whole_row=True, type='text')
            arguments += ["type => 'text'", "expression => 'left(md5(%s::text), 1)'" % table.name]
        elif column.type == 'text':
            declared = Declared(table, expression='upper(%s)', mentions=[column], type='text')
            arguments += ["type => 'text'", "expression => 'upper(%s)'" % column.name]
        else:
            declared = Declared(table, column)
            arguments.append("column_name => '%s'" % column.name)
        former = self.fields.get((object, name))
        if former and (former.column is None or former.aggregate or declared.column is None):
            return self.drop_field()        # what isn't given stays
        if object == 'behaviors' and ('groups', name) in self.fields:
            return self.drop_field()        # which of the two a row group means is not said
        meant = [(o, n, operator, m) for o, n, operator, m in self.nodes()
                 if n == name and (o == object or o == 'lead' and object == 'behaviors' and m is former
                                   or o == 'rows' and object == 'behaviors' and not declared.aggregate)]
        hides = any(o == 'lead' and n == name and isinstance(m, Declared) and m.table is self.event for o, n, _, m in self.nodes())
        refused = None if meant else (True if object == 'lead' and hides and former is None else False)
        # declared anew: filters mean what is declared now

        def then():
            objects = {o for o, _, _, _ in meant}
            meanings = {id(m) for _, _, _, m in meant}
            self.fields[object, name] = declared
            for alias, nodes in self.segments.items():
                self.segments[alias] = [(o, n, operator, declared if n == name and o in objects and id(m) in meanings else m) for o, n, operator, m in nodes]
        return Statement("SELECT segments.define_field('%s', '%s', %s)" % (self.person, name, ', '.join(arguments)),
                         refused, not meant, then, codes={'22023', '42804', '42P16'})

    def drop_field(self):
        if not self.fields:
            return self.define()
        key = self.rng.choice(sorted(self.fields))
        former = self.fields[key]

        def then():
            del self.fields[key]

        def undo():
            self.fields[key] = former
        return Statement("SELECT segments.drop_field('%s', '%s', '%s')" % (self.person, key[1], key[0]), self.with_model(then, undo), True, then)

    def relate(self):
        rng = self.rng
        company = rng.random() < 0.4
        fields = dict(self.fields)
        if company:
            if self.company:
                def then():
                    self.company = False
                    self.fields = {k: d for k, d in self.fields.items() if d.table is not self.firm}

                def undo():
                    self.company = True
                    self.fields = fields.copy()
                needed = self.with_model(then, undo)
                name = rng.choice(['company', 'company_all'])     # they go together
                return Statement("SELECT segments.detach_related('%s', '%s')" % (self.person, name), needed, True, then)

            def then():
                self.company = True
            return Statement("SELECT segments.attach_company('%s', '%s', '%s')" % (self.person, self.firm, self.person.columns[1].name), False, True, then)
        if self.related:
            def then():
                self.related = False
                self.fields = {k: d for k, d in self.fields.items() if d.table is not self.event}

            def undo():
                self.related = True
                self.fields = fields.copy()
            return Statement("SELECT segments.detach_related('%s', 'event')" % self.person, self.with_model(then, undo), True, then)

        def then():
            self.related = True
        return Statement("SELECT segments.attach_related('%s', 'event', '%s', '%s')" % (self.person, self.event, self.event.columns[0].name), False, True, then)

    # ----- places, owners, indexes, values -----

    def move(self):
        rng = self.rng
        table = rng.choice([self.person, self.event, self.firm] + self.parts + self.event_parts)
        schema = 'attic' if table.schema == 'home' else 'home'

        def then():
            table.schema = schema
        return Statement('ALTER TABLE %s SET SCHEMA %s' % (table, schema), False, True, then)

    def rename_table(self):
        table = self.rng.choice([self.person, self.event, self.firm])
        name = self.name()

        def then():
            table.name = name
        return Statement('ALTER TABLE %s RENAME TO %s' % (table, name), None if self.read_whole(table) else False, True, then)

    def rename_schema(self):
        schema = self.rng.choice(['home', 'attic'])
        return Statement("ALTER SCHEMA %s RENAME TO passing; ALTER SCHEMA passing RENAME TO %s" % (schema, schema), False, True)

    def own(self):
        return Statement('ALTER TABLE %s OWNER TO %s' % (self.person, self.rng.choice(list(self.roles) + ['CURRENT_USER'])), False, True)

    def index(self):
        table = self.any_table()
        table.indexes += 1
        column = self.rng.choice(table.columns)
        if self.rng.random() < 0.3:
            return Statement('DROP INDEX IF EXISTS %s.i_%s_%d' % (table.schema, self.kind(table), self.rng.randint(1, table.indexes)), False, True)
        return Statement('CREATE INDEX i_%s_%d ON %s (%s)' % (self.kind(table), table.indexes, table, column.name), False, True, codes={'42P07'})

    def mood(self):
        rng = self.rng
        if rng.random() < 0.5 and len(self.moods) < 8:
            word = self.name()

            def then():
                self.moods.append(word)
            return Statement("ALTER TYPE public.mood ADD VALUE '%s'" % word, False, True, then)
        old, new = rng.choice(self.moods), self.name()

        def then():
            self.moods[self.moods.index(old)] = new
        named = any(self.type_of(meaning) == 'mood' for _, _, _, meaning in self.nodes())
        return Statement("ALTER TYPE public.mood RENAME VALUE '%s' TO '%s'" % (old, new), None if named else False, False, then)

    def drop_type(self):
        used = any(c.type == 'mood' for t in (self.person, self.event, self.firm) for c in t.columns)
        return Statement('DROP TYPE public.mood', True, True) if used else self.write()

    def drop_table(self):
        table = self.rng.choice([self.event, self.firm])
        attached = self.related if table is self.event else self.company
        needed = attached and any(isinstance(m, Column) and m in table.columns or isinstance(m, Declared) and m.table is table
                                  for _, _, _, m in self.nodes())
        return Statement('DROP TABLE %s' % table, True, True) if needed else self.write()

    # ----- partitions -----

    def copy_of(self, table, name):
        columns = ', '.join('%s %s' % (c.name, c.type) for c in sorted(table.columns, key=lambda c: self.rng.random()))
        return 'CREATE TABLE home.%s (%s)' % (name, columns)

    def part(self):
        """A table of events comes, goes, or changes places with rows of its own."""
        rng = self.rng
        if not self.split_events:
            return self.guest()
        attached = [p for p in self.event_parts if p.attached]
        if len(attached) == 2 or rng.random() < 0.3 and attached:
            part = rng.choice(attached)
            how = rng.choice(['', '', ' CONCURRENTLY'])

            def then():
                part.attached = False
            return Statement('ALTER TABLE %s DETACH PARTITION %s%s' % (self.event, part, how), False, False, then)
        part = rng.choice([p for p in self.event_parts if not p.attached])
        bounds = "('2026-01-01') TO ('2026-02-01')" if part.bounds[0] == 0 else "('2026-02-01') TO ('2026-03-01')"
        way = rng.random()

        def then():
            part.attached = True
            part.schema = 'home'
        if way < 0.3:
            return Statement('DROP TABLE %s; CREATE TABLE home.%s PARTITION OF %s FOR VALUES FROM %s' % (part, part.name, self.event, bounds), False, False, then)
        if way < 0.6:
            day = '2026-01-10' if part.bounds[0] == 0 else '2026-02-10'
            first = self.event.columns[0].name
            return Statement('DROP TABLE %s; %s; INSERT INTO home.%s (%s, %s) SELECT i, \'%s\' FROM generate_series(1, %d) AS i; '
                             'ALTER TABLE %s ATTACH PARTITION home.%s FOR VALUES FROM %s' % (
                                 part, self.copy_of(self.event, part.name), part.name, first, self.event.columns[1].name, day, rng.randint(0, 30),
                                 self.event, part.name, bounds), False, False, then, codes={'42804'})
        # it has the columns that there were when it left
        return Statement('ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM %s' % (self.event, part, bounds), False, False,
                         lambda: setattr(part, 'attached', True), codes={'42804', '42703'})

    def guest(self):
        """A table of contacts comes with rows, and goes again."""
        if self.contacts == 'plain':
            return self.move()
        key = self.person.columns[0].name
        if self.guests is None:
            self.guests = self.name()
            guests = self.guests
            if self.contacts == 'inherited':
                attach = 'ALTER TABLE home.%s INHERIT %s' % (guests, self.person)
            else:
                attach = 'ALTER TABLE home.person_2x ATTACH PARTITION home.%s DEFAULT' % guests
            if self.contacts == 'partitioned':
                self.guests = None
                return self.move()
            return Statement('%s; ALTER TABLE home.%s ADD PRIMARY KEY (%s); INSERT INTO home.%s (%s) SELECT i FROM generate_series(1000, %d) AS i; %s' % (
                self.copy_of(self.person, guests), guests, key, guests, key, 1000 + self.rng.randint(0, 20), attach), False, False)
        guests, self.guests = self.guests, None
        how = self.rng.choice(['DROP TABLE home.%s' % guests, 'ALTER TABLE home.%s NO INHERIT %s; DROP TABLE home.%s' % (guests, self.person, guests)])
        return Statement(how, False, False)

    # ----- all -----

    DDL = [('add_column', 6), ('drop_column', 6), ('rename_column', 6), ('retype_column', 4), ('widen_key', 0.3), ('narrow_key', 0.5),
           ('define', 6), ('drop_field', 3), ('relate', 2), ('move', 1.5), ('rename_table', 1), ('rename_schema', 1), ('own', 0.7), ('index', 2),
           ('mood', 1), ('drop_type', 0.3), ('drop_table', 0.3), ('part', 4), ('guest', 1)]
    OTHER = [('write', 20), ('by_hand', 3), ('create', 6), ('change', 3), ('delete', 4), ('truncate', 0.3)]

    def statement(self):
        table = self.DDL if self.rng.random() < 0.45 else self.OTHER
        if len(self.segments) < 3:
            return self.create()
        if len(self.segments) > 25:
            return self.delete()
        names, weights = zip(*table)
        return getattr(self, self.rng.choices(names, weights)[0])()
