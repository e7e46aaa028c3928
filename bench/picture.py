"""The picture: what an UPDATE of one contact costs with so many segments, kept in which way; SVG, made of results."""
import math

WIDTH, HEIGHT = 860, 460
LEFT, RIGHT, TOP, BOTTOM = 70, 250, 50, 60       # margins; names stand in the right one
CONTACTS = 100000                                # of the growth that is shown, as with the other ways
SERIES = (                                       # name, colour, section, its rows, what is taken of one
    ('segments', '#1a7f37', 'growth', None, 'UPDATE of one contact'),
    ('row trigger, an IF for each', '#9a6700', 'peers', 'row trigger in PL/pgSQL, an IF for each', 'one'),
    ('statement trigger, a query for each', '#bc4c00', 'peers', 'statement trigger, a query for each', 'one'),
    ('materialized view, refreshed', '#cf222e', 'peers', 'materialized view, REFRESH CONCURRENTLY after a change', 'one'),
)


def points(results, section, what, value):
    """(segments, cost in plain UPDATEs) by number of segments."""
    if section == 'growth':
        rows = [row for row in results.section('growth') if row['contacts'] == CONTACTS]
        found = [(row['segments'], cell['ratio']) for row in rows for cell in row['cells'] if cell['name'] == value]
    else:
        found = [(row['segments'], row[value]) for row in results.section('peers') if row['what'] == what and row[value]]
    return sorted(found)


def decades(values):
    """Powers of ten around all of them."""
    return 10 ** math.floor(math.log10(min(values))), 10 ** math.ceil(math.log10(max(values)))


class Axis:
    """A logarithmic scale between two powers of ten, on so many pixels."""

    def __init__(self, low, high, start, end):
        self.low, self.high, self.start, self.end = low, max(high, 10 * low), start, end

    def at(self, value):
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self):
        first, last = round(math.log10(self.low)), round(math.log10(self.high))
        return [10 ** n for n in range(first, last + 1)]


def text(x, y, words, **attributes):
    more = ''.join(f' {name.replace("_", "-")}="{value}"' for name, value in attributes.items())
    return f'<text x="{x:.0f}" y="{y:.0f}"{more}>{words}</text>'


def rule(x1, y1, x2, y2):
    return f'<line x1="{x1:.0f}" y1="{y1:.0f}" x2="{x2:.0f}" y2="{y2:.0f}" stroke="#d0d7de"/>'


def grid(across, up):
    """Lines, and the numbers beside them."""
    parts = []
    for value in across.ticks():
        x = across.at(value)
        parts += [rule(x, up.start, x, up.end), text(x, up.start + 20, f'{value:,}', text_anchor='middle')]
    for value in up.ticks():
        y = up.at(value)
        parts += [rule(across.start, y, across.end, y), text(across.start - 8, y + 4, f'{value:,}', text_anchor='end')]
    parts.append(text((across.start + across.end) / 2, up.start + 44, 'segments', text_anchor='middle'))
    return parts


def curve(across, up, name, colour, found):
    places = [(across.at(x), up.at(y)) for x, y in found]
    path = ' '.join(f'{x:.1f},{y:.1f}' for x, y in places)
    x, y = places[-1]
    label = f'{name}: {found[-1][1]:,.1f}' if found[-1][1] < 100 else f'{name}: {found[-1][1]:,.0f}'
    return ([f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2.5"/>']
            + [f'<circle cx="{px:.1f}" cy="{py:.1f}" r="4" fill="{colour}"/>' for px, py in places]
            + [text(x + 10, y + 4, label, fill=colour, font_weight='bold')])


def svg(results):
    """The whole picture, or None where nothing of it has been measured."""
    series = [(name, colour, points(results, section, what, value)) for name, colour, section, what, value in SERIES]
    series = [(name, colour, found) for name, colour, found in series if found]
    if not series:
        return None
    everything = [point for _, _, found in series for point in found]
    across = Axis(*decades([x for x, _ in everything]), LEFT, WIDTH - RIGHT)
    up = Axis(*decades([1] + [y for _, y in everything]), HEIGHT - BOTTOM, TOP)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13" fill="#1f2328">',
             f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
             text(LEFT - 46, 26, 'What an UPDATE of one contact costs, in plain UPDATEs (CPU)', font_size=16, font_weight='bold')]
    parts += grid(across, up)
    for name, colour, found in series:
        parts += curve(across, up, name, colour, found)
    return '\n'.join(parts + ['</svg>']) + '\n'
