"""What everything that uses the client documents alike."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  api_key:
    description:
      - The API key. C(VERSIONER_API_KEY) if unset. It is never logged.
    type: str
  api_url:
    description: Base URL of the service. C(VERSIONER_API_URL), then C(https://api.versioner.io).
    type: str
  config:
    description:
      - Path of the configuration file on the controller. C(VERSIONER_CONFIG), then
        C(~/.versioner/config.yaml) if that exists.
    type: path
  total_timeout:
    description: Seconds for all attempts together. C(VERSIONER_TOTAL_TIMEOUT), then 120.
    type: float
  ca_file:
    description:
      - PEM file on the controller with the only certificate authorities to trust.
        C(VERSIONER_CA_FILE), then those of the system.
    type: path
  client_cert:
    description: PEM file on the controller with a client certificate. C(VERSIONER_CLIENT_CERT).
    type: path
  client_key:
    description:
      - PEM file on the controller with the key of O(client_cert). C(VERSIONER_CLIENT_KEY), then
        the file of the certificate.
    type: path
requirements:
  - The Python package versioner, on the controller
attributes:
  action:
    description: Runs on the controller, and needs no connection to the host.
    support: full
  async:
    description: Supports C(async).
    support: none
  diff_mode:
    description: Shows a difference.
    support: none
  platform:
    description: Where it runs.
    platforms: posix
    support: full
author:
  - Versioner (@versioner-io)
"""
