"""The judges of a gate: tried, held against the labels of people, and believed only as far as that goes."""
