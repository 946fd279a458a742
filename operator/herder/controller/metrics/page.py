"""docs/metrics.md, made from the catalogue: `python -m herder.controller.metrics.page` prints it."""

import sys
from collections.abc import Iterator
from typing import Final

from herder.controller.metrics.catalog import GROUPS, LABELS, Counted, Metric, Timed

_HEAD: Final = """\
<!-- Made from the code: make generate. -->
# Metrics

`herder run` serves them in Prometheus' text format, `/metrics` on `--metrics-port` (8081; 0: off) of `127.0.0.1` unless
`--metrics-host` says otherwise; the chart does with `metrics.enabled`. No label holds a URL, a message or anything
of a Secret. Series that name a gateway go with it; all other labels have few values, however many resources there are.
Scrape with `honor_labels: true` (the chart's monitors do): `namespace` is the gateway's, not herder's.

[Alerts](runbooks/README.md) and a dashboard for Grafana come with the chart. Metrics of single resources come from
[kube-state-metrics](gitops.md#kube-state-metrics).
"""
_FOOT: Final = """\
Besides: `process_*` of the Prometheus client, such as `process_cpu_seconds_total` and `process_resident_memory_bytes`.
"""


def page() -> str:
    """Return the page."""
    return "\n".join((_HEAD, *_groups(), "## Labels", "", *_labels(), "", _FOOT))


def _groups() -> Iterator[str]:
    for title, metrics in GROUPS:
        yield from (f"## {title}", "", "| metric | kind | says |", "|---|---|---|")
        yield from (f"| `{metric.name}{_braces(metric)}` | {_kind(metric)} | {metric.text} |" for metric in metrics)
        yield ""


def _labels() -> Iterator[str]:
    yield from ("| label | holds |", "|---|---|")
    yield from (f"| `{name}` | {text} |" for name, text in LABELS.items())


def _braces(metric: Metric) -> str:
    return "{" + ",".join(metric.labels) + "}" if metric.labels else ""


def _kind(metric: Metric) -> str:
    match metric:
        case Counted():
            return "counter"
        case Timed():
            return "histogram"
    return "gauge"


if __name__ == "__main__":
    sys.stdout.write(page())
