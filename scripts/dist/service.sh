# shellcheck shell=bash
# For the tests of packages, which source it: a server of its own, and what every package is asked
# to do there. Needs VERSIONER_SERVER, the program.

: "${VERSIONER_SERVER:?names the program versioner-server}"
folder=$(mktemp -d)
server_pid=
cleanup() {
    # Go's cache of modules may not be written to.
    chmod -R u+w "$folder"
    [ -z "$server_pid" ] || kill "$server_pid"
    rm -rf "$folder"
}
trap cleanup EXIT

fail() {
    echo "$0: $1" >&2
    exit 1
}

# Starts it with one rule, so that there is something to reject: api is deployed to staging first.
start_service() {
    touch "$folder/server.log"
    "$VERSIONER_SERVER" --data "$folder/data" --listen 127.0.0.1:0 \
        >"$folder/server.log" 2>"$folder/server.err" &
    server_pid=$!
    until grep -q '^Listening on ' "$folder/server.log"; do
        kill -0 "$server_pid" 2>/dev/null || fail "versioner-server did not start: $(cat "$folder/server.err")"
        sleep 0.1
    done
    VERSIONER_API_URL=$(sed -n 's/^Listening on //p' "$folder/server.log")
    VERSIONER_API_KEY=$(grep -o 'sk_local_[^ ]*' "$folder/server.log")
    export VERSIONER_API_URL VERSIONER_API_KEY
    api POST deployment-rules/ '{"name": "Staging before production", "type": "flow", "create": true,
        "environments": ["production"], "config": {"required_environments": ["staging"]}}' >/dev/null
}

api() { # METHOD PATH [JSON]
    curl --silent --show-error --fail-with-body --request "$1" "$VERSIONER_API_URL/$2" \
        --header "Authorization: Bearer $VERSIONER_API_KEY" \
        --header 'Content-Type: application/json' ${3:+--data "$3"}
}

versions=0
# Runs a program that takes PRODUCT ENVIRONMENT VERSION and prints "deploying" once it may: first where it
# may not, with exit code 5, then where it may. COMMAND sees no variable of the caller's but the path.
deploys() { # COMMAND...
    local version code=0 said
    versions=$((versions + 1))
    version=1.0.$versions
    said=$(bare "$@" api production "$version" 2>&1) || code=$?
    case "$code $said" in
        *deploying*) fail "$* deployed what is rejected: $said" ;;
        5*'Staging before production'*) ;;
        *) fail "$* ended with exit code $code instead of being rejected: $said" ;;
    esac
    said=$(bare "$@" api staging "$version" 2>&1) || fail "$* failed: $said"
    case "$said" in *deploying*) ;; *) fail "$* did not deploy: $said" ;; esac
    said=$(api GET state/ | jq -r '.products[].environments[] | select(.environment_name == "staging").current
        | .version + " " + .status')
    [ "$said" = "$version completed" ] || fail "$*: the service has $said for $version"
}

# As in somebody else's shell, who has never seen this repository.
bare() { # COMMAND...
    (cd "$folder" && env -i PATH="$PATH" HOME="$folder" LANG=C.UTF-8 VERSIONER_API_URL="$VERSIONER_API_URL" \
        VERSIONER_API_KEY="$VERSIONER_API_KEY" "$@")
}

proved() { printf '   %s\n' "$*"; }

# The newest version of glibc that a file needs, which is no newer than manylinux2014's.
newest_glibc() { # FILE
    local newest
    newest=$(objdump -T "$1" | grep -o 'GLIBC_[0-9.]*' | sort -Vu | tail -n 1)
    [ "$(printf '%s\n' "$newest" GLIBC_2.17 | sort -V | tail -n 1)" = GLIBC_2.17 ] ||
        fail "$1 needs $newest, which is newer than manylinux2014's"
    echo "$newest"
}
