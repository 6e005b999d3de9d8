# shellcheck shell=bash
# What the steps of the action share. Values of inputs come in the environment and are never part of a script's text.
# Kept to what bash 3.2 knows, which macOS has.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck disable=SC2034  # the scripts that source this use it
product=$(cd "$here/../../.." && pwd -P)

# A line on the page of the run.
problem() {
  local text=${1//'%'/%25}
  text=${text//$'\r'/%0D}
  printf '::error title=scoregate::%s\n' "${text//$'\n'/%0A}"
}

# The same, and the step ends.
refuse() {
  problem "$1"
  exit 2
}

# The line with which scoregate ended, as far as its log tells.
last_line() {
  sed -n 's/^scoregate: //p' "$REPORTS/log" | tail -n 1 | cut -c1-1000
}

# NAME VALUE: an output of the step. Of several lines only under a delimiter that no value can know.
output() {
  local delimiter
  delimiter=$(end_mark)
  printf '%s<<%s\n%s\n%s\n' "$1" "$delimiter" "$2" "$delimiter" >> "$GITHUB_OUTPUT"
}

end_mark() {
  od -An -N16 -tx1 /dev/urandom | tr -d ' \n'
}

# The gates of the input in the array `gates`: a line each, patterns in it followed, in the project's folder.
read_gates() {
  cd "$FOLDER"
  gates=()
  local IFS=$'\n' line path
  for line in ${INPUT_GATES//$'\r'/}; do # a pattern becomes the files that it fits
    path=$(sed 's/^[[:space:]]*//; s/[[:space:]]*$//' <<< "$line")
    [ -z "$path" ] || gates+=("$path")
  done
  [ ${#gates[@]} -gt 0 ] || refuse "gates: names no gate; write one a line, such as gates/agent.toml"
}

# What the user's code does must not reach the job: neither by files that the runner reads, nor by its output.
shielded() {
  local mark code=0
  mark=$(end_mark)
  printf '::stop-commands::%s\n' "$mark"
  env -u GITHUB_OUTPUT -u GITHUB_ENV -u GITHUB_PATH -u GITHUB_STATE -u GITHUB_STEP_SUMMARY "$@" || code=$?
  printf '\n::%s::\n' "$mark"
  return "$code"
}

scoregate() {
  "$ENVIRONMENT/bin/scoregate" "$@"
}
