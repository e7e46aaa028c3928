#!/usr/bin/env python3
"""psycopg 3: parameters are sent beside the statement, as text, in binary, and to prepared statements."""
import json

import psycopg
from psycopg.types.json import Json, Jsonb
from tried import ANA, NOBODY, ZOE, country, equal, run, test

connection = psycopg.connect("", autocommit=True)
FORMS = ("%s", "%t", "%b")


def rows(sql, *parameters, prepare=None, binary=False):
    with connection.cursor(binary=binary) as cursor:
        return cursor.execute(sql, parameters, prepare=prepare).fetchall()


def value(sql, *parameters, **how):
    return rows(sql, *parameters, **how)[0][0]


def each_way(sql):
    """The statement with parameters as text and in binary, prepared and not, results likewise."""
    for form in FORMS:
        for prepare in (False, True):
            for binary in (False, True):
                yield sql.replace("%s", form), {"prepare": prepare, "binary": binary}


@test
def filters_as_json_jsonb_and_text():
    number = 0
    for sql, how in each_way("SELECT segments.create_segment(%s, %s, contact_table => 'shop.customer')"):
        for document in (Json(country("France")), Jsonb(country("France")), json.dumps(country("France"))):
            assert value(sql, f"French {number}", document, **how) > 0
            number += 1
    value("SELECT segments.create_segment(%s, %s, contact_table => %s)", "Accounts", Jsonb(country("Spain")), "shop.account")
    value("SELECT segments.create_segment(%s, %s, contact_table => %s)", "Visitors", Jsonb(country("Spain")), "shop.visitor")
    equal(value("SELECT sum(segments.count(id)) FROM segments.segment WHERE name ^@ 'French'"), number)


@test
def filters_are_asked():
    for sql, how in each_way("SELECT c.id FROM shop.customer AS c WHERE segments.matches(c, %s)"):
        for document in (Json(country("Spain")), Jsonb(country("Spain")), json.dumps(country("Spain"))):
            equal(value(sql, document, **how), ANA)
    for sql, how in each_way("SELECT k FROM segments.matching(%s, 'shop.account') AS k"):
        equal(value(sql, Jsonb(country("Spain")), **how), 2)
    for sql, how in each_way("UPDATE segments.segment SET filters = %s WHERE alias = %s RETURNING alias::text"):
        for document in (Json(country("Spain")), Jsonb(country("Spain")), json.dumps(country("Spain"))):
            equal(value(sql, document, "visitors", **how), "visitors")


@test
def keys_of_every_type():
    for sql, how in each_way("SELECT segments.is_member(%s, %s)"):
        equal(value(sql, "french-0", ZOE, **how), True)
        equal(value(sql, "french-0", str(ANA), **how), False)
        equal(value(sql, "visitors", "cookie-2", **how), True)
        equal(value(sql, "accounts", 2, **how), True)
        equal(value(sql, "accounts", "2", **how), True)
        equal(value(sql, "accounts", 70_000, **how), False)


@test
def members_come_back():
    for sql, how in each_way("SELECT contact_id FROM segments.members(%s, NULL::uuid)"):
        equal(rows(sql, "french-0", **how), [(ZOE,)])
    for sql, how in each_way("SELECT contact_id FROM segments.member_keys(%s)"):
        equal(rows(sql, "french-0", **how), [(str(ZOE),)])
        equal(rows(sql, "visitors", **how), [("cookie-2",)])
    for sql, how in each_way("SELECT contact_id FROM segments.members(%s, after => %s, max => %s)"):
        equal(rows(sql, "accounts", "1", 10, **how), [(2,)])


@test
def arrays_of_keys():
    for sql, how in each_way("SELECT * FROM segments.add_contacts(%s, %s)"):
        equal(rows(sql, "french-0", [ANA, NOBODY], **how), [(ANA, True), (NOBODY, False)])
        equal(rows(sql, "french-0", [str(ANA)], **how), [(str(ANA), True)])
        equal(rows(sql, "accounts", [1, 99], **how), [(1, True), (99, False)])
        equal(rows(sql, "accounts", [70_000], **how), [(70_000, False)])
        equal(rows(sql, "visitors", ["cookie-1"], **how), [("cookie-1", True)])
        equal(rows(sql, "visitors", [], **how), [])
    for sql, how in each_way("SELECT * FROM segments.remove_contacts(%s, %s)"):
        equal(rows(sql, "visitors", ["cookie-1"], **how), [("cookie-1", True)])


@test
def change_segments():
    for sql, how in each_way("SELECT * FROM segments.change_segments(%s, add => %s, remove => %s)"):
        equal(rows(sql, [ANA], ["french-1"], ["french-0"], **how), [(ANA, True)])
        equal(rows(sql, [2, 1], [], ["accounts"], **how), [(2, True), (1, True)])
        equal(rows(sql, ["cookie-2"], ["visitors"], None, **how), [("cookie-2", True)])
    equal(rows("SELECT * FROM segments.change_segments('{cookie-2}', '{visitors}', NULL)"), [("cookie-2", True)])
    equal(value("SELECT segments.is_member('french-1', %s)", ANA), True)


@test
def changes_are_read_once():
    sql = "SELECT segment::text, contact_id, joined FROM segments.read_changes(%s, NULL::uuid, max => %s, contact_table => 'shop.customer')"
    equal(rows(sql, "mailer", 1), [("french-0", ZOE, True)])
    assert len(rows(sql, "mailer", 1000, binary=True, prepare=True)) > 1
    equal(rows(sql, "mailer", 1000), [])


@test
def upsert():
    for sql, how in each_way(
            "INSERT INTO segments.segment (name, alias, contact_table, filters) VALUES (%s, %s, 'shop.account', %s) "
            "ON CONFLICT (alias) DO UPDATE SET name = excluded.name, filters = excluded.filters RETURNING id"):
        for document in (Json(country("Spain")), Jsonb(country("Spain")), json.dumps(country("Spain"))):
            number = value(sql, "Upserted", "upserted", document, **how)
        equal(rows("SELECT contact_id FROM segments.members(%s)", number), [(2,)])


@test
def segments_by_number():
    number = value("SELECT id FROM segments.segment WHERE alias = 'accounts'")
    for sql, how in each_way("SELECT segments.count(%s)"):
        equal(value(sql, number, **how), value(sql, "accounts", **how))
        equal(value(sql, str(number), **how), value(sql, "accounts", **how))
    for sql, how in each_way("SELECT segments.is_member(%s, %s)"):
        equal(value(sql, number, 2, **how), value(sql, "accounts", "2", **how))


@test
def errors_have_their_codes():
    for sql, parameters, code in (
            ("SELECT segments.count(%s)", ("nobody",), "42704"),
            ("SELECT segments.add_contact(%s, %s)", ("french-0", NOBODY), "P0002"),
            ("SELECT segments.is_member(%s, %s)", ("french-0", "no key"), "22P02"),
            ("SELECT segments.create_segment(%s, %s, contact_table => 'shop.account')",
             ("Oops", Jsonb([{"field": "colour", "operator": "empty"}])), "42703")):
        for form, how in each_way(sql):
            try:
                rows(form, *parameters, **how)
            except psycopg.Error as error:
                equal(error.sqlstate, code)
            else:
                raise AssertionError(f"{form} is no error")


@test
def copy_and_pipeline():
    with connection.cursor() as cursor:
        with cursor.copy("COPY shop.account (id, country) FROM STDIN (FORMAT binary)") as copy:
            copy.set_types(["int4", "text"])
            copy.write_row((3, "Spain"))
    with connection.pipeline():
        counted = connection.execute("SELECT segments.count(%s)", ("upserted",))
        member = connection.execute("SELECT segments.is_member(%s, %s)", ("upserted", 3))
        equal((counted.fetchone()[0], member.fetchone()[0]), (2, True))


@test
def all_is_exact():
    equal(rows("SELECT * FROM segments.check(NULL, NULL::text)"), [])


run()
