#!/usr/bin/env bash
# Runs what is in the container images in a root of its own, as the image's settings say.
# Usage: image.sh FOLDER
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/dist/test/cases.sh
. "$here/cases.sh"
# shellcheck source=scripts/dist/test/story.sh
. "$here/story.sh"

dist=$(realpath "$1")
work=$(mktemp -d)
trap 'as_root rm -rf "$work"' EXIT

# Unpacks the image for this machine into a root; its settings are beside it.
unpack() { # IMAGE ROOT
    mkdir -p "$2.layout" "$2"
    tar -xf "$1" -C "$2.layout"
    python3 - "$2.layout" "$2.json" <<'PYTHON' | while read -r layer; do as_root tar -xpf "$layer" -C "$2"; done
import hashlib, json, sys
from pathlib import Path
layout = Path(sys.argv[1])
def blob(entry):
    path = layout / "blobs" / entry["digest"].replace(":", "/")
    content = path.read_bytes()
    assert hashlib.sha256(content).hexdigest() == path.name and len(content) == entry["size"], path
    return path
named = json.loads((layout / "index.json").read_text())["manifests"][0]
images = json.loads(blob(named).read_text())["manifests"]
manifest = json.loads(blob([i for i in images if i["platform"]["architecture"] == "amd64"][0]).read_text())
Path(sys.argv[2]).write_bytes(blob(manifest["config"]).read_bytes())
for layer in manifest["layers"]:
    print(blob(layer))
PYTHON
}

runs() {
    local user environment=() program root
    unpack "$dist"/versioner-server-[0-9]*-oci.tar "$work/server" && unpack "$dist"/versioner-[0-9]*-oci.tar "$work/client" || return 1
    for root in "$work/server" "$work/client"; do
        user=$(jq -r .config.User "$root.json")
        is 65532 "$user" 'the user' || return 1
        mapfile -t environment < <(jq -r '.config.Env[]' "$root.json")
        program=$(jq -r '.config.Entrypoint[0]' "$root.json")
        set -- as_root env "${environment[@]}" chroot "--userspec=$user:$user" "$root" "$program"
        # shellcheck disable=SC2034 # story takes them
        case "$root" in */server) server=("$@") ;; *) client=("$@") ;; esac
    done
    is '["CMD","/versioner-server","health"]' "$(jq -c .config.Healthcheck.Test "$work/server.json")" 'the health check' || return 1
    # A certificate authority of the bundle is read, or this one would be an error.
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt story /data "$work/log"
}

case_of 'the container images: the story in their roots' runs
for image in "$dist"/*-oci.tar; do
    ran "$image" 'its root, as its user'
done
