"""Documentation of versioner.tracking.build; the action plugin of this name does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: build
short_description: Tell Versioner that something was built
version_added: 0.1.0
description:
  - Records a build event.
extends_documentation_fragment:
  - versioner.tracking.client
  - versioner.tracking.event
options:
  built_by:
    description: Login of whoever built it.
    type: str
  built_by_email:
    description: Mail address of whoever built it.
    type: str
  built_by_name:
    description: Name of whoever built it.
    type: str
  started_at:
    description: When the build started, RFC 3339 with a zone.
    type: str
"""

EXAMPLES = r"""
- name: Tell that a version was built
  versioner.tracking.build:
    product: api
    version: 1.2.3
    scm_sha: "{{ commit }}"
    extra_metadata:
      image: acme/api:1.2.3
  run_once: true
"""

RETURN = r"""
code:
  description:
    - 0 recorded, 1 bad argument or network failure, 4 the service refused or failed, 5 rejected.
  returned: when the event was tried
  type: int
kind:
  description: The finer reason, such as C(flow_violation) or C(timeout); C(ok) if recorded.
  returned: when the event was tried
  type: str
argument:
  description: The argument or setting at fault.
  returned: when one is
  type: str
recorded:
  description: Whether the service recorded the event.
  returned: when the event was tried
  type: bool
event_id:
  description: Identifier of the event.
  returned: when recorded
  type: str
product_id:
  description: Identifier of the product.
  returned: when recorded
  type: str
version_id:
  description: Identifier of the version.
  returned: when recorded
  type: str
environment_id:
  description: Identifier of the environment, of deployments.
  returned: when recorded
  type: str
status:
  description: The recorded status, or C(not_recorded) in best-effort mode.
  returned: when the event was tried
  type: str
features:
  description: What the service offers beyond events, such as C(preflight).
  returned: when its answer lists it
  type: list
  elements: str
rule:
  description: The rule that rejected the event.
  returned: when rejected
  type: str
policy_code:
  description: The service's code of the rejection, such as C(FLOW_VIOLATION).
  returned: when rejected
  type: str
retry_after:
  description: When to try again, RFC 3339.
  returned: when rejected and known
  type: str
details:
  description: Further facts about the rejection.
  returned: when rejected
  type: dict
http_status:
  description: HTTP status of the last answer; 0 if there was none.
  returned: when the event was tried
  type: int
"""
