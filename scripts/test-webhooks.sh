#!/usr/bin/env bash
# Delivers webhooks to receivers that check them with the libraries of Standard Webhooks in Python,
# JavaScript and Go: with the right secret, with the one before a rotation, and with a wrong one. And sends
# e-mail over TLS to a mail server of Python's.
# Usage: scripts/test-webhooks.sh VERSIONER_SERVER
set -euo pipefail

server=$(realpath "$1")
cd "$(dirname "$0")/.."
receivers=tests/webhooks
tools=build/webhooks

mkdir -p "$tools"
[ -d "$tools/python" ] || python3 -m venv "$tools/python"
"$tools/python/bin/pip" install --quiet --disable-pip-version-check --requirement "$receivers/requirements.txt"
(cd "$receivers" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null)
go build -C "$receivers" -o "$PWD/$tools/receiver" .

folder=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$folder"' EXIT

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE \
    -keyout "$folder/mail.key" -out "$folder/mail.crt" 2>"$folder/openssl.log"
"$tools/python/bin/python" "$receivers/mail.py" "$folder/mail.crt" "$folder/mail.key" >"$folder/mail" 2>"$folder/mail.log" &
until [ -s "$folder/mail" ]; do sleep 0.1; done
echo "a password" >"$folder/password"

SSL_CERT_FILE="$folder/mail.crt" "$server" --data "$folder/data" --listen 127.0.0.1:0 --webhook-allow-net 127.0.0.1 \
    --smtp-url "smtps://versioner@localhost:$(head -n 1 "$folder/mail")" --smtp-password-file "$folder/password" \
    --smtp-from 'Versioner <versioner@example.com>' --public-url https://versioner.example.com \
    >"$folder/server" 2>"$folder/log" &
until grep -qs Listening "$folder/server"; do sleep 0.1; done
url=$(sed -n 's/^Listening on //p' "$folder/server")
key=$(grep -o 'sk_local_[^ ]*' "$folder/server")
api() { curl -sS --fail-with-body -H "Authorization: Bearer $key" -H 'Content-Type: application/json' "$@"; }

right=whsec_$(head -c 32 /dev/urandom | base64)
wrong=whsec_$(head -c 32 /dev/urandom | base64)

# receive NAME SECRET COMMAND…: starts a receiver that knows this secret, and makes a webhook with the right one.
receive() {
    local name=$1 secret=$2
    shift 2
    SECRET=$secret "$@" >"$folder/$name.port" 2>"$folder/$name.log" &
    until [ -s "$folder/$name.port" ]; do sleep 0.1; done
    api "$url/webhooks/" -d "{\"url\": \"http://127.0.0.1:$(cat "$folder/$name.port")/\", \"secret\": \"$right\"}" |
        jq -r .id >"$folder/$name.id"
}

# test_delivery NAME: sends a test, and prints the status that it was answered with.
test_delivery() {
    local id delivery answer
    id=$(cat "$folder/$1.id")
    delivery=$(api -X POST "$url/webhooks/$id/test/" | jq -r .id)
    for _ in $(seq 300); do
        answer=$(api "$url/webhooks/$id/deliveries/$delivery/" | jq -r '.attempts[0].status // empty')
        [ -z "$answer" ] || break
        sleep 0.1
    done
    echo "${answer:-nothing}"
}

expect() {
    [ "$3" = "$2" ] || { echo "$1: answered $3 where $2 was expected" >&2; cat "$folder"/*log >&2; exit 1; }
}

commands=(
    "python:$tools/python/bin/python $receivers/receiver.py"
    "javascript:node $receivers/receiver.mjs"
    "go:$tools/receiver"
)
for line in "${commands[@]}"; do
    language=${line%%:*}
    read -ra command <<<"${line#*:}"
    receive "$language" "$right" "${command[@]}"
    receive "$language-wrong" "$wrong" "${command[@]}"
    expect "$language" 204 "$(test_delivery "$language")"
    expect "$language with a wrong secret" 400 "$(test_delivery "$language-wrong")"
    api "$url/webhooks/$(cat "$folder/$language.id")/rotate/" -d '{"overlap_hours": 1}' >"$folder/rotated"
    expect "$language with the secret of before" 204 "$(test_delivery "$language")"
    new=$(jq -r .secret "$folder/rotated")
    receive "$language-new" "$new" "${command[@]}"
    id=$(cat "$folder/$language.id")
    api -X PATCH "$url/webhooks/$id/" -d "{\"url\": \"http://127.0.0.1:$(cat "$folder/$language-new.port")/\"}" >/dev/null
    expect "$language with the new secret" 204 "$(test_delivery "$language")"
    api "$url/webhooks/$id/rotate/" -d '{"overlap_hours": 0}' >/dev/null
    expect "$language after the overlap" 400 "$(test_delivery "$language")"
done

api "$url/webhooks/" -d '{"url": "mailto:ops@example.com"}' | jq -r .id >"$folder/mail.id"
api "$url/deployment-events/" -d '{
  "product_name": "<b>Größe", "version": "1.0", "environment_name": "production", "status": "failed"
}' >/dev/null
for _ in $(seq 300); do
    [ "$(wc -l <"$folder/mail")" -lt 2 ] || break
    sleep 0.1
done
sed -n 2p "$folder/mail" | jq --exit-status '
    .to == ["ops@example.com"] and .defects == 0 and .subject == "<b>Größe 1.0: deployment failed in production"
    and (.text | contains("Product: <b>Größe")) and (.html | contains("&#60;b&#62;Größe") and contains("/manage/deployments?view="))
' >/dev/null || { echo "The e-mail is not as it should be:" >&2; cat "$folder"/mail "$folder"/*log >&2; exit 1; }
expect "mail server" 250 "$(test_delivery mail)"
echo "The libraries of three languages find the signatures good, and e-mail arrives"
