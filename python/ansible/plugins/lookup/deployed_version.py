"""The lookup versioner.tracking.deployed_version."""

from __future__ import annotations

DOCUMENTATION = r"""
name: deployed_version
short_description: The version that is deployed to an environment
version_added: 0.1.0
description:
  - The version whose deployment to the environment was the last that completed, of each product,
    from versioner-server. The hosted service does not offer it.
  - Nothing deployed, an unknown name and a key that may not read are errors that say which.
  - Settings are the C(VERSIONER_*) variables of the controller, then its configuration file.
options:
  _terms:
    description: Names of products.
    required: true
  environment:
    description: Name of the environment.
    type: str
    required: true
  default:
    description:
      - The value if nothing is deployed there or a name is not known. Every other failure stays.
    type: str
requirements:
  - The Python package versioner, on the controller
author:
  - Versioner (@versioner-io)
"""

EXAMPLES = r"""
- name: Show what runs in staging
  ansible.builtin.debug:
    msg: "{{ lookup('versioner.tracking.deployed_version', 'api', environment='staging') }}"
"""

RETURN = r"""
_raw:
  description: The version of each product.
  type: list
  elements: str
"""

import os
import sys
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible_collections.versioner.tracking.plugins.plugin_utils.tracking import (
    MISSING,
    missing,
    versioner,
)

from ansible.plugins.lookup import LookupBase


class LookupModule(LookupBase):
    """Reads versions on the controller."""

    def run(
        self, terms: list[Any], variables: dict[str, Any] | None = None, **options: Any
    ) -> list[str]:
        if versioner is None:
            raise AnsibleLookupError(MISSING.format(python=sys.executable, why=missing))
        self.set_options(var_options=variables, direct=options)
        environment = str(self.get_option("environment"))
        default = self.get_option("default")
        versions = []
        try:
            with versioner.Client(surface="ansible", environ=dict(os.environ)) as client:
                for product in terms:
                    versions.append(deployed(client, str(product), environment, default))
        except versioner.Error as error:
            raise AnsibleLookupError(error.outcome.message) from None
        return versions


def deployed(client: Any, product: str, environment: str, default: str | None) -> str:
    """Only the absence of a deployment has a default."""
    try:
        return client.deployed_version(product, environment).version
    except versioner.Error as error:
        if error.outcome.kind == "not_deployed" and default is not None:
            return default
        raise
