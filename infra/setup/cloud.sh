#!/bin/sh
# A second environment with the cloud's SDK (.venv-cloud, exactly requirements/cloud-lock.txt), which wants an older
# protobuf than MLflow. Quick when nothing has changed. Runs after infra/setup/setup.sh.
set -eu
cd "$(dirname "$0")/../.."
VENV=.venv-cloud
STAMP=$VENV/.setup-stamp

wanted=$(cat requirements/cloud-lock.txt infra/setup/cloud.sh | cksum)
if [ -f "$STAMP" ] && [ "$(cat "$STAMP")" = "$wanted" ]; then
    exit 0
fi

echo "[cloud] making $VENV"
.venv/bin/uv venv --quiet --clear --python .venv/bin/python "$VENV"
.venv/bin/uv pip install --quiet --python "$VENV/bin/python" --no-deps --requirements requirements/cloud-lock.txt
echo "$wanted" >"$STAMP"
