"""
The C sources as text: files, includes, definitions, and who uses what.  What
the checks (scripts/check_*) share.

The code has one format (.clang-format), so a function is defined where its name
stands in the first column with a brace in the first column after its arguments.
No build is needed.
"""

import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SOURCE = os.path.join(ROOT, "src")

COMMENT_OR_STRING = re.compile(
    r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
IDENTIFIER = re.compile(r"[A-Za-z_]\w*")
FUNCTION = re.compile(r"^(?P<type>[A-Za-z_][\w \*]*\n)(?P<name>[A-Za-z_]\w*)\(", re.M)
VARIABLE = re.compile(r"^(?!static|typedef|extern|struct \w+\n|return)[A-Za-z_][\w \*]*?\b"
                      r"(?P<name>[A-Za-z_]\w*)(?:\[[^\n]*\])?(?: = [^\n]*|);?$", re.M)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+"([^"]+)"', re.M)


class Function:
    def __init__(self, name, static, first, last):
        self.name = name
        self.static = static
        self.first = first  # line numbers, of its name and of its last brace
        self.last = last


class File:
    """One source or header, by its path under src/."""

    def __init__(self, path):
        self.path = path
        with open(os.path.join(SOURCE, path), encoding="utf-8") as file:
            self.text = file.read()
        self.code = re.sub(r"\bpg_noreturn ", "", without_comments(self.text))
        self.nlines = self.text.count("\n")
        self.includes = INCLUDE.findall(self.text)
        self.functions = functions_in(self.code)
        self.words = set(IDENTIFIER.findall(without_includes(self.code)))

    @property
    def room(self):
        return os.path.dirname(self.path)

    @property
    def exports(self):
        """What others can use: functions and variables that are not static."""
        names = {f.name for f in self.functions if not f.static}
        return names | {m.group("name") for m in VARIABLE.finditer(self.code)}


def blank(match):
    """As many lines as there were, and nothing on them."""
    text = match.group(0)
    return '""' if text[0] == '"' else " " + "\n" * text.count("\n")


def without_comments(text):
    return COMMENT_OR_STRING.sub(blank, text)


def without_includes(code):
    return re.sub(r"^[ \t]*#[ \t]*include[^\n]*", "", code, flags=re.M)


def functions_in(code):
    functions = []
    for match in FUNCTION.finditer(code):
        end = closing(code, match.end() - 1)
        if not code.startswith("\n{", end):
            continue
        last = code.index("\n}", end) + 1
        functions.append(Function(match.group("name"),
                                  re.search(r"\bstatic\b", match.group("type")) is not None,
                                  code.count("\n", 0, match.start("name")) + 1,
                                  code.count("\n", 0, last) + 1))
    return functions


def closing(code, at):
    """Behind the parenthesis that closes the one here."""
    depth = 0
    for i in range(at, len(code)):
        depth += {"(": 1, ")": -1}.get(code[i], 0)
        if depth == 0:
            return i + 1
    return len(code)


def read(suffixes=(".c", ".h")):
    """All files, by path."""
    found = {}
    for folder, _, names in os.walk(SOURCE):
        for name in sorted(names):
            if name.endswith(suffixes):
                path = os.path.relpath(os.path.join(folder, name), SOURCE)
                found[path] = File(path)
    return dict(sorted(found.items()))


def owns(files):
    """The file that includes of our own name, by the path in the include."""
    return {path: file for path, file in files.items() if path.endswith(".h")}


def finish(faults, what):
    """Say what is wrong, one a line, and how it went; the status for exit()."""
    for fault in faults:
        print(fault)
    print("%s: %s" % (os.path.basename(sys.argv[0]),
                      "%d faults" % len(faults) if faults else what))
    return 1 if faults else 0
