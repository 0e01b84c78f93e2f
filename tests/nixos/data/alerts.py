# Evaluates the alert rules that ship with the modules on scraped metrics, for the forms that those rules keep to:
# METRIC{labels} OP N, increase(METRIC[..]) OP N, changes(METRIC[..]) OP N, max by (labels) (METRIC) OP N.
import re

SAMPLE = re.compile(r"(\w+)(?:\{(.*)\})? (\S+)$")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
RULE = re.compile(r"(?:max by \((?P<by>[\w, ]+)\) \((?P<inner>.+)\)|(?P<plain>.+?)) (?P<op>>|==) (?P<number>[\d.]+)$")
TERM = re.compile(r"(?:(?P<function>increase|changes)\()?(?P<name>\w+)(?:\{(?P<labels>[^}]*)\})?(?:\[\w+\])?\)?$")


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
