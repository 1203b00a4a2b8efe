//! Section 4 of the header: events.
//!
//! New members are appended, of a size that leaves no padding behind them: padding holds whatever
//! the caller's compiler left there, and a newer struct's must be zero.

use std::ffi::c_char;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use super::boundary::{Versioned, boundary, init, text, versioned};
use crate::model::event::{BuildEvent, DeploymentEvent, EventKind};
use crate::model::failure::Failure;
use crate::model::interrupt::Interrupt;

/// Something was built. Zero it with VERSIONER_BUILD_EVENT_INIT, then set what you know: NULL and
/// "" mean unset, and what is unset is taken from VERSIONER_* variables, the configuration file
/// and the CI system, in this order. The library copies what it needs before it returns.
#[repr(C)]
pub struct versioner_build_event {
    /// sizeof(versioner_build_event), set by the initialisers.
    pub struct_size: usize,
    /// Name of the product. Required, or detected.
    pub product: *const c_char,
    /// Version that was built. Required, or detected.
    pub version: *const c_char,
    /// pending, started, completed, failed or aborted, or an alias such as success. Default:
    /// completed.
    pub status: *const c_char,
    /// CI system that sends the event, such as github.
    pub source_system: *const c_char,
    /// Number of the build in its CI system.
    pub build_number: *const c_char,
    /// Commit that was built.
    pub scm_sha: *const c_char,
    /// Branch that was built.
    pub scm_branch: *const c_char,
    /// Repository, such as owner/name.
    pub scm_repository: *const c_char,
    /// Link to the build.
    pub build_url: *const c_char,
    /// Identifier of the run in its CI system.
    pub invoke_id: *const c_char,
    /// Login of whoever built it.
    pub built_by: *const c_char,
    /// Mail address of whoever built it.
    pub built_by_email: *const c_char,
    /// Name of whoever built it.
    pub built_by_name: *const c_char,
    /// When the build started, RFC 3339 with a zone.
    pub started_at: *const c_char,
    /// When the build ended, RFC 3339 with a zone.
    pub completed_at: *const c_char,
    /// A JSON object of the caller's own, as text, at most 102,400 bytes. Numbers travel as
    /// written; its keys win over detected ones.
    pub extra_metadata: *const c_char,
    /// NULL, or a flag that ends this call (kind VERSIONER_KIND_INTERRUPTED) once it is not 0,
    /// before the call too. It is read atomically, at least every 50 ms while the call waits,
    /// must live until the call returns, and stand at a multiple of 4. A signal handler sets a
    /// volatile int32_t or sig_atomic_t of that size; another thread sets it atomically (in C11
    /// an _Atomic int32_t, cast to this type).
    pub cancel_flag: *const versioner_flag,
    /// The longest that this call may take with all its attempts and pauses, in milliseconds, in
    /// place of the client's total timeout. 0 means the client's.
    pub timeout_ms: u64,
    /// VERSIONER_YES sends product, environment and version as they are, even if one holds what
    /// looks like a placeholder that nobody replaced. Default: VERSIONER_NO.
    pub allow_literal: i32,
    /// Must be 0.
    pub reserved: i32,
    /// What makes two calls one event, such as a CI's retry of a step: 1 to 255 visible ASCII
    /// characters. Default: a new one for each call.
    pub idempotency_key: *const c_char,
}

/// Something is deployed. With status started the service checks it against policy, and a result
/// of code VERSIONER_REJECTED means that the deployment must not happen. For the members, see
/// versioner_build_event.
#[repr(C)]
pub struct versioner_deployment_event {
    /// sizeof(versioner_deployment_event), set by the initialisers.
    pub struct_size: usize,
    /// Name of the product. Required, or detected.
    pub product: *const c_char,
    /// Version that is deployed. Required, or detected.
    pub version: *const c_char,
    /// Environment it is deployed to. Required, or detected.
    pub environment: *const c_char,
    /// pending, started, completed, failed or aborted, or an alias such as success. Default:
    /// completed.
    pub status: *const c_char,
    /// CI system that sends the event, such as github.
    pub source_system: *const c_char,
    /// Number of the build in its CI system.
    pub build_number: *const c_char,
    /// Commit that is deployed.
    pub scm_sha: *const c_char,
    /// Branch that is deployed.
    pub scm_branch: *const c_char,
    /// Repository, such as owner/name.
    pub scm_repository: *const c_char,
    /// Link to the build that made the version.
    pub build_url: *const c_char,
    /// Link to the run that deploys.
    pub deploy_url: *const c_char,
    /// Identifier of the run in its CI system.
    pub invoke_id: *const c_char,
    /// Login of whoever deploys.
    pub deployed_by: *const c_char,
    /// Mail address of whoever deploys.
    pub deployed_by_email: *const c_char,
    /// Name of whoever deploys.
    pub deployed_by_name: *const c_char,
    /// When the deployment ended, RFC 3339 with a zone.
    pub completed_at: *const c_char,
    /// A JSON object of the caller's own, as text, at most 102,400 bytes. Numbers travel as
    /// written; its keys win over detected ones.
    pub extra_metadata: *const c_char,
    /// Deprecated: VERSIONER_YES asks the service to skip its preflight checks. Set the rule to
    /// report-only or disabled on the server instead.
    pub skip_preflight_checks: i32,
    /// See versioner_build_event.
    pub cancel_flag: *const versioner_flag,
    /// The longest that this call may take with all its attempts and pauses, in milliseconds, in
    /// place of the client's total timeout. 0 means the client's.
    pub timeout_ms: u64,
    /// Why the preflight checks are skipped; kept with the event. Without one,
    /// skip_preflight_checks comes with a warning.
    pub skip_reason: *const c_char,
    /// VERSIONER_YES sends product, environment and version as they are, even if one holds what
    /// looks like a placeholder that nobody replaced. Default: VERSIONER_NO.
    pub allow_literal: i32,
    /// Must be 0.
    pub reserved: i32,
    /// What makes two calls one event, such as a CI's retry of a step: 1 to 255 visible ASCII
    /// characters. Default: a new one for each call.
    pub idempotency_key: *const c_char,
    /// Which of several legs of one run this is, such as a region of a matrix, in at most 64
    /// characters: the legs of one run and version are one deployment, which ends when every leg
    /// that started has ended, as the worst of them. Default: none.
    pub part: *const c_char,
    /// Of a span: how long it stays in progress after the last sign of life, in milliseconds,
    /// from 1,000 to 86,400,000; see versioner_span_renew. 0 means as long as the service says.
    pub lease_ms: u64,
    /// Of a start: how long to wait for its gate, in milliseconds, if a window, a soak time, an
    /// approval or another deployment keeps it closed. A service that cannot be reached is asked
    /// again until then, in best-effort mode too; timeout_ms is then of each asking, and cancel_flag
    /// ends the wait at any moment. What it has come to is told to the log callback at
    /// VERSIONER_LOG_INFO. With a status other than started it is VERSIONER_KIND_INVALID_ARGUMENT.
    /// 0 does not wait.
    pub wait_ms: u64,
    /// "flow" waits for the environments that come first, too. Default: such a rejection ends the
    /// wait at once.
    pub wait_for: *const c_char,
    /// What to do if another version was started there meanwhile: "stop" ends the wait with
    /// VERSIONER_KIND_SUPERSEDED, so that an older version does not go out last by luck; "go" waits
    /// on. Default: "stop".
    pub wait_superseded: *const c_char,
}

versioned!(versioner_build_event {
    struct_size,
    product,
    version,
    status,
    source_system,
    build_number,
    scm_sha,
    scm_branch,
    scm_repository,
    build_url,
    invoke_id,
    built_by,
    built_by_email,
    built_by_name,
    started_at,
    completed_at,
    extra_metadata,
    cancel_flag,
    timeout_ms,
    allow_literal,
    reserved,
    idempotency_key,
});

versioned!(versioner_deployment_event {
    struct_size,
    product,
    version,
    environment,
    status,
    source_system,
    build_number,
    scm_sha,
    scm_branch,
    scm_repository,
    build_url,
    deploy_url,
    invoke_id,
    deployed_by,
    deployed_by_email,
    deployed_by_name,
    completed_at,
    extra_metadata,
    skip_preflight_checks,
    cancel_flag,
    timeout_ms,
    skip_reason,
    allow_literal,
    reserved,
    idempotency_key,
    part,
    lease_ms,
    wait_ms,
    wait_for,
    wait_superseded,
});

/// Makes an event with nothing set but its size, for languages without the macro
/// VERSIONER_BUILD_EVENT_INIT. NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_build_event_init(event: *mut versioner_build_event) {
    // SAFETY: the caller gives NULL or an event.
    boundary!((), { unsafe { init(event) } })
}

/// Makes an event with nothing set but its size, for languages without the macro
/// VERSIONER_DEPLOYMENT_EVENT_INIT. NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn versioner_deployment_event_init(event: *mut versioner_deployment_event) {
    // SAFETY: the caller gives NULL or an event.
    boundary!((), { unsafe { init(event) } })
}

/// Reads the text members of an event. They are named once: a member that the core does not know
/// or this list leaves out does not compile, because no `..` fills the rest.
macro_rules! read {
    ($event:ident from $raw:ident { $($field:ident),* $(,)? } $($more:tt)*) => {
        $event {
            // SAFETY: the caller gives NULL or a NUL-terminated string in every member.
            $( $field: unsafe { text(stringify!($field), $raw.$field) }?, )*
            $($more)*
        }
    };
}

/// An event as the caller gives it.
pub(super) trait CallerEvent: Versioned {
    const KIND: EventKind;

    /// As the core has it.
    type Event;

    /// # Safety
    /// Every text member is NULL or a NUL-terminated string.
    unsafe fn read(&self) -> Result<Self::Event, Failure>;

    /// What ends the call.
    fn interrupt(&self) -> Result<Interrupt, Failure>;
}

impl CallerEvent for versioner_build_event {
    const KIND: EventKind = EventKind::Build;
    type Event = BuildEvent;

    unsafe fn read(&self) -> Result<BuildEvent, Failure> {
        Ok(read!(BuildEvent from self {
            product, version, status, source_system, build_number, scm_sha, scm_branch,
            scm_repository, build_url, invoke_id, built_by, built_by_email, built_by_name,
            started_at, completed_at, extra_metadata,
        } allow_literal: literal(self.allow_literal, self.reserved)?,
        timeout: milliseconds(self.timeout_ms),
        // SAFETY: the caller gives NULL or a NUL-terminated string.
        idempotency_key: unsafe { text("idempotency_key", self.idempotency_key) }?))
    }

    fn interrupt(&self) -> Result<Interrupt, Failure> {
        interrupt(self.cancel_flag)
    }
}

impl CallerEvent for versioner_deployment_event {
    const KIND: EventKind = EventKind::Deployment;
    type Event = DeploymentEvent;

    unsafe fn read(&self) -> Result<DeploymentEvent, Failure> {
        Ok(read!(DeploymentEvent from self {
            product, version, environment, status, source_system, build_number, scm_sha,
            scm_branch, scm_repository, build_url, deploy_url, invoke_id, deployed_by,
            deployed_by_email, deployed_by_name, completed_at, extra_metadata,
        } skip_preflight_checks: choice("skip_preflight_checks", self.skip_preflight_checks)?,
        allow_literal: literal(self.allow_literal, self.reserved)?,
        timeout: milliseconds(self.timeout_ms),
        // SAFETY: the caller gives NULL or a NUL-terminated string.
        skip_reason: unsafe { text("skip_reason", self.skip_reason) }?,
        // SAFETY: as above.
        idempotency_key: unsafe { text("idempotency_key", self.idempotency_key) }?,
        // SAFETY: as above.
        part: unsafe { text("part", self.part) }?,
        lease: milliseconds(self.lease_ms),
        wait: milliseconds(self.wait_ms),
        // SAFETY: as above.
        wait_for: unsafe { text("wait_for", self.wait_for) }?,
        // SAFETY: as above.
        wait_superseded: unsafe { text("wait_superseded", self.wait_superseded) }?))
    }

    fn interrupt(&self) -> Result<Interrupt, Failure> {
        interrupt(self.cancel_flag)
    }
}

/// VERSIONER_YES, VERSIONER_NO or VERSIONER_UNSET.
pub(super) fn choice(name: &'static str, value: i32) -> Result<Option<bool>, Failure> {
    match value {
        0 => Ok(None),
        1 => Ok(Some(true)),
        -1 => Ok(Some(false)),
        other => Err(Failure::argument(
            name,
            format!(
                "{name} must be VERSIONER_YES, VERSIONER_NO or VERSIONER_UNSET, but is {other}"
            ),
        )),
    }
}

fn literal(allow_literal: i32, reserved: i32) -> Result<bool, Failure> {
    if reserved != 0 {
        let message =
            format!("reserved must be 0, but is {reserved}: start from the ..._INIT macro");
        return Err(Failure::argument("reserved", message));
    }
    Ok(choice("allow_literal", allow_literal)?.unwrap_or(false))
}

/// 0 is unset.
pub(super) fn milliseconds(value: u64) -> Option<Duration> {
    (value > 0).then(|| Duration::from_millis(value))
}

/// An int32_t that may change at any moment; the header calls it `volatile int32_t`, so that
/// whatever a signal handler may set can be given.
pub(super) type versioner_flag = i32;

/// The caller's flag, which outlives the call.
struct Flag(*const versioner_flag);

// SAFETY: the flag is only read, atomically, and the caller keeps it alive during the call.
unsafe impl Send for Flag {}
// SAFETY: as above.
unsafe impl Sync for Flag {}

impl Flag {
    fn is_set(&self) -> bool {
        // SAFETY: not NULL (see `interrupt`), alive during the call, and an AtomicI32 has the
        // size and alignment of an i32.
        unsafe { AtomicI32::from_ptr(self.0.cast_mut()) }.load(Ordering::Relaxed) != 0
    }
}

pub(super) fn interrupt(flag: *const versioner_flag) -> Result<Interrupt, Failure> {
    if flag.is_null() {
        return Ok(Interrupt::never());
    }
    if !flag.is_aligned() {
        let message = "cancel_flag must stand at a multiple of 4, as every int32_t does";
        return Err(Failure::argument("cancel_flag", message));
    }
    let flag = Flag(flag);
    Ok(Interrupt::new(move || flag.is_set()))
}
