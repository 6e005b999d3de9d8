#!/usr/bin/env bash
# Summary, annotations, outputs, comment and check run. What cannot be shown changes no verdict.
# shellcheck source=common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

cd "$FOLDER"
words=(publish "$DOCUMENT")
[ "$INPUT_COMMENT" = true ] || words+=(--no-comment --no-check-run)
[ -z "$INPUT_LABEL" ] || words+=(--label "$INPUT_LABEL")
scoregate github "${words[@]}" || echo "::warning title=scoregate::the verdict could not be shown everywhere"
