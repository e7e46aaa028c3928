"""What a filter says, a third time: written from the law alone, in another language, over rows held in memory.

Knows row groups in full, and conditions on the contact's own columns of plain types.  Of what it does not
know (regular expressions, companies, case-sensitive fields) it says so, and the document is left out.
"""
import datetime
import hashlib
import json
import re
import unicodedata
from calendar import monthrange
from decimal import Decimal
from zoneinfo import ZoneInfo

UTC = datetime.timezone.utc
SECONDS = {'second': 1, 'minute': 60, 'hour': 3600}
MONTHS = {'month': 1, 'quarter': 3, 'year': 12}
NAMES = ['january', 'february', 'march', 'april', 'may', 'june', 'july', 'august', 'september', 'october',
         'november', 'december']
NEGATIVE = {'!=': '=', '!in': 'in', '!like': 'like', '!between': 'between', 'empty': '!empty', '!regexp': 'regexp'}
UNIT = r'(second|minute|hour|day|week|month|quarter|year)s?'


class Unknown(Exception):
    """The document has something that is not known here."""


# ----- time -----

class Zone:
    def __init__(self, name):
        self.zone = ZoneInfo(name)

    def local(self, instant):
        """Wall clock of an instant; both without time zone, the instant in UTC."""
        return instant.replace(tzinfo=UTC).astimezone(self.zone).replace(tzinfo=None)

    def instant(self, local):
        """Skipped times take the offset before, doubled ones standard time."""
        first, second = (local.replace(tzinfo=self.zone, fold=fold) for fold in (0, 1))
        doubled = first.utcoffset() > second.utcoffset()
        return (second if doubled else first).astimezone(UTC).replace(tzinfo=None)

    def midnight(self, day):
        return self.instant(datetime.datetime.combine(day, datetime.time()))


def add_months(day, n):
    months = day.year * 12 + day.month - 1 + n
    year, month = divmod(months, 12)
    return day.replace(year=year, month=month + 1, day=min(day.day, monthrange(year, month + 1)[1]))


def shift_local(local, n, unit):
    """A day or a wall clock, so many days or longer units on."""
    if unit in MONTHS:
        return add_months(local, n * MONTHS[unit])
    return local + datetime.timedelta(days=n * (7 if unit == 'week' else 1))


def shift(zone, instant, n, unit):
    if unit in SECONDS:
        return instant + datetime.timedelta(seconds=n * SECONDS[unit])
    return zone.instant(shift_local(zone.local(instant), n, unit))


def parts_of(text):
    """[(N, unit)] of '+1 month -2 days', '3 weeks ago'; None when it is something else."""
    parts, rest = [], text
    while rest:
        found = re.match(r'([+-]?)\s*(\d+)\s*' + UNIT + r'(\s+ago)?\s*', rest)
        if not found:
            return None
        sign, number, unit, ago = found.groups()
        parts.append((-int(number) if ago or sign == '-' else int(number), unit))
        rest = rest[found.end():]
    return parts


class Moment:
    """What a phrase stands for: [start, end) as instants; a point when both are one."""

    def __init__(self, start, end, point=False, anniversary=None):
        self.start, self.end, self.point, self.anniversary = start, end, point, anniversary


def period(today, unit, offset):
    """First days of a calendar period and of the next one."""
    if unit == 'week':
        first = today - datetime.timedelta(days=today.weekday()) + datetime.timedelta(weeks=offset)
        return first, first + datetime.timedelta(weeks=1)
    months = MONTHS[unit]
    index = (today.year * 12 + today.month - 1) // months + offset
    first, then = (datetime.date(i * months // 12, i * months % 12 + 1, 1) for i in (index, index + 1))
    return first, then


def day_of_phrase(text, today):
    """(first day, day after the last) of a phrase of days; None when it is none."""
    one = datetime.timedelta(days=1)
    words = {'today': 0, 'yesterday': -1, 'tomorrow': 1}
    if text in words:
        day = today + one * words[text]
        return day, day + one
    found = re.fullmatch(r'(this|last|next) (week|month|quarter|year)', text)
    if found:
        return period(today, found[2], {'this': 0, 'last': -1, 'next': 1}[found[1]])
    found = re.fullmatch(r'(first|last) day of (previous|last|this|next) month', text)
    if found:
        first, then = period(today, 'month', {'previous': -1, 'last': -1, 'this': 0, 'next': 1}[found[2]])
        day = first if found[1] == 'first' else then - one
        return day, day + one
    found = re.fullmatch(r'(first|last) day of (%s)( \d{4})?' % '|'.join(NAMES), text)
    if found:
        first = datetime.date(int(found[3] or today.year), NAMES.index(found[2]) + 1, 1)
        day = first if found[1] == 'first' else add_months(first, 1) - one
        return day, day + one
    if re.fullmatch(r'\d{4}-\d\d-\d\d', text):
        day = datetime.date.fromisoformat(text)
        return day, day + one
    return None


def moment_of(value, op, now, zone):
    if isinstance(value, dict):
        if value['dateTypeMode'] == 'absolute':
            value = value['absoluteDate']
        else:
            value = '%s%d %s' % ('-' if op in ('lt', 'lte') else '+', value['relativeDateInterval'],
                                 value['relativeDateIntervalUnit'])
    text = ' '.join(value.lower().split())
    today = zone.local(now).date()
    days = day_of_phrase(text, today)
    if days is None and re.match(r'anniversary|birthday', text):
        parts = parts_of(text.split(' ', 1)[1]) if ' ' in text else []
        day = today
        for n, unit in parts:
            day = shift_local(day, n, unit)
        return Moment(None, None, anniversary=(day, day))
    parts = None if days else parts_of(text)
    if parts and any(unit in SECONDS for _, unit in parts):
        at = now
        for n, unit in parts:
            at = shift(zone, at, n, unit)
        return Moment(at, at, point=True)
    if parts:
        day = today
        for n, unit in parts:
            day = shift_local(day, n, unit)
        days = day, day + datetime.timedelta(days=1)
    if days:
        return Moment(zone.midnight(days[0]), zone.midnight(days[1]))
    found = re.fullmatch(r'(\d{4}-\d\d-\d\d)[ t](\d\d:\d\d)(:\d\d)?(\.\d+)?(z|[+-]\d\d:\d\d)?', text)
    if not found:
        raise Unknown('date ' + text)
    start = datetime.datetime.fromisoformat('%s %s%s' % (found[1], found[2], found[3] or ':00'))
    if found[5] in (None, ''):
        start = zone.instant(start)
    elif found[5] != 'z':
        hours, minutes = found[5][1:].split(':')
        start -= datetime.timedelta(hours=int(hours), minutes=int(minutes)) * (-1 if found[5][0] == '-' else 1)
    return Moment(start, start + datetime.timedelta(seconds=1 if found[3] else 60))


def falls(value, first, last):
    """Has the day of a year an anniversary from one day to another?"""
    for year in range(first.year, last.year + 1):
        day = value.day
        if (value.month, day) == (2, 29) and monthrange(year, 2)[1] == 28:
            day = 28
        if first <= datetime.date(year, value.month, day) <= last:
            return True
    return False


# ----- values -----

def fold(text):
    decomposed = unicodedata.normalize('NFKD', text)
    return ''.join(c for c in decomposed if unicodedata.category(c) != 'Mn').casefold()


def matches_like(text, pattern):
    """SQL's LIKE on folded text; only the literal parts of the pattern are folded."""
    out, literal, at = [], '', 0
    if '%' not in pattern.replace('\\%', '') and '%' not in pattern:
        pattern = '%' + pattern + '%'

    def flush():
        nonlocal literal
        out.append(re.escape(fold(literal)))
        literal = ''
    while at < len(pattern):
        c = pattern[at]
        if c == '\\':
            at += 1
            literal += pattern[at]
        elif c in '%_':
            flush()
            out.append('.*' if c == '%' else '.')
        else:
            literal += c
        at += 1
    flush()
    return re.fullmatch(''.join(out), fold(text), re.S) is not None


def number(value):
    return value if isinstance(value, Decimal) else Decimal(str(value).strip())


def texts(value):
    if isinstance(value, list):
        return [str(v) for v in value]
    return str(value).split('|')


class Judge:
    def __init__(self, now, zone, relations, types, aliases):
        """relations: name -> key of the contact -> rows; types: relation, or '' for contacts -> field
        -> (type, column, which rows have a value)."""
        self.now, self.zone, self.relations, self.types, self.aliases = now, Zone(zone), relations, types, aliases

    # ----- one condition -----

    def text(self, value, op, given):
        if op == '!empty':
            return value not in (None, '')
        if value is None:
            return False
        if op == '=' and not isinstance(given, list):
            return fold(value) == fold(str(given))
        if op in ('=', 'in'):
            return fold(value) in [fold(t) for t in texts(given)]
        if op == 'like':
            return matches_like(value, str(given))
        if op in ('contains', 'startsWith', 'endsWith'):
            piece, whole = fold(str(given)), fold(value)
            return {'contains': piece in whole, 'startsWith': whole.startswith(piece), 'endsWith': whole.endswith(piece)}[op]
        raise Unknown(op)

    def number(self, value, op, given):
        if op == '!empty':
            return value is not None
        if value is None:
            return False
        if op in ('=', 'in'):
            return value in [number(v) for v in (given if isinstance(given, list) else str(given).split('|') if op == 'in' else [given])]
        if op == 'between':
            return number(given[0]) <= value <= number(given[1])
        if op not in ('gt', 'gte', 'lt', 'lte'):
            raise Unknown(op)
        return self.compare(value, op, number(given), Unknown)

    @staticmethod
    def compare(value, op, given, otherwise):
        if op == 'gt':
            return value > given
        if op == 'gte':
            return value >= given
        if op == 'lt':
            return value < given
        if op == 'lte':
            return value <= given
        raise otherwise(op)

    def boolean(self, value, op, given):
        if op != '=':
            raise Unknown(op)
        return value is not None and value == (str(given).lower() in ('1', 'true', 'yes'))

    def span(self, value, op, given):
        """inLast and inNext."""
        found = re.fullmatch(r'\s*(anniversary|birthday)?\s*(\d+)\s*' + UNIT + r'\s*', given.lower())
        n, unit = int(found[2]), found[3]
        n = n if op == 'inNext' else -n
        if found[1]:
            today = self.zone.local(self.now).date()
            first, last = sorted((today, shift_local(today, n, unit)))
            return falls(self.zone.local(value).date(), first, last)
        ends = sorted((self.now, shift(self.zone, self.now, n, unit)))
        return ends[0] <= value <= ends[1]

    def datetime(self, value, op, given):
        if op == '!empty':
            return value is not None
        if value is None:
            return False
        if op in ('inLast', 'inNext'):
            return self.span(value, op, given)
        if op == 'between':
            first, last = (moment_of(v, op, self.now, self.zone) for v in given)
            return first.start <= value < last.end
        if op not in ('=', 'gt', 'gte', 'lt', 'lte'):
            raise Unknown(op)
        moment = moment_of(given, op, self.now, self.zone)
        if moment.anniversary:
            return falls(self.zone.local(value).date(), *moment.anniversary)
        if op == '=':
            return moment.start <= value < moment.end
        if moment.point:
            return self.compare(value, op, moment.start, Unknown)
        if op in ('gte', 'lt'):
            return self.compare(value, op, moment.start, Unknown)
        return value >= moment.end if op == 'gt' else value < moment.end

    def segment(self, value, op, given):
        named = [self.aliases.get(str(v), v) for v in (given if isinstance(given, list) else [given])]
        return value in [int(v) for v in named]

    def condition(self, kind, value, op, given):
        positive = NEGATIVE.get(op, op)
        if kind not in ('text', 'number', 'boolean', 'datetime', 'segment'):
            raise Unknown(kind)
        answer = getattr(self, kind)(value, positive, given)
        return answer if positive == op else not answer

    # ----- rows -----

    def field(self, relation, name, row):
        """(type, value) of a field of a row."""
        if not relation and name.startswith('bucket_'):
            digest = hashlib.md5(('%s:%s' % (name[7:], row['id'])).encode()).hexdigest()
            return 'number', Decimal(int(digest[:8], 16) % 10000)
        if name not in self.types[relation]:
            raise Unknown('%s.%s' % (relation, name))
        kind, column, counts = self.types[relation][name]
        return kind, row[column] if counts(row) else None

    def near(self, within, relation, outer_relation, row, outer):
        date = self.field(relation, within['date'], row)[1]
        of = self.field(outer_relation, within['of'], outer)[1]
        if date is None or of is None:
            return False
        for key, sign in (('from', 1), ('to', -1)):
            if within.get(key) is None:
                continue
            found = re.fullmatch(r'([+-]?)\s*(\d+)\s*' + UNIT, within[key].strip().lower())
            end = shift(self.zone, of, int(found[2]) * (-1 if found[1] == '-' else 1), found[3])
            if (date < end) if sign == 1 else (date > end):
                return False
        return True

    def aggregate(self, node, rows, relation):
        word = node.get('aggregate', 'exists')
        if word == 'exists':
            return bool(rows)
        op, given = node['operator'], node.get('properties', {}).get('filter')
        zero = word in ('count', 'sum', 'distinct')
        if zero and op in ('empty', '!empty'):
            return bool(rows) == (op == '!empty')
        if word == 'count':
            return self.condition('number', Decimal(len(rows)), op, given)
        found = [self.field(relation, node['of'], row) for row in rows]
        kind = self.types[relation][node['of']][0] if node['of'] in self.types[relation] else None
        values = [v for _, v in found if v is not None]
        if word == 'distinct':
            return self.condition('number', Decimal(len({fold(v) if kind == 'text' else v for v in values})), op, given)
        if word == 'sum':
            return self.condition('number', sum(values, Decimal(0)), op, given)
        if word == 'avg':
            return self.average(values, op, given)
        value = (min if word == 'min' else max)(values) if values else None
        return self.condition(kind, value, op, given)

    def average(self, values, op, given):
        """Never divided: as the sum against the value times the count."""
        positive = NEGATIVE.get(op, op)
        total, n = sum(values, Decimal(0)), len(values)
        if positive == '!empty' or n == 0:
            answer = n > 0
        elif positive in ('=', 'in'):
            answer = total in [number(v) * n for v in (given if isinstance(given, list) else [given])]
        elif positive == 'between':
            answer = number(given[0]) * n <= total <= number(given[1]) * n
        else:
            answer = self.compare(total, positive, number(given) * n, Unknown)
        return answer if positive == op else not answer

    def rows(self, node, contact, outer_relation, outer):
        relation = node['rows']
        if relation not in self.relations:
            raise Unknown(relation)
        counted = [row for row in self.relations[relation].get(contact['id'], ())
                   if ('within' not in node or self.near(node['within'], relation, outer_relation, row, outer))
                   and ('filters' not in node or self.filters(node['filters'], contact, relation, row))]
        return self.aggregate(node, counted, relation) != bool(node.get('negate'))

    # ----- documents -----

    def node(self, node, contact, relation, row):
        if 'rows' in node:
            return self.rows(node, contact, relation, row)
        if 'filters' in node:
            return self.filters(node['filters'], contact, relation, row) != bool(node.get('negate'))
        if relation is None and node.get('object', 'lead') != 'lead':
            raise Unknown(node['object'])
        kind, value = self.field(relation or '', node['field'], row)
        return self.condition(kind, value, node['operator'], node.get('properties', {}).get('filter'))

    def filters(self, nodes, contact, relation=None, row=None):
        """OR over groups of AND over filters; all of them looked at, so that what is unknown is always met."""
        row = contact if relation is None else row
        groups = []
        for n, node in enumerate(nodes):
            if n == 0 or node.get('glue', 'and').lower() == 'or':
                groups.append(True)
            truth = self.node(node, contact, relation, row)
            groups[-1] = groups[-1] and truth
        return any(groups)


# ----- what there is to judge -----

def always(row):
    return True


def clicked(row):
    return row['redirect_id'] is not None and row['source'] == 'email'


TEXT_COLUMNS = ('title firstname lastname company position phone city state zipcode country preferred_locale timezone '
                'website plan notes_text email').split()
INSTANTS = 'last_purchase last_active date_added date_identified attribution_date seen_at'.split()


def plain(kind, *columns):
    return {column: (kind, column, always) for column in columns}


TYPES = {
    '': dict(plain('text', *TEXT_COLUMNS), **plain('number', 'points', 'attribution', 'ltv'),
             **plain('boolean', 'is_published', 'is_vip'), **plain('datetime', *INSTANTS)),
    'page_hits': dict(plain('text', 'url', 'url_title', 'referer', 'source'),
                      **plain('number', 'source_id', 'page_id', 'redirect_id'), **plain('datetime', 'date_hit'),
                      hit_url=('text', 'url', always), hit_url_date=('datetime', 'date_hit', always),
                      email_clicked_link_date=('datetime', 'date_hit', clicked)),
    'email_stats': dict(plain('number', 'email_id', 'open_count'), **plain('boolean', 'is_read'),
                        **plain('datetime', 'date_sent', 'date_read')),
    'asset_downloads': dict(plain('number', 'asset_id'), **plain('datetime', 'date_download')),
    'lead_devices': plain('text', 'device', 'device_brand', 'device_model'),
    'lead_categories': plain('number', 'category_id'),
    'lead_tags_xref': plain('number', 'tag_id'),
    'memberships': dict(segment=('segment', 'segment_id', always), since=('datetime', 'since', always)),
}

# Everything of one contact table as one JSON document.
QUESTION = """SELECT 'JUDGE ' || json_build_object(
    'zone', (SELECT timezone FROM segments.contact_table WHERE contact_table = 'crm.leads'::regclass),
    'contacts', (SELECT json_agg(to_json(c)) FROM crm.leads AS c),
%s,
    'memberships', (SELECT json_agg(to_json(m)) FROM crm.leads_segment_member AS m),
    'overrides', (SELECT json_agg(to_json(o)) FROM crm.leads_segment_override AS o),
    'segments', (SELECT json_agg(json_build_object('id', id, 'alias', alias, 'filters', filters::text, 'published', is_published))
                 FROM segments.segment))""" % ',\n'.join(
    "    '%s', (SELECT json_agg(to_json(r)) FROM crm.%s AS r%s)" % (
        name, name, ' WHERE NOT manually_removed' if name == 'lead_categories' else '')
    for name in TYPES if name not in ('', 'memberships'))


def read_instants(rows, columns):
    for row in rows:
        for column in columns:
            if row.get(column) is not None:
                value = datetime.datetime.fromisoformat(row[column])
                row[column] = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value


def judged(text, now):
    """What differs, and how many segments were judged."""
    data = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    relations = {}
    for name, fields in TYPES.items():
        rows = data['contacts' if name == '' else name] or []
        read_instants(rows, {column for kind, column, _ in fields.values() if kind == 'datetime'})
        by_contact = relations.setdefault(name, {})
        for row in rows:
            by_contact.setdefault(row.get('contact_id' if name == 'memberships' else 'lead_id'), []).append(row)
    contacts = data['contacts'] or []
    aliases = {s['alias']: int(s['id']) for s in data['segments']}
    judge = Judge(now, data['zone'], relations, TYPES, aliases)
    by_hand = {(o['segment_id'], o['contact_id']): o['included'] for o in data['overrides'] or []}
    members = {(m['segment_id'], m['contact_id']) for m in data['memberships'] or []}
    wrong, count = [], 0
    for segment in data['segments']:
        nodes = json.loads(segment['filters'], parse_float=Decimal, parse_int=Decimal)
        if not nodes or not segment['published']:
            continue
        try:
            wanted = {c['id'] for c in contacts if by_hand.get((segment['id'], c['id']), judge.filters(nodes, c))}
        except Unknown:
            continue
        count += 1
        stored = {contact for id, contact in members if id == segment['id']}
        for way, keys in (('missing', wanted - stored), ('too many', stored - wanted)):
            wrong += ['%s is judged otherwise: %s %s, %s' % (segment['alias'], way, key, segment['filters'])
                      for key in sorted(keys, key=str)[:3]]
    return wrong, count
