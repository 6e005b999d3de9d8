#!/usr/bin/env bash
# An environment with what the project needs, and the scoregate that this action came with.
# shellcheck source=common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || refuse "python-version: scoregate needs Python 3.11 or newer"
[ -x "$ENVIRONMENT/bin/python" ] || "$PYTHON" -m venv "$ENVIRONMENT"
cd "$FOLDER"
install=("$ENVIRONMENT/bin/python" -m pip --disable-pip-version-check install --quiet)

# Also in an environment from the cache: a requirement may be a folder, whose content is no part of the cache's key.
needed=$RUNNER_TEMP/scoregate-requirements
"$PYTHON" "$here/requirements.py" "$FOLDER" "$GITHUB_WORKSPACE" > "$needed" || refuse "requirements: cannot be read"
if [ -s "$needed" ]; then
  shielded xargs -0 "${install[@]}" < "$needed" || refuse "requirements: could not be installed; the log says why"
fi

stamp=$(bash "$here/product.sh" "$product")
if [ "$(cat "$ENVIRONMENT/.scoregate" 2> /dev/null)" != "$stamp" ]; then
  "${install[@]}" "scoregate[github] @ file://$product"
  printf '%s\n' "$stamp" > "$ENVIRONMENT/.scoregate"
fi
scoregate --version
