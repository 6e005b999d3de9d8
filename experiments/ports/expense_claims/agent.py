"""Decides on an expense claim, as a command: the claim as JSON on stdin, the decision as JSON on stdout."""

from __future__ import annotations

import json
import sys
from typing import Any

LIMITS = {"hotel": 140.0, "meal": 35.0, "train": 250.0}
"""Kind of expense -> what is paid at most, in pounds a day."""


def decide(claim: dict[str, Any]) -> dict[str, Any]:
    kind, asked, days = claim["kind"], claim["amount"], claim.get("days", 1)
    if kind not in LIMITS:
        return {"paid": 0.0, "rule": "not-covered", "message": f"We cannot pay for {kind}."}
    if asked > 25 and not claim.get("receipt"):
        return {"paid": 0.0, "rule": "receipt", "message": "Please send the receipt first."}
    most = LIMITS[kind] * days
    if asked > most:
        return {"paid": most, "rule": f"{kind}-limit", "message": f"The limit is £{most:.2f}."}
    return {"paid": asked, "rule": None, "message": "Paid in full."}


if __name__ == "__main__":
    json.dump({"output": decide(json.load(sys.stdin)["input"])}, sys.stdout)
