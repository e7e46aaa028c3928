"""The report: markdown, made from results; to standard output, into README.md here, and its short form into doc/operations.md."""
import os
import platform
import re

from harness import STEADY
from results import counts, is_met, is_missed, is_more_better

BEGIN, END = '<!-- results -->', '<!-- end of results -->'
SHORT_BEGIN, SHORT_END = '<!-- benchmark -->', '<!-- end of benchmark -->'


# ---------------------------------------------------------------------------
# What was the same for a run
# ---------------------------------------------------------------------------

def conditions(session, options):
    """Machine, versions, settings and sizes."""
    version = session.value("SELECT split_part(version(), ' on ', 1) || ', segments ' ||"
                            " (SELECT extversion FROM pg_extension WHERE extname = 'segments')")
    settings = ', '.join(f'{name} {session.value(f"SHOW {name}")}'
                         for name in ('shared_buffers', 'work_mem', 'autovacuum', 'fsync', 'jit', 'synchronous_commit'))
    return {'contacts': options.contacts,
            'data': f'{options.contacts:,} contacts, {options.companies:,} companies, {options.hits:,} page hits, {options.mails:,} mails',
            'versions': version, 'settings': settings, 'preloaded': 'segments' in session.value('SHOW shared_preload_libraries'),
            'machine': f'{processor()}, {os.cpu_count()} processors, {memory()}, {platform.system()} {platform.release()}',
            'rounds': options.rounds, 'segments': options.segments, 'load': [os.getloadavg()[0]]}


def processor():
    try:
        with open('/proc/cpuinfo') as file:
            return re.search(r'^model name\s*:\s*(.*)$', file.read(), re.M).group(1)
    except (OSError, AttributeError):
        return platform.machine()


def memory():
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2 ** 30:.0f} GB"


def header(runs):
    """What all runs share, and a line for each of them."""
    text = []
    for name in ('data', 'versions', 'settings', 'machine'):
        values = dict.fromkeys(run[name] for run in runs.values())
        text.append('; or '.join(values) + '.\n')
    text.append('\n')
    for run in runs.values():
        load = ' and '.join(f'{value:.1f}' for value in run['load'])
        text.append(f"- `{run['command']}`, {run['started']}, {run.get('minutes', 0):.0f} minutes, at most {run['rounds']} rounds,"
                    f" {'pre' if run['preloaded'] else 'not pre'}loaded; load average {load} at the start and the end"
                    ' (the benchmark itself makes 1)\n')
    return ''.join(text)


# ---------------------------------------------------------------------------
# Lines
# ---------------------------------------------------------------------------

def number(entry, value):
    if entry['kind'] == 'excess':
        return f'{value * 1e3:.2f} ms'
    if entry['kind'] == 'time':
        return seconds(value)
    if entry['kind'] in ('size', 'rate'):
        return f'{value:,.0f}'
    return f'{value:,.2f}' if value < 100 else f'{value:,.0f}'


def seconds(value):
    if value < 1e-3:
        return f'{value * 1e6:.1f} µs'
    return f'{value * 1e3:.1f} ms' if value < 1 else f'{value:.2f} s'


def verdict(entry):
    if entry['wrong']:
        return f"does not count: {entry['wrong']:,} members wrong"
    if entry['timed_out']:
        return 'not finished in time'
    if entry['spread'] > STEADY:
        return f"discarded: the floors differ by {entry['spread']:.0%}"
    if entry['goal'] is None:
        return ''
    if is_met(entry):
        return 'met'
    value, goal = entry['values'][0], entry['goal']
    if is_more_better(entry):
        return f'missed by {1 - value / goal:.0%}'
    return f'missed by {value / goal - 1:.0%}' if entry['kind'] == 'ratio' and value < 3 * goal else f'missed {value / goal:.1f}-fold'


def goal_text(entry):
    return '' if entry['goal'] is None else ('≥ ' if is_more_better(entry) else '≤ ') + number(entry, entry['goal'])


def line(entry):
    times = ''
    if 'subject' in entry:
        times = ' / '.join(seconds(side[0] / entry['count']) for side in (entry['subject'], entry['floor']))
    middle = ''
    if entry.get('middle') and entry['kind'] == 'ratio':
        middle = ' – '.join(number(entry, value) for value in entry['middle'])
    at_least = '> ' if entry['timed_out'] else ''
    work = entry['work'] + (f" ({entry['note']})" if entry['note'] else '')
    return (f"| {entry['target']} | {work} | {at_least}{number(entry, entry['values'][0])} | {middle}"
            f" | {at_least}{number(entry, entry['values'][1])} | {goal_text(entry)} | {verdict(entry)} | {times} | {entry.get('rounds', '')} |")


def in_order(lines):
    return sorted(lines, key=lambda entry: int(entry['target'][1:]) if entry['target'][1:].isdigit() else 99)


def targets(lines):
    if not lines:
        return ''
    head = ['| | work | CPU | half of the rounds | wall | goal | | CPU, subject / floor | rounds |', '|---|---|---|---|---|---|---|---|---|']
    return '\n' + '\n'.join(head + [line(entry) for entry in in_order(lines)]) + '\n'


def profiles(lines):
    text = [f"- {entry['target']}, {entry['work']}: {entry['profile']}" for entry in in_order(lines)
            if entry.get('profile') and is_missed(entry)]
    return '\nWhere the time goes in what was missed:\n\n' + '\n'.join(text) + '\n' if text else ''


# ---------------------------------------------------------------------------
# Growth, and other ways to do it
# ---------------------------------------------------------------------------

def growth(rows):
    if not rows:
        return ''
    rows = sorted(rows, key=lambda row: (row['contacts'], row['segments']))
    names = [cell['name'] for cell in rows[0]['cells']]
    text = [f"| contacts | segments | {' | '.join(names)} |", '|---|---|' + '---|' * len(names)]
    for row in rows:
        cells = [f"{cell['ratio']:.2f}{' ~' if cell['spread'] > STEADY else ''}" for cell in row['cells']]
        wrong = f" ({row['wrong']:,} members wrong)" if row['wrong'] else ''
        text.append(f"| {row['contacts']:,} | {row['segments']:,}{wrong} | {' | '.join(cells)} |")
    return ('\nGrowth: CPU ÷ plain, sparse segments and five over events, nothing flips but for COPY (~: the floors differ by'
            ' more than 10 %).\n\n' + '\n'.join(text) + '\n')


def peers(rows):
    if not rows:
        return ''
    text = ['| kept by | segments | UPDATE of one contact ÷ plain | COPY ÷ plain COPY | |', '|---|---|---|---|---|']
    for row in rows:
        cells = [f'{value:.1f}' if value else '' for value in (row['one'], row['load'])]
        note = row['note'] + (f" {row['wrong']:,} members wrong" if row['wrong'] else '')
        text.append(f"| {row['what']} | {row['segments']} | {' | '.join(cells)} | {note} |")
    return ('\nOther ways to do it: CPU, dense segments, at most 100,000 contacts; points jump, so that members change.\n\n'
            + '\n'.join(text) + '\n')


def mautic(rows):
    """Rows are kept by (work, server): one column for each server."""
    if not rows:
        return ''
    servers = list(dict.fromkeys(row['server'] for row in rows))
    text = [f"| | {' | '.join(servers)} |", '|---|' + '---|' * len(servers)]
    for work in dict.fromkeys(row['work'] for row in rows):
        cells = {row['server']: row for row in rows if row['work'] == work}
        text.append(f"| {work} | " + ' | '.join(
            spent(cells[server]) if server in cells else '' for server in servers) + ' |')
    return ('\nBeside a rebuild as Mautic does it, CPU of the server / wall; the same contacts, the same dense segments.'
            ' Per batch of 300 it selects contacts and inserts them; its pauses between batches, its PHP and a commit for each member are left out.\n\n'
            + '\n'.join(text) + '\n')


def spent(row):
    times = f"{seconds(row['cpu'])} / {seconds(row['wall'])}" if row['cpu'] is not None else ''
    return f"{times} {row['note']}".strip()


# ---------------------------------------------------------------------------
# The whole, and the short form
# ---------------------------------------------------------------------------

def report(results):
    lines = results.section('lines')
    return (header(results.runs()) + targets(lines) + growth(results.section('growth')) + peers(results.section('peers'))
            + mautic(results.section('mautic')) + profiles(lines))


# A row for each target and goal: the lines of a key that begins so, in words.
SHORT = (
    ('T1 ', 'UPDATE of one contact, nothing flips; {segments} segments', 'plain UPDATE'),
    ('T2 dense|T2 sparse|T2 range', 'the same with {many} segments', 'the same with 100'),
    ('T3 ', 'UPDATE of one contact that flips members', 'UPDATE, and the same members by hand'),
    ('T4 ', 'UPDATE of 100,000 contacts, nothing flips; {segments} segments', 'plain UPDATE'),
    ('T5 ', 'UPDATE of 100,000 contacts that flips members', 'UPDATE, and the same members by hand'),
    ('T6 dense 100', 'COPY of {contacts} contacts; 100 dense segments', 'COPY, and the same members by INSERT … SELECT'),
    ('T6 dense 1000', 'the same; 1,000 dense segments', 'the same'),
    ('T7 ', 'COPY of {contacts} contacts; {segments} sparse segments', 'plain COPY'),
    ('T8 100', 'evaluating 100 segments', 'one scan with three conditions'),
    ('T8 1000', 'evaluating 1,000 segments', 'one scan with three conditions'),
    ('T8 10000', 'evaluating 10,000 segments', 'one scan with three conditions'),
    ('T9', 'building 100 dense segments', 'one scan, and the same members by INSERT … SELECT'),
    ('T10', 'refresh_due() a minute later; 1,000 segments that move with time', 'one scan'),
    ('T27', 'refresh_due() a minute later; 1,000 counts of page hits in the last days', 'one scan of the page hits'),
    ('T11 {n} preloaded', 'first write of a connection; {segments} segments, preloaded', 'over plain'),
    ('T11 {m} preloaded', 'the same; {many} segments, preloaded', 'over plain'),
    ('T11 {n} not preloaded', 'first write of a connection; {segments} segments, not preloaded', 'over plain'),
    ('T12 {n} shared|T12 {n} own preloaded', 'memory for each segment, bytes, preloaded: of a backend, shared', ''),
    ('T12 {n} own not preloaded', 'memory for each segment, bytes, not preloaded', ''),
    ('T13 none', 'INSERT of an event that no condition matches', 'plain INSERT'),
    ('T13 few points|T13 member', 'INSERT of an event that matches and flips nothing', 'plain INSERT'),
    ('T14 ', 'two and four writers of different contacts: scaling', 'scaling of plain'),
    ('T15 ', 'UPDATE of a company, nothing flips', 'UPDATE, and reading its contacts by index'),
    ('T16 ', 'matches() in a query', 'the condition written by hand'),
    ('T17', 'INSERT of an event; {segments} segments by the page seen, none of which it meets', 'plain INSERT'),
    ('T18', 'the same by a part of its address', 'plain INSERT'),
    ('T19', 'the same by the number of page hits', 'plain INSERT'),
    ('T20 ', 'creating fourteen segments of many kinds, together and one by one', 'the time'),
    ('T31', 'checking them', 'the time'),
    ('T21', 'one contact in a hundred changes in every way, with these', 'over the same writes without'),
    ('T30', 'page hits in one INSERT … SELECT, with these', 'without'),
    ('T22 ', 'read_changes(), everything else unread too', 'nothing else unread'),
    ('T25 ', 'memory for each segment over related rows, bytes, preloaded: of a backend, shared', ''),
    ('T26 ', 'what segments cost a write, in 64 partitions', 'without partitions'),
    ('T28', 'import of {contacts} rows, half of which are there', 'COPY and merge by hand'),
    ('T29 counted|T29 count', 'segments.rest() GET of a segment', 'SELECT of its row and how many members it has'),
    ('T29 http', 'the same through segments_http', 'requests a second on one core'),
)


def short(results, many):
    """A row for each target: what counts of its lines, from the least to the largest."""
    lines, runs = results.section('lines'), list(results.runs().values())
    sizes = {'contacts': f"{runs[-1]['contacts']:,}", 'segments': f"{runs[-1]['segments']:,}", 'many': f'{many:,}',
             'n': runs[-1]['segments'], 'm': many}
    text = ['| | work | compared with | measured | goal |', '|---|---|---|---|---|']
    for keys, work, floor in SHORT:
        chosen = [entry for entry in lines if any(matches(entry['key'], key.format(**sizes)) for key in keys.split('|'))]
        if chosen:
            text.append(f"| {chosen[0]['target']} | {work.format(**sizes)} | {floor} | {measured(chosen)} | {goal_text(chosen[0])} |")
    commands = ', '.join(dict.fromkeys(f"`{run['command']}`" for run in runs))
    return (f"Measured by {commands} ({runs[-1]['started'].split()[0]}): {runs[-1]['data']}; {runs[-1]['versions']}; {runs[-1]['machine']}.\n"
            'Ratios of CPU time, both sides measured in one run; from the least to the largest of the lines in'
            ' [bench/README.md](../bench/README.md), which has the rest.\n\n' + '\n'.join(text) + '\n')


def matches(key, wanted):
    """T8 100 is not T8 1000; a name that ends in a blank stands for all that begin so."""
    return key == wanted or key.startswith(wanted if wanted.endswith(' ') else wanted + ' ')


def measured(chosen):
    usable = [entry for entry in chosen if counts(entry)]
    if not usable:
        return 'not finished in time' if chosen[0]['timed_out'] else 'discarded'
    values = [number(entry, entry['values'][0]) for entry in sorted(usable, key=lambda entry: entry['values'][0])]
    text = values[0] if values[0] == values[-1] else f'{values[0]} – {values[-1]}'
    return text + ('' if len(usable) == len(chosen) else f' ({len(chosen) - len(usable)} of {len(chosen)} discarded or not finished)')


def write(path, text, begin=BEGIN, end=END):
    """Replace what stands between two marks of a file."""
    with open(path) as file:
        old = file.read()
    if begin not in old or end not in old:
        raise SystemExit(f'{path} has no {begin} … {end}')
    new = re.sub(re.escape(begin) + '.*' + re.escape(end), lambda _: f'{begin}\n{text}{end}', old, flags=re.S)
    with open(path, 'w') as file:
        file.write(new)
