"""Datasets: read from files, checked, fingerprinted; slices and clusters of their items."""

from scoregate.datasets.files import MAX_ITEM_BYTES, read_dataset
from scoregate.datasets.fingerprint import content_digest, fingerprint
from scoregate.datasets.keys import check_keys, cluster_of, slices_of

__all__ = [
    "MAX_ITEM_BYTES",
    "check_keys",
    "cluster_of",
    "content_digest",
    "fingerprint",
    "read_dataset",
    "slices_of",
]
