#!/bin/sh
# An environment of its own for checkov, which would change the versions of half of the lock file: .venv-checkov.
# Quick when nothing has changed. Runs after infra/setup/setup.sh.
set -eu
cd "$(dirname "$0")/../.."
VENV=.venv-checkov
WANTED=requirements/checkov.txt
STAMP=$VENV/.setup-stamp

if [ -f "$STAMP" ] && cmp -s "$WANTED" "$STAMP"; then
    exit 0
fi
echo "[checkov] making $VENV"
.venv/bin/uv venv --quiet --clear --python .venv/bin/python "$VENV"
.venv/bin/uv pip install --quiet --python "$VENV/bin/python" --requirements "$WANTED"
cp "$WANTED" "$STAMP"
