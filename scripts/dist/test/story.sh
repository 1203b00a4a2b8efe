#!/usr/bin/env bash
# The story that every platform's programs play: a server starts, the command line tracks against it,
# obeys a rejection, and is refused with a wrong key. Sourced.

# `server` and `client` are arrays: how the programs are started. FOLDER is the server's for its data, as
# it sees it; LOG is a file here.
story() { # FOLDER LOG
    local data=$1 log=$2 pid url key code
    # shellcheck disable=SC2154 # whoever sources this sets both
    "${server[@]}" --data "$data" --listen 127.0.0.1:0 >"$log" 2>"$log.err" &
    pid=$!
    # shellcheck disable=SC2064
    trap "kill $pid 2>/dev/null || true" RETURN
    url=$(line_of "$log" 'http://127.0.0.1:[0-9]*$' "$pid" | tr -d '\r') || return 1
    url=http://127.0.0.1:$(grep -o 'Listening on http://127.0.0.1:[0-9]*' "$log" | grep -o '[0-9]*$')
    key=$(grep -o 'sk_local_[A-Za-z0-9_-]*' "$log")
    export VERSIONER_API_URL=$url VERSIONER_API_KEY=$key VERSIONER_MAX_RETRIES=0

    # shellcheck disable=SC2154
    tracks() { "${client[@]}" track "$@" >"$log.out" 2>&1; }
    tracks build --product api --version 1 || { cat "$log.out"; return 1; }
    tracks deployment --product api --environment staging --version 1 || { cat "$log.out"; return 1; }
    "${server[@]}" health --listen "${url#http://}" >"$log.out" 2>&1 || { cat "$log.out"; return 1; }
    "${client[@]}" state >"$log.out" 2>&1 || { cat "$log.out"; return 1; }
    says "$log.out" staging || return 1
    "${server[@]}" all-stop set --data "$data" --account local --message 'Nothing goes out today' --for 1h \
        >"$log.out" 2>&1 || { cat "$log.out"; return 1; }
    code=0
    tracks deployment --product api --environment staging --version 2 --status started || code=$?
    is 5 "$code" 'the exit code of a rejection' && says "$log.out" 'Nothing goes out today' || return 1
    code=0
    VERSIONER_API_KEY=sk_local_k1_wrong tracks build --product api --version 2 || code=$?
    is 4 "$code" 'the exit code with a wrong key' || return 1
    "${server[@]}" doctor --data "$data" >"$log.out" 2>&1 || { cat "$log.out"; return 1; }
}
