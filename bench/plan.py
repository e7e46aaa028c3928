"""What is measured, in an order that installs each set of segments once."""
import backends
import imports
import log
import mixed
import partitions
import related
import rest
import tables
import whole
import writes


class Step:
    """A case: the target it is for, what to call, its comparisons, and how much more time than others it needs for each."""

    def __init__(self, target, function, *arguments, comparisons=1, weight=1):
        self.target, self.function, self.arguments = target, function, arguments
        self.comparisons, self.weight = comparisons, weight

    def run(self, bench):
        self.function(bench, *self.arguments)

    def __str__(self):
        return ' '.join([self.target] + [str(argument) for argument in self.arguments if argument != self.target and ' ' not in str(argument)])


def steps(options):
    """All of them, smaller sets before larger ones that begin with them."""
    segments, many = options.segments, options.many
    sizes = sorted({min(size, segments) for size in (100, 1000)} | {segments})
    thousand = min(1000, segments)
    answer = [Step('T10', whole.refresh, 'T10', 'recent', thousand, 'segments that move with time', whole.SCAN,
                   'one scan with three conditions'),
              Step('T27', whole.refresh, 'T27', 'window', thousand, 'counts of page hits in the last days', whole.SCAN_OF_EVENTS,
                   'one scan of the page hits'),
              Step('T25', backends.memory_of_related, 'window', segments, 'by the number of page hits in the last days', comparisons=0),
              Step('T25', backends.memory_of_related, 'visited', segments, 'by the page seen', comparisons=0),
              Step('T17', related.many_over_events, 'T17', 'visited', 'by the page seen', 1.1),
              Step('T25', backends.memory_of_related, 'mentioned', segments, 'by a part of its address', comparisons=0),
              Step('T18', related.many_over_events, 'T18', 'mentioned', 'by a part of its address', 1.5),
              Step('T25', backends.memory_of_related, 'counted', segments, 'by the number of page hits', comparisons=0),
              Step('T19', related.many_over_events, 'T19', 'counted', 'by the number of page hits', 1.3),
              Step('T15', related.company, comparisons=3)]
    answer += [Step('T16', whole.matches, comparisons=2)]
    goals = {100: 3, 1000: 4.5, 10000: 12}
    answer += [Step('T8', whole.evaluate, size, goals[size]) for size in sizes if size in goals]
    for kind in sorted(options.kinds, key=('sparse', 'range', 'dense').index):
        if kind == 'dense':
            answer += [Step('T12', backends.memory_of_one, kind, comparisons=0), Step('T9', whole.build, min(100, segments)),
                       Step('T3', writes.one_contact_flips, kind, thousand, comparisons=4),
                       Step('T5', writes.many_contacts_flip, kind, thousand, weight=2),
                       Step('T14', writes.writers, kind, thousand, comparisons=0), Step('T26', partitions.measure, kind, thousand, comparisons=8),
                       Step('T29', rest.measure, kind, thousand, comparisons=2, weight=0.3)]
        answer += [Step('T1', writes.one_contact, kind, comparisons=2), Step('T4', writes.many_contacts, kind, comparisons=2)]
        if kind == 'sparse':
            answer.append(Step('T13', related.event, kind, comparisons=3))
        if kind == 'dense':
            if segments > thousand:
                answer.append(Step('T3', writes.one_contact_flips, kind, segments, comparisons=4))
            for size, goal in ((segments, 0.5), (many, 1.0)):
                answer += [Step('T11', backends.first_write, kind, size, goal), Step('T12', backends.memory, kind, size, comparisons=0)]
            answer.append(Step('T2', writes.growing, kind, comparisons=2))
    return answer


def long_steps(options):
    """The longest, which get the time that all others leave."""
    segments = options.segments
    answer = [Step('T6', writes.copy, 'T6', 'dense', min(100, segments), 0.92, True, weight=3),
              Step('T6', writes.copy, 'T6', 'dense', min(1000, segments), 0.60, True, weight=5),
              Step('T7', writes.copy, 'T7', 'sparse', segments, 1.8, False, weight=3)]
    answer += [Step('T20', tables.create, comparisons=2, weight=3), Step('T31', tables.check, weight=3), Step('T30', tables.page_hits, weight=2),
               Step('T21', mixed.measure, weight=2), Step('T28', imports.measure, weight=3), Step('T22', log.measure, comparisons=3, weight=0.3)]
    return answer + [Step('created', whole.create, kind) for kind in options.kinds]


TARGETS = [f'T{n}' for n in range(1, 32) if n not in (23, 24)] + ['created', 'growth', 'peers', 'mautic']
