#!/usr/bin/env python3
"""SQLAlchemy: tables are reflected, statements made from them, rows mapped to objects."""
import json
import warnings

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.automap import automap_base
from sqlalchemy.orm import Session
from tried import ANA, ZOE, country, equal, run, test

warnings.simplefilter("ignore", sa.exc.SAWarning)   # types that it doesn't know, such as segments.filter
engine = sa.create_engine("postgresql+psycopg2://", future=True)
metadata = sa.MetaData()
text = sa.type_coerce


@test
def reflection():
    metadata.reflect(engine, schema="shop", views=False)
    metadata.reflect(engine, schema="segments", views=True)
    members = metadata.tables["shop.customer_segment_member"]
    equal([column.name for column in members.primary_key], ["segment_id", "contact_id"])
    segment = metadata.tables["segments.segment"]
    equal([column.name for column in segment.primary_key], ["id"])
    for name in ("segments.status", "segments.health", "segments.field", "segments.usage"):
        assert name in metadata.tables, name
    inspector = sa.inspect(engine)
    assert any(unique["column_names"] == ["alias"] for unique in inspector.get_unique_constraints("segment", schema="segments"))


@test
def insert_and_upsert():
    segment = metadata.tables["segments.segment"]
    with engine.begin() as connection:
        made = connection.execute(segment.insert().values(
            name="French", contact_table="shop.customer", filters=text(country("France"), JSONB))).inserted_primary_key[0]
        upsert = insert(segment).values(name="French people", alias="french", contact_table="shop.customer", filters=json.dumps(country("France")))
        equal(connection.execute(upsert.on_conflict_do_update(
            index_elements=["alias"], set_={"name": upsert.excluded.name, "filters": upsert.excluded.filters}).returning(segment.c.id)).scalar(), made)


@test
def members_join():
    segment, members, customer = (metadata.tables[name] for name in (
        "segments.segment", "shop.customer_segment_member", "shop.customer"))
    query = (sa.select(customer.c.email).join(members, members.c.contact_id == customer.c.id)
             .join(segment, segment.c.id == members.c.segment_id).where(segment.c.alias == "french"))
    with engine.connect() as connection:
        equal(connection.execute(query).scalars().all(), ["zoe@example.com"])


@test
def functions():
    with engine.begin() as connection:
        equal(connection.execute(sa.select(sa.func.segments.is_member("french", sa.cast(str(ZOE), sa.String)))).scalar(), True)
        equal(connection.execute(sa.select(sa.func.segments.add_contact("french", str(ANA)))).scalar(), True)
        table = sa.func.segments.member_keys("french").table_valued("contact_id", "since", "source")
        equal(connection.execute(sa.select(table.c.contact_id).order_by(table.c.contact_id)).scalars().all(), [str(ZOE), str(ANA)])
        equal(connection.execute(sa.text("SELECT count(*) FROM segments.matching(CAST(:f AS jsonb), 'shop.customer', key => NULL::uuid)"),
                                 {"f": json.dumps(country("Spain"))}).scalar(), 1)


@test
def mapped_objects():
    base = automap_base(metadata=metadata)
    base.prepare()
    segment_class, customer_class = base.classes.segment, base.classes.customer
    with Session(engine, future=True) as session:
        found = session.execute(sa.select(segment_class).where(segment_class.alias == "french")).scalar_one()
        found.description = "People in France"
        session.get(customer_class, ANA if isinstance(sa.inspect(customer_class).c.id.type.python_type, type(ANA)) else str(ANA)).country = "France"
        made = segment_class(name="Mapped", contact_table="shop.account", filters=json.dumps(country("Spain")))
        session.add(made)
        session.commit()
        equal(made.alias, "mapped")
        equal(found.description, "People in France")
        session.delete(made)
        session.commit()


@test
def errors_have_their_codes():
    with engine.connect() as connection:
        try:
            connection.execute(sa.select(sa.func.segments.count("nobody")))
        except sa.exc.ProgrammingError as error:
            equal(error.orig.pgcode, "42704")
        else:
            raise AssertionError("that is no error")


@test
def all_is_exact():
    with engine.connect() as connection:
        equal(connection.execute(sa.text("SELECT * FROM segments.check(NULL, NULL::text)")).all(), [])


run()
