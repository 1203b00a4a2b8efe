# frozen_string_literal: true

# This machine, without SSH.
server 'localhost', roles: %w[app]
set :sshkit_backend, SSHKit::Backend::Local
