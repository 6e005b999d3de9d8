#!/usr/bin/env bash
# tabulate 0.9.0 beside wcwidth 0.7.0, Python 3.11 and later.
#
# tabulate uses wcwidth where that happens to be installed, and asks it for the width of a whole cell. A cell with a
# control character, such as a tab, has the width -1 there, so it is padded as if it were one column less than empty:
# its row grows by the whole length of the cell and one more. Without wcwidth the same table is straight.
# So installing an unrelated package that depends on wcwidth changes the tables of every program that prints foreign
# text through tabulate. Write control characters out (or replace them) before a cell is handed over.
#
# Seen:
#   with wcwidth     11 11 15 17
#   without wcwidth  11 11 11 11
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check tabulate==0.9.0 wcwidth==0.7.0
lengths() {
  "$folder/venv/bin/python" -c '
import tabulate
rows = [["plain", 1], ["a\tb", 2], ["bell\x07", 3]]
table = tabulate.tabulate(rows, headers=["item", "n"], tablefmt="plain")
print(*map(len, table.splitlines()))'
}
with=$(lengths)
"$folder/venv/bin/pip" uninstall --quiet --yes wcwidth
without=$(lengths)
echo "with wcwidth     $with"
echo "without wcwidth  $without"
[ "$with" = "11 11 15 17" ] && [ "$without" = "11 11 11 11" ]
