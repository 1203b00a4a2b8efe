#!/usr/bin/env python3
"""The step: reads what Rundeck hands over, tracks the event, and ends with the result's code.

Rundeck gives the step's properties as RD_CONFIG_*, and the job as RD_JOB_*, from which Versioner
detects the run. A code other than 0 stops the job; 5 means that policy rejects the deployment.
"""

import os
import sys
from pathlib import Path

FIELDS = ("product", "environment", "version", "status", "scm_sha", "extra_metadata")
SETTINGS = ("api_key", "api_url")


def config(name):
    """A property of the step, empty where unset or left as an unknown ${...} reference."""
    value = os.environ.get("RD_CONFIG_" + name.upper(), "").strip()
    return "" if value.startswith("${") and value.endswith("}") else value


def field(name):
    """A field of the event: the step's property, else the job's option of the same name."""
    return config(name) or os.environ.get("RD_OPTION_" + name.upper(), "").strip()


def import_versioner():
    """The package from the property's folder, or from this Python."""
    folder = config("python_path")
    if folder:
        places = sorted(Path(folder).glob("lib/python3*/site-packages")) or [Path(folder)]
        sys.path[:0] = [str(place) for place in places]
    try:
        import versioner
    except ImportError as error:
        where = f"in {folder} (property Python path)" if folder else f"for {sys.executable}"
        target = f" --target {folder}" if folder else ""
        sys.exit(
            f"The Python package 'versioner' cannot be loaded {where}: {error}.\n"
            f"Install it on this host with:\n"
            f"  {sys.executable} -m pip install{target} versioner\n"
            f"or name a folder or virtual environment that has it in the property Python path."
        )
    return versioner


def track(versioner, event):
    """Tracks and shows how it ended; gives back the exit code."""
    names = [name for name in FIELDS if event == "deployment" or name != "environment"]
    settings = {name: config(name) for name in SETTINGS if config(name)}
    fields = {name: field(name) for name in names if field(name)}
    if config("fail_on_api_error"):
        settings["fail_on_api_error"] = config("fail_on_api_error") == "true"
    environ = {
        name: value for name, value in os.environ.items() if not name.startswith("RD_CONFIG_")
    }
    try:
        client = versioner.Client(surface="rundeck", environ=environ, **settings)
        result = getattr(client, "track_" + event)(**fields)
    except versioner.Error as error:
        print(error.text, file=sys.stderr)
        return error.code
    for warning in result.warnings:
        print(f"Warning: {warning.message}", file=sys.stderr)
    if result.recorded:
        print(result.text)
    return result.code


def main():
    """Ends with 0, 1, 4 or 5."""
    if len(sys.argv) != 2 or sys.argv[1] not in ("build", "deployment"):
        sys.exit(f"usage: {sys.argv[0]} build|deployment")
    sys.exit(track(import_versioner(), sys.argv[1]))


if __name__ == "__main__":
    main()
