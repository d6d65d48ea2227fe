#!/bin/sh
# A second environment with Spark 3.5, which managed clouds offer: .venv-spark35 (the lock file with an older pyspark)
# with the jars for it (.venv-spark35/jars). Quick when nothing has changed. Runs after infra/setup/setup.sh.
set -eu
cd "$(dirname "$0")/../../.."
VENV=.venv-spark35
JARS=$VENV/jars
STAMP=$VENV/.setup-stamp

wanted=$(cat requirements/lock.txt infra/setup/spark35/* infra/setup/fetch_jars.py | cksum)
if [ -f "$STAMP" ] && [ "$(cat "$STAMP")" = "$wanted" ] && ls "$JARS"/*.jar >/dev/null 2>&1; then
    exit 0
fi

echo "[spark35] making $VENV"
.venv/bin/uv venv --quiet --clear --python .venv/bin/python "$VENV"
sed -e 's/^pyspark==.*/pyspark==3.5.9/' -e 's/^py4j==.*/py4j==0.10.9.7/' requirements/lock.txt >"$VENV/lock.txt"
.venv/bin/uv pip install --quiet --python "$VENV/bin/python" --no-deps --requirements "$VENV/lock.txt"

echo "[spark35] fetching the jars"
rm -rf "$JARS" infra/jars-spark35  # where version 0.1.0 kept them
if command -v mvn >/dev/null 2>&1; then
    (cd infra/setup/spark35 && mvn -q -B -Dstyle.color=never dependency:copy-dependencies -DoutputDirectory="../../../$JARS")
else
    "$VENV/bin/python" infra/setup/fetch_jars.py infra/setup/spark35/pom.xml "$JARS"
fi
echo "$wanted" >"$STAMP"
