#!/usr/bin/env python3
"""The values of a job's option: the version that is deployed to an environment.

Every Python can read this file, so that one that is too old can say so.
"""

import sys

import host


def main():
    """Prints the version as Rundeck reads values, or ends with the reason."""
    versioner = host.prepared()
    try:
        client = host.client(versioner)
        product, environment = host.config("product"), host.config("environment")
        version = client.deployed_version(product, environment).version
    except versioner.Error as error:
        host.say(sys.stderr, error.text)
        sys.exit(error.code)
    if ":" in version:
        sys.exit("the version {0} holds a colon, with which Rundeck ends a name".format(version))
    # Name and value.
    host.say(sys.stdout, "==START_OPTIONS==\n{0}:{0}\n==END_OPTIONS==".format(version))


if __name__ == "__main__":
    main()
