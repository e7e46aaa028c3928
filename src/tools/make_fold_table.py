#!/usr/bin/env python3
"""make_fold_table.py - makes and proves src/text/fold_table.h, the data of fold.c.

Takes the Unicode data of the running Python; gives the C header on standard
output:

    python3 src/tools/make_fold_table.py > src/text/fold_table.h

With --check it prints no table but proves, over all code points, that folding
is what its definition says and is stable, and that the committed header is
the one this program makes.  With --check --server it also asks
segments.fold() of a UTF8 database (found through the usual PG* variables) for
every code point and for strings of many.

The definition (see `reference`): NFKD, removal of nonspacing marks (general
category Mn), full case folding, again until nothing changes.  The table maps
one code point; what depends on neighbours is canonical reordering alone, of
the few characters that have a combining class and are not Mn.
"""

import argparse
import os
import random
import subprocess
import sys
import unicodedata

HEADER = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                      "..", "text", "fold_table.h")
COMMAND = "python3 src/tools/make_fold_table.py > src/text/fold_table.h"

PYTHON = "%d.%d" % sys.version_info[:2]     # each has one Unicode version

HANGUL = range(0xAC00, 0xAC00 + 11172)      # decomposed by arithmetic in C
SURROGATES = range(0xD800, 0xE000)
REORDERED = 0x80                            # flag in a replacement's length
SELF, NOTHING = 0, 1                        # pool offsets with a meaning


def code_points():
    return (c for c in range(0x110000) if c not in SURROGATES)


def fold_once(string):
    decomposed = unicodedata.normalize("NFKD", string)
    kept = (c for c in decomposed if unicodedata.category(c) != "Mn")
    return "".join(kept).casefold()


def reference(string):
    """Fold by the definition, knowing nothing of tables."""
    while True:
        folded = fold_once(string)
        if folded == string:
            return folded
        string = folded


def reorder_class(char):
    """Combining class of a character that folding keeps, else 0."""
    if unicodedata.category(char) == "Mn":
        return 0
    return unicodedata.combining(char)


class Table:
    """The two-stage table and its pool of replacements."""

    def __init__(self):
        self.pool = bytearray([0, 0])       # SELF is never read, NOTHING is ""
        self.offsets = {"": NOTHING}
        self.classes = {}
        self.tail = None
        entries = {}
        for cp in code_points():
            char = chr(cp)
            if reorder_class(char):
                self.classes[cp] = reorder_class(char)
            if cp in HANGUL:
                continue
            folded = reference(char)
            if folded != char or reorder_class(char):
                entries[cp] = self.replacement(folded)
        self.split_off_tail(entries)
        self.limit, self.blocks, self.entries, self.shift = best_split(entries)

    def replacement(self, folded):
        if folded not in self.offsets:
            data = folded.encode("utf-8")
            assert len(data) < REORDERED
            flag = REORDERED if any(map(reorder_class, folded)) else 0
            self.offsets[folded] = len(self.pool)
            self.pool += bytes([len(data) | flag]) + data
        return self.offsets[folded]

    def split_off_tail(self, entries):
        """The one range far above all others (variation selectors)."""
        tail = [cp for cp in entries if cp >= 0x30000]
        assert tail == list(range(tail[0], tail[-1] + 1))
        assert all(entries.pop(cp) == NOTHING for cp in tail)
        self.tail = (tail[0], tail[-1])

    def longest(self):
        return max(len(folded.encode()) for folded in self.offsets)

    def size(self):
        width = 1 if max(self.blocks) < 256 else 2
        return (len(self.blocks) * width + 2 * len(self.entries)
                + len(self.pool) + 8 * len(self.classes))

    # The same walk as fold.c makes, so that the data can be proved here.

    def fold_char(self, cp):
        if cp in HANGUL:
            s = cp - 0xAC00
            tail = chr(0x11A7 + s % 28) if s % 28 else ""
            return chr(0x1100 + s // 588) + chr(0x1161 + s % 588 // 28) + tail
        if cp >= self.limit:
            return "" if self.tail[0] <= cp <= self.tail[1] else chr(cp)
        block = self.blocks[cp >> self.shift]
        offset = self.entries[(block << self.shift)
                              + (cp & ((1 << self.shift) - 1))]
        if offset == SELF:
            return chr(cp)
        length = self.pool[offset] & (REORDERED - 1)
        return self.pool[offset + 1:offset + 1 + length].decode()

    def fold(self, string):
        folded = "".join(self.fold_char(ord(c)) for c in string)
        result, run = "", []
        for char in folded + "\0":
            if ord(char) in self.classes:
                run.append(char)
                continue
            run.sort(key=lambda c: self.classes[ord(c)])
            result += "".join(run) + char
            run = []
        return result[:-1]


def best_split(entries):
    """Choose the block size that makes the two stages smallest."""
    best = None
    for shift in range(3, 9):
        size = 1 << shift
        limit = (max(entries) // size + 1) * size
        blocks, data, seen = [], [], {}
        for start in range(0, limit, size):
            block = tuple(entries.get(cp, SELF)
                          for cp in range(start, start + size))
            if block not in seen:
                seen[block] = len(seen)
                data += block
            blocks.append(seen[block])
        width = 1 if len(seen) <= 256 else 2
        cost = len(blocks) * width + len(data) * 2
        if best is None or cost < best[0]:
            best = (cost, limit, blocks, data, shift)
    return best[1:]


def c_array(ctype, name, values):
    lines, line = [], "\t"
    for text in (f"{value}," for value in values):
        if len(line) + len(text) > 76:
            lines.append(line.rstrip())
            line = "\t"
        line += text + " "
    lines.append(line.rstrip().rstrip(","))
    return (f"static const {ctype} {name}[{len(values)}] = {{\n"
            + "\n".join(lines) + "\n};\n")


def render(table):
    assert max(table.offsets.values()) < 0x10000
    block_type = "uint8" if max(table.blocks) < 256 else "uint16"
    classes = sorted(set(table.classes.values()))
    pairs = [f"{{0x{cp:X}, {ccc}}}"
             for cp, ccc in sorted(table.classes.items())]
    return f"""/*
 * fold_table.h - how each code point folds: generated, do not edit.
 *
 * Unicode {unicodedata.unidata_version} (Python {PYTHON}), made by
 *     {COMMAND}
 *
 * Only fold.c includes this.  {table.size()} bytes of constant data.
 */
#ifndef SEGMENTS_FOLD_TABLE_H
#define SEGMENTS_FOLD_TABLE_H

#define FOLD_UNICODE_VERSION "{unicodedata.unidata_version}"

/* From here on all code points fold to themselves, but for one range. */
#define FOLD_LIMIT 0x{table.limit:X}
#define FOLD_REMOVED_FIRST 0x{table.tail[0]:X}
#define FOLD_REMOVED_LAST 0x{table.tail[1]:X}

/* Most bytes that one code point can fold to. */
#define FOLD_LONGEST {table.longest()}

/*
 * fold_blocks gives the block of a code point, fold_entries its place in
 * fold_pool; FOLD_SELF means that it folds to itself, at FOLD_NOTHING stands
 * an empty replacement.  A replacement is a byte with its length, marked
 * FOLD_REORDERED if it has a character that is listed in fold_classes, and
 * then that many bytes of UTF-8.
 */
#define FOLD_SHIFT {table.shift}
#define FOLD_SELF {SELF}
#define FOLD_NOTHING {NOTHING}
#define FOLD_REORDERED 0x{REORDERED:X}

{c_array(block_type, "fold_blocks", table.blocks)}
{c_array("uint16", "fold_entries", table.entries)}
{c_array("uint8", "fold_pool", list(table.pool))}
/* The characters that folding keeps but that have a combining class. */
typedef struct FoldClass
{{
	uint32		code_point;
	uint8		combining_class;
}} FoldClass;

{c_array("FoldClass", "fold_classes", pairs)}
/* Their classes, ascending. */
{c_array("uint8", "fold_class_values", classes)}
#endif							/* SEGMENTS_FOLD_TABLE_H */
"""


def random_strings(count):
    """Strings of the characters that can disturb each other."""
    chance = random.Random(1)
    every = [chr(cp) for cp in code_points() if cp]
    marks = [c for c in every if unicodedata.combining(c)
             or unicodedata.category(c) in ("Mn", "Mc")]
    classed = [c for c in every if reorder_class(c)]
    folding = [c for c in every if reference(c) != c]
    plain = [chr(cp) for cp in range(0x20, 0x7F)]
    kinds = [marks, classed, folding, plain, plain, every]
    for _ in range(count):
        mix = chance.sample(kinds, chance.randint(1, 3))
        yield "".join(chance.choice(chance.choice(mix))
                      for _ in range(chance.randint(1, 24)))


def check_stability(table):
    """The table is the definition, and folding twice is folding once."""
    twice = 0
    for cp in code_points():
        char, folded = chr(cp), reference(chr(cp))
        twice += fold_once(char) != folded
        assert table.fold(char) == folded, f"U+{cp:04X}"
        assert table.fold(folded) == folded, f"U+{cp:04X} is not stable"
        # Equivalent spellings and lower case are equal after folding.
        for form in ("NFC", "NFD", "NFKC", "NFKD"):
            assert table.fold(unicodedata.normalize(form, char)) == folded
        assert table.fold(char.lower()) == folded, f"U+{cp:04X} case"
        if unicodedata.category(char) == "Cn":
            assert folded == char, f"U+{cp:04X} is unassigned"
    print(f"all code points: as defined and stable ({twice} of them only "
          "after a second round, which the table includes)")


def check_strings(table, strings):
    for string in strings:
        folded = reference(string)
        assert table.fold(string) == folded, ascii(string)
        assert table.fold(folded) == folded, ascii(string)
    print(f"{len(strings)} strings: as defined and stable")


def psql(script):
    done = subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1"],
                          input=script, stdout=subprocess.PIPE, check=True,
                          encoding="ascii")
    return done.stdout.splitlines()


def ask_server(strings):
    """What segments.fold() makes of each string."""
    rows = "\n".join(f"{n},{s.encode().hex()}" for n, s in enumerate(strings))
    answers = psql("CREATE TEMP TABLE input (n int, hex text);\n"
                   "COPY input FROM STDIN (FORMAT csv);\n" + rows + "\n\\.\n"
                   "SELECT encode(convert_to(segments.fold(convert_from("
                   "decode(hex, 'hex'), 'UTF8')), 'UTF8'), 'hex')"
                   " FROM input ORDER BY n;\n")
    return [bytes.fromhex(answer).decode() for answer in answers]


def check_server(strings):
    asked = [chr(cp) for cp in code_points() if cp] + strings
    answers = ask_server(asked)
    assert len(answers) == len(asked)
    for string, answer in zip(asked, answers):
        assert answer == reference(string), ascii(string)
    print(f"server: {len(asked)} answers as defined")


def check_header(text):
    with open(HEADER, encoding="ascii") as header:
        assert header.read() == text, \
            f"src/text/fold_table.h is not what Python {PYTHON} makes of it"
    print("src/text/fold_table.h: up to date, Unicode "
          + unicodedata.unidata_version)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true",
                        help="prove the table instead of printing it")
    parser.add_argument("--server", action="store_true",
                        help="with --check: ask segments.fold() too")
    options = parser.parse_args()
    table = Table()
    text = render(table)
    if not options.check:
        sys.stdout.write(text)
        return
    check_stability(table)
    strings = list(random_strings(50000))
    check_strings(table, strings)
    check_header(text)
    if options.server:
        check_server(strings)


if __name__ == "__main__":
    main()
