"""What Rundeck hands over, and the Python package versioner on this host.

Rundeck gives the properties as RD_CONFIG_*, and the job as RD_JOB_*, from which Versioner detects
the run. Every Python can read this file, so that one that is too old can say so.
"""

from __future__ import print_function

import logging
import os
import re
import sys

OLDEST = (3, 9)
FIELDS = ("product", "environment", "version", "status", "scm_sha", "extra_metadata")
SETTINGS = ("api_key", "api_url", "config", "outbox")
OTHERS = ("python_path", "state_folder")
# A step without one of these is another step than the one that was meant.
NEEDED = ("product", "environment", "version", "status", "api_key")
INSTALL = """Install it on this host with:
  python3 -m venv /opt/versioner && /opt/versioner/bin/pip install versioner
and name /opt/versioner in the step's property Python path (or in the project's settings)."""


def config(name):
    """A property of the step, empty if unset."""
    return os.environ.get("RD_CONFIG_" + name.upper(), "").strip()


def field(name):
    """A field of the event: the step's property, else the job's option of the same name."""
    return config(name) or os.environ.get("RD_OPTION_" + name.upper(), "").strip()


def say(stream, text):
    """Prints in any encoding, and goes on if nobody reads: the event is recorded by now."""
    encoding = getattr(stream, "encoding", None) or "ascii"
    try:
        print(text.encode(encoding, "backslashreplace").decode(encoding), file=stream)
        stream.flush()
    except (AttributeError, OSError, ValueError):
        # Python would try again at its end, and end with another code.
        if stream is sys.stdout:
            sys.stdout = None
        else:
            sys.stderr = None


def check_references():
    """Stops if Rundeck did not replace a reference, because the job has no such option."""
    for name in FIELDS + SETTINGS + OTHERS:
        reference = re.search(r"\$\{[^}]+\}", config(name))
        if reference and name in NEEDED:
            sys.exit(
                "The step's property {0} is '{1}', in which Rundeck did not replace {2}: has the "
                "job an option of that name, and was it given?".format(
                    name, "..." if name == "api_key" else config(name), reference.group()
                )
            )
        if reference and config(name) == reference.group():
            say(
                sys.stderr,
                "Warning: the step's property {0} is left out, because Rundeck did not replace "
                "{1}".format(name, reference.group()),
            )
            del os.environ["RD_CONFIG_" + name.upper()]


def interpreter(place):
    """The Python of a virtual environment, or the one that is named itself; empty if none."""
    named = [place, os.path.join(place, "bin", "python")]
    return next((path for path in named if os.path.isfile(path)), "")


def use_python_path():
    """Goes on with the Python that the property names, or finds the package in a folder."""
    place = config("python_path")
    if not place:
        return
    python = interpreter(place)
    if python:
        del os.environ["RD_CONFIG_PYTHON_PATH"]
        try:
            os.execv(python, [python] + sys.argv)
        except OSError as error:
            sys.exit(
                "The property Python path names {0}, which cannot be started: {1}".format(
                    python, error
                )
            )
    sys.path.insert(0, place)


def import_versioner():
    """The package, or an end that says how to get it."""
    version = "{0}.{1}.{2}".format(*sys.version_info)
    if sys.version_info < OLDEST:
        sys.exit(
            "Versioner needs Python {0}.{1} or newer, and {2} is {3}. Install a newer Python on "
            "this host, make a virtual environment with it, as in\n"
            "  python{0}.{1} -m venv /opt/versioner && /opt/versioner/bin/pip install versioner\n"
            "and name /opt/versioner in the step's property Python path (or in the project's "
            "settings).".format(OLDEST[0], OLDEST[1], sys.executable, version)
        )
    try:
        import versioner
    except ImportError as error:
        place = config("python_path")
        where = " in {0} (property Python path)".format(place) if place else ""
        sys.exit(
            "The Python package 'versioner' cannot be loaded{0} by {1} ({2}): {3}.\n{4}".format(
                where, sys.executable, version, error, INSTALL
            )
        )
    return versioner


def client(versioner):
    """A client with the settings of the properties."""
    settings = {name: config(name) for name in SETTINGS if config(name)}
    if config("fail_on_api_error"):
        settings["fail_on_api_error"] = config("fail_on_api_error") == "true"
    environ = {
        name: value for name, value in os.environ.items() if not name.startswith("RD_CONFIG_")
    }
    return versioner.Client(surface="rundeck", environ=environ, **settings)


def show_messages():
    """Warnings as lines of the job's log, and what a start waits for, once for each change."""

    class Lines(logging.Handler):
        def emit(self, record):
            mark = "Warning: " if record.levelno >= logging.WARNING else ""
            say(sys.stderr, mark + record.getMessage())

    logger = logging.getLogger("versioner")
    logger.setLevel(logging.INFO)
    logger.addHandler(Lines(logging.INFO))


def prepared():
    """The package, once everything that Rundeck handed over is in order."""
    check_references()
    use_python_path()
    versioner = import_versioner()
    show_messages()
    return versioner
