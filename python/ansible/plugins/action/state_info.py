"""versioner.tracking.state_info"""

from __future__ import annotations

from typing import Any

from ansible_collections.versioner.tracking.plugins.plugin_utils.tracking import ClientAction


class ActionModule(ClientAction):
    """Reads which version runs where, in check mode too."""

    ARGUMENTS = {"product": {"type": "str"}}

    def call(self, client: Any, arguments: dict[str, Any], result: dict[str, Any]) -> None:
        result["products"] = client.state(arguments.get("product")).data["products"]
