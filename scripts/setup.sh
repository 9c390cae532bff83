#!/usr/bin/env bash
# Makes .venv with uv and the locked packages in it, and rtdet itself (editable).
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

scripts/system-libraries.sh run
if ! .venv/bin/python -c "$supported" 2>/dev/null; then
    python=$(find_python)
    echo "setup: making .venv with $("$python" --version)"
    rm -rf .venv
    if ! "$python" -m venv .venv; then
        rm -rf .venv  # half of one would look like a whole one to the next run
        echo "setup: $python cannot make a virtual environment; on Debian and Ubuntu: apt-get install python3-venv" >&2
        exit 1
    fi
fi
if [ ! -x .venv/bin/uv ]; then
    .venv/bin/python -m pip install --quiet --disable-pip-version-check uv
fi
echo "setup: installing the locked packages (about 5 GB with torch's CUDA libraries; the first time takes a while)"
UV_LINK_MODE=${UV_LINK_MODE:-copy} .venv/bin/uv pip install --quiet --python .venv/bin/python -r requirements.txt
.venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .
touch .venv/.setup-complete
