#!/usr/bin/env bash
# langfuse 5.0.4 (Python SDK), Python 3.11 and later.
#
# What a traced function or an experiment's task returns is made JSON by the SDK's own serialiser, which never fails.
# It knows datetime and date, but what it does not know and what has no attributes to read becomes the name of its
# type in angle brackets: a Decimal and a time lose their value, and a function becomes an empty object.
# An amount of money that is kept as Decimal, as it should be, is in no trace and in no experiment's output, and nothing
# says so. Return str(amount), or a float.
#
# Seen:
#   date       "2026-01-31"
#   Decimal    "<Decimal>"
#   time       "<time>"
#   function   {}
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check langfuse==5.0.4
said=$("$folder/venv/bin/python" - <<'END'
import json
from datetime import date, time
from decimal import Decimal

from langfuse._utils.serializer import EventSerializer

values = {
    "date": date(2026, 1, 31),
    "Decimal": Decimal("12.50"),
    "time": time(12, 30),
    "function": lambda: None,
}
for name, value in values.items():
    print(f"{name:<9}  {json.dumps(value, cls=EventSerializer)}")
END
)
echo "$said"
[ "$said" = 'date       "2026-01-31"
Decimal    "<Decimal>"
time       "<time>"
function   {}' ]
