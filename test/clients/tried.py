"""What the clients in Python have in common: tests by name, and what they hold."""
import sys
import traceback
import uuid

ZOE = uuid.UUID("11111111-0000-4000-8000-000000000001")
ANA = uuid.UUID("11111111-0000-4000-8000-000000000002")
NOBODY = uuid.UUID("99999999-0000-4000-8000-000000000009")
TESTS = []


def country(name):
    """A filter document, as an application has it."""
    return [{"field": "country", "operator": "=", "properties": {"filter": name}}]


def test(function):
    TESTS.append(function)
    return function


def equal(got, wanted):
    assert got == wanted, f"got {got!r}, wanted {wanted!r}"


def run(*world):
    """Run the tests in their order: "ok name" or "not ok name" for each."""
    for function in TESTS:
        try:
            function(*world)
            print("ok", function.__name__)
        except Exception:       # every failure is told
            print("not ok", function.__name__)
            traceback.print_exc(file=sys.stdout)
