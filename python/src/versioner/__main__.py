"""The ``versioner`` command, the same as the one without Python."""

from __future__ import annotations

import signal
import sys

from versioner import _native


def main() -> int:
    """Run the command with the arguments of this process, and return the exit code."""
    # The command handles signals itself; Python's handler would add a traceback to its message.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    return _native.run_cli(sys.argv)


if __name__ == "__main__":
    sys.exit(main())
