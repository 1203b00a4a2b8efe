"""versioner.tracking.deployment"""

from __future__ import annotations

from ansible_collections.versioner.tracking.plugins.plugin_utils.spans import SpanAction
from ansible_collections.versioner.tracking.plugins.plugin_utils.tracking import EVENT_ARGUMENTS


class ActionModule(SpanAction):
    """Tells that something is deployed, and fails when policy rejects it."""

    TRACK = "track_deployment"
    VALIDATE = "validate_deployment"
    ARGUMENTS = {
        **EVENT_ARGUMENTS,
        "environment": {"type": "str"},
        "deploy_url": {"type": "str"},
        "deployed_by": {"type": "str"},
        "deployed_by_email": {"type": "str"},
        "deployed_by_name": {"type": "str"},
        "skip_preflight_checks": {"type": "bool"},
        "skip_reason": {"type": "str"},
        "part": {"type": "str"},
        "wait": {"type": "float"},
        "wait_for": {"type": "str", "choices": ["flow"]},
        "wait_superseded": {"type": "str", "choices": ["stop", "go"]},
        "span": {"type": "str", "choices": ["begin", "end"]},
        "saved": {"type": "str"},
    }
