#!/usr/bin/env bash
# Runs the gates, or a shard of one, or merges shards. The exit code is an output, and the last step ends with it.
# shellcheck source=common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

read_gates
kept=$REPORTS/kept
mkdir -p "$kept"
bash "$here/replies.sh" restore

number=${INPUT_SHARD/\//-of-}
words=(run)
case $INPUT_SHARD in
  "" | merge)
    [ -z "$INPUT_SHARD" ] || words=(merge)
    artifact=scoregate-verdict-$NAME
    words+=(-o "json=$kept/verdict.json" -o "junit=$kept/verdict.xml" -o "markdown=$kept/verdict.md" -o "csv=$kept/rules.csv")
    ;;
  *)
    artifact=scoregate-shard-$GATE-$number
    words+=(--shard "$INPUT_SHARD" -o "results=$kept/shard-$number.jsonl.gz")
    ;;
esac
[ -z "$INPUT_CANDIDATE" ] || [ "$INPUT_SHARD" = merge ] || words+=(--candidate "$INPUT_CANDIDATE")
[ -z "$INPUT_BASELINE" ] || words+=(--baseline "$INPUT_BASELINE")
[ "$INPUT_FAIL_ON" != inconclusive ] || words+=(--on-inconclusive fail)
words+=(-- "${gates[@]}")
if [ "$INPUT_SHARD" = merge ]; then
  shopt -s nullglob
  words+=("$REPORTS/shards"/*.jsonl.gz)
fi

code=0
shielded "$ENVIRONMENT/bin/scoregate" "${words[@]}" 2>&1 | tee "$REPORTS/log" || code=${PIPESTATUS[0]}
output exit-code "$code"
if [ "${words[0]}" = run ] && [ -n "$INPUT_SHARD" ]; then
  [ "$code" -eq 0 ] || problem "$(last_line)"
elif [ ! -f "$kept/verdict.json" ]; then # it ended before a verdict, and what is shown of it must not stay "running"
  PREFIX=$(git rev-parse --show-prefix 2> /dev/null || true)
  PREFIX=$PREFIX "$ENVIRONMENT/bin/python" "$here/refused.py" "$code" "$(last_line)" "${gates[@]}" > "$kept/verdict.json"
fi
for report in json:verdict.json junit:verdict.xml html:verdict.html; do
  [ ! -f "$kept/${report#*:}" ] || output "${report%%:*}" "$kept/${report#*:}"
done
if [ -n "$(ls -A "$kept")" ]; then
  output artifact "$artifact"
fi
bash "$here/replies.sh" keep
