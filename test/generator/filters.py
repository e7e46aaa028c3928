"""Random filter documents: every field, every operator it takes, values that hit."""
import json

from domain import COMPANY_COLUMNS, ELEMENTS, EMAILS, INTEGERS, LEAD_COLUMNS, NUMERICS, SOURCES, TEXTS, TIMES

PATTERNS = ['a', 'PAR', '%aris%', 'pari%', '%rass_', 'stra%e', 'paris', '%@y.c%', 'lodz', '%two%lines', 'p_r%', '%s', '%', '_', 'strasse', 'ss', '50\\%', 'é', 'ﬁ', '1', '0', ' ', '%\n%', '\\_', 'σ']
PIECES = ['a', 'Par', 'aris', 'strasse', '@x.org', 'odz', "O'Ne", 'two', 'í', 's', 'SS', '%', '_', '\\', ' ', '😀', '1', 'f', 'ı', 'ς', "'"]
REGEXPS = ['^pa', 'par+is$', 'pa?ris', 'x\\.org', 'two.lines', 'par(is|k)', 'stra(ss|ß)e', 'sport|two', 'o.?neil', 'a{1,2}b', 'par.s$', 'é', '^$', '^ ', '[0-9]+', 'ss', 'STRA', '(?c)Paris', '^.$', 'a|b', '[^a-z]', 'i', 'ß', 'Σ']
DATE_PATTERNS = ['2026', '2026-03', '-03-', '%-01', '10:30', '00:00:00', '_____03%']
DATE_REGEXPS = ['^2026', '-0[1-6]-', '01$', '00:00:00$']
UNITS = ['day', 'days', 'week', 'weeks', 'month', 'months', 'quarter', 'year', 'years']
SHORT_UNITS = ['second', 'seconds', 'minute', 'minutes', 'hour', 'hours']
MONTHS = ['january', 'february', 'March', 'april', 'december']
TEXT_TYPES = {'text', 'email', 'url', 'tel', 'select', 'country', 'region', 'locale', 'timezone', 'lookup'}


# Fields of one row of a relation, as row groups see them: columns, and fields defined over it.
ROWS = {
    'page_hits': {'url': 'text', 'url_title': 'text', 'referer': 'text', 'source': 'text', 'source_id': 'number', 'page_id': 'number',
                  'redirect_id': 'number', 'date_hit': 'datetime', 'hit_url': 'text', 'hit_url_date': 'datetime',
                  'email_clicked_link_date': 'datetime'},
    'email_stats': {'email_id': 'number', 'is_read': 'boolean', 'open_count': 'number', 'date_sent': 'datetime', 'date_read': 'datetime'},
    'asset_downloads': {'asset_id': 'number', 'date_download': 'datetime'},
    'lead_devices': {'device': 'text', 'device_brand': 'text', 'device_model': 'text'},
    'lead_categories': {'category_id': 'number'},
    'lead_tags_xref': {'tag_id': 'number'},
}
PATTERN_OPERATORS = ['like', '!like', 'contains', 'startsWith', 'endsWith', 'regexp', '!regexp']
ROW_OPERATORS = {
    'text': ['=', '!=', 'empty', '!empty', 'in', '!in'] + PATTERN_OPERATORS,
    'number': ['=', '!=', 'gt', 'gte', 'lt', 'lte', 'empty', '!empty', 'in', '!in', 'between', '!between'],
    'datetime': ['=', '!=', 'gt', 'gte', 'lt', 'lte', 'empty', '!empty', 'between', '!between', 'inLast', 'inLast', 'inNext'],
    'boolean': ['=', '!='],
}
AGGREGATES = ['exists'] * 4 + ['count'] * 4 + ['sum', 'min', 'max', 'max', 'avg', 'distinct']
SPANS = [None, None, '0 seconds', '1 hour', '24 hours', '-24 hours', '7 days', '-7 days', '1 month', '-1 month', '-90 minutes']


class Field:
    def __init__(self, row):
        self.object, self.name, self.type, column, operators = row
        self.column = column        # of the contact's or the company's own row, or empty
        self.operators = operators.split(',')


def texts_of(field):
    if 'email' in field.name and field.type in TEXT_TYPES:
        return EMAILS + ['x.org', 'Y.COM'] if 'domain' in field.name else EMAILS
    if field.name == 'source':
        return SOURCES
    if field.name == 'mood':
        return ['good', 'bad', 'Bad', 'GOOD']
    if field.name in ('integration', 'integration_campaigns'):
        return ['Salesforce::1', 'Hubspot::2', '1', '2', 'Salesforce::']
    if field.name == 'attribute_plan':
        return ['pro', 'Free', '', 'free']
    return TEXTS


class Filters:
    def __init__(self, fields, rng, clock, contact_only, keys, rows=0.2):
        self.contact_only = contact_only
        self.rows = rows                # how often a condition is a row group
        self.rng = rng
        self.clock = clock
        self.keys = keys
        fields = [f for f in fields if f.name not in ('leadlist', 'social_cache', 'internal')]
        if contact_only:
            fields = [f for f in fields if f.object == 'lead']
        # Filters on columns that no statement writes test little.
        written = {c.name for c in LEAD_COLUMNS + COMPANY_COLUMNS} | {'id', ''}
        unwritten = [f for f in fields if f.column not in written]
        self.fields = [f for f in fields if f.column in written] + rng.sample(unwritten, min(3, len(unwritten)))
        # Most filters look at few fields, so that a write meets many of them.
        self.hot = rng.sample(self.fields, len(self.fields) // 5)
        # Few values made of related rows, compared with many numbers: these are told apart by an index of their own.
        sums = [f for f in self.fields if f.object not in ('lead', 'company', 'company_all') and f.type == 'number' and 'gte' in f.operators]
        self.measured = rng.sample(sums, min(2, len(sums)))
        self.counted = [] if contact_only else [self.counted_rows() for _ in range(2)]

    def pick_field(self):
        if self.rng.random() < 0.6:
            return self.rng.choice(self.hot)
        return self.rng.choice(self.fields)

    # ----- values -----

    def number(self, field):
        rng = self.rng
        if field.name == 'id':
            return self.keys.value(rng.randint(1, 400)) if self.keys.kind == 'bigint' else 1
        word = rng.choice([str(n) for n in INTEGERS] + NUMERICS + ['0.3333333333333333'])
        return rng.choice([word, ' %s ' % word, float(word) if '.' in word and len(word) < 8 else int(float(word))])

    def day_phrase(self):
        rng = self.rng
        n = rng.choice([0, 1, 1, 2, 3, 7, 8, 30, 31])
        unit = rng.choice(UNITS)
        return rng.choice([
            'today', 'yesterday', 'Tomorrow', 'this week', 'last week', 'next week', 'this month', 'LAST MONTH',
            'next month', 'this quarter', 'last quarter', 'this year', 'last year', 'next year',
            '+%d %s' % (n, unit), '-%d %s' % (n, unit), '%d %s ago' % (n, unit), '%d %s' % (n, unit),
            '+1 month -%d days' % n, 'first day of %s month' % rng.choice(['previous', 'last', 'this', 'next']),
            'last day of %s month' % rng.choice(['last', 'this', 'next']), 'first day of %s' % rng.choice(MONTHS),
            'last day of %s %d' % (rng.choice(MONTHS), self.clock.now.year), self.clock.day(rng), self.clock.day(rng)])

    def date(self, op):
        rng = self.rng
        if op in ('inLast', 'inNext') and rng.random() < 0.15:
            return '%s %d %s' % (rng.choice(['anniversary', 'Birthday']), rng.choice([0, 1, 7, 30, 365, 400]), rng.choice(['days', 'day', 'weeks']))
        if op in ('inLast', 'inNext'):
            return '%d %s' % (rng.choice([1, 1, 2, 7, 30]), rng.choice(UNITS + SHORT_UNITS[2:]))
        if op in ('between', '!between'):
            return [self.day_phrase(), self.day_phrase()]
        if op in ('=', '!=') and rng.random() < 0.15:
            word = rng.choice(['birthday', 'anniversary'])
            return rng.choice([word, '%s %s%d %s' % (word, rng.choice('+-'), rng.choice([0, 1, 7, 30]),
                                                     rng.choice(['days', 'week', 'month']))])
        if op in ('gt', 'gte', 'lt', 'lte') and rng.random() < 0.4:
            n, unit = rng.choice([1, 2, 30, 59, 90]), rng.choice(SHORT_UNITS)
            return rng.choice(['-%d %s' % (n, unit), '+%d %s' % (n, unit), '%d %s ago' % (n, unit),
                               '-1 day +%d %s' % (n, unit),
                               {'dateTypeMode': 'relative', 'relativeDateInterval': n, 'relativeDateIntervalUnit': 'day'}])
        if rng.random() < 0.15:
            return rng.choice(['%s', '%sZ', '%s+02:00']) % self.clock.now.replace(microsecond=0).isoformat(rng.choice(' T'))
        if rng.random() < 0.05:
            return {'dateTypeMode': 'absolute', 'absoluteDate': self.clock.day(rng)}
        return self.day_phrase()

    def pattern(self, field, op):
        rng = self.rng
        dates = field.type in ('date', 'datetime', 'time')
        if op in ('regexp', '!regexp'):
            return rng.choice(DATE_REGEXPS if dates else REGEXPS)
        if op in ('like', '!like'):
            return rng.choice(DATE_PATTERNS if dates else PATTERNS)
        return rng.choice(DATE_PATTERNS[:3] + ['00'] if dates else PIECES)

    def several(self, draw):
        return [draw() for _ in range(self.rng.choice([1, 1, 2, 3]))]

    def value(self, field, op):
        rng = self.rng
        if op in ('like', '!like', 'contains', 'startsWith', 'endsWith', 'regexp', '!regexp'):
            return self.pattern(field, op)
        if field.type == 'boolean':
            return rng.choice([0, 1, True, False, '1', '0', 'yes', 'no'])
        if field.type in ('date', 'datetime') and field.type != 'count':
            return self.date(op)
        if field.type == 'time':
            times = [t for t in TIMES if '.' not in t]
            return [rng.choice(times), rng.choice(times)] if op.endswith('between') else rng.choice(times)
        if op.endswith('between'):
            return [self.number(field), self.number(field)]
        many = op in ('in', '!in', 'includingAll', 'excludingAll') or \
            ('in' in field.operators and op in ('=', '!=') and rng.random() < 0.1)
        if field.type == 'number':
            draw = lambda: self.number(field)
        elif field.type == 'id':
            draw = lambda: self.keys.value(rng.randint(1, 400)) if field.name == 'id' else rng.randint(1, 5)
        elif field.type == 'multiselect':
            draw = lambda: rng.choice(ELEMENTS)
        else:
            draw = lambda: rng.choice(texts_of(field))
        if not many:
            return draw()
        if field.type in TEXT_TYPES and rng.random() < 0.2:
            return '|'.join(self.several(draw))
        return self.several(draw)

    # ----- row groups -----

    def row_field(self, relation, types=None):
        named = [(n, t) for n, t in ROWS[relation].items() if types is None or t in types]
        if not named:
            return None
        name, kind = self.rng.choice(named)
        return Field(('', name, kind, '', ','.join(ROW_OPERATORS[kind])))

    def row_condition(self, relation):
        field = self.row_field(relation)
        op = self.rng.choice(field.operators)
        return {'field': field.name, 'operator': op,
                'properties': {} if op in ('empty', '!empty') else {'filter': self.value(field, op)}}

    def within(self, relation, outer):
        date, of = self.row_field(relation, ('datetime',)), self.row_field(outer, ('datetime',))
        if date is None or of is None:
            return None
        node = {'date': date.name, 'of': of.name}
        # those after each other are refused, which is one more thing to try
        node['from'], node['to'] = self.rng.choice(SPANS), self.rng.choice(SPANS)
        return node

    def row_filters(self, relation, references, depth, rows_depth):
        rng = self.rng
        nodes = []
        for _ in range(rng.choice([1, 1, 2, 2, 3])):
            if rows_depth < 3 and rng.random() < 0.2:
                node = self.row_group(references, relation, rows_depth + 1)
            elif depth < 3 and rng.random() < 0.15:
                node = {'filters': self.row_filters(relation, references, depth + 1, rows_depth)}
                if rng.random() < 0.4:
                    node['negate'] = True
            else:
                node = self.row_condition(relation)
            nodes.append(dict(glue=rng.choice(['and', 'and', 'or']), **node))
        return nodes

    def aggregate(self, relation):
        rng = self.rng
        word = rng.choice(AGGREGATES)
        if word == 'exists':
            return {}
        node = {'aggregate': word}
        field = Field(('', 'count', 'number', '', ','.join(ROW_OPERATORS['number'])))
        if word != 'count':
            types = {'sum': ('number',), 'avg': ('number',), 'distinct': None}.get(word, ('number', 'datetime'))
            of = self.row_field(relation, types)
            if of is None:
                return {}
            node['of'] = of.name
            if word in ('min', 'max'):
                field = of
        op = rng.choice(field.operators)
        node['operator'] = op
        small = lambda: rng.choice([0, 1, 1, 2, 2, 3, '1.5', 5])
        if op in ('empty', '!empty'):
            return node
        if field.type == 'number':
            value = [small(), small()] if op.endswith('between') else self.several(small) if op in ('in', '!in') else small()
        else:
            value = self.value(field, op)
        return dict(node, properties={'filter': value})

    def memberships(self, references):
        rng = self.rng
        filters = [{'field': 'segment', 'operator': 'in', 'properties': {'filter': self.several(lambda: rng.choice(references))}}]
        if rng.random() < 0.8:
            since = Field(('', 'since', 'datetime', '', 'gt,gte,lt,lte,inLast'))
            op = rng.choice(since.operators)
            filters.append({'glue': 'and', 'field': 'since', 'operator': op, 'properties': {'filter': self.value(since, op)}})
        return {'rows': 'memberships', 'filters': filters}

    def row_group(self, references, outer=None, rows_depth=1):
        rng = self.rng
        if references and rng.random() < 0.15:
            node = self.memberships(references)
        else:
            relation = rng.choice(list(ROWS) + ['page_hits', 'page_hits', 'email_stats'])
            node = dict(rows=relation, **self.aggregate(relation))
            if rng.random() < 0.85:
                node['filters'] = self.row_filters(relation, references, 0, rows_depth)
            if outer is not None and rng.random() < 0.8:
                within = self.within(relation, outer)
                if within is not None:
                    node['within'] = within
        if rng.random() < 0.3:
            node['negate'] = True
        return node

    def counted_rows(self):
        """A row group without its comparison."""
        rng = self.rng
        relation = rng.choice(['page_hits', 'page_hits', 'email_stats'])
        node = {'rows': relation, 'aggregate': 'count'}
        if rng.random() < 0.8:
            name = rng.choice(list(ROWS[relation]))
            kind = ROWS[relation][name]
            op = 'inLast' if kind == 'datetime' else rng.choice([o for o in ROW_OPERATORS[kind] if 'empty' not in o])
            field = Field(('', name, kind, '', op))
            node['filters'] = [{'field': name, 'operator': op, 'properties': {'filter': self.value(field, op)}}]
        return node

    def threshold(self):
        rng = self.rng
        op = rng.choice(['gte', 'gte', 'lt', 'gt', '=', '!='])
        value = {'operator': op, 'properties': {'filter': rng.randint(-1, 6)}}
        if self.measured and (not self.counted or rng.random() < 0.5):
            field = rng.choice(self.measured)
            return dict(object=field.object, field=field.name.replace('*', '1'), type=field.type, **value)
        return dict(rng.choice(self.counted), **value)

    # ----- documents -----

    def condition(self, references):
        rng = self.rng
        node = {}
        if (self.measured or self.counted) and rng.random() < 0.25:
            return self.threshold()
        if references and rng.random() < 0.15:
            op = rng.choice(['in', '!in', 'in', '=', '!=', 'includingAll', 'excludingAll'])
            value = self.several(lambda: rng.choice(references))
            node.update(object='lead', field='leadlist', type='leadlist', operator=op,
                        properties={'filter': value if op not in ('=', '!=') else value[0]})
            return node
        if not self.contact_only and rng.random() < 0.02:
            op = rng.choice(['lt', 'gte', 'between'])
            value = [rng.randint(0, 5000), rng.randint(5000, 9999)] if op == 'between' else rng.randint(0, 9999)
            return dict(object='lead', field='bucket_%d' % rng.randint(1, 3), operator=op, properties={'filter': value})
        field = self.pick_field()
        op = rng.choice(field.operators)
        name = field.name.replace('*', str(rng.randint(1, 3)))
        node.update(object=field.object, field=name, type=field.type, operator=op)
        node['properties'] = {} if op in ('empty', '!empty') else {'filter': self.value(field, op)}
        return node

    def group(self, references, depth):
        rng = self.rng
        nodes = []
        for _ in range(rng.choice([1, 1, 2, 2, 2, 3, 4]) if depth else rng.choice([1, 2, 2, 3, 3, 4])):
            if depth < 4 and rng.random() < (0.15 if depth else 0.2):
                node = {'filters': self.group(references, depth + 1)}
                if rng.random() < 0.4:
                    node['negate'] = True
            elif not self.contact_only and rng.random() < self.rows:
                node = self.row_group(references)
            else:
                node = self.condition(references)
            nodes.append(dict(glue=rng.choice(['and', 'and', 'or']), **node))
        return nodes

    def document(self, references=()):
        # of row groups alone: these the independent evaluator knows
        if not self.contact_only and self.rng.random() < 0.15:
            nodes = [dict(glue=self.rng.choice(['and', 'or']), **self.row_group(references)) for _ in range(self.rng.choice([1, 1, 2]))]
            return json.dumps(nodes, ensure_ascii=False)
        return json.dumps(self.group(references, 0), ensure_ascii=False)
