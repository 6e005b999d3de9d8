#!/usr/bin/env bash
# The comment says that the gate runs. Where that cannot be said, the gate runs all the same.
# shellcheck source=common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

read_gates
scoregate github running -- "${gates[@]}" || echo "::warning title=scoregate::the comment could not be begun"
