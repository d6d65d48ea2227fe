#!/bin/sh
# Check that Python 3.11 with venv, Java 17 or newer, and make are installed.
# Print how to install what is missing, and exit with 1.
set -u
. "$(dirname "$0")/find_python.sh"
LEAST_JAVA=17
missing=0

lacks() { # what, Debian's way, macOS's way
    missing=1
    echo "missing: $1"
    echo "  Debian, Ubuntu: $2"
    echo "  macOS:          $3"
}

java_major() { # prints 17 for "17.0.15", 8 for "1.8.0", and nothing if java does not run
    java -version 2>&1 | sed -n 's/.* version "\(1\.\)\{0,1\}\([0-9]*\).*/\2/p' | head -n 1
}

python=$(find_python)
if [ -z "$python" ]; then
    lacks "Python 3.11 (found: $(python3 --version 2>/dev/null || echo none))" \
        "apt-get install python3.11 python3.11-venv" "brew install python@3.11"
elif ! "$python" -c 'import venv, ensurepip' >/dev/null 2>&1; then
    lacks "the module venv of $python" "apt-get install python3.11-venv" "brew install python@3.11"
fi

java=$(java_major)
if [ "${java:-0}" -lt "$LEAST_JAVA" ]; then
    lacks "Java $LEAST_JAVA or newer (found: ${java:-none})" \
        "apt-get install openjdk-17-jre-headless" "brew install openjdk@17"
fi

command -v make >/dev/null 2>&1 || lacks "make" "apt-get install make" "xcode-select --install"

if [ "$missing" -ne 0 ]; then
    echo "Install what is missing, then run the same command again."
    exit 1
fi
echo "prerequisites: $python ($("$python" --version 2>&1)), Java $java and make are installed"
