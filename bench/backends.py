"""What a connection costs: its first write (T11), and memory (T12, T25)."""
from harness import FreshWork, Session

MEMORY = 'SELECT sum(total_bytes) FROM pg_backend_memory_contexts'
WRITE = 'UPDATE {schema}.leads SET points = points WHERE id = 1'

# Bytes of the compiled segments of a contact table that backends share.
SHARED = "SELECT sum(image_bytes) FROM segments.compiled WHERE shared AND contact_table = 'crm.leads'::regclass"


def preloaded(session):
    return 'segments' in session.value('SHOW shared_preload_libraries')


def how(bench):
    return 'preloaded' if preloaded(bench.session) else 'not preloaded'


def first_write(bench, kind, segments, goal):
    """T11: the first write of a new connection."""
    bench.install((kind, segments))
    comparison = bench.compare(*(FreshWork(WRITE.format(schema=schema)) for schema in ('crm', 'plain')))
    bench.add('T11', f'T11 {segments} {how(bench)}', f'first write of a new connection, over plain; {segments:,} {kind} segments, {how(bench)}',
              comparison.differences, goal / 1000, 'excess', comparison, wrong=bench.wrong())


def backend_memory(bench):
    """Bytes of a backend that has written, and those it shares with others."""
    with Session(bench.options.database) as fresh:
        fresh.run(WRITE.format(schema='crm'))
        return fresh.number(MEMORY), fresh.number(SHARED) if preloaded(bench.session) else 0


def memory_of_one(bench, kind):
    """What T12 takes off: a backend with one segment."""
    bench.install((kind, 1))
    bench.one_segment = backend_memory(bench)


def memory(bench, kind, segments):
    """T12: bytes for each segment, of the backend's own and shared by all."""
    bench.install((kind, segments))
    add_memory(bench, 'T12', f'T12 {segments}', f'{segments:,} {kind} segments', bench.one_segment, segments)


def memory_of_related(bench, kind, segments, what):
    """T25: the same of segments over related rows."""
    bench.install((kind, 1))
    one = backend_memory(bench)
    bench.install((kind, segments))
    add_memory(bench, 'T25', f'T25 {kind}', f'{segments:,} segments {what}', one, segments)


def add_memory(bench, target, key, what, one, segments):
    """Lines of what a backend takes with these segments, less what it took with one."""
    own, shared = backend_memory(bench)
    add = lambda whose, words, value: bench.add(  # noqa: E731
        target, f'{key} {whose} {how(bench)}', f'{words}, bytes for each segment; {what}, {how(bench)}', (value,) * 2, 350, 'size')
    add('own', 'memory of each backend', (own - one[0]) / (segments - 1))
    if preloaded(bench.session):
        add('shared', 'memory shared by all backends', (shared - one[1]) / (segments - 1))
