#!/usr/bin/env node
// node-postgres: parameters are texts whose types are left to the server.
'use strict';
const assert = require('assert');
const { Client } = require('pg');

const ZOE = '11111111-0000-4000-8000-000000000001';
const ANA = '11111111-0000-4000-8000-000000000002';
const country = (name) => [{ field: 'country', operator: '=', properties: { filter: name } }];
const client = new Client({ host: process.env.PGHOST, port: process.env.PGPORT, user: process.env.PGUSER, database: process.env.PGDATABASE });

async function rows(text, values, name) {
    return (await client.query({ text, values, name, rowMode: 'array' })).rows;
}

async function value(...query) {
    return (await rows(...query))[0][0];
}

const tests = {
    async filters_as_json_jsonb_and_text() {
        const document = JSON.stringify(country('France'));
        for (const type of ['', '::json', '::jsonb', '::text::segments.filter']) {
            const id = await value(`SELECT segments.create_segment($1, $2${type}, contact_table => $3)`, [`French${type.replace(/::/g, ' ')}`, document, 'shop.customer']);
            assert(id > 0);
        }
        await value('SELECT segments.create_segment($1, $2, contact_table => $3)', ['Accounts', JSON.stringify(country('Spain')), 'shop.account']);
        await value('SELECT segments.create_segment($1, $2, contact_table => $3)', ['Visitors', JSON.stringify(country('Spain')), 'shop.visitor']);
        assert.strictEqual(await value('SELECT count(*) FROM shop.customer AS c WHERE segments.matches(c, $1)', [document]), '1');
    },
    async keys_of_every_type() {
        for (const name of [undefined, 'member']) {         // once, and prepared
            assert.strictEqual(await value('SELECT segments.is_member($1, $2)', ['french', ZOE], name), true);
            assert.strictEqual(await value('SELECT segments.is_member($1, $2)', ['french', ANA], name), false);
            assert.strictEqual(await value('SELECT segments.is_member($1, $2)', ['visitors', 'cookie-2'], name), true);
            assert.strictEqual(await value('SELECT segments.is_member($1, $2)', ['accounts', 2], name), true);
        }
        assert.strictEqual(await value('SELECT segments.is_member($1, $2::uuid)', ['french', ZOE]), true);
        assert.strictEqual(await value('SELECT segments.is_member($1, $2::int)', ['accounts', 1]), false);
    },
    async members_come_back() {
        assert.deepStrictEqual(await rows('SELECT contact_id FROM segments.member_keys($1)', ['french']), [[ZOE]]);
        assert.deepStrictEqual(await rows('SELECT contact_id FROM segments.members($1, NULL::uuid)', ['french']), [[ZOE]]);
        assert.deepStrictEqual(await rows('SELECT contact_id FROM segments.members($1, max => $2)', ['accounts', 10]), [['2']]);
    },
    async arrays_of_keys() {
        assert.deepStrictEqual(await rows('SELECT * FROM segments.add_contacts($1, $2)', ['french', [ANA]]), [[ANA, true]]);
        assert.deepStrictEqual(await rows('SELECT * FROM segments.add_contacts($1, $2::uuid[])', ['french', [ANA]]), [[ANA, true]]);
        assert.deepStrictEqual(await rows('SELECT * FROM segments.add_contacts($1, $2)', ['accounts', [1, 99]]), [['1', true], ['99', false]]);
        assert.deepStrictEqual(await rows('SELECT * FROM segments.remove_contacts($1, $2)', ['visitors', ['cookie-2']]), [['cookie-2', true]]);
    },
    async change_segments() {
        const sql = 'SELECT * FROM segments.change_segments($1, add => $2, remove => $3)';
        assert.deepStrictEqual(await rows(sql, [[ANA], ['french-json'], ['french']]), [[ANA, true]]);
        assert.deepStrictEqual(await rows(sql, [[2, 1], [], ['accounts']]), [['2', true], ['1', true]]);
        assert.deepStrictEqual(await rows("SELECT * FROM segments.change_segments('{cookie-2}', '{visitors}', NULL)"), [['cookie-2', true]]);
        assert.strictEqual(await value('SELECT segments.is_member($1, $2)', ['french-json', ANA]), true);
    },
    async changes_are_read_once() {
        const sql = "SELECT segment, contact_id, joined FROM segments.read_changes($1, NULL::uuid, max => $2, contact_table => 'shop.customer')";
        assert.deepStrictEqual(await rows(sql, ['mailer', 1]), [['french', ZOE, true]]);
        assert((await rows(sql, ['mailer', 1000])).length > 1);
        assert.deepStrictEqual(await rows(sql, ['mailer', 1000]), []);
    },
    async upsert() {
        const sql = `INSERT INTO segments.segment (name, alias, contact_table, filters) VALUES ($1, $2, $3, $4)
            ON CONFLICT (alias) DO UPDATE SET name = excluded.name, filters = excluded.filters RETURNING id`;
        const values = ['Upserted', 'upserted', 'shop.account', JSON.stringify(country('Spain'))];
        const id = await value(sql, values, 'upsert');
        assert.strictEqual(await value(sql, values, 'upsert'), id);
        assert.deepStrictEqual(await rows('SELECT contact_id FROM segments.members($1)', [id]), [['2']]);
    },
    async segments_by_number() {
        const id = await value("SELECT id FROM segments.segment WHERE alias = 'accounts'");
        for (const given of [id, Number(id), 'accounts'])
            assert.strictEqual(await value('SELECT segments.count($1)', [given]), await value('SELECT segments.count($1::bigint)', [id]));
        assert.strictEqual(await value('SELECT segments.is_member($1::bigint, $2)', [id, 2]), await value('SELECT segments.is_member($1, $2)', ['accounts', 2]));
    },
    async errors_have_their_codes() {
        const faults = [
            ['SELECT segments.count($1)', ['nobody'], '42704'],
            ['SELECT segments.add_contact($1, $2)', ['french', '99999999-0000-4000-8000-000000000009'], 'P0002'],
            ['SELECT segments.is_member($1, $2)', ['french', 'no key'], '22P02'],
            ["SELECT segments.create_segment('Oops', $1, contact_table => 'shop.account')", [JSON.stringify([{ field: 'colour', operator: 'empty' }])], '42703'],
            // an array of JavaScript's becomes one of PostgreSQL's, not a document
            ["SELECT segments.create_segment('Oops', $1, contact_table => 'shop.account')", [country('Spain')], '22P02'],
        ];
        for (const [text, values, code] of faults)
            await assert.rejects(rows(text, values), { code });
    },
    async all_is_exact() {
        assert.deepStrictEqual(await rows('SELECT * FROM segments.check(NULL, NULL::text)'), []);
    },
};

(async () => {
    await client.connect();
    for (const [name, test] of Object.entries(tests)) {
        try {
            await test();
            console.log('ok', name);
        } catch (error) {
            console.log('not ok', name);
            console.log(error);
        }
    }
    await client.end();
})();
