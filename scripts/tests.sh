#!/usr/bin/env bash
# Runs every test, in two halves side by side: one thread each, as much as two cores can do. The first half is what
# computes, the second what opens windows, files and processes; a folder that is not listed here is in the second.
set -u
cd "$(dirname "$0")/.."
first=(backends contracts datasets demo detectors evaluation explain geometry trackers tracks training video)
export OMP_NUM_THREADS=1
log=$(mktemp)
trap 'kill "$computing" 2>/dev/null; rm -f "$log"' EXIT
.venv/bin/python -m pytest -p no:cacheprovider "${first[@]/#/tests/}" >"$log" 2>&1 &
computing=$!
.venv/bin/python -m pytest -p no:cacheprovider tests "${first[@]/#/--ignore=tests/}"
second=$?
wait "$computing"
code=$?
cat "$log"
exit $((code > second ? code : second))
