# Evaluates the alert rules that ship with the modules on scraped metrics, for the forms that those rules keep to:
# METRIC{labels} OP N, increase(METRIC[..]) OP N, changes(METRIC[..]) OP N, max by (labels) (METRIC) OP N,
# and for metrics of the same labels METRIC < METRIC, METRIC < METRIC / N, METRIC - time() < clamp_max(METRIC / N, SECONDS).
import re
import time

SAMPLE = re.compile(r"(\w+)(?:\{(.*)\})? (\S+)$")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
RULE = re.compile(r"(?:max by \((?P<by>[\w, ]+)\) \((?P<inner>.+)\)|(?P<plain>.+?)) (?P<op>>|==) (?P<number>[\d.]+)$")
TERM = re.compile(r"(?:(?P<function>increase|changes)\()?(?P<name>\w+)(?:\{(?P<labels>[^}]*)\})?(?:\[\w+\])?\)?$")

LESS = re.compile(r"(?P<one>\w+) < (?P<other>\w+)(?: / (?P<parts>\d+))?$")
DUE = re.compile(r"(?P<when>\w+) - time\(\) < clamp_max\((?P<whole>\w+) / (?P<parts>\d+), (?P<most>\d+)\)$")


def read(text, instance):
    """A page of metrics: {(name, labels): value}."""
    samples = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, labels, value = SAMPLE.match(line).groups()
            labels = dict(LABEL.findall(labels or "")) | {"instance": instance}
            samples[name, frozenset(labels.items())] = float(value)
    return samples


def firing(expression, history):
    """The label sets for which the expression holds, given scrapes in their order."""
    if less := LESS.match(expression):
        return lesser(less, history[-1])
    if due := DUE.match(expression):
        return ending(due, history[-1])
    rule = RULE.match(expression)
    assert rule, f"not a form that this evaluates: {expression}"
    term = TERM.match(rule["inner"] or rule["plain"])
    assert term, f"not a form that this evaluates: {expression}"
    wanted = set(LABEL.findall(term["labels"] or ""))
    series = {}
    for scrape in history:
        for (name, labels), value in scrape.items():
            if name == term["name"] and wanted <= set(labels):
                series.setdefault(labels, []).append(value)
    values = {}
    for labels, seen in series.items():
        if term["function"] == "increase":
            values[labels] = sum(max(after - before, 0) for before, after in zip(seen, seen[1:]))
        elif term["function"] == "changes":
            values[labels] = sum(before != after for before, after in zip(seen, seen[1:]))
        elif (term["name"], labels) in history[-1]:
            values[labels] = seen[-1]
    if rule["by"]:
        kept = [label.strip() for label in rule["by"].split(",")]
        groups = {}
        for labels, value in values.items():
            groups.setdefault(frozenset((k, v) for k, v in labels if k in kept), []).append(value)
        values = {labels: max(group) for labels, group in groups.items()}
    number = float(rule["number"])
    return [dict(labels) for labels, value in values.items() if (value > number if rule["op"] == ">" else value == number)]


def of(name, scrape):
    """The samples of a metric by their labels."""
    return {labels: value for (of, labels), value in scrape.items() if of == name}


def lesser(less, scrape):
    """The label sets for which a metric is less than another one, or a part of it."""
    ones, others = of(less["one"], scrape), of(less["other"], scrape)
    return [dict(labels) for labels, one in ones.items() if labels in others and one < others[labels] / int(less["parts"] or 1)]


def ending(due, scrape):
    """The label sets for which a time to come is closer than a part of another metric, or than so many seconds."""
    times, wholes = of(due["when"], scrape), of(due["whole"], scrape)
    bound = lambda labels: min(wholes[labels] / int(due["parts"]), int(due["most"]))
    return [dict(labels) for labels, when in times.items() if labels in wholes and when - time.time() < bound(labels)]
