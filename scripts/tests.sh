#!/usr/bin/env bash
# Runs every test, two processes at a time with one thread each: as much as two cores can do. Whichever is free takes
# the next group, those that take longest first; `rest` is whatever no other names, new folders too.
set -u
cd "$(dirname "$0")/.."
groups=(
    "cli"
    "batch"
    "detectors"
    "rest"
    "contracts training explain"
    "ui viewer pipeline"
    "kept counting ground rendering"
    "video backends evaluation datasets"
)
export OMP_NUM_THREADS=1

run() { # GROUP: prints what pytest says once it is through, so that two do not write into each other
    local arguments=() log code
    if [ "$1" = rest ]; then
        arguments=(tests)
        for folder in $NAMED; do arguments+=("--ignore=tests/$folder"); done
    else
        for folder in $1; do arguments+=("tests/$folder"); done
    fi
    log=$(mktemp)
    .venv/bin/python -m pytest -p no:cacheprovider "${arguments[@]}" >"$log" 2>&1
    code=$?
    { echo "== $1"; cat "$log"; }
    rm -f "$log"
    return $code
}
export -f run
export NAMED="${groups[*]/#rest/}"
# xargs ends with 123 where one of them failed.
printf '%s\n' "${groups[@]}" | xargs -P 2 -I {} bash -c 'run "{}"'
