"""The local store: runs, run items and scores in one SQLite file, safe for several processes at once."""

from scoregate.store.listing import RunSummary, Totals
from scoregate.store.store import STORE_PATH, Pruned, Store

__all__ = ["STORE_PATH", "Pruned", "RunSummary", "Store", "Totals"]
