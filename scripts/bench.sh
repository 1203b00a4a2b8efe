#!/usr/bin/env bash
# Builds everything that is measured, and measures it: the core and the C ABI beside a C loop and
# libcurl, the command line beside a bare program and curl, the server beside raw SQLite, and the
# parts of a call. Ratios hold; absolute times drift with the machine.
set -euo pipefail
cd "$(dirname "$0")/.."

target=$(scripts/target-dir.sh)
programs=$target/bench
mkdir -p "$programs"

echo "Building"
cargo build --quiet --release --bin versioner --example bare_ureq
cp "$target/release/versioner" "$target/release/examples/bare_ureq" "$programs/"
scripts/install.sh "$programs/c" >/dev/null
cc -O2 -o "$programs/c_loop" benches/c_loop.c
cc -O2 -o "$programs/libcurl_loop" benches/libcurl_loop.c -lcurl
cc -O2 -o "$programs/c_abi_loop" benches/c_abi_loop.c \
    -I"$programs/c/include" -L"$programs/c/lib" -lversioner -Wl,-rpath,"$programs/c/lib"
(cd bindings/go && PKG_CONFIG_PATH=$programs/c/lib/pkgconfig go build -tags versioner_static \
    -o "$programs/go_loop" ./internal/bench)
python=$programs/python
[ -d "$python" ] || python3 -m venv "$python"
"$python/bin/pip" install --quiet --disable-pip-version-check maturin cargo-zigbuild ziglang requests
rm -rf "$programs/wheels"
(cd python && PATH="$python/bin:$PATH" maturin build --quiet --zig --compatibility manylinux2014 \
    --out "$programs/wheels" 2>/dev/null)
"$python/bin/pip" install --quiet --disable-pip-version-check --force-reinstall "$programs"/wheels/*.whl
PATH="$python/bin:$PATH" mvn --quiet --batch-mode --file bindings/java --activate-profiles dist \
    "-Dcargo.target=$target" -Dmaven.test.skip -Dmaven.javadoc.skip package
cp bindings/java/target/versioner-*[0-9].jar "$programs/versioner.jar"
node=$programs/node
npm install --prefix "$node" --silent --no-audit --no-fund axios
rm -rf "$node/node_modules/versioner"
scripts/test-javascript.sh release "$(realpath "$node")/node_modules/versioner"
cp bindings/javascript/bench/track.mjs "$node/"
export VERSIONER_BENCH_PYTHON="$python/bin/python python/benches/track.py"
export VERSIONER_BENCH_BINDINGS="
Go=1.2=$programs/go_loop
Ruby=1.4=env VERSIONER_LIBRARY=$programs/c/lib/libversioner.so ruby -Ibindings/ruby/lib benches/ruby_loop.rb
Java=1.3=java -cp $programs/versioner.jar benches/java_loop.java versioner
Java HttpClient==java -cp $programs/versioner.jar benches/java_loop.java HttpClient
Python=1.6=$VERSIONER_BENCH_PYTHON versioner
Python http.client==$VERSIONER_BENCH_PYTHON http.client
Python requests.Session==$VERSIONER_BENCH_PYTHON requests
JavaScript==node $node/track.mjs versioner
JavaScript fetch==node $node/track.mjs fetch
JavaScript axios==node $node/track.mjs axios"
cargo bench --quiet --no-run --bench transport --bench parts 2>/dev/null
cargo bench --quiet --no-run -p versioner-server --bench throughput --bench elsewhere --bench pages --bench postgres 2>/dev/null

echo "Machine: $(nproc) cores, $(sed -n '/^model name/{s/.*: //p;q}' /proc/cpuinfo)"
VERSIONER_BENCH=$programs cargo bench --quiet --bench transport
printf '\nlibversioner.so, stripped: %s bytes (target: at most 2,600,000)\n' \
    "$(stat -L -c %s "$programs/c/lib/libversioner.so")"
printf '\nImporting in Python\n'
"$python/bin/python" python/benches/track.py imports
printf '\nPython, async (target: 1.1 s)\n'
"$python/bin/python" python/benches/track.py together
printf '\nversioner-server\n'
cargo bench --quiet -p versioner-server --bench throughput
printf '\nWhat others tell it and it tells others (target: p99 of /hooks/ 20 ms)\n'
cargo bench --quiet -p versioner-server --bench elsewhere
printf '\nThe pages of versioner-server\n'
cargo bench --quiet -p versioner-server --bench pages
printf '\nversioner-server on PostgreSQL (targets: 0.6 of pgbench, two servers 1.5 times one)\n'
DURABLE=1 scripts/postgres.sh cargo bench --quiet -p versioner-server --bench postgres
printf '\nThe parts of a call\n'
cargo bench --quiet --bench parts -- --quiet --warm-up-time 0.5 --measurement-time 1.5 2>/dev/null |
    grep -E '^[^ ].*time:|^ +time:' || cargo bench --quiet --bench parts -- --warm-up-time 0.5 --measurement-time 1.5
