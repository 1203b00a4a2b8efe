"""What the modules that tell an event document alike."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  product:
    description: Name of the product. Taken from the CI system if unset.
    type: str
  version:
    description:
      - Version that is built or deployed. Taken from the CI system if unset.
      - A version that looks like a number needs quotes. An unquoted C(1.20) is refused, because
        YAML makes C(1.2) of it.
    type: str
  status:
    description:
      - C(pending), C(started), C(completed), C(failed) or C(aborted), or another word for one of
        them, such as C(success). C(completed) if unset. Any other word is sent with a warning.
    type: str
  source_system:
    description: CI system that sends the event, such as C(github).
    type: str
  build_number:
    description: Number of the build in its CI system.
    type: str
  scm_sha:
    description: Commit.
    type: str
  scm_branch:
    description: Branch.
    type: str
  scm_repository:
    description: Repository, such as C(owner/name).
    type: str
  build_url:
    description: Link to the build.
    type: str
  invoke_id:
    description: Identifier of the run in its CI system.
    type: str
  completed_at:
    description: When it ended, RFC 3339 with a zone.
    type: str
  extra_metadata:
    description: Facts of your own. They win over detected ones.
    type: dict
  allow_literal:
    description:
      - Sends product, environment and version as they are, even if one looks like a placeholder
        that nobody replaced. Without it that is an error.
    type: bool
  idempotency_key:
    description:
      - What makes two tasks tell one event, such as when a CI runs a play again. A new one for each
        task where unset.
    type: str
  timeout:
    description:
      - Seconds that this task may take to send the event, with all its attempts. In place of
        O(total_timeout), which C(module_defaults) may set for all tasks.
    type: float
  fail_on_api_error:
    description:
      - Whether an event that cannot be recorded fails the task. With C(false) it is a warning.
        A rejection fails the task either way.
    type: bool
  outbox:
    description:
      - Directory on the controller that keeps what best effort could not deliver, and delivers it
        with a later event. C(VERSIONER_OUTBOX), then none.
    type: path
attributes:
  bypass_host_loop:
    description: Runs once for all hosts.
    support: none
    details:
      - It runs once for every host of the play. A deployment is one event, so use C(run_once).
        A second C(started) of the same deployment is rejected.
  check_mode:
    description: Validates the event, warns as a real run would, and sends nothing.
    support: full
notes:
  - C(VERSIONER_*) variables are taken from the task's C(environment), then from the controller's.
  - All modules are in the action group C(versioner.tracking.tracking) of C(module_defaults).
"""
