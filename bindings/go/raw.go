package versioner

// #include <versioner.h>
import "C"

import "time"

// raw is the C struct of options, in memory that outlives the call.
func (o *options) raw(memory *arena) *C.versioner_options {
	raw := (*C.versioner_options)(memory.allocate(C.sizeof_versioner_options))
	C.versioner_options_init(raw)
	raw.api_key = memory.text("api_key", o.apiKey)
	raw.api_url = memory.text("api_url", o.apiURL)
	raw.ui_url = memory.text("ui_url", o.uiURL)
	raw.config = memory.text("config", o.config)
	raw.ca_file = memory.text("ca_file", o.caFile)
	raw.client_cert = memory.text("client_cert", o.clientCert)
	raw.client_key = memory.text("client_key", o.clientKey)
	raw.outbox = memory.text("outbox", o.outbox)
	raw.surface = memory.text("surface", "go")
	raw.fail_on_api_error = choice(o.failOnAPIError)
	if o.maxRetries != nil {
		raw.max_retries = C.int32_t(*o.maxRetries)
		if *o.maxRetries == 0 {
			raw.max_retries = C.VERSIONER_NO_RETRIES
		}
	}
	raw.retry_pause_ms = milliseconds(o.retryPause)
	raw.attempt_timeout_ms = milliseconds(o.attemptTimeout)
	raw.total_timeout_ms = milliseconds(o.totalTimeout)
	raw.environment = memory.environment(o.environment)
	return raw
}

func (b *Build) raw(memory *arena, extraMetadata string) *C.versioner_build_event {
	event := (*C.versioner_build_event)(memory.allocate(C.sizeof_versioner_build_event))
	C.versioner_build_event_init(event)
	event.product = memory.text("product", b.Product)
	event.version = memory.text("version", b.Version)
	event.status = memory.text("status", b.Status)
	event.source_system = memory.text("source_system", b.SourceSystem)
	event.build_number = memory.text("build_number", b.BuildNumber)
	event.scm_sha = memory.text("scm_sha", b.SCMSHA)
	event.scm_branch = memory.text("scm_branch", b.SCMBranch)
	event.scm_repository = memory.text("scm_repository", b.SCMRepository)
	event.build_url = memory.text("build_url", b.BuildURL)
	event.invoke_id = memory.text("invoke_id", b.InvokeID)
	event.built_by = memory.text("built_by", b.BuiltBy)
	event.built_by_email = memory.text("built_by_email", b.BuiltByEmail)
	event.built_by_name = memory.text("built_by_name", b.BuiltByName)
	event.started_at = memory.text("started_at", string(b.StartedAt))
	event.completed_at = memory.text("completed_at", string(b.CompletedAt))
	event.extra_metadata = memory.text("extra_metadata", extraMetadata)
	event.timeout_ms = limit(b.Timeout)
	event.allow_literal = choice(&b.AllowLiteral)
	event.idempotency_key = memory.text("idempotency_key", b.IdempotencyKey)
	return event
}

func (d *Deployment) raw(memory *arena, extraMetadata string) *C.versioner_deployment_event {
	event := (*C.versioner_deployment_event)(memory.allocate(C.sizeof_versioner_deployment_event))
	C.versioner_deployment_event_init(event)
	event.product = memory.text("product", d.Product)
	event.version = memory.text("version", d.Version)
	event.environment = memory.text("environment", d.Environment)
	event.status = memory.text("status", d.Status)
	event.source_system = memory.text("source_system", d.SourceSystem)
	event.build_number = memory.text("build_number", d.BuildNumber)
	event.scm_sha = memory.text("scm_sha", d.SCMSHA)
	event.scm_branch = memory.text("scm_branch", d.SCMBranch)
	event.scm_repository = memory.text("scm_repository", d.SCMRepository)
	event.build_url = memory.text("build_url", d.BuildURL)
	event.deploy_url = memory.text("deploy_url", d.DeployURL)
	event.invoke_id = memory.text("invoke_id", d.InvokeID)
	event.deployed_by = memory.text("deployed_by", d.DeployedBy)
	event.deployed_by_email = memory.text("deployed_by_email", d.DeployedByEmail)
	event.deployed_by_name = memory.text("deployed_by_name", d.DeployedByName)
	event.completed_at = memory.text("completed_at", string(d.CompletedAt))
	event.extra_metadata = memory.text("extra_metadata", extraMetadata)
	event.skip_preflight_checks = choice(d.SkipPreflightChecks)
	event.skip_reason = memory.text("skip_reason", d.SkipReason)
	event.part = memory.text("part", d.Part)
	event.lease_ms = limit(d.Lease)
	event.wait_ms = limit(d.Wait)
	event.wait_for = memory.text("wait_for", d.WaitFor)
	event.wait_superseded = memory.text("wait_superseded", d.WaitSuperseded)
	event.timeout_ms = limit(d.Timeout)
	event.allow_literal = choice(&d.AllowLiteral)
	event.idempotency_key = memory.text("idempotency_key", d.IdempotencyKey)
	return event
}

// milliseconds rounds up, so that no duration becomes 0, which means unset.
func milliseconds(duration *time.Duration) C.uint64_t {
	switch {
	case duration == nil:
		return 0
	case *duration == 0:
		return 1
	default:
		return C.uint64_t((*duration-1)/time.Millisecond + 1)
	}
}

// limit is that of one call; 0 is unset.
func limit(timeout time.Duration) C.uint64_t {
	if timeout == 0 {
		return 0
	}
	return milliseconds(&timeout)
}

func choice(value *bool) C.int32_t {
	switch {
	case value == nil:
		return C.VERSIONER_UNSET
	case *value:
		return C.VERSIONER_YES
	default:
		return C.VERSIONER_NO
	}
}
