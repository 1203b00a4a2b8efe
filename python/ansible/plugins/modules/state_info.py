"""Documentation of versioner.tracking.state_info; the action plugin of this name does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: state_info
short_description: Read which version runs where
version_added: 0.1.0
description:
  - Reads the state of every product and environment from versioner-server. The hosted service does
    not offer it.
  - The API key needs the scope C(read).
extends_documentation_fragment:
  - versioner.tracking.client
options:
  product:
    description: Only this product.
    type: str
attributes:
  check_mode:
    description: Reads in check mode too, because it changes nothing.
    support: full
"""

EXAMPLES = r"""
- name: Read what runs where
  versioner.tracking.state_info:
    product: api
  register: state
  run_once: true

- name: Show what runs in each environment
  ansible.builtin.debug:
    msg: "{{ item.environment_name }}: {{ (item.current or {}).version | default('nothing') }}"
  loop: "{{ state.products | map(attribute='environments') | flatten }}"
  run_once: true
"""

RETURN = r"""
products:
  description:
    - Each product with its C(environments), each with C(current), what was last deployed with
      success, C(latest), the last deployment whatever became of it, and C(drift).
  returned: success
  type: list
  elements: dict
"""
