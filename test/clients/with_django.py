#!/usr/bin/env python3
"""Django: what inspectdb makes of the tables, and models over them."""
import io
import os
import sys
import types

import django
from django.conf import settings
from tried import ANA, ZOE, country, equal, run, test

settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "NAME": os.environ["PGDATABASE"], "USER": os.environ.get("PGUSER", ""),
                           "HOST": os.environ.get("PGHOST", ""), "PORT": os.environ.get("PGPORT", ""),
                           "OPTIONS": {"options": "-c search_path=shop,segments,public"}}},
    INSTALLED_APPS=["shop"], DEFAULT_AUTO_FIELD="django.db.models.BigAutoField", USE_TZ=True)
package = types.ModuleType("shop")
package.__path__ = [os.path.dirname(os.path.abspath(__file__))]
package.__file__ = __file__
sys.modules["shop"] = package
django.setup()

from django.core.management import call_command         # noqa: E402
from django.db import DatabaseError, connection, models, transaction  # noqa: E402


class Segment(models.Model):
    """The columns that an application changes; the others have defaults."""

    name = models.TextField()
    alias = models.TextField(unique=True, blank=True)
    contact_table = models.TextField()
    filters = models.JSONField(default=list)
    is_published = models.BooleanField(default=True)

    class Meta:
        app_label, managed, db_table = "shop", False, '"segments"."segment"'


class Customer(models.Model):
    id = models.UUIDField(primary_key=True)
    email = models.TextField(null=True)
    country = models.TextField(null=True)

    class Meta:
        app_label, managed, db_table = "shop", False, "customer"


class Member(models.Model):
    segment = models.ForeignKey(Segment, models.DO_NOTHING, db_column="segment_id", primary_key=True)
    contact = models.ForeignKey(Customer, models.DO_NOTHING, db_column="contact_id", related_name="memberships")

    class Meta:
        app_label, managed, db_table = "shop", False, "customer_segment_member"


@test
def inspectdb():
    written = io.StringIO()
    call_command("inspectdb", "segment", "customer_segment_member", stdout=written)
    source = written.getvalue()
    assert "class Segment(models.Model)" in source and "class CustomerSegmentMember(models.Model)" in source, source
    assert "Unable to inspect" not in source, source


@test
def create_change_and_delete():
    made = Segment.objects.create(name="French", alias="french", contact_table="shop.customer", filters=country("France"))
    made.refresh_from_db()
    equal(made.filters[0]["properties"], {"filter": "France"})
    made.filters = country("Spain")
    made.save()
    equal([str(customer.pk) for customer in Customer.objects.filter(memberships__segment__alias="french")], [str(ANA)])
    made.filters = country("France")
    made.save(update_fields=["filters"])
    equal(Customer.objects.get(memberships__segment=made).pk, ZOE)
    other, created = Segment.objects.update_or_create(alias="other", defaults={"name": "Other", "contact_table": "shop.account", "filters": []})
    equal((created, Segment.objects.filter(pk=other.pk).delete()[0]), (True, 1))


@test
def an_alias_is_made():
    made = Segment.objects.create(name="Without an alias", contact_table="shop.account")
    made.refresh_from_db()
    equal(made.alias, "without-an-alias")


@test
def bulk():
    Segment.objects.bulk_create([Segment(name=f"Bulk {n}", alias=f"bulk-{n}", contact_table="shop.account", filters=country("Spain")) for n in range(5)])
    Segment.objects.filter(alias__startswith="bulk-").update(is_published=False)
    equal(Segment.objects.filter(is_published=False).count(), 5)


@test
def functions():
    with connection.cursor() as cursor:
        cursor.execute("SELECT segments.is_member(%s, %s)", ["french", ZOE])
        equal(cursor.fetchone()[0], True)
        cursor.execute("SELECT contact_id FROM segments.add_contacts(%s, %s)", ["french", [ANA]])
        equal(cursor.fetchone()[0], ANA)
        cursor.callproc("segments.add_contact", ["french", str(ZOE)])
        equal(cursor.fetchone()[0], True)
    found = Customer.objects.raw("SELECT c.* FROM segments.contacts(%s, NULL::shop.customer) AS c", ["french"])
    equal(sorted(str(customer.pk) for customer in found), [str(ZOE), str(ANA)])


@test
def errors_roll_back():
    try:
        with transaction.atomic():
            Customer.objects.filter(pk=ZOE).update(country="Spain")
            Segment.objects.create(name="Oops", alias="oops", contact_table="shop.customer", filters=[{"field": "colour", "operator": "empty"}])
    except DatabaseError as error:
        equal(error.__cause__.pgcode, "42703")
    equal(Customer.objects.get(pk=ZOE).country, "France")


@test
def all_is_exact():
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM segments.check(NULL, NULL::text)")
        equal(cursor.fetchall(), [])


run()
