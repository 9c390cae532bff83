#!/usr/bin/env bash
# Creates .venv and installs uv, the locked packages and rtdet itself (editable) into it.
#   setup.sh run    the packages that the app needs (requirements.txt)
#   setup.sh all    also every extra, and what tests and checks use (requirements-dev.txt)
set -euo pipefail
cd "$(dirname "$0")/.."

supported='import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))'
find_python() {
    for name in "${PYTHON:-}" python3 python3.12 python3.11 python3.13 python3.10; do
        if [ -n "$name" ] && "$name" -c "$supported" 2>/dev/null; then
            echo "$name"
            return
        fi
    done
    echo "setup: needs Python 3.10 to 3.13; install one, or name it: make setup PYTHON=/path/to/python3" >&2
    exit 1
}

what=${1:-all}
case $what in
    run) packages=requirements.txt about="the app, about 0.9 GB on disk; no torch, no CUDA" ;;
    all) packages=requirements-dev.txt about="everything, for the tests; about 7 GB on disk where torch comes with CUDA (Linux on x86-64)" ;;
    *) echo "setup: use $0 run or $0 all, not $what" >&2; exit 2 ;;
esac
scripts/system-libraries.sh run
if ! .venv/bin/python -c "$supported" 2>/dev/null; then
    python=$(find_python)
    echo "setup: creating .venv with $("$python" --version)"
    rm -rf .venv
    if ! "$python" -m venv .venv; then
        rm -rf .venv  # the next run would take an incomplete one for complete
        echo "setup: $python cannot create a virtual environment; on Debian and Ubuntu: apt-get install python3-venv" >&2
        exit 1
    fi
fi
if [ ! -x .venv/bin/uv ]; then
    .venv/bin/python -m pip install --quiet --disable-pip-version-check uv
fi
echo "setup: installing the locked packages: $about"
# uv shows its own progress, and then the list of what it installed.
export UV_LINK_MODE=${UV_LINK_MODE:-copy}
.venv/bin/uv pip install --python .venv/bin/python -r $packages
.venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --editable .
echo "setup: done; .venv takes $(du -sm .venv | cut -f1) MB"
touch .venv/.setup-run
[ $what = run ] || touch .venv/.setup-all
