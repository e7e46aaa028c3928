#!/usr/bin/env python3
"""psycopg2: parameters are written into the statement, as literals."""
import json

import psycopg2
import psycopg2.extras
from tried import ANA, NOBODY, ZOE, country, equal, run, test

psycopg2.extras.register_uuid()
connection = psycopg2.connect("")
connection.autocommit = True
cursor = connection.cursor()


def rows(sql, *parameters):
    cursor.execute(sql, parameters)
    return cursor.fetchall()


def value(sql, *parameters):
    return rows(sql, *parameters)[0][0]


@test
def filters_as_json_and_text():
    for number, document in enumerate((psycopg2.extras.Json(country("France")), json.dumps(country("France")))):
        assert value("SELECT segments.create_segment(%s, %s, contact_table => 'shop.customer')", f"French {number}", document) > 0
    value("SELECT segments.create_segment(%s, %s::jsonb, contact_table => %s)", "Accounts", json.dumps(country("Spain")), "shop.account")
    value("SELECT segments.create_segment(%s, %s::json, contact_table => %s)", "Visitors", json.dumps(country("Spain")), "shop.visitor")
    equal(json.loads(value("SELECT filters FROM segments.segment WHERE alias = 'french-0'"))[0]["properties"], {"filter": "France"})
    equal(value("SELECT filters::jsonb FROM segments.segment WHERE alias = 'french-1'")[0]["field"], "country")


@test
def keys_of_every_type():
    equal(value("SELECT segments.is_member(%s, %s)", "french-0", ZOE), True)
    equal(value("SELECT segments.is_member(%s, %s)", "french-0", str(ANA)), False)
    equal(value("SELECT segments.is_member(%s, %s)", "visitors", "cookie-2"), True)
    equal(value("SELECT segments.is_member(%s, %s)", "accounts", 2), True)


@test
def members_come_back():
    equal([row[0] for row in rows("SELECT * FROM segments.members(%s, NULL::uuid)", "french-0")], [ZOE])
    equal([row[0] for row in rows("SELECT * FROM segments.member_keys(%s)", "french-0")], [str(ZOE)])
    equal([row[0] for row in rows("SELECT * FROM segments.members(%s)", "accounts")], [2])
    equal([row[0] for row in rows("SELECT * FROM segments.member_keys(%s)", "visitors")], ["cookie-2"])


@test
def arrays_of_keys():
    equal(rows("SELECT * FROM segments.add_contacts(%s, %s)", "french-0", [ANA, NOBODY]), [(ANA, True), (NOBODY, False)])
    equal(rows("SELECT * FROM segments.add_contacts(%s, %s)", "french-0", [str(ANA)]), [(str(ANA), True)])
    equal(rows("SELECT * FROM segments.add_contacts(%s, %s)", "accounts", [1, 99]), [(1, True), (99, False)])
    equal(rows("SELECT * FROM segments.remove_contacts(%s, %s)", "visitors", ["cookie-2"]), [("cookie-2", True)])


@test
def change_segments():
    equal(rows("SELECT * FROM segments.change_segments(%s, add => %s, remove => %s)", [ANA], ["french-1"], ["french-0"]), [(ANA, True)])
    equal(rows("SELECT * FROM segments.change_segments(%s, %s, %s)", [2, 1], [], ["accounts"]), [(2, True), (1, True)])
    equal(rows("SELECT * FROM segments.change_segments('{cookie-2}', '{visitors}', NULL)"), [("cookie-2", True)])
    equal(value("SELECT segments.is_member('french-0', %s)", ANA), False)
    equal(value("SELECT segments.is_member('french-1', %s)", ANA), True)


@test
def changes_are_read_once():
    read = "SELECT segment, contact_id, joined FROM segments.read_changes(%s, NULL::uuid, max => 100, contact_table => %s)"
    equal(rows(read, "mailer", "shop.customer")[0], ("french-0", ZOE, True))
    equal(rows(read, "mailer", "shop.customer"), [])


@test
def upsert():
    sql = ("INSERT INTO segments.segment (name, alias, contact_table, filters) VALUES (%s, %s, %s, %s) "
           "ON CONFLICT (alias) DO UPDATE SET name = excluded.name, filters = excluded.filters RETURNING id")
    first = value(sql, "Upserted", "upserted", "shop.account", psycopg2.extras.Json(country("France")))
    equal(value(sql, "Upserted", "upserted", "shop.account", psycopg2.extras.Json(country("Spain"))), first)
    equal([row[0] for row in rows("SELECT * FROM segments.members(%s)", first)], [2])


@test
def segments_by_number():
    number = value("SELECT id FROM segments.segment WHERE alias = 'accounts'")
    equal(value("SELECT segments.count(%s)", number), value("SELECT segments.count(%s)", "accounts"))
    equal(value("SELECT segments.is_member(%s, %s)", number, 2), value("SELECT segments.is_member(%s, %s)", str(number), "2"))


@test
def errors_have_their_codes():
    for sql, parameters, code in (
            ("SELECT segments.count(%s)", ("nobody",), "42704"),
            ("SELECT segments.add_contact(%s, %s)", ("french-0", NOBODY), "P0002"),
            ("SELECT segments.is_member(%s, %s)", ("french-0", "no key"), "22P02"),
            ("SELECT segments.create_segment(%s, %s, contact_table => 'shop.account')",
             ("Oops", psycopg2.extras.Json([{"field": "colour", "operator": "empty"}])), "42703")):
        try:
            cursor.execute(sql, parameters)
        except psycopg2.Error as error:
            equal(error.pgcode, code)
        else:
            raise AssertionError(f"{sql} is no error")


@test
def all_is_exact():
    equal(rows("SELECT * FROM segments.check(NULL, NULL::text)"), [])


run()
