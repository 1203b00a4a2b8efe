# frozen_string_literal: true

# No servers: the work is local.
