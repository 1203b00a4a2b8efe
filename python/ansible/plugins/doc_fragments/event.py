"""What both modules document alike."""


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  product:
    description: Name of the product. Taken from the CI system where unset.
    type: str
  version:
    description: Version that is built or deployed. Taken from the CI system where unset.
    type: str
  status:
    description:
      - C(pending), C(started), C(completed), C(failed) or C(aborted), or an alias such as
        C(success). C(completed) where unset.
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
  api_key:
    description:
      - The API key. C(VERSIONER_API_KEY) where unset. It is never logged.
    type: str
  api_url:
    description: Base URL of the service. C(VERSIONER_API_URL), then C(https://api.versioner.io).
    type: str
  config:
    description:
      - Path of the configuration file on the controller. C(VERSIONER_CONFIG), then
        C(~/.versioner/config.yaml) where that exists.
    type: path
  fail_on_api_error:
    description:
      - Whether an event that cannot be recorded fails the task. With C(false) it is a warning.
        A rejection fails the task either way.
    type: bool
notes:
  - Runs on the controller, once for every host of the play. Use C(run_once) for one event per play.
  - The Python package C(versioner) is needed on the controller only.
  - C(VERSIONER_*) variables are taken from the task's C(environment), then from the controller's.
  - In check mode the event is validated and not sent.
author:
  - Versioner (@versioner-io)
"""
