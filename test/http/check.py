"""The list of tests, and what they say."""
import time

# seconds that anything may take where nothing is said of time: a machine may be busy with other things
PATIENCE = 120
TESTS = []


def test(function):
    TESTS.append(function)
    return function


def equal(got, wanted):
    assert got == wanted, f"got {got!r}, wanted {wanted!r}"


def until(condition):
    """Wait until something is so."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not come to be in time"
        time.sleep(0.02)


def active(w, what):
    """How many sessions of the front work on what."""
    return int(w.db.psql("SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND wait_event IN ('PgSleep', 'advisory')"
                         f" AND application_name = '{what}'"))
