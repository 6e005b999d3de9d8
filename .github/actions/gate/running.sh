#!/usr/bin/env bash
# The comment says that the gate runs. Where that cannot be said, the gate runs all the same.
# shellcheck source=common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

read_gates
words=(running "${gates[@]}")
[ -z "$INPUT_LABEL" ] || words+=(--label "$INPUT_LABEL")
scoregate github "${words[@]}" || echo "::warning title=scoregate::the comment could not be begun"
