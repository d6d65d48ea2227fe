# Source this file. find_python prints the name of a Python 3.11, or nothing.
find_python() {
    for name in python3.11 python3 python; do
        if command -v "$name" >/dev/null 2>&1 &&
            "$name" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' >/dev/null 2>&1; then
            echo "$name"
            return
        fi
    done
}
