#!/usr/bin/env bash
# The story that every platform's programs play: a server starts, the command line tracks against it,
# obeys a rejection, and is refused with a wrong key. Sourced.

# `server` and `client` are arrays: how the programs are started. FOLDER is the server's for its data, as
# it sees it; LOG is a file here.

# Starts the server, whose process is `pid` then, and lets the client talk to it.
serve() { # FOLDER LOG
    local url key
    # shellcheck disable=SC2154 # whoever sources this sets both
    "${server[@]}" --data "$1" --listen 127.0.0.1:0 >"$2" 2>"$2.err" &
    pid=$!
    line_of "$2" 'http://127.0.0.1:[0-9]*$' "$pid" >/dev/null || return 1
    url=http://127.0.0.1:$(grep -o 'Listening on http://127.0.0.1:[0-9]*' "$2" | grep -o '[0-9]*$')
    key=$(grep -o 'sk_local_[A-Za-z0-9_-]*' "$2")
    export VERSIONER_API_URL=$url VERSIONER_API_KEY=$key VERSIONER_MAX_RETRIES=0
}

story() { # FOLDER LOG
    local data=$1 log=$2 pid code
    serve "$data" "$log" || return 1
    # shellcheck disable=SC2064
    trap "kill $pid 2>/dev/null || true" RETURN

    # shellcheck disable=SC2154
    tracks() { "${client[@]}" track "$@" >"$log.out" 2>&1; }
    tracks build --product api --version 1 || { cat "$log.out"; return 1; }
    tracks deployment --product api --environment staging --version 1 || { cat "$log.out"; return 1; }
    "${server[@]}" health --listen "${VERSIONER_API_URL#http://}" >"$log.out" 2>&1 || { cat "$log.out"; return 1; }
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
