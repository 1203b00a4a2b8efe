"""versioner.tracking.build"""

from __future__ import annotations

from ansible_collections.versioner.tracking.plugins.plugin_utils.tracking import (
    EVENT_ARGUMENTS,
    TrackingAction,
)


class ActionModule(TrackingAction):
    """Tells that something was built."""

    TRACK = "track_build"
    VALIDATE = "validate_build"
    ARGUMENTS = {
        **EVENT_ARGUMENTS,
        "built_by": {"type": "str"},
        "built_by_email": {"type": "str"},
        "built_by_name": {"type": "str"},
        "started_at": {"type": "str"},
    }
