#!/usr/bin/env bash
# A digest of scoregate as it lies in a folder: of what an installation of it is made from.
set -euo pipefail
cd "$1"
find src pyproject.toml -type f -not -name '*.pyc' -print0 | LC_ALL=C sort -z | xargs -0 git hash-object | git hash-object --stdin
