"""Documentation of versioner.tracking.deployment; the action plugin of this name does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: deployment
short_description: Tell Versioner about a deployment, and stop when it says no
version_added: 0.1.0
description:
  - Records a deployment event.
  - With O(status=started) the service checks it against policy first. A rejection fails the task,
    so that the tasks after it do not run.
  - With O(span=begin) it begins a deployment, once for the play, that ends by itself if the
    callback plugin P(versioner.tracking.spans#callback) is enabled. It is completed if no host of
    the play failed, was unreachable or was never reached, else failed; and aborted if the run is
    stopped.
extends_documentation_fragment:
  - versioner.tracking.client
  - versioner.tracking.event
options:
  environment:
    description: Environment it is deployed to. Taken from the CI system if unset.
    type: str
  deploy_url:
    description: Link to the run that deploys.
    type: str
  deployed_by:
    description: Login of whoever deploys.
    type: str
  deployed_by_email:
    description: Mail address of whoever deploys.
    type: str
  deployed_by_name:
    description: Name of whoever deploys.
    type: str
  skip_preflight_checks:
    description: Deprecated. Set the rule to report-only on the server instead.
    type: bool
  skip_reason:
    description: Why the preflight checks are skipped. Kept with the event.
    type: str
  part:
    description:
      - Which of several legs of one run this is, such as a region of a matrix, in at most 64
        characters. The deployment ends when every part that started has, as the worst of them.
    type: str
  wait:
    description:
      - Seconds that a start waits for its gate, if a window, a soak time, an approval or another
        deployment keeps it closed, or if the service cannot be reached. It does not wait if unset.
    type: float
  wait_for:
    description: C(flow) waits for the environments that come first, too.
    type: str
    choices: [flow]
  wait_superseded:
    description:
      - What to do if another version was started there meanwhile. C(stop) fails the task, so that
        an older version does not go out last by luck, and C(go) waits on. C(stop) if unset.
    type: str
    choices: [stop, go]
  span:
    description:
      - C(begin) asks whether the deployment may happen, and begins it. Other batches and hosts of
        the play that do so as well get the same answer, if the callback plugin is enabled.
      - C(end) needs O(saved). With O(status) it ends the deployment, once. Without it this host is
        done, and the deployment is completed when every host of the play is; that needs the
        callback plugin.
      - Unset tracks one event.
    type: str
    choices: [begin, end]
  saved:
    description: What the task with O(span=begin) returned as C(saved).
    type: str
"""

EXAMPLES = r"""
- name: Ask whether the deployment may happen, and stop here when it may not
  versioner.tracking.deployment:
    product: api
    environment: production
    version: 1.2.3
    status: started
  run_once: true

- name: Begin, at the top of a play, with the callback plugin versioner.tracking.spans
  versioner.tracking.deployment:
    product: api
    environment: production
    version: 1.2.3
    span: begin
  run_once: true

- name: Ask, deploy, and tell how it ended, with the role
  ansible.builtin.import_role:
    name: versioner.tracking.deploy
  vars:
    versioner_product: api
    versioner_environment: production
    versioner_version: 1.2.3
    versioner_tasks: "{{ playbook_dir }}/deploy.yml"
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
saved:
  description: The deployment that was begun, for O(saved) of the task that ends it. It has no key.
  returned: with span=begin
  type: str
watched:
  description: Whether the callback plugin tells how the deployment ends.
  returned: with span=begin
  type: bool
http_status:
  description: HTTP status of the last answer; 0 if there was none.
  returned: when the event was tried
  type: int
"""
