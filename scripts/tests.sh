#!/usr/bin/env bash
# Runs every test, two processes at a time with one thread each; whichever is free takes the next group, those that take
# longest first. Half of the time those wait for something, so a third with what only calculates goes on behind, at a
# low priority. `rest` is whatever no other names, new folders too.
set -u
cd "$(dirname "$0")/.."
groups=(
    "cli"
    "ui viewer pipeline"
    "rest"
    "batch"
    "video backends evaluation datasets"
    "kept counting ground rendering"
)
behind=(
    "detectors"
    "contracts training explain"
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
export NAMED="${groups[*]/#rest/} ${behind[*]}"
each() { # PROCESSES GROUP...: xargs ends with 123 where one of them failed
    printf '%s\n' "${@:2}" | xargs -P "$1" -I {} bash -c 'run "{}"'
}
export -f each
trap 'trap - TERM; kill 0' INT TERM  # what runs behind hears no Ctrl-C
nice -n 15 bash -c 'each 1 "$@"' each "${behind[@]}" &
each 2 "${groups[@]}"
code=$?
wait $! || code=$?
exit $code
