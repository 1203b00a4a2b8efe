# frozen_string_literal: true

# Generated from include/versioner.h by `ruby generate_header.rb`. Do not edit.

module Versioner
  # The constants and struct members of the C library.
  module Header
    VERSION = '0.1.0'
    ABI_VERSION = 0
    UNSET = 0
    YES = 1
    NO = -1
    NO_RETRIES = -1
    LOG_LEVELS = { 1 => :warning, 2 => :info, 3 => :debug }.freeze
    CODES = { ok: 0, error: 1, api_error: 4, rejected: 5 }.freeze
    KINDS = {
      ok: 0,
      invalid_argument: 1,
      config: 2,
      network: 3,
      timeout: 4,
      tls: 5,
      interrupted: 6,
      internal: 7,
      authentication: 8,
      authorization: 9,
      not_found: 10,
      validation: 11,
      rate_limited: 12,
      server: 13,
      redirect: 14,
      http: 15,
      deployment_conflict: 16,
      no_deploy_window: 17,
      flow_violation: 18,
      insufficient_soak_time: 19,
      quality_approval_required: 20,
      approval_required: 21,
      version_conflict: 22,
      rejected: 23,
      superseded: 24,
      not_deployed: 25,
    }.freeze
    OPTIONS = {
      struct_size: :size_t,
      api_key: :pointer,
      api_url: :pointer,
      ui_url: :pointer,
      config: :pointer,
      fail_on_api_error: :int32,
      max_retries: :int32,
      retry_pause_ms: :uint64,
      attempt_timeout_ms: :uint64,
      total_timeout_ms: :uint64,
      ca_file: :pointer,
      client_cert: :pointer,
      client_key: :pointer,
      surface: :pointer,
      environment: :pointer,
      log: :pointer,
      log_userdata: :pointer,
      outbox: :pointer,
    }.freeze
    BUILD_EVENT = {
      struct_size: :size_t,
      product: :pointer,
      version: :pointer,
      status: :pointer,
      source_system: :pointer,
      build_number: :pointer,
      scm_sha: :pointer,
      scm_branch: :pointer,
      scm_repository: :pointer,
      build_url: :pointer,
      invoke_id: :pointer,
      built_by: :pointer,
      built_by_email: :pointer,
      built_by_name: :pointer,
      started_at: :pointer,
      completed_at: :pointer,
      extra_metadata: :pointer,
      cancel_flag: :pointer,
      timeout_ms: :uint64,
      allow_literal: :int32,
      reserved: :int32,
      idempotency_key: :pointer,
    }.freeze
    DEPLOYMENT_EVENT = {
      struct_size: :size_t,
      product: :pointer,
      version: :pointer,
      environment: :pointer,
      status: :pointer,
      source_system: :pointer,
      build_number: :pointer,
      scm_sha: :pointer,
      scm_branch: :pointer,
      scm_repository: :pointer,
      build_url: :pointer,
      deploy_url: :pointer,
      invoke_id: :pointer,
      deployed_by: :pointer,
      deployed_by_email: :pointer,
      deployed_by_name: :pointer,
      completed_at: :pointer,
      extra_metadata: :pointer,
      skip_preflight_checks: :int32,
      cancel_flag: :pointer,
      timeout_ms: :uint64,
      skip_reason: :pointer,
      allow_literal: :int32,
      reserved: :int32,
      idempotency_key: :pointer,
      part: :pointer,
      lease_ms: :uint64,
      wait_ms: :uint64,
      wait_for: :pointer,
      wait_superseded: :pointer,
    }.freeze
    QUESTION = {
      struct_size: :size_t,
      path: :pointer,
      query: :pointer,
      product: :pointer,
      environment: :pointer,
      cancel_flag: :pointer,
      timeout_ms: :uint64,
    }.freeze
    ENDING = {
      struct_size: :size_t,
      status: :pointer,
      error_class: :pointer,
      extra_metadata: :pointer,
      timeout_ms: :uint64,
      has_exit_code: :int32,
      exit_code: :int32,
      signal: :pointer,
    }.freeze
  end
end
