"""The queries that pages tell people to ask: Prometheus' own promtool understands each."""

from pathlib import Path
from typing import Final

from rig.documents import books, queries
from rig.promtool import Promtool

QUERIES: Final = {f"{page}: {query}": query for pages in books() for page in pages for query in queries(page)}


def test_prometheus_understands_every_query_of_the_pages(promtool: Promtool, tmp_path: Path) -> None:
    rules = [{"record": f"page:{number}", "expr": query} for number, query in enumerate(QUERIES.values())]

    assert promtool.check({"groups": [{"name": "pages", "rules": rules}]}, tmp_path) == ""
    assert len(QUERIES) > 15
