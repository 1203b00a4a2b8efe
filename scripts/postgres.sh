#!/usr/bin/env bash
# Runs a command beside a PostgreSQL of its own, which is gone afterwards. It listens on a Unix socket in
# a folder of its own, and waits for no disk unless DURABLE is set. The command finds its address in
# VERSIONER_TEST_POSTGRES.
# Usage: scripts/postgres.sh COMMAND [ARGUMENT…]
set -euo pipefail

programs=$(find /usr/lib/postgresql/*/bin -maxdepth 0 2>/dev/null | sort --version-sort | tail -n 1)
[ -n "$programs" ] || { echo "PostgreSQL is missing: apt-get install postgresql" >&2; exit 1; }

# PostgreSQL does not run as root.
as_owner() {
    if [ "$(id -u)" -eq 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}

folder=$(mktemp -d)
[ "$(id -u)" -ne 0 ] || chown postgres: "$folder"
stop() {
    as_owner "$programs/pg_ctl" -D "$folder/data" -m immediate -w stop >/dev/null 2>&1 || true
    rm -rf "$folder"
}
trap stop EXIT
if [ -n "${DURABLE:-}" ]; then
    settings="-c shared_buffers=256MB"
else
    settings="-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c shared_buffers=64MB \
        -c autovacuum=off"
fi
cd "$folder"
as_owner "$programs/initdb" -D "$folder/data" --username=versioner --auth=trust --encoding=UTF8 \
    --locale=C --no-sync >/dev/null
as_owner "$programs/pg_ctl" -D "$folder/data" -w -l "$folder/log" -o "-c listen_addresses='' \
    -c unix_socket_directories='$folder' -c max_connections=500 $settings" start >/dev/null ||
    { cat "$folder/log" >&2; exit 1; }
cd "$OLDPWD"
VERSIONER_TEST_POSTGRES="postgres://versioner@${folder//\//%2F}" "$@"
