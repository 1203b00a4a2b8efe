#!/usr/bin/env bash
# Packs a folder into an archive of that name with .tar.gz or .zip; the same files give the same bytes.
# Usage: scripts/dist/pack.sh FOLDER ARCHIVE
set -euo pipefail

folder=$(realpath "${1:?usage: $0 FOLDER ARCHIVE}")
archive=$(realpath --canonicalize-missing "${2:?usage: $0 FOLDER ARCHIVE}")
epoch=${SOURCE_DATE_EPOCH:-$("$(dirname "$0")/epoch.sh")}
cd "$(dirname "$folder")"
name=$(basename "$folder")
rm -f "$archive"
case "$archive" in
    *.tar.gz)
        tar --create --sort=name --format=ustar --owner=0 --group=0 --numeric-owner --mode=go=rX,u+rw,a-s \
            --mtime="@$epoch" "$name" | gzip -n -9 >"$archive"
        ;;
    *.zip)
        # zip has local times, of two seconds.
        export TZ=UTC
        find "$name" -exec touch --no-dereference --date="@$epoch" {} +
        find "$name" -type f | LC_ALL=C sort | zip -q -X -9 -@ "$archive"
        ;;
    *)
        echo "$0: $archive is neither .tar.gz nor .zip" >&2
        exit 2
        ;;
esac
