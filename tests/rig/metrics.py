"""What an operator's metrics say: sums over the series of one name."""

import re

from rig.operator_process import Operator
from rig.web import fetch

_SAMPLE = re.compile(r"^(?P<name>\w+)(?:\{(?P<labels>.*)\})? (?P<value>\S+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def sum_of(operator: Operator, name: str, **labels: str) -> float:
    """Return the sum of the series with that name and these labels. Raises OSError when the operator is silent."""
    samples = _SAMPLE.finditer(fetch(operator.metrics_url).decode())
    named = (sample for sample in samples if sample["name"] == name)
    return sum(float(each["value"]) for each in named if labels.items() <= set(_LABEL.findall(each["labels"] or "")))
