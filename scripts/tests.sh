#!/usr/bin/env bash
# Runs every test, two processes at a time with one thread each; whichever is free takes the next group, those that take
# longest first. They often wait for something, so a third, with a group that only calculates, runs behind at a low
# priority. `rest` is whatever no other names, new folders too.
set -u
cd "$(dirname "$0")/.."
groups=(
    "cli"
    "ui viewer pipeline"
    "rest"
    "contracts training explain"
    "batch"
    "video backends evaluation datasets"
    "kept counting ground rendering"
)
behind="detectors"
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
export NAMED="${groups[*]/#rest/} $behind"
trap 'trap - TERM; kill 0' INT TERM  # what runs behind hears no Ctrl-C
nice -n 15 bash -c "run '$behind'" &
# xargs ends with 123 where one of them failed.
printf '%s\n' "${groups[@]}" | xargs -P 2 -I {} bash -c 'run "{}"'
code=$?
wait $! || code=$?
exit $code
