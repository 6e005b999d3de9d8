#!/usr/bin/env bash
# Refuses inputs that mean nothing, and says where everything of this use of the action is.
# shellcheck source=common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

one_of() { # INPUT VALUE ALLOWED...
  local name=$1 value=$2 allowed
  shift 2
  for allowed in "$@"; do
    [ "$value" != "$allowed" ] || return 0
  done
  refuse "$name: '$value' is none of $*"
}

digest() {
  git hash-object --stdin | cut -c1-12
}

one_of comment "$INPUT_COMMENT" true false
one_of cache "$INPUT_CACHE" true false
one_of fail-on "$INPUT_FAIL_ON" error regression inconclusive
[[ $INPUT_SHARD =~ ^(merge|[1-9][0-9]*/[1-9][0-9]*)?$ ]] || refuse "shard: '$INPUT_SHARD' is neither K/N, such as 2/8, nor merge"
FOLDER=$GITHUB_WORKSPACE/$INPUT_WORKING_DIRECTORY
[ -d "$FOLDER" ] || refuse "working-directory: there is no folder '$INPUT_WORKING_DIRECTORY' (is the repository checked out?)"
FOLDER=$(cd "$FOLDER" && pwd -P)
read_gates
[ -z "$INPUT_SHARD" ] || [ ${#gates[@]} -eq 1 ] || refuse "shard: shares are of one gate, and ${#gates[@]} are named"
output folder "$FOLDER"

version=$INPUT_PYTHON_VERSION
for place in "$FOLDER" "$GITHUB_WORKSPACE"; do
  [ -n "$version" ] || [ ! -f "$place/.python-version" ] || version=$(head -n 1 "$place/.python-version")
done
output python-version "${version:-3.12}"

# What the environment depends on: the files that say what is needed, the input, and scoregate itself.
needs=$(
  printf '%s\n' "$INPUT_REQUIREMENTS" "$FOLDER" "${version:-3.12}"
  find "$FOLDER" "$GITHUB_WORKSPACE" -maxdepth 2 -type f \
    \( -name '*requirements*.txt' -o -name pyproject.toml -o -name 'setup.*' -o -name '*.lock' \) -print0 |
    LC_ALL=C sort -zu | xargs -0 git hash-object
  bash "$here/product.sh" "$product"
)
output needs "$(digest <<< "$needs")"
# In the folder of caches, where a runner of one's own finds it again also without GitHub's cache.
output environment "${XDG_CACHE_HOME:-$HOME/.cache}/scoregate/$(digest <<< "$needs")"

# Names of artifacts and caches: `gate` is the same in all jobs that share it, `name` is this job's own.
readable=$(printf '%s-%s' "$INPUT_WORKING_DIRECTORY" "${gates[0]%.toml}" | tr -cs 'A-Za-z0-9_\n' '-' | sed 's/^-*//; s/-*$//' | cut -c1-60)
gate=$readable-$(printf '%s\n' "$INPUT_WORKING_DIRECTORY" "${gates[@]}" | digest)
output gate "$gate"
output name "$gate-$(printf '%s\n' "$GITHUB_JOB" "${JOB_INDEX:-0}" "$INPUT_SHARD" | digest)"
reports=$(mktemp -d "$RUNNER_TEMP/scoregate.XXXXXX")
output reports "$reports"
output replies "$RUNNER_TEMP/scoregate-replies-$gate"
