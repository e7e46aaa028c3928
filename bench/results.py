"""Results: lines of the report, kept in a file of JSON, so that pieces measured by several runs make one report.

A line is a dict.  target, key: what it is, and what it replaces when it is
measured again; work: in words; kind: ratio, excess (seconds over the floor,
shown in ms), time (seconds), size (bytes) or rate (of a second of CPU time, and of wall time); values: [CPU, wall]; goal: null when measured for
its own sake; count: statements in a measurement; subject, floor: [CPU, wall]
in seconds; middle: where the middle half of the rounds lies; spread: of the
two floors; wrong: members that are not what they should be; run: which one.
A run is a dict of what was the same for all its lines: command, machine, ….
"""
import json
import os

from harness import STEADY

SECTIONS = ('lines', 'growth', 'peers', 'mautic')


def line(target, key, work, values, goal=None, kind='ratio', comparison=None, count=1, wrong=None, note='', **instead):
    """instead: of what the comparison says."""
    answer = {'target': target, 'key': key, 'work': work, 'values': list(values), 'goal': goal, 'kind': kind,
              'count': count, 'wrong': wrong, 'note': note, 'timed_out': False, 'spread': 0.0}
    if comparison:
        answer.update(subject=comparison.subject, floor=comparison.floor, spread=comparison.spread,
                      middle=comparison.middle, rounds=comparison.rounds, timed_out=comparison.timed_out)
    return answer | instead


def is_more_better(entry):
    return entry['target'] == 'T14' or entry['kind'] == 'rate'


def counts(entry):
    """Whether a line says anything: members right, finished, floors equal."""
    return not entry['wrong'] and not entry['timed_out'] and entry['spread'] <= STEADY


def is_met(entry):
    if is_more_better(entry):
        return entry['values'][0] >= entry['goal']
    return entry['values'][0] <= entry['goal']


def is_missed(entry):
    return bool(entry['goal']) and not is_met(entry)


class Results:
    def __init__(self, path, fresh=False):
        self.path, self.run = path, None
        self.data = {'runs': {}, **{section: {} for section in SECTIONS}}
        if not fresh and os.path.exists(path):
            with open(path) as file:
                self.data.update(json.load(file))

    def begin(self, description):
        """A run starts: what is added belongs to it.  Lines of another size of data go."""
        same = {name for name, run in self.data['runs'].items() if run['contacts'] == description['contacts']}
        for section in SECTIONS:
            self.data[section] = {key: entry for key, entry in self.data[section].items() if entry['run'] in same}
        self.run = str(1 + max((int(name) for name in self.data['runs']), default=0))
        self.data['runs'][self.run] = description

    def end(self, **more):
        self.data['runs'][self.run].update(more)
        self.save()

    def add(self, entry, section='lines'):
        entry['run'] = self.run
        self.data[section][entry['key']] = entry
        self.save()
        self.shown(section, entry)

    def shown(self, section, entry):
        """Told as it is measured; the command sets this."""

    def save(self):
        used = {entry['run'] for section in SECTIONS for entry in self.data[section].values()} | {self.run}
        self.data['runs'] = {name: run for name, run in self.data['runs'].items() if name in used}
        with open(self.path + '.new', 'w') as file:
            json.dump(self.data, file, indent=1, ensure_ascii=False)
        os.replace(self.path + '.new', self.path)

    def section(self, name):
        return list(self.data[name].values())

    def runs(self):
        return self.data['runs']
