"""The report: markdown, to standard output and between two marks of README.md."""
import os
import platform
import re

from harness import STEADY

BEGIN, END = '<!-- results -->', '<!-- end of results -->'


def header(session, options, load):
    version = session.value("SELECT split_part(version(), ' on ', 1) || ', segments ' ||"
                            " (SELECT extversion FROM pg_extension WHERE extname = 'segments')")
    settings = ', '.join(f'{name} {session.value(f"SHOW {name}")}'
                         for name in ('shared_buffers', 'work_mem', 'autovacuum', 'fsync', 'jit', 'synchronous_commit'))
    return (f'{options.contacts:,} contacts, {options.companies:,} companies, {options.hits:,} page hits, {options.mails:,} mails;'
            f' medians of {options.rounds} rounds, {options.segments:,} segments where nothing else is said.\n'
            f'{version}; {settings}.\n{processor()}, {os.cpu_count()} processors, {platform.system()} {platform.release()};'
            f' load average {load[0]:.1f} at the start and {os.getloadavg()[0]:.1f} at the end'
            ' (the benchmark itself makes 1).\n')


def processor():
    try:
        with open('/proc/cpuinfo') as file:
            return re.search(r'^model name\s*:\s*(.*)$', file.read(), re.M).group(1)
    except (OSError, AttributeError):
        return platform.machine()


def shown(result, value):
    if result.kind == 'excess':
        return f'{value * 1e3:.2f} ms'
    if result.kind == 'size':
        return f'{value:,.0f}'
    return f'{value:,.2f}' if value < 100 else f'{value:,.0f}'


def seconds(value):
    if value < 1e-3:
        return f'{value * 1e6:.1f} µs'
    return f'{value * 1e3:.1f} ms' if value < 1 else f'{value:.2f} s'


def verdict(result):
    comparison = result.comparison
    if result.wrong:
        return f'does not count: {result.wrong:,} members wrong'
    if comparison and comparison.timed_out:
        return 'not finished in time'
    if result.goal is None:
        return ''
    if result.is_met:
        word = 'met'
    elif result.kind == 'ratio' and result.target != 'T14':
        word = f'missed by {result.values[0] / result.goal - 1:.0%}' if result.values[0] < 3 * result.goal else \
            f'missed {result.values[0] / result.goal:.1f}-fold'
    elif result.target == 'T14':
        word = f'missed by {1 - result.values[0] / result.goal:.0%}'
    else:
        word = f'missed {result.values[0] / result.goal:.1f}-fold'
    if comparison and comparison.spread > STEADY:
        word += f', but the floors differ by {comparison.spread:.0%}'
    return word


def line(result):
    comparison = result.comparison
    times = ''
    if comparison:
        times = ' / '.join(seconds(side[0] / result.count) for side in (comparison.subject, comparison.floor))
    at_least = '> ' if comparison and comparison.timed_out else ''
    goal = '' if result.goal is None else ('≥ ' if result.target == 'T14' else '≤ ') + shown(result, result.goal)
    work = result.work + (f' ({result.note})' if result.note else '')
    return (f'| {result.target} | {work} | {at_least}{shown(result, result.values[0])} | {at_least}{shown(result, result.values[1])}'
            f' | {goal} | {verdict(result)} | {times} |')


def targets(results):
    def order(result):
        return int(result.target[1:]) if result.target[1:].isdigit() else 99
    lines = ['| | work | CPU | wall | goal | | CPU, subject / floor |', '|---|---|---|---|---|---|---|']
    return '\n'.join(lines + [line(result) for result in sorted(results, key=order)]) + '\n'


def profiles(results):
    lines = [f'- {result.target}, {result.work}: {result.profile}' for result in results if result.profile]
    return '\nWhere the time goes in what was missed:\n\n' + '\n'.join(lines) + '\n' if lines else ''


def growth(rows):
    if not rows:
        return ''
    names = [cell[0] for cell in rows[0][2]]
    lines = [f"| contacts | segments | {' | '.join(names)} |", '|---|---|' + '---|' * len(names)]
    for contacts, count, cells, wrong in rows:
        shown_cells = [f"{cell[1]:.2f}{' ~' if cell[3] > STEADY else ''}" for cell in cells]
        lines.append(f"| {contacts:,} | {count:,}{f' ({wrong} members wrong)' if wrong else ''} | {' | '.join(shown_cells)} |")
    return ('\nGrowth: CPU ÷ plain, sparse segments and five over events, nothing flips but for COPY (~: the floors differ by'
            ' more than 10 %).\n\n' + '\n'.join(lines) + '\n')


def peers(rows):
    if not rows:
        return ''
    lines = ['| kept by | segments | UPDATE of one contact ÷ plain | COPY ÷ plain COPY | |', '|---|---|---|---|---|']
    for what, count, one, load, note in rows:
        lines.append(f"| {what} | {count} | {f'{one:.1f}' if one else ''} | {f'{load:.1f}' if load else ''} | {note} |")
    return ('\nOther ways to do it: CPU, dense segments, at most 100,000 contacts; points jump, so that members change.\n\n'
            + '\n'.join(lines) + '\n')


def write(path, text):
    with open(path) as file:
        old = file.read()
    new = re.sub(re.escape(BEGIN) + '.*' + re.escape(END), lambda _: f'{BEGIN}\n{text}{END}', old, flags=re.S)
    with open(path, 'w') as file:
        file.write(new)
