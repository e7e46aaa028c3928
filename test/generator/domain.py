"""What the generator's rows are made of: tables, columns, and small domains full of edge values.

Everything is given as SQL literals.  Dates lie around the generator's clock, so that phrases like
"this week" have something on both sides of their boundaries.
"""
import datetime
import hashlib
import re

TEXTS = ['', ' ', 'Paris', 'paris', 'PARÍS', 'Pari\u0301s', ' Paris', 'Paris ', 'straße', 'STRASSE', 'ß', 'ss',
         'ı', 'I', 'i', 'İ', 'ﬁn', 'FIN', '😀', '😃', 'Łódź', 'lodz', '100', '0', '50%', 'a_b', 'a\\b', "O'Neil",
         'a|b', 'two\nlines', 'Σας', 'σασ']
EMAILS = ['', 'a@x.org', 'A@X.ORG', 'b@y.com', 'é@münchen.de', 'no-at', '@', 'a@b@c.net']
ELEMENTS = ['', 'sport', 'Sport', 'música', 'musica', 'c++', 'a', ' a', 'ß']
SOURCES = ['', 'email', 'sms', 'Email', 'page']
INTEGERS = [-1, 0, 1, 2, 5, 10, 99, 100, 101]
NUMERICS = ['-0.5', '0', '0.00', '0.1', '1', '1.0', '1.50', '99.999', '100', '1e3', '123456789012.000001']
FLOATS = ['-0.5', '0', '0.1', '1', '1.5', '100', '1e3', '0.3333333333333333']
TIMES = ['00:00', '00:00:01', '09:00', '12:34:56', '23:59', '23:59:59', '12:34:56.5']
HOURS = ['00:00:00', '00:00:00.000001', '23:59:59.999999', '10:30:00', '10:29:59', '12:00:00']
DAYS = [0, 0, 0, -1, 1, -2, 2, -3, 6, 7, -6, -7, -8, 14, -29, -30, -31, 30, 31, -60, 90, -90, -365, -366, 365, 366, -730]


def literal(value):
    """A Python value as an SQL literal."""
    if value is None:
        return 'NULL'
    if value is True or value is False:
        return 'true' if value else 'false'
    if isinstance(value, (int, float)):
        return str(value)
    if '\\' in value:
        return "E'%s'" % value.replace('\\', '\\\\').replace("'", "''")
    return "'%s'" % value.replace("'", "''")


def copy_field(value):
    if value is None:
        return '\\N'
    if value is True or value is False:
        return 't' if value else 'f'
    # Rows of a COPY that was refused are a query to psql: nothing in them may begin a string or a comment.
    return re.sub(r'[^\w .@]', lambda found: '\\x%02x' % ord(found.group()) if found.group() < '\x80' else found.group(), str(value))


class Keys:
    """The n-th contact's key, for each type of key."""

    def __init__(self, kind):
        self.kind = kind
        self.type = {'bigint': 'bigint', 'uuid': 'uuid', 'text': 'text'}[kind]

    def value(self, n):
        if self.kind == 'bigint':
            return n
        digest = hashlib.md5(str(n).encode()).hexdigest()
        if self.kind == 'uuid':
            return '%s-%s-%s-%s-%s' % (digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:])
        # keys are compared as they are: neither folded nor trimmed
        return ['k%d', 'K%d', 'ké %d', "k'%d", '😀%d'][n % 5] % n

    def literal(self, n):
        return 'NULL' if n is None else literal(self.value(n))

    def derived(self, expression, salt):
        """SQL: another key made from a key, nearly always unused."""
        mixed = "(%s)::text || '%s'" % (expression, salt)
        if self.kind == 'bigint':
            return '(abs(hashtext(%s)::bigint) %% 900000 + 100000)' % mixed
        if self.kind == 'uuid':
            return 'md5(%s)::uuid' % mixed
        return 'md5(%s)' % mixed


class Clock:
    """The pinned clock; it only goes forward."""

    def __init__(self):
        self.now = datetime.datetime(2026, 3, 18, 10, 30)

    def text(self):
        return self.now.isoformat(' ') + '+00'

    def setting(self):
        return "SET segments.now = '%s'" % self.text()

    def advance(self, rng):
        step = rng.random()
        midnight = self.now.replace(hour=0, minute=0, second=0, microsecond=0)
        if step < 0.30:
            self.now += datetime.timedelta(seconds=rng.choice([1, 1, 2, 59, 60, 90]))
        elif step < 0.50:
            self.now += datetime.timedelta(minutes=rng.choice([1, 5, 30, 59]))
        elif step < 0.65:
            self.now += datetime.timedelta(hours=rng.choice([1, 2, 6, 13]))
        elif step < 0.80:
            # on the boundary, and one microsecond to either side of it
            self.now = midnight + datetime.timedelta(days=rng.choice([1, 1, 2, 7])) + \
                datetime.timedelta(microseconds=rng.choice([-1, 0, 0, 1]))
        elif step < 0.95:
            self.now += datetime.timedelta(days=rng.choice([1, 1, 3, 7, 8]))
        else:
            self.now += datetime.timedelta(days=rng.choice([27, 31, 59, 92]))

    def day(self, rng):
        # birthdays: the same day of another year
        years = rng.choice([0] * 6 + [-1, -20, 1])
        day = (self.now + datetime.timedelta(days=rng.choice(DAYS))).date()
        if rng.random() < 0.03:
            return '2024-02-29'
        try:
            return day.replace(year=day.year + years).isoformat()
        except ValueError:
            return day.isoformat()

    def instant(self, rng):
        if rng.random() < 0.25:
            near = self.now + datetime.timedelta(seconds=rng.choice([0, 0, 1, -1, 60, -60, 3600, -3600, -7200, 86400, -86400]))
            return near.isoformat(' ')
        return '%s %s' % (self.day(rng), rng.choice(HOURS))


# --------------------------------------------------------------------------
# columns: a name, and what draws a value

class Column:
    def __init__(self, name, draw, nullable=True):
        self.name = name
        self.draw = draw
        self.nullable = nullable

    def value(self, rng, clock):
        if self.nullable and rng.random() < 0.15:
            return None
        return self.draw(rng, clock)


def one_of(values):
    return lambda rng, clock: rng.choice(values)


def elements_text(rng, clock):
    return '|'.join(rng.choice(ELEMENTS) for _ in range(rng.randint(0, 3)))


def elements_array(rng, clock):
    picked = [rng.choice(ELEMENTS[1:]) for _ in range(rng.randint(0, 3))]
    return '{%s}' % ','.join('"%s"' % e for e in picked)


def document(rng, clock):
    return rng.choice(['{}', '{"plan":"pro"}', '{"plan":"Free"}', '{"plan":null}', '{"plan":"","n":5}', '{"n":100}'])


TEXT, EMAIL, INTEGER = one_of(TEXTS), one_of(EMAILS), one_of(INTEGERS)
NUMERIC, TIME, BOOLEAN, SMALL_ID = one_of(NUMERICS), one_of(TIMES), one_of([True, False]), one_of([1, 2, 3, 4])


def day(rng, clock):
    return clock.day(rng)


def instant(rng, clock):
    return clock.instant(rng)


LEAD_COLUMNS = [Column(name, TEXT) for name in (
    'title', 'firstname', 'lastname', 'company', 'position', 'phone', 'city', 'state', 'zipcode', 'country',
    'preferred_locale', 'timezone', 'website', 'plan', 'notes_text', 'code')] + [
    Column('email', EMAIL), Column('points', INTEGER, False), Column('owner_id', SMALL_ID), Column('stage_id', SMALL_ID),
    Column('is_published', BOOLEAN, False), Column('is_vip', BOOLEAN), Column('attribution', NUMERIC),
    Column('ltv', NUMERIC), Column('score', one_of(FLOATS)), Column('interests', elements_text),
    Column('langs', elements_array), Column('mood', one_of(['good', 'bad', 'Bad'])), Column('attributes', document),
    Column('birth_date', day), Column('last_purchase', instant), Column('last_active', instant),
    Column('date_added', instant), Column('date_identified', instant), Column('attribution_date', instant),
    Column('seen_at', instant), Column('berlin_at', instant), Column('pref_time', TIME)]

COMPANY_COLUMNS = [Column(name, TEXT) for name in (
    'companyname', 'companycity', 'companycountry', 'companyindustry', 'companydescription')] + [
    Column('companyemail', EMAIL), Column('companynumber_of_employees', NUMERIC), Column('companyannual_revenue', NUMERIC),
    Column('score', INTEGER), Column('companyis_partner', BOOLEAN), Column('companyfounded', day),
    Column('companylast_contact', instant), Column('companysectors', elements_text)]


class Table:
    """A table of the schema: how rows refer to contacts, and what else is in them."""

    def __init__(self, name, columns, contact=None, contact_nullable=False, keys=('id',), reference=None, early=False):
        self.name = name
        self.columns = columns
        self.contact = contact              # column that holds the contact's key
        self.contact_nullable = contact_nullable
        self.keys = keys                    # primary key
        self.reference = reference          # (column, how many rows it can point at)
        self.early = early                  # rows may come before their contact

    @property
    def qualified(self):
        return 'crm.' + self.name


CONTACTS = Table('leads', LEAD_COLUMNS)
COMPANIES = Table('companies', COMPANY_COLUMNS)
TAGS = Table('lead_tags', [Column('tag', TEXT, False)])
RELATED = [
    Table('companies_leads', [Column('is_primary', one_of([True, True, False]))], 'lead_id',
          keys=('company_id', 'lead_id'), reference=('company_id', 40)),
    Table('page_hits', [Column('url', TEXT), Column('url_title', TEXT), Column('referer', TEXT),
                        Column('source', one_of(SOURCES)), Column('source_id', SMALL_ID), Column('page_id', SMALL_ID),
                        Column('redirect_id', SMALL_ID), Column('email_id', SMALL_ID), Column('date_hit', instant, False)],
          'lead_id', contact_nullable=True, early=True),
    Table('email_stats', [Column('email_id', SMALL_ID), Column('is_read', BOOLEAN, False), Column('open_count', INTEGER),
                          Column('date_sent', instant, False), Column('date_read', instant)],
          'lead_id', contact_nullable=True),
    Table('lead_donotcontact', [Column('reason', one_of([1, 2, 3]), False),
                                Column('channel', one_of(['email', 'sms']), False)], 'lead_id', contact_nullable=True),
    Table('lead_tags_xref', [], 'lead_id', keys=('lead_id', 'tag_id'), reference=('tag_id', 5)),
    Table('lead_utmtags', [Column('utm_' + name, TEXT) for name in ('campaign', 'content', 'medium', 'source', 'term')],
          'lead_id'),
    Table('lead_devices', [Column(name, TEXT) for name in ('device', 'device_brand', 'device_os_name', 'device_model')],
          'lead_id'),
    Table('lead_categories', [Column('category_id', SMALL_ID, False), Column('manually_removed', BOOLEAN, False)], 'lead_id'),
    Table('campaign_leads', [Column('manually_removed', BOOLEAN, False)], 'lead_id',
          keys=('campaign_id', 'lead_id'), reference=('campaign_id', 4)),
    Table('asset_downloads', [Column('asset_id', SMALL_ID), Column('date_download', instant, False)], 'lead_id', contact_nullable=True),
    Table('push_ids', [Column('push_id', TEXT, False)], 'lead_id', contact_nullable=True),
    Table('point_group_contact_score', [Column('score', INTEGER, False)], 'contact_id',
          keys=('contact_id', 'group_id'), reference=('group_id', 3)),
    Table('integration_entity', [Column('integration', one_of(['Salesforce', 'Hubspot'])),
                                 Column('integration_entity', one_of(['CampaignMember', 'CampaignMember', 'Lead'])),
                                 Column('integration_entity_id', one_of(['1', '2', ''])),
                                 Column('internal_entity', one_of(['lead', 'lead', 'company']))],
          'internal_entity_id', contact_nullable=True, early=True),
]

SETUP = """
CREATE EXTENSION segments;
SELECT segments.create_mautic_schema('crm');
CREATE TYPE crm.mood AS ENUM ('good', 'bad', 'Bad');
ALTER TABLE crm.leads
    ADD COLUMN is_vip boolean, ADD COLUMN plan text, ADD COLUMN interests text, ADD COLUMN langs text[],
    ADD COLUMN birth_date date, ADD COLUMN last_purchase timestamp, ADD COLUMN seen_at timestamptz,
    ADD COLUMN berlin_at timestamp, ADD COLUMN ltv numeric, ADD COLUMN score double precision,
    ADD COLUMN pref_time time, ADD COLUMN notes_text text, ADD COLUMN code text, ADD COLUMN mood crm.mood,
    ADD COLUMN attributes jsonb;
CREATE INDEX ON crm.leads (segments.instant(berlin_at, 'Europe/Berlin'));
CREATE INDEX ON crm.leads (birth_date);
CREATE INDEX ON crm.leads (segments.month_day(birth_date));
ALTER TABLE crm.companies
    ADD COLUMN companyis_partner boolean, ADD COLUMN companyfounded date,
    ADD COLUMN companylast_contact timestamp, ADD COLUMN companysectors text;
"""

# Companies by a column of the contact, which nothing keeps from pointing at none, instead of by links.
EMPLOYER = Column('employer_id', lambda rng, clock: rng.randint(1, 42))
BY_COLUMN = """
ALTER TABLE crm.leads ADD COLUMN employer_id bigint;
CREATE INDEX ON crm.leads (employer_id);
SELECT segments.attach_company('crm.leads', 'crm.companies', company_column => 'employer_id');
"""

# What cannot be inferred, and one field of every kind that Mautic's catalogue does not have.
FIELDS = """
SELECT segments.define_field('crm.leads', 'plan', 'select');
SELECT segments.define_field('crm.leads', 'interests', 'multiselect');
SELECT segments.define_field('crm.leads', 'code', 'text', case_sensitive => true);
SELECT segments.define_field('crm.leads', 'berlin_at', 'datetime', timezone => 'Europe/Berlin');
SELECT segments.define_field('crm.leads', 'attribute_plan', 'text', expression => 'attributes->>''plan''');
SELECT segments.define_field('crm.leads', 'attribute_n', 'number', expression => '(attributes->>''n'')::numeric');
"""
RELATED_FIELDS = """
SELECT segments.define_field('crm.leads', 'companysectors', 'multiselect', object => object)
FROM unnest('{company,company_all}'::text[]) AS object;
SELECT segments.define_field('crm.leads', 'first_hit', 'datetime', object => 'behaviors',
    relation => 'page_hits', column_name => 'date_hit', aggregate => 'min');
SELECT segments.define_field('crm.leads', 'latest_url', 'text', object => 'behaviors',
    relation => 'page_hits', column_name => 'url', aggregate => 'latest', order_by => 'date_hit');
SELECT segments.define_field('crm.leads', 'best_score', 'number', object => 'behaviors',
    relation => 'point_group_contact_score', column_name => 'score', aggregate => 'max');
SELECT segments.define_field('crm.leads', 'email_hits', 'number', object => 'behaviors',
    relation => 'page_hits', condition => 'source = ''email''', aggregate => 'count');
"""

# Another type of key: the tables are empty, so this is only DDL.
REKEY = """
SELECT segments.detach('crm.leads');
DO $$
DECLARE
    c record;
BEGIN
    CREATE TEMP TABLE reference AS
    SELECT conrelid::regclass AS relation, conname AS name, pg_get_constraintdef(oid) AS definition
    FROM pg_constraint WHERE contype = 'f' AND confrelid = 'crm.leads'::regclass;
    FOR c IN TABLE reference LOOP
        EXECUTE format('ALTER TABLE %%s DROP CONSTRAINT %%I', c.relation, c.name);
    END LOOP;
    ALTER TABLE crm.leads ALTER id DROP IDENTITY;
    ALTER TABLE crm.leads ALTER id TYPE %(type)s USING id::text::%(type)s;
    FOR c IN
        SELECT attrelid::regclass AS relation, attname AS name
        FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        WHERE relnamespace = 'crm'::regnamespace AND relkind = 'r' AND attnum > 0 AND NOT attisdropped
          AND (attname IN ('lead_id', 'internal_entity_id')
               OR attname = 'contact_id' AND relname = 'point_group_contact_score')
    LOOP
        EXECUTE format('ALTER TABLE %%s ALTER %%I TYPE %(type)s USING %%2$I::text::%(type)s', c.relation, c.name);
    END LOOP;
    FOR c IN TABLE reference LOOP
        EXECUTE format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', c.relation, c.name, c.definition);
    END LOOP;
END
$$;
SELECT segments.attach_mautic_schema('crm');
"""

# Keys of contacts, companies and tags can change, and hits may come before their contact.
REFERENCES = """
DO $$
DECLARE
    c record;
BEGIN
    FOR c IN
        SELECT conrelid::regclass AS relation, conname AS name, pg_get_constraintdef(oid) AS definition
        FROM pg_constraint
        WHERE contype = 'f' AND confrelid IN ('crm.leads'::regclass, 'crm.companies'::regclass, 'crm.lead_tags'::regclass)
          AND conrelid::regclass::text LIKE 'crm.%'
    LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', c.relation, c.name);
        IF c.relation <> 'crm.page_hits'::regclass THEN
            EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I %s ON UPDATE CASCADE', c.relation, c.name, c.definition);
        END IF;
    END LOOP;
END
$$;
"""
