"""What monitors are given: each query of doc/prometheus.sql runs as pg_monitor, and doc/grafana.json asks for what they give."""
import json
import os
import re

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DATABASE = "readme_metrics"
ROLE = "readme_monitor"

SET_UP = f"""
CREATE EXTENSION segments;
CREATE TABLE person (id bigint PRIMARY KEY, country text, seen timestamptz);
SELECT segments.attach('person');
INSERT INTO person VALUES (1, 'France', now());
SELECT segments.create_segment('French', '[{{"field": "country", "operator": "=", "properties": {{"filter": "France"}}}}]');
SELECT segments.create_segment('Lately', '[{{"field": "seen", "operator": "inLast", "properties": {{"filter": "1 day"}}}}]');
SELECT FROM segments.read_changes('mailer', max => 1);
CREATE ROLE {ROLE} IN ROLE pg_monitor;
"""
# words of the query language that are no metrics and no labels
FUNCTIONS = {"sum", "by", "topk", "rate", "or", "and", "max", "min", "avg", "count", "increase", "without"}


def queries():
    """Each query, with the first line of the comment before it."""
    with open(os.path.join(ROOT, "doc", "prometheus.sql"), encoding="utf-8") as file:
        text = file.read()
    return [re.sub(r"^--.*\n", "", part, flags=re.M).strip() for part in re.split(r";\s*\n", text) if "SELECT" in part]


def columns_of(psql, query):
    """Columns that a query gives, and what is wrong with it."""
    done = psql(DATABASE, f"SET ROLE {ROLE};\n{query};\n", "-A", "-P", "footer=on", "-P", "null=NULL")
    if done.returncode != 0:
        return [], done.stdout
    lines = done.stdout.splitlines()
    columns = lines[0].split("|")
    for row in lines[1:-1]:
        for column, value in zip(columns, row.split("|")):
            if column.startswith("segments_") and value != "NULL" and not re.fullmatch(r"-?[\d.]+(e[+-]?\d+)?", value):
                return columns, f"{column} is {value!r}, no number"
    if not any(column.startswith("segments_") for column in columns):
        return columns, "no column is a metric"
    return columns, None


def asked_by(expression):
    """Metrics and labels that an expression names."""
    bare = re.sub(r'"[^"]*"', '""', expression)
    labels = set(re.findall(r'(\w+)\s*(?:=~|!~|!=|=)\s*""', bare))
    for words in re.findall(r"\bby\s*\(([^)]*)\)", bare):
        labels |= set(re.findall(r"\w+", words))
    return set(re.findall(r"\bsegments_\w+", bare)), labels


def dashboard_problems(given):
    """given: metric -> columns of its query."""
    with open(os.path.join(ROOT, "doc", "grafana.json"), encoding="utf-8") as file:
        dashboard = json.load(file)
    panels = dashboard["panels"]
    if len({panel["id"] for panel in panels}) < len(panels):
        yield "two panels have one id"
    for panel in panels:
        for target in panel["targets"]:
            metrics, labels = asked_by(target["expr"])
            labels |= set(re.findall(r"\{\{(\w+)\}\}", target.get("legendFormat", "")))
            if not metrics:
                yield f"{panel['title']}: asks for nothing"
            for metric in sorted(metrics):
                if metric not in given:
                    yield f"{panel['title']}: no query gives {metric}"
                else:
                    yield from (f"{panel['title']}: {metric} has no label {label}" for label in sorted(labels - set(given[metric]) - {"__name__"}))


def run(psql):
    """Numbers of what is right and wrong."""
    passed = failed = 0
    given = {}
    psql("postgres", f"DROP DATABASE IF EXISTS {DATABASE};\nDROP ROLE IF EXISTS {ROLE};\nCREATE DATABASE {DATABASE};\n").check_returncode()
    psql(DATABASE, SET_UP).check_returncode()
    for query in queries():
        columns, problem = columns_of(psql, query)
        given.update((column, columns) for column in columns if column.startswith("segments_"))
        if problem:
            failed += 1
            print(f"doc/prometheus.sql: {problem}\n{query}\n")
        else:
            passed += 1
    problems = list(dashboard_problems(given))
    for problem in problems:
        print(f"doc/grafana.json: {problem}\n")
    psql("postgres", f"DROP DATABASE {DATABASE} WITH (FORCE);\nDROP ROLE {ROLE};\n")
    return passed + (not problems), failed + len(problems)
