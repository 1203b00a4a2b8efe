#!/usr/bin/env python3
"""The step: tracks the event, and ends with the result's code.

A code other than 0 stops the job; 5 means that policy rejects the deployment. Every Python can read
this file, so that one that is too old can say so.
"""

import sys

import host


def track(versioner, event):
    """Tracks and shows how it ended; gives back the exit code."""
    names = [name for name in host.FIELDS if event == "deployment" or name != "environment"]
    fields = {name: host.field(name) for name in names if host.field(name)}
    try:
        client = host.client(versioner)
        if event == "build":
            result = client.track_build(**fields)
        else:
            # Not for a Python that is too old.
            import spans

            result = spans.track(client, fields)
    except versioner.Error as error:
        host.say(sys.stderr, error.text)
        return error.code
    if result.recorded:
        host.say(sys.stdout, result.text)
    return result.code


def main():
    """Ends with 0, 1, 4 or 5."""
    if len(sys.argv) != 2 or sys.argv[1] not in ("build", "deployment"):
        sys.exit("usage: {0} build|deployment".format(sys.argv[0]))
    sys.exit(track(host.prepared(), sys.argv[1]))


if __name__ == "__main__":
    main()
