#!/usr/bin/env bash
# Plays the product's main story with real processes: a server with an empty database, a build, a
# deployment that policy refuses until its demands are met, a service that is gone. Fails when a
# step ends otherwise than told. Usage: scripts/demo.sh DIRECTORY_OF_BINARIES
set -euo pipefail

# A database in place of a directory, if scripts/postgres.sh has started one.
database=${VERSIONER_TEST_POSTGRES:-}
binaries=$(cd "$1" && pwd)
PATH="$binaries:$PATH"
folder=$(mktemp -d)
data=${database:+$database/postgres}
data=${data:-$folder/data}
server_pid=
slack_pid=
server_flags=()

cleanup() {
    [ -z "$server_pid" ] || kill "$server_pid" 2>/dev/null || true
    [ -z "$slack_pid" ] || kill "$slack_pid" 2>/dev/null || true
    rm -rf "$folder"
}
trap cleanup EXIT

# Nothing of the caller's own settings or CI system plays a part.
for name in $(compgen -e | grep -E '^(VERSIONER_|GITHUB_|GITLAB_|CI_|CI$|JENKINS_|CIRCLE|BITBUCKET_|GITEA_|FORGEJO_|BUILDKITE|TEAMCITY_|DRONE|HARNESS_|APPVEYOR|CODEBUILD_|SEMAPHORE|bamboo_|GO_PIPELINE_|BUDDY|CF_|CIRRUS_|BITRISE_|VELA|SCREWDRIVER|VERCEL|NOW_|NETLIFY|WORKERS_CI|BUILDER_|AWX_|ARGO_|TF_BUILD|TRAVIS|RD_|https?_proxy|HTTPS?_PROXY|all_proxy|ALL_PROXY)'); do
    unset "$name"
done
export HOME="$folder"

if [ -t 1 ]; then bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'; else bold='' dim='' plain=''; fi

chapter() { printf '\n%s── %s%s\n' "$bold" "$1" "$plain"; }
say() { printf '   %s\n' "$1"; }
fail() { printf '\nThe demo failed: %s\n' "$1" >&2; exit 1; }

# Runs a command, shows it and what it prints, and demands its exit code.
expect() {
    local demanded=$1 code=0
    shift
    printf '\n%s$ %s%s\n' "$dim" "$*" "$plain"
    "$@" 2>&1 || code=$?
    printf '%s(exit code %d)%s\n' "$dim" "$code" "$plain"
    [ "$code" -eq "$demanded" ] || fail "\`$*\` ended with exit code $code instead of $demanded"
}

start_server() { # [ADDRESS]
    local line
    coproc SERVER { exec versioner-server --data "$data" --listen "${1:-127.0.0.1:0}" "${server_flags[@]}" 2>>"$folder/server.log"; }
    # shellcheck disable=SC2153  # bash sets it for the coproc
    server_pid=$SERVER_PID
    while read -r line <&"${SERVER[0]}"; do
        case "$line" in
            'API key'*) VERSIONER_API_KEY=${line##* } ;;
            'Listening on '*) VERSIONER_API_URL=${line#Listening on } && return ;;
        esac
    done
    fail "versioner-server did not start: $(cat "$folder/server.log")"
}

stop_server() {
    kill -TERM "$server_pid"
    wait "$server_pid" || fail "versioner-server did not stop in good order"
    server_pid=
}

api() { # METHOD PATH [JSON]
    curl --silent --show-error --fail-with-body --request "$1" "$VERSIONER_API_URL$2" \
        --header "Authorization: Bearer $VERSIONER_API_KEY" \
        --header 'Content-Type: application/json' ${3:+--data "$3"}
}

deploy() { # DEMANDED_EXIT_CODE ENVIRONMENT STATUS [FLAGS]
    expect "$1" versioner track deployment --product payments --version 1.4.0 \
        --environment "$2" --status "${@:3}"
}

state() {
    api GET /state/ | jq -r '
        ["PRODUCT", "ENVIRONMENT", "VERSION", "STATUS", "BY", "DRIFT"],
        (.products[] | .product_name as $product | .environments[]
            | [$product, .environment_name, .current.version, .current.status,
               .current.deployed_by // "-", if .drift then "behind" else "-" end])
        | @tsv' | expand -t 14 | sed 's/^/   /'
}

chapter 'A server of our own'
start_server
export VERSIONER_API_URL VERSIONER_API_KEY
say "versioner-server listens on $VERSIONER_API_URL; its database is empty."
api POST /deployment-rules/ '{"name": "Staging before production", "type": "flow",
    "environments": ["production"], "config": {"required_environments": ["staging"]}, "create": true}' >/dev/null
api POST /deployment-rules/ '{"name": "Production needs a release approval", "type": "release_approval",
    "environments": ["production"], "config": {"required_approvals": 1, "keys": true}, "create": true}' >/dev/null
say 'Two rules: staging comes before production, and production needs an approval.'

chapter 'A build, in GitLab CI: commit, branch and person are detected'
GITLAB_CI=true CI_PROJECT_PATH=acme/payments CI_COMMIT_SHA=4f1c2d3e5a6b7c8d9e0f CI_COMMIT_REF_NAME=main \
    CI_PIPELINE_ID=812 GITLAB_USER_LOGIN=maria \
    expect 0 versioner track build --product payments --version 1.4.0

chapter 'Straight to production? Policy says no, and exit code 5 stops the script'
deploy 5 production started

chapter 'Staging first'
deploy 0 staging started
deploy 0 staging completed

chapter 'Production again: now the approval is missing'
deploy 5 production started

chapter 'Production once more, and this time the job waits until Maria approves, with a key of her own'
approve() {
    local version_id marias_key
    version_id=$(api GET '/versions/?product=payments' | jq -r '[.. | objects | select(.version? == "1.4.0")][0].id')
    marias_key=$(versioner-server keys add --data "$data" --account local --name Maria --scopes approve)
    VERSIONER_API_KEY=${marias_key##* } api POST "/versions/$version_id/approvals/" \
        '{"type": "release", "environment": "production", "approved_by": "maria"}' >/dev/null
    say 'Maria approves payments 1.4.0 for production.'
}
waiting=(versioner run deployment --product payments --version 1.4.0 --environment production
    --wait 2m -- echo 'deploying')
printf '\n%s$ %s%s\n' "$dim" "${waiting[*]}" "$plain"
mkfifo "$folder/job"
"${waiting[@]}" >"$folder/job" 2>&1 &
job=$!
while read -r line; do
    printf '%s\n' "$line"
    case "$line" in waiting:*) approve ;; esac
done <"$folder/job"
wait "$job" || fail 'the deployment that waited did not take place'

chapter 'A deployment that fails is told as failed, and its exit code is the job'"'"'s'
expect 3 versioner run deployment --product payments --version 1.4.0 --environment production \
    -- sh -c 'echo "no space left on the disk" >&2; exit 3'

chapter 'By hand, in two commands'
deploy 0 production started

chapter 'Somebody else starts at the same time: one deployment at once'
deploy 5 production started

chapter 'The first one finishes'
deploy 0 production completed --deployed-by maria

chapter 'The service is gone: an error by default, a warning with best effort'
stop_server
export VERSIONER_RETRY_PAUSE=0.01
deploy 1 staging completed
deploy 0 staging completed --fail-on-api-error=false

chapter 'With an outbox it is not lost: kept now, delivered by hand or before the next event'
export VERSIONER_OUTBOX="$folder/outbox"
VERSIONER_FAIL_ON_API_ERROR=false expect 0 versioner track build --product payments --version 1.4.1
start_server "${VERSIONER_API_URL#http://}"
expect 0 versioner outbox list
expect 0 versioner outbox send
versioner history builds --product payments | grep -F 1.4.1 >/dev/null || fail 'the build was lost'
stop_server
unset VERSIONER_OUTBOX

chapter 'What is deployed where (the server came back with everything it had answered for)'
# A Slack that only plays one; from now on the server knows where it is.
"$binaries/examples/fake_slack" >"$folder/slack" &
slack_pid=$!
until [ -s "$folder/slack" ]; do sleep 0.05; done
slack=$(<"$folder/slack")
fake=$(jq -r .api <<<"$slack")
fake=${fake%api/}
head -c 32 /dev/urandom | base64 >"$folder/secrets.key"
server_flags=(--slack-api-url "${fake}api/" --secrets-key-file "$folder/secrets.key")
start_server
state
[ "$(state | grep -c '1\.4\.0  *completed')" -eq 2 ] || fail 'the state is not what was tracked'

chapter 'In Slack: a deployment asks there, Tomas clicks, and the job that waits goes on'
in_slack() { # DOOR JSON: what the fake does
    curl --silent --show-error --fail --header 'Content-Type: application/json' --data "$2" "${fake}fake/$1"
}
slack_shows() { # FILTER: what jq finds in what the fake knows, once it is there
    local found
    for _ in $(seq 200); do
        found=$(curl --silent --show-error --fail "${fake}fake/state" | jq -r "first($1) // empty")
        [ -z "$found" ] || { printf '%s\n' "$found"; return; }
        sleep 0.1
    done
    fail "Slack does not show $1"
}
page() { # PATH FIELDS: sends a form as the browser of Tomas
    curl --silent --show-error --fail --output /dev/null --cookie "$folder/cookies" --cookie-jar "$folder/cookies" \
        --header 'Sec-Fetch-Site: same-origin' --header 'Sec-Fetch-Mode: navigate' \
        --data "$2" "$VERSIONER_API_URL$1"
}
api PUT /slack/ "$(jq '{team_id, bot_token, app_token, channels: [{channel: "C0RELEASES"}]}' <<<"$slack")" >/dev/null
slack_shows 'select(.opened > 0) | .opened' >/dev/null
link=$(versioner-server people add --data "$data" --account local --name 'Tomas Demo' --role admin \
    --public-url "$VERSIONER_API_URL" | grep -o 'token=[^ ]*')
page /manage/login/link "$link"
envelope=$(in_slack command '{"text": "link", "user": "U0TOMAS"}' | jq -r .envelope_id)
code=$(slack_shows ".acknowledged[\"$envelope\"].text | select(. != null)" | grep -oE '[A-Z2-9]{4}-[A-Z2-9]{4}')
page /manage/me/slack "code=$code&user=U0TOMAS"
say 'Tomas types /versioner link, and enters the code on the pages: Slack knows who he is.'
expect 0 versioner track build --product payments --version 1.5.0
for status in started completed; do
    expect 0 versioner track deployment --product payments --version 1.5.0 --environment staging --status "$status"
done
click() {
    say "In the channel: $(slack_shows '.messages[].text | select(contains("waits for approval"))')"
    in_slack click '{"action": "approve_release", "user": "U0TOMAS"}' >/dev/null
    say 'Tomas clicks Approve.'
}
waiting=(versioner run deployment --product payments --version 1.5.0 --environment production
    --wait 2m -- echo 'deploying')
printf '\n%s$ %s%s\n' "$dim" "${waiting[*]}" "$plain"
"${waiting[@]}" >"$folder/job" 2>&1 &
job=$!
while read -r line; do
    printf '%s\n' "$line"
    case "$line" in waiting:*) click ;; esac
done <"$folder/job"
wait "$job" || fail 'the deployment that waited for a click did not take place'
say "Then the message says: $(slack_shows '.messages[].text | select(contains("Approved by Tomas Demo"))' | sed 's/<[^|]*|\([^>]*\)>/\1/')"

chapter 'GitHub tells of a deployment by its webhook, without a step in anybody'"'"'s pipeline'
hook() { # EVENT BODY: sends it as GitHub does, and shows what became of it
    local signature row
    signature=$(printf '%s' "$2" | openssl dgst -sha256 -hmac "$(jq -r .secret <<<"$source")" -r | cut -d' ' -f1)
    row=$(curl --silent --show-error --fail-with-body --header 'Content-Type: application/json' \
        --header "X-GitHub-Event: $1" --header 'X-GitHub-Delivery: 4d2c61f0' \
        --header "X-Hub-Signature-256: sha256=$signature" --data-raw "$2" \
        "$VERSIONER_API_URL$(jq -r .url <<<"$source")" | jq -r .id)
    for _ in $(seq 200); do
        [ "$(api GET "/queue/$row/" | jq -r .state)" = waiting ] || break
        sleep 0.1
    done
    [ "$(api GET "/queue/$row/" | jq -r .state)" = 'done' ] || fail "the delivery became $(api GET "/queue/$row/")"
}
source=$(api POST /sources/ '{"name": "GitHub, acme/shop", "kind": "github"}')
hook deployment_status "$(jq --null-input '(now | todate) as $now | {
    action: "created",
    deployment_status: {id: 7, state: "success", environment: "staging", created_at: $now},
    deployment: {id: 5, sha: "f95f852bd8fca8fcc58a9a2d6c842781e32a215e", ref: "v2.0.1",
        environment: "staging", created_at: $now, payload: {}, creator: {login: "octocat"}},
    repository: {name: "shop", full_name: "acme/shop"}, sender: {login: "octocat"}}')"
say 'GitHub signs what it sends with the secret of its source; nobody gave it an API key.'
state
state | grep '^ *shop  *staging  *v2\.0\.1  *completed  *octocat' >/dev/null || fail 'the state does not show what GitHub told'

chapter 'In a browser: what runs where, and who comes in'
link=$(versioner-server people add --data "$data" --account local --name 'Maria Demo' --role admin \
    --public-url "$VERSIONER_API_URL" | grep -o 'http[^ ]*')
curl --silent --show-error --fail --output /dev/null "$link" || fail 'the link leads nowhere'
say "The pages are at $VERSIONER_API_URL/manage/; this link logs you in, once:"
say "$link"
if [ -t 0 ] && [ -t 1 ]; then
    read -rp '   Press Enter to stop the server. ' _
fi
stop_server

printf '\n%sThe demo ran to its end.%s\n' "$bold" "$plain"
