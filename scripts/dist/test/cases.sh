#!/usr/bin/env bash
# Counts cases and keeps the table of what was run on what; the scripts beside this source it. What they
# find is appended to the files that RESULTS and TABLE name.

# As root, for chroot and dpkg.
as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo --preserve-env "$@"; fi; }

case_of() { # NAME COMMAND...
    local name=$1 said
    shift
    if said=$("$@" 2>&1); then
        echo passed >>"$RESULTS"
        echo "  ok      $name"
    else
        echo failed >>"$RESULTS"
        printf '  FAILED  %s\n%s\n' "$name" "$said" >&2
    fi
}

ran() { # FILE ON-WHAT
    local size=-
    [ ! -e "$1" ] || size=$(stat -Lc %s "$1")
    printf '%s\t%s\t%s\n' "$(basename "$1")" "$size" "$2" >>"$TABLE"
}

is() { # WANTED FOUND WHAT
    [ "$1" = "$2" ] || { printf '%s is %s, not %s\n' "$3" "$2" "$1" >&2; return 1; }
}

says() { # FILE TEXT
    grep -qF -- "$2" "$1" || { printf 'nothing says "%s":\n' "$2" >&2; cat "$1" >&2; return 1; }
}

# Waits for a line of a file that somebody writes.
line_of() { # FILE PATTERN PID
    until grep -m 1 -o "$2" "$1"; do
        kill -0 "$3" 2>/dev/null || { echo "it ended:" >&2; cat "$1"* >&2; return 1; }
        sleep 0.1
    done
}
