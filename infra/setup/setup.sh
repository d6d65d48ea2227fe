#!/bin/sh
# The environment (.venv, exactly requirements/lock.txt) and the jars in it (.venv/jars) with an archive of their classes.
# Quick when nothing has changed.
set -eu
cd "$(dirname "$0")/../.."
. infra/setup/find_python.sh
STAMP=.venv/.setup-stamp
JARS=.venv/jars
began=$(date +%s)

say() { echo "[setup +$(($(date +%s) - began)) s] $1"; }

wanted=$( (pwd; java -version 2>&1; cat requirements/lock.txt infra/setup/pom.xml infra/setup/setup.sh infra/setup/class_archive.py) | cksum)
if [ -f "$STAMP" ] && [ "$(cat "$STAMP")" = "$wanted" ] && ls "$JARS"/*.jar >/dev/null 2>&1; then
    exit 0
fi

if [ ! -x .venv/bin/python ]; then
    say "making .venv"
    "$(find_python)" -m venv .venv
fi

say "installing $(grep -c '^[a-z].*==' requirements/lock.txt) locked packages"
.venv/bin/python -m pip install --quiet --disable-pip-version-check "$(grep '^uv==' requirements/lock.txt)"
# --no-deps: the lock is complete, and leaves out pyspark-client, whose files would overwrite those of pyspark.
.venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --requirements requirements/lock.txt

fetched=.venv/.jars-new
rm -rf "$fetched"
if command -v mvn >/dev/null 2>&1; then
    say "fetching the jars with Maven"
    (cd infra/setup && mvn -q -B -Dstyle.color=never dependency:copy-dependencies -DoutputDirectory="../../$fetched")
else
    say "fetching the jars with Spark's own resolver"
    .venv/bin/python infra/setup/fetch_jars.py infra/setup/pom.xml "$fetched"
fi
rm -rf "$JARS"
mv "$fetched" "$JARS"
rm -rf infra/jars  # where version 0.1.0 kept them

say "archiving the classes"
.venv/bin/python -m infra.setup.class_archive

echo "$wanted" >"$STAMP"
say "done"
