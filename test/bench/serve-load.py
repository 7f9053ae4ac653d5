"""From the text of a replay to usable rows, in CPython's standard library alone: a figure of `serve`.

    serve-load.py seed FILE         the founding document's way: json.loads, then a dict from time to signals
    serve-load.py ours FILE         algorithm/bundle.py, ready to release its first row
    serve-load.py same SEED OURS    whether both hold the same signals

Prints the seconds and the peak of memory of the process (VmHWM, in KiB) with the text in it, as `download` returns it.
"""

import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "algorithm"))

from bundle import Bundle  # noqa: E402


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def by_time(text):
    found = {}
    for signal in json.loads(text)["signals"]:
        found.setdefault(signal["timestamp"], []).append(signal)
    return found


def measured(kind, path):
    text = read(path)
    start = time.perf_counter()
    rows = by_time(text) if kind == "seed" else Bundle(text)
    seconds = time.perf_counter() - start
    count = sum(map(len, rows.values())) if kind == "seed" else len(rows)
    with open("/proc/self/status", encoding="ascii") as status:
        peak = next(line for line in status if line.startswith("VmHWM"))
    return {"seconds": seconds, "peak_kib": int(peak.split()[1]), "rows": count}


def seed_of(row):
    """A row in the founding document's words, as far as it has them."""
    features = row["features"]
    return {
        "symbol": row["symbol"],
        "exchange": row["exchange"],
        "timestamp": row["decision_at"][:19] + "Z",
        "action": row["side"],
        "quantity": float(row["quantity"]),
        "confidence": row["confidence"],
        "stop_loss": float(row["protect"]["stop_loss"]),
        "take_profit": float(row["protect"]["take_profit"]),
        "model_id": row["model_id"],
        "features": {name: features[name] for name in ("volatility", "trend_strength")},
    }


def same(seed_path, ours_path):
    bundle = Bundle(read(ours_path))
    count = 0
    for signal in json.loads(read(seed_path))["signals"]:
        row = bundle.take(bundle.next_at)
        signal_id = signal.pop("signal_id")
        if seed_of(row) != signal or not row["signal_id"].startswith(signal_id):
            raise SystemExit("signal %d differs: %r, %r" % (count, signal, row))
        count += 1
    if bundle.next_at is not None:
        raise SystemExit("there are more rows than signals")
    return {"rows": count}


print(json.dumps(same(*sys.argv[2:]) if sys.argv[1] == "same" else measured(*sys.argv[1:])))
