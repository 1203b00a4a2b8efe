#!/usr/bin/env bash
# What is run of the Windows programs and of the library, under Wine, in the folder $work. Sourced.
# shellcheck disable=SC2034,SC2154 # whoever sources this has `work` and `dist`, and uses the arrays

# Goes to where they are. A case is a process of its own, so that each sets this.
to_programs() {
    cd "$work/windows" || return 1
    client=(wine versioner.exe)
    server=(wine versioner-server.exe)
}

under_wine() { # PLATFORM
    mkdir -p "$work/windows"
    cp "$dist/versioner-$1.exe" "$work/windows/versioner.exe"
    cp "$dist/versioner-server-$1.exe" "$work/windows/versioner-server.exe"
    to_programs || return 1
    story data "$work/$1.log"
}

# What only Windows has: its paths.
windows_ways() {
    cd "$work/windows" || return 1
    local code
    mkdir -p settings
    printf 'product: from-the-file\n' >settings/versioner.yaml
    VERSIONER_API_KEY=sk_local_k1_x wine versioner.exe track deployment --environment staging --version 1 \
        --config 'settings\versioner.yaml' --dry-run >ways.log 2>&1 || { cat ways.log; return 1; }
    says ways.log from-the-file || return 1
    code=0
    VERSIONER_API_KEY=sk_local_k1_x VERSIONER_API_URL=http://127.0.0.1:1 VERSIONER_MAX_RETRIES=0 \
        wine versioner.exe track deployment --product api --environment staging --version 1 \
        --fail-on-api-error=false --outbox 'out box' >ways.log 2>&1 || code=$?
    is 0 "$code" 'the exit code of best effort' || { cat ways.log; return 1; }
    wine versioner.exe outbox list --outbox 'out box' >ways.log 2>&1 || { cat ways.log; return 1; }
    says ways.log staging
}

# Runs a command between the start and the end of a deployment; its exit code, the status that is told and
# what is said are those.
runs_as() { # CODE STATUS WORDS [FLAG...] -- COMMAND...
    local wanted=$1 status=$2 words=$3 code=0
    shift 3
    version=$((version + 1))
    timeout 120 wine versioner.exe run deployment --product api --environment runs --version "$version" "$@" \
        >run.log 2>&1 || code=$?
    is "$wanted" "$code" "the exit code of $*" && says run.log "$words" || return 1
    if [ -n "$status" ]; then says run.log "api $version to runs: $status"; fi
}

windows_run() {
    to_programs || return 1
    local pid version=0
    serve run-data "$work/run-server.log" || return 1
    # shellcheck disable=SC2064
    trap "kill $pid 2>/dev/null || true" RETURN
    mkdir -p tools
    printf '@echo hello %%1 %%2\r\n@exit /b 3\r\n' >deploy.bat
    printf '@echo rolled %%VERSIONER_RUN_VERSION%%\r\n' >tools/roll.cmd
    echo text >words.txt
    runs_as 0 completed '' -- cmd /c exit 0 || return 1
    runs_as 3 failed 'hello a "b c&d"' -- '.\deploy' a 'b c&d' || return 1
    runs_as 2 completed '' --success-codes 0,2 -- cmd /c exit 2 || return 1
    WINEPATH=$(winepath -w tools) runs_as 0 completed 'rolled 4' -- roll || return 1
    runs_as 1 failed '' --timeout 1s -- ping -n 60 127.0.0.1 || return 1
    # The working directory is looked into only if it is named.
    runs_as 127 '' 'deploy: command not found' -- deploy || return 1
    runs_as 126 '' 'is no program: run it by its interpreter' -- '.\words.txt' || return 1
    runs_as 126 '' 'is a directory' -- '.\tools' || return 1
    "${server[@]}" all-stop set --data run-data --account local --message 'Nothing goes out' --for 1h \
        >run.log 2>&1 || { cat run.log; return 1; }
    runs_as 5 '' 'rejected, the command did not run' -- cmd /c exit 0 || return 1
    "${server[@]}" all-stop lift --data run-data --account local >run.log 2>&1 || { cat run.log; return 1; }
}

# Ctrl-C in a console, which script is, reaches the command and versioner, which stays to tell the end.
windows_console() {
    to_programs || return 1
    local pid code=0
    serve console-data "$work/console-server.log" || return 1
    # shellcheck disable=SC2064
    trap "kill $pid 2>/dev/null || true" RETURN
    x86_64-w64-mingw32-gcc -Wall -Werror "$here/windows-console.c" -o console.exe || return 1
    rm -f ready
    TERM=xterm timeout 120 script -qec "wine console.exe press ready versioner.exe run deployment \
        --product api --environment console --version 1 -- ./console.exe listen ready" /dev/null \
        >console.log 2>&1 || code=$?
    is 7 "$code" 'the exit code of a command that Ctrl-C ended' || { cat console.log; return 1; }
    wine versioner.exe history --environment console >console.log 2>&1 || { cat console.log; return 1; }
    says console.log aborted
}

# A C program with the DLL, and one with the static library, as pkg-config tells.
windows_library() { # PLATFORM
    rm -rf "$work/library"
    python3 -m zipfile -e "$(echo "$dist"/libversioner-[0-9]*-"$1".zip)" "$work/library" || return 1
    cd "$work"/library/* || return 1
    cat >asks.c <<'C'
#include <stdio.h>
#include <versioner.h>
int main(void) {
    versioner_client *client;
    versioner_result *result;
    versioner_code code = versioner_client_new(NULL, &client, &result);
    printf("%s: %s\n", versioner_version(), versioner_result_text(result));
    versioner_result_free(result);
    return code;
}
C
    local kind code
    for kind in versioner versioner-static; do
        # shellcheck disable=SC2046
        x86_64-w64-mingw32-gcc -Wall -Werror asks.c -o "bin/$kind.exe" \
            $(PKG_CONFIG_PATH=lib/pkgconfig pkg-config --cflags --libs "$kind") || return 1
        code=0
        wine "bin/$kind.exe" >said.log 2>&1 || code=$?
        is 1 "$code" "the exit code of $kind" && says said.log VERSIONER_API_KEY || return 1
    done
}
