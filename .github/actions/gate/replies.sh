#!/usr/bin/env bash
# Takes the judges' replies of earlier builds into the stores of the projects here (restore), or out of them (keep).
# A project's replies lie in $REPLIES at the project's own path below the working directory.
# shellcheck source=common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

cd "$FOLDER"
case $1 in
  restore)
    [ -d "$REPLIES" ] || exit 0
    while IFS= read -r -d '' file; do
      project=$(dirname "${file#"$REPLIES"/}")
      [ ! -d "$project" ] || (cd "$project" && scoregate judge cache import "$file") || echo "the replies in $file are not used"
    done < <(find "$REPLIES" -name replies.jsonl -print0)
    ;;
  keep)
    rm -rf "$REPLIES"
    mkdir -p "$REPLIES"
    while IFS= read -r -d '' store; do
      project=$(dirname "$(dirname "${store#./}")")
      mkdir -p "$REPLIES/$project"
      (cd "$project" && scoregate judge cache export "$REPLIES/$project/replies.jsonl") || true
    done < <(find . \( -name node_modules -o -name .git \) -prune -o -path '*/.scoregate/*/*' -prune -o -path '*/.scoregate/store.sqlite3' -print0)
    find "$REPLIES" -name replies.jsonl -empty -delete
    if [ -n "$(find "$REPLIES" -name replies.jsonl)" ]; then
      output replies true
    fi
    ;;
esac
