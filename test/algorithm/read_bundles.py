"""Reads bundles as an algorithm does: one JSON list of texts a line in, one JSON list of rows a line out."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "algorithm"))

from bundle import Bundle  # noqa: E402

for line in sys.stdin:
    bundle = Bundle(*json.loads(line))
    rows = []
    while bundle.next_at is not None:
        rows.extend(bundle.due(bundle.next_at))
    if len(rows) != len(bundle):
        raise SystemExit("%d rows came out of %d" % (len(rows), len(bundle)))
    print(json.dumps(rows))
