// Generated from src/ffi by `make header`. Do not edit.
//
// versioner.h - tell Versioner what is built and what is deployed where, and stop when it says no.
//
// A program makes a client once, begins and ends deployments with it, and looks at the code of
// each result:
//
//     #include <stdio.h>
//     #include <versioner.h>
//
//     /* Your deployment. Gives whether it succeeded. */
//     static bool deploy(void) { return true; }
//
//     /* Shows how a call ended. */
//     static void show(versioner_code code, versioner_result *result) {
//         fprintf(code == VERSIONER_OK ? stdout : stderr, "%s\n", versioner_result_text(result));
//         versioner_result_free(result);
//     }
//
//     int main(void) {
//         versioner_client *client;
//         versioner_result *result;
//         versioner_span *span;
//         versioner_deployment_event event = VERSIONER_DEPLOYMENT_EVENT_INIT;
//         versioner_end end = VERSIONER_END_INIT;
//         versioner_code code = versioner_client_new(NULL, &client, &result);
//         if (code != VERSIONER_OK) {
//             show(code, result);
//             return (int)code;
//         }
//         event.product = "api";
//         event.environment = "production";
//         event.version = "1.2.3";
//         code = versioner_span_begin(client, &event, &span, &result);
//         show(code, result);
//         if (code == VERSIONER_OK) {
//             bool succeeded = deploy();
//             end.status = succeeded ? "completed" : "failed";
//             code = versioner_span_end(span, &end, &result);
//             show(code, result);
//             versioner_span_free(span);
//             if (!succeeded) code = VERSIONER_ERROR;
//         }
//         versioner_client_free(client);
//         return (int)code;
//     }
//
// On every code but VERSIONER_OK the deployment does not begin. Somebody who sets
// VERSIONER_FAIL_ON_API_ERROR=false in the environment wants it to begin although the service
// cannot be reached: then VERSIONER_OK comes with versioner_result_recorded false, and a program
// that must not allow this sets fail_on_api_error to VERSIONER_YES. A rejection is never softened.
//
// STRINGS are NUL-terminated UTF-8. Going in, NULL and "" mean unset; text that is not UTF-8 is
// code VERSIONER_ERROR with a message that names the member. Coming out, absent is "", never
// NULL, so that printf("%s") is always safe.
//
// OWNERSHIP. The library copies what it is given before it returns. Clients, spans and results
// belong to the caller, who frees them with versioner_client_free, versioner_span_free and
// versioner_result_free. A result or a span owns every string that came from it.
//
// THREADS. Any number of threads may track with one client, and read one result. A thread that
// tracks needs 64 KiB of stack. After fork the child may go on with its parent's client; it opens
// connections of its own. One exception: the C library may leave its lock on host names taken in a
// child that was forked while another thread looked one up. Calls of that child that need a name
// looked up end at their deadline, as if the service did not answer; so fork before other threads
// track, or exec.
//
// NULL in place of a pointer is an error or ignored, never a crash. No function prints, exits,
// or lets a fault of its own out. The API key appears in no message, log or result.
//
// STRUCTS that the caller fills begin with their size, so that later versions can add members at
// the end: start from the ..._INIT macro (or the ..._init function), always. Programs that were
// compiled against an older version run unchanged.
//
// CODES never grow: VERSIONER_OK 0, VERSIONER_ERROR 1, VERSIONER_API_ERROR 4, VERSIONER_REJECTED
// 5. On VERSIONER_REJECTED the deployment must not happen.
//
// SECTIONS: 1 version, 2 codes and kinds, 3 client, 4 events, 5 tracking, 6 asking, 7 spans,
// 8 results.

#ifndef VERSIONER_H
#define VERSIONER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// ----------------------------------------------------------------------------
// 1. Version
// ----------------------------------------------------------------------------

// The version that this header belongs to; see versioner_version for the running one.
#define VERSIONER_VERSION_MAJOR 0
#define VERSIONER_VERSION_MINOR 1
#define VERSIONER_VERSION_PATCH 0

// The ABI that this header describes; see versioner_abi_version for the running one.
#define VERSIONER_ABI_VERSION 0

// The version of the library that is running, such as "0.1.0". Never NULL; valid for ever.
const char *versioner_version(void);

// The ABI version of the library that is running. A program that was compiled with another
// VERSIONER_ABI_VERSION must not use it.
uint32_t versioner_abi_version(void);

// ----------------------------------------------------------------------------
// 2. Codes and kinds
// ----------------------------------------------------------------------------

// How a call ended, the same numbers as the command line's exit codes. They never grow.
enum versioner_code
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  // Recorded; or taken by the service to be recorded later; or not recorded in best-effort mode.
  // versioner_result_recorded tells.
  VERSIONER_OK = 0,
  // A bad argument, a bad configuration, a network failure, or an interruption.
  VERSIONER_ERROR = 1,
  // The service answered, neither with success nor with a rejection.
  VERSIONER_API_ERROR = 4,
  // Policy forbids it: the deployment must not happen.
  VERSIONER_REJECTED = 5,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum versioner_code versioner_code;
#else
typedef int32_t versioner_code;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// The finer reason under a code. New ones are only ever appended: treat one that you do not know
// by its code.
enum versioner_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  // The event is recorded, or taken by the service to be recorded later.
  VERSIONER_KIND_OK = 0,
  // An argument is missing or malformed; nothing was sent.
  VERSIONER_KIND_INVALID_ARGUMENT = 1,
  // A setting, the configuration file, a proxy or a certificate file is unusable; nothing was
  // sent.
  VERSIONER_KIND_CONFIG = 2,
  // The service could not be reached or hung up.
  VERSIONER_KIND_NETWORK = 3,
  // The service did not answer in time.
  VERSIONER_KIND_TIMEOUT = 4,
  // The connection could not be secured, such as for an untrusted certificate.
  VERSIONER_KIND_TLS = 5,
  // The caller cancelled the call; the event may or may not be recorded.
  VERSIONER_KIND_INTERRUPTED = 6,
  // A fault of this library.
  VERSIONER_KIND_INTERNAL = 7,
  // HTTP 401: the API key is wrong.
  VERSIONER_KIND_AUTHENTICATION = 8,
  // HTTP 403: the API key may not do this.
  VERSIONER_KIND_AUTHORIZATION = 9,
  // HTTP 404: nothing is there; is the API URL right?
  VERSIONER_KIND_NOT_FOUND = 10,
  // HTTP 422: the service refuses the event's values.
  VERSIONER_KIND_VALIDATION = 11,
  // HTTP 429, after the last retry.
  VERSIONER_KIND_RATE_LIMITED = 12,
  // HTTP 5xx, after the last retry.
  VERSIONER_KIND_SERVER = 13,
  // HTTP 3xx: redirects are not followed.
  VERSIONER_KIND_REDIRECT = 14,
  // Any other HTTP answer.
  VERSIONER_KIND_HTTP = 15,
  // Another deployment of the product to the environment is in progress.
  VERSIONER_KIND_DEPLOYMENT_CONFLICT = 16,
  // The schedule forbids deployments now.
  VERSIONER_KIND_NO_DEPLOY_WINDOW = 17,
  // The version has not been through the environments that come first.
  VERSIONER_KIND_FLOW_VIOLATION = 18,
  // The version has not been long enough in an environment that comes first.
  VERSIONER_KIND_INSUFFICIENT_SOAK_TIME = 19,
  // Quality approval is missing.
  VERSIONER_KIND_QUALITY_APPROVAL_REQUIRED = 20,
  // Release approval is missing.
  VERSIONER_KIND_APPROVAL_REQUIRED = 21,
  // The version exists already with other content.
  VERSIONER_KIND_VERSION_CONFLICT = 22,
  // Rejected for a reason that this library does not know by name.
  VERSIONER_KIND_REJECTED = 23,
  // While a deployment waited for its turn, another version was started there.
  VERSIONER_KIND_SUPERSEDED = 24,
  // Nothing is deployed there, or the product or environment is not known; the message says
  // which.
  VERSIONER_KIND_NOT_DEPLOYED = 25,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum versioner_kind versioner_kind;
#else
typedef int32_t versioner_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// How a call ended. Owns every string it hands out: they are NUL-terminated UTF-8, valid until
// the result is freed, and "" if absent, never NULL. Any number of threads may read one.
typedef struct versioner_result versioner_result;

// The name of a kind, such as "flow_violation", the same in every language; "" for a number that
// is none. Valid for ever.
const char *versioner_kind_name(int32_t kind);

// ----------------------------------------------------------------------------
// 3. Client
// ----------------------------------------------------------------------------

// For members that are yes, no, or left to the other sources of settings.
#define VERSIONER_UNSET 0
#define VERSIONER_YES 1
#define VERSIONER_NO (-1)

// For versioner_options.max_retries.
#define VERSIONER_NO_RETRIES (-1)

// The levels of versioner_log_callback.
#define VERSIONER_LOG_WARNING 1
#define VERSIONER_LOG_INFO 2
#define VERSIONER_LOG_DEBUG 3

// Sends events. Made once and used for many: it keeps connections open. Any number of threads
// may use one; after fork the child may go on with its parent's.
typedef struct versioner_client versioner_client;

// Receives log messages, which never hold the API key: level is VERSIONER_LOG_WARNING (1),
// VERSIONER_LOG_INFO (2) or VERSIONER_LOG_DEBUG (3), message is UTF-8, valid during the call only.
// What a start that waits for its gate has come to is told at VERSIONER_LOG_INFO, once for each
// change.
//
// It is called on the thread that calls versioner_client_new or tracks, on several at once if
// several track. It must return: it must not throw a C++ exception, longjmp or exit its thread,
// because the frames below it are not C++ and the process would abort. In it, every function may
// be called but versioner_client_free of the same client.
typedef void (*versioner_log_callback)(int32_t level, const char *message, void *userdata);

// What a client is made with. Start from VERSIONER_OPTIONS_INIT, then set what you need: what is
// NULL, "" or 0 is taken from the VERSIONER_* variable of the same name in upper case (without
// _ms, and in seconds), then from the configuration file, then from the default. The library
// copies what it needs before it returns.
typedef struct versioner_options {
  // sizeof(versioner_options), set by the initialisers.
  size_t struct_size;
  // The API key, sk_account_id_random. Required from somewhere. It appears in no output.
  const char *api_key;
  // Base URL of the service. Default: https://api.versioner.io.
  const char *api_url;
  // Base URL of the web interface, for links. Default: https://app.versioner.io.
  const char *ui_url;
  // Path of the configuration file, which must exist. Default: VERSIONER_CONFIG, then
  // $HOME/.versioner/config.yaml if that exists.
  const char *config;
  // Whether an event that could not be recorded is an error. Default: VERSIONER_YES. With
  // VERSIONER_NO (best effort) it is code VERSIONER_OK with a warning, and
  // versioner_result_recorded tells. Rejections and bad arguments stay errors.
  int32_t fail_on_api_error;
  // Attempts after the first. Default: 3. VERSIONER_NO_RETRIES for none.
  int32_t max_retries;
  // Pause before the first retry in milliseconds, doubled for each further one. Default: 1000.
  uint64_t retry_pause_ms;
  // The longest that one attempt may take, in milliseconds. Default: 30000.
  uint64_t attempt_timeout_ms;
  // The longest that all attempts and pauses together may take, in milliseconds. Default:
  // 120000.
  uint64_t total_timeout_ms;
  // PEM file of the only certificate authorities to trust. Default: SSL_CERT_FILE and
  // SSL_CERT_DIR, then the system's, then a built-in list if the system has none.
  const char *ca_file;
  // PEM file of a client certificate, with its chain. Default: none.
  const char *client_cert;
  // PEM file of the client certificate's key. Default: the file of the certificate.
  const char *client_key;
  // What the User-Agent names as the sender. Default: c.
  const char *surface;
  // The environment for detection, configuration and proxies: KEY=VALUE strings, NULL after
  // the last. A variable that is not UTF-8 is an error only if it is needed. NULL means the
  // environment of this process, read once by versioner_client_new, which is not safe while
  // another thread calls setenv.
  const char *const *environment;
  // NULL, or what receives log messages.
  versioner_log_callback log;
  // Handed to log as it is; must be usable on every thread that tracks.
  void *log_userdata;
  // Directory that keeps an event which best effort could not deliver, and the end of a span
  // which could not be told, until a later event delivers them; made if it is missing. The
  // status of such a result is "queued". Default: none, and such events are lost.
  const char *outbox;
} versioner_options;

// Starts a versioner_options: nothing is set but its size.
#ifdef __cplusplus
static inline versioner_options versioner_options_make() {
  versioner_options made = versioner_options();
  made.struct_size = sizeof made;
  return made;
}
#define VERSIONER_OPTIONS_INIT versioner_options_make()
#else
#define VERSIONER_OPTIONS_INIT { .struct_size = sizeof(versioner_options) }
#endif

// Makes options with nothing set but their size, for languages without the macro
// VERSIONER_OPTIONS_INIT. NULL is ignored.
void versioner_options_init(struct versioner_options *options);

// Makes a client: decides every setting, reads the configuration file and certificates, and
// connects nowhere. options may be NULL, which means nothing is set.
//
// On success *client is the client, to be freed with versioner_client_free, and *result is NULL.
// On failure (code VERSIONER_ERROR, such as for a missing API key) *client is NULL and *result
// says why, to be freed with versioner_result_free. result may be NULL.
versioner_code versioner_client_new(const struct versioner_options *options,
                                    struct versioner_client **client,
                                    struct versioner_result **result);

// Frees a client; NULL is ignored. No call with it may be in progress.
void versioner_client_free(struct versioner_client *client);

// Ends every call in progress of this client (code VERSIONER_ERROR, kind
// VERSIONER_KIND_INTERRUPTED). May be called from any thread and from a signal handler. NULL is
// ignored.
//
// A call that starts later is not touched, so a cancellation between two calls is lost: a program
// whose signal handler may run at any moment also sets a flag of its own and gives it as
// cancel_flag, which ends a call that starts after it was set, too.
void versioner_client_cancel(struct versioner_client *client);

// ----------------------------------------------------------------------------
// 4. Events
// ----------------------------------------------------------------------------

// Something was built. Zero it with VERSIONER_BUILD_EVENT_INIT, then set what you know: NULL and
// "" mean unset, and what is unset is taken from VERSIONER_* variables, the configuration file
// and the CI system, in this order. The library copies what it needs before it returns.
typedef struct versioner_build_event {
  // sizeof(versioner_build_event), set by the initialisers.
  size_t struct_size;
  // Name of the product. Required, or detected.
  const char *product;
  // Version that was built. Required, or detected.
  const char *version;
  // pending, started, completed, failed or aborted, or an alias such as success. Default:
  // completed.
  const char *status;
  // CI system that sends the event, such as github.
  const char *source_system;
  // Number of the build in its CI system.
  const char *build_number;
  // Commit that was built.
  const char *scm_sha;
  // Branch that was built.
  const char *scm_branch;
  // Repository, such as owner/name.
  const char *scm_repository;
  // Link to the build.
  const char *build_url;
  // Identifier of the run in its CI system.
  const char *invoke_id;
  // Login of whoever built it.
  const char *built_by;
  // Mail address of whoever built it.
  const char *built_by_email;
  // Name of whoever built it.
  const char *built_by_name;
  // When the build started, RFC 3339 with a zone.
  const char *started_at;
  // When the build ended, RFC 3339 with a zone.
  const char *completed_at;
  // A JSON object of the caller's own, as text, at most 102,400 bytes. Numbers travel as
  // written; its keys win over detected ones.
  const char *extra_metadata;
  // NULL, or a flag that ends this call (kind VERSIONER_KIND_INTERRUPTED) once it is not 0,
  // before the call too. It is read atomically, at least every 50 ms while the call waits,
  // must live until the call returns, and stand at a multiple of 4. A signal handler sets a
  // volatile int32_t or sig_atomic_t of that size; another thread sets it atomically (in C11
  // an _Atomic int32_t, cast to this type).
  const volatile int32_t *cancel_flag;
  // The longest that this call may take with all its attempts and pauses, in milliseconds, in
  // place of the client's total timeout. 0 means the client's.
  uint64_t timeout_ms;
  // VERSIONER_YES sends product, environment and version as they are, even if one holds what
  // looks like a placeholder that nobody replaced. Default: VERSIONER_NO.
  int32_t allow_literal;
  // Must be 0.
  int32_t reserved;
  // What makes two calls one event, such as a CI's retry of a step: 1 to 255 visible ASCII
  // characters. Default: a new one for each call.
  const char *idempotency_key;
} versioner_build_event;

// Starts a versioner_build_event: nothing is set but its size.
#ifdef __cplusplus
static inline versioner_build_event versioner_build_event_make() {
  versioner_build_event made = versioner_build_event();
  made.struct_size = sizeof made;
  return made;
}
#define VERSIONER_BUILD_EVENT_INIT versioner_build_event_make()
#else
#define VERSIONER_BUILD_EVENT_INIT { .struct_size = sizeof(versioner_build_event) }
#endif

// Something is deployed. With status started the service checks it against policy, and a result
// of code VERSIONER_REJECTED means that the deployment must not happen. For the members, see
// versioner_build_event.
typedef struct versioner_deployment_event {
  // sizeof(versioner_deployment_event), set by the initialisers.
  size_t struct_size;
  // Name of the product. Required, or detected.
  const char *product;
  // Version that is deployed. Required, or detected.
  const char *version;
  // Environment it is deployed to. Required, or detected.
  const char *environment;
  // pending, started, completed, failed or aborted, or an alias such as success. Default:
  // completed.
  const char *status;
  // CI system that sends the event, such as github.
  const char *source_system;
  // Number of the build in its CI system.
  const char *build_number;
  // Commit that is deployed.
  const char *scm_sha;
  // Branch that is deployed.
  const char *scm_branch;
  // Repository, such as owner/name.
  const char *scm_repository;
  // Link to the build that made the version.
  const char *build_url;
  // Link to the run that deploys.
  const char *deploy_url;
  // Identifier of the run in its CI system.
  const char *invoke_id;
  // Login of whoever deploys.
  const char *deployed_by;
  // Mail address of whoever deploys.
  const char *deployed_by_email;
  // Name of whoever deploys.
  const char *deployed_by_name;
  // When the deployment ended, RFC 3339 with a zone.
  const char *completed_at;
  // A JSON object of the caller's own, as text, at most 102,400 bytes. Numbers travel as
  // written; its keys win over detected ones.
  const char *extra_metadata;
  // Deprecated: VERSIONER_YES asks the service to skip its preflight checks. Set the rule to
  // report-only or disabled on the server instead.
  int32_t skip_preflight_checks;
  // See versioner_build_event.
  const volatile int32_t *cancel_flag;
  // The longest that this call may take with all its attempts and pauses, in milliseconds, in
  // place of the client's total timeout. 0 means the client's.
  uint64_t timeout_ms;
  // Why the preflight checks are skipped; kept with the event. Without one,
  // skip_preflight_checks comes with a warning.
  const char *skip_reason;
  // VERSIONER_YES sends product, environment and version as they are, even if one holds what
  // looks like a placeholder that nobody replaced. Default: VERSIONER_NO.
  int32_t allow_literal;
  // Must be 0.
  int32_t reserved;
  // What makes two calls one event, such as a CI's retry of a step: 1 to 255 visible ASCII
  // characters. Default: a new one for each call.
  const char *idempotency_key;
  // Which of several legs of one run this is, such as a region of a matrix, in at most 64
  // characters: the legs of one run and version are one deployment, which ends when every leg
  // that started has ended, as the worst of them. Default: none.
  const char *part;
  // Of a span: how long it stays in progress after the last sign of life, in milliseconds,
  // from 1,000 to 86,400,000; see versioner_span_renew. 0 means as long as the service says.
  uint64_t lease_ms;
  // Of a start: how long to wait for its gate, in milliseconds, if a window, a soak time, an
  // approval or another deployment keeps it closed. A service that cannot be reached is asked
  // again until then, in best-effort mode too; timeout_ms is then of each asking, and cancel_flag
  // ends the wait at any moment. What it has come to is told to the log callback at
  // VERSIONER_LOG_INFO. With a status other than started it is VERSIONER_KIND_INVALID_ARGUMENT.
  // 0 does not wait.
  uint64_t wait_ms;
  // "flow" waits for the environments that come first, too. Default: such a rejection ends the
  // wait at once.
  const char *wait_for;
  // What to do if another version was started there meanwhile: "stop" ends the wait with
  // VERSIONER_KIND_SUPERSEDED, so that an older version does not go out last by luck; "go" waits
  // on. Default: "stop".
  const char *wait_superseded;
} versioner_deployment_event;

// Starts a versioner_deployment_event: nothing is set but its size.
#ifdef __cplusplus
static inline versioner_deployment_event versioner_deployment_event_make() {
  versioner_deployment_event made = versioner_deployment_event();
  made.struct_size = sizeof made;
  return made;
}
#define VERSIONER_DEPLOYMENT_EVENT_INIT versioner_deployment_event_make()
#else
#define VERSIONER_DEPLOYMENT_EVENT_INIT { .struct_size = sizeof(versioner_deployment_event) }
#endif

// Makes an event with nothing set but its size, for languages without the macro
// VERSIONER_BUILD_EVENT_INIT. NULL is ignored.
void versioner_build_event_init(struct versioner_build_event *event);

// Makes an event with nothing set but its size, for languages without the macro
// VERSIONER_DEPLOYMENT_EVENT_INIT. NULL is ignored.
void versioner_deployment_event_init(struct versioner_deployment_event *event);

// ----------------------------------------------------------------------------
// 5. Tracking
// ----------------------------------------------------------------------------

// Tells that something was built. Returns once it is recorded or cannot be, after all retries.
//
// Gives the code of the result. *result says everything else, to be freed with
// versioner_result_free; it is written whatever happens. result may be NULL.
versioner_code versioner_track_build(struct versioner_client *client,
                                     const struct versioner_build_event *event,
                                     struct versioner_result **result);

// Tells that something is deployed. With status started it is checked against policy first: on
// VERSIONER_REJECTED the deployment must not happen.
//
// Gives the code of the result. *result says everything else, to be freed with
// versioner_result_free; it is written whatever happens. result may be NULL.
versioner_code versioner_track_deployment(struct versioner_client *client,
                                          const struct versioner_deployment_event *event,
                                          struct versioner_result **result);

// ----------------------------------------------------------------------------
// 6. Asking
// ----------------------------------------------------------------------------

// What is asked of the service. Zero it with VERSIONER_QUESTION_INIT, then set what the function
// reads. The library copies what it needs before it returns.
typedef struct versioner_question {
  // sizeof(versioner_question), set by the initialisers.
  size_t struct_size;
  // Of versioner_read: a path below the API URL, such as deployments/.
  const char *path;
  // Of versioner_read: NAME=VALUE strings, not encoded, NULL after the last. NULL means none.
  const char *const *query;
  // Of versioner_state, where NULL means all, and versioner_deployed_version.
  const char *product;
  // Of versioner_deployed_version.
  const char *environment;
  // See versioner_build_event.
  const volatile int32_t *cancel_flag;
  // The longest that each request may take with all its attempts and pauses, in milliseconds, in
  // place of the client's total timeout. 0 means the client's.
  uint64_t timeout_ms;
} versioner_question;

// Starts a versioner_question: nothing is set but its size.
#ifdef __cplusplus
static inline versioner_question versioner_question_make() {
  versioner_question made = versioner_question();
  made.struct_size = sizeof made;
  return made;
}
#define VERSIONER_QUESTION_INIT versioner_question_make()
#else
#define VERSIONER_QUESTION_INIT { .struct_size = sizeof(versioner_question) }
#endif

// Makes a question with nothing set but its size, for languages without the macro
// VERSIONER_QUESTION_INIT. NULL is ignored.
void versioner_question_init(struct versioner_question *question);

// Asks whether a deployment may start, and records nothing. Its status is taken for started,
// whatever the event says, and no check is skipped. Needs versioner-server.
//
// VERSIONER_OK only if no rule forbids it; VERSIONER_REJECTED if one does, told as the rejection of
// an event is; best effort softens nothing. versioner_result_data has every rule's verdict.
// *result is written whatever happens, to be freed with versioner_result_free; result may be NULL.
versioner_code versioner_check_deployment(struct versioner_client *client,
                                          const struct versioner_deployment_event *event,
                                          struct versioner_result **result);

// What versioner_track_build would send, and where each value comes from; sends nothing.
// versioner_result_data is an object with method, url, headers and body of the request, and the
// lists values and settings of {field, value, source}. *result is written whatever happens, to be
// freed with versioner_result_free; result may be NULL.
versioner_code versioner_explain_build(struct versioner_client *client,
                                       const struct versioner_build_event *event,
                                       struct versioner_result **result);

// What versioner_track_deployment would send; see versioner_explain_build. Policy is not asked.
versioner_code versioner_explain_deployment(struct versioner_client *client,
                                            const struct versioner_deployment_event *event,
                                            struct versioner_result **result);

// Reads what the service knows, by path and query. versioner_result_data has the JSON of its
// answer. Needs versioner-server and a key with the scope read. A 409, 423 or 428 is no rejection,
// and best effort softens nothing. *result is written whatever happens, to be freed with
// versioner_result_free; result may be NULL.
versioner_code versioner_read(struct versioner_client *client,
                              const struct versioner_question *question,
                              struct versioner_result **result);

// Reads what runs where, of one product or of all: versioner_result_data is an object with products,
// each with its environments. See versioner_read.
versioner_code versioner_state(struct versioner_client *client,
                               const struct versioner_question *question,
                               struct versioner_result **result);

// The version whose deployment was the last that completed there: versioner_result_version. What is
// NULL is taken from VERSIONER_* variables, the configuration file and the CI system. Of kind
// VERSIONER_KIND_NOT_DEPLOYED if nothing is deployed there or a name is not known; the message says
// which. See versioner_read.
versioner_code versioner_deployed_version(struct versioner_client *client,
                                          const struct versioner_question *question,
                                          struct versioner_result **result);

// ----------------------------------------------------------------------------
// 7. Spans
// ----------------------------------------------------------------------------

// One deployment or build from its start to its end. It belongs to the process that began or
// resumed it: after fork the child can neither end it nor let go of it. Any thread may end it. It
// keeps what it needs of its client alive, so that the client may be freed first.
typedef struct versioner_span versioner_span;

// How a deployment or build ended. Start from VERSIONER_END_INIT.
typedef struct versioner_end {
  // sizeof(versioner_end), set by the initialisers.
  size_t struct_size;
  // completed, failed or aborted, or an alias such as success. Required: nothing is a success
  // because nobody said otherwise.
  const char *status;
  // The class of the error that ended it, never its message; kept as vi_error_class. Default:
  // none.
  const char *error_class;
  // A JSON object of the caller's own, as text, at most 102,400 bytes, over that of the start.
  const char *extra_metadata;
  // The longest that the telling may take with all its attempts and pauses, in milliseconds,
  // in place of the client's total timeout. 0 means the client's.
  uint64_t timeout_ms;
  // VERSIONER_YES if exit_code is set. Default: VERSIONER_NO.
  int32_t has_exit_code;
  // The exit code of what deployed or built; kept as vi_exit_code.
  int32_t exit_code;
  // The signal that ended what deployed or built, such as TERM; kept as vi_signal. Default:
  // none.
  const char *signal;
} versioner_end;

// Starts a versioner_end: nothing is set but its size.
#ifdef __cplusplus
static inline versioner_end versioner_end_make() {
  versioner_end made = versioner_end();
  made.struct_size = sizeof made;
  return made;
}
#define VERSIONER_END_INIT versioner_end_make()
#else
#define VERSIONER_END_INIT { .struct_size = sizeof(versioner_end) }
#endif

// Makes an end with nothing set but its size, for languages without the macro
// VERSIONER_END_INIT. NULL is ignored.
void versioner_end_init(struct versioner_end *end);

// Asks whether a deployment may begin, and begins it. The event's status must be unset or
// started.
//
// On VERSIONER_OK *span is the span, to be ended with versioner_span_end and freed with
// versioner_span_free. On every other code *span is NULL, and the deployment must not happen; if
// nobody knows whether the start was recorded (interrupted, timed out, connection lost), aborted
// was told for it, within 5 s, whatever interrupted the call. span must not be NULL.
//
// *result says how the start ended, to be freed with versioner_result_free; it is written
// whatever happens. result may be NULL.
versioner_code versioner_span_begin(struct versioner_client *client,
                                    const struct versioner_deployment_event *event,
                                    struct versioner_span **span,
                                    struct versioner_result **result);

// Tells that a build begins, for one that versioner_span_end ends. The event's status must be unset
// or started. As versioner_span_begin, of which nothing differs but the event: on every code but
// VERSIONER_OK *span is NULL, and the build must not happen.
versioner_code versioner_span_begin_build(struct versioner_client *client,
                                          const struct versioner_build_event *event,
                                          struct versioner_span **span,
                                          struct versioner_result **result);

// Makes a span that is not asked for yet, so that it can be saved first: a program that dies
// while it asks leaves a text behind that versioner_span_resume goes on with. Sends nothing.
//
// On VERSIONER_OK *span is the span, whose text versioner_span_save gives and
// versioner_span_resume asks with, and *result is NULL. Freeing it tells nothing. On failure
// *span is NULL and *result says why, to be freed with versioner_result_free. result may be NULL.
versioner_code versioner_span_prepare(struct versioner_client *client,
                                      const struct versioner_deployment_event *event,
                                      struct versioner_span **span,
                                      struct versioner_result **result);

// Makes a span of a build that is not told of yet; see versioner_span_prepare.
versioner_code versioner_span_prepare_build(struct versioner_client *client,
                                            const struct versioner_build_event *event,
                                            struct versioner_span **span,
                                            struct versioner_result **result);

// Makes a span of the text that versioner_span_save gave, in this process or another; it belongs
// to this process from now on. One that was saved before it was allowed asks again under the
// same key: it is the same deployment. cancel_flag is NULL or ends that asking, see
// versioner_build_event.
//
// On VERSIONER_OK *span is the span, to be freed with versioner_span_free, and *result says how
// the start ended, or is NULL if nothing was asked. On failure *span is NULL and *result says
// why: VERSIONER_KIND_INVALID_ARGUMENT for a text that is none, or of another service or account,
// else as versioner_span_begin. result may be NULL.
versioner_code versioner_span_resume(struct versioner_client *client,
                                     const char *saved,
                                     const volatile int32_t *cancel_flag,
                                     struct versioner_span **span,
                                     struct versioner_result **result);

// Tells how a deployment or build ended. The first end counts; a later one gives the result of the
// first, or tells it again if it could not be told. Neither versioner_client_cancel nor a cancel_flag
// ends the telling; timeout_ms does. A service that rejects the end is asked once more after 5 s, if
// timeout_ms leaves time for that.
//
// Gives the code of the result. What happened has happened, whatever the code is. The span must
// still be freed. *result says everything else, to be freed with versioner_result_free; it is
// written whatever happens. result may be NULL.
versioner_code versioner_span_end(struct versioner_span *span,
                                  const struct versioner_end *end,
                                  struct versioner_result **result);

// Says that a deployment goes on, so that the service does not take it for lost: for another
// lease_ms of its start, or for as long as the service has it. A program calls it while it
// deploys, every third of the lease, or every hour without one. Of a service that offers no such
// thing (its feature renew) it asks nothing, and gives VERSIONER_OK.
//
// On VERSIONER_OK *result is NULL. Else *result says why, to be freed with versioner_result_free,
// such as that the service has ended the deployment. result may be NULL.
versioner_code versioner_span_renew(struct versioner_span *span, struct versioner_result **result);

// Everything about a span as one line of JSON without the API key, for versioner_span_resume.
// Whoever keeps it goes on with the deployment: versioner_span_free then tells nothing. Save
// before asking and after each change to survive a crash at any moment.
//
// Valid until the span is freed; "" for NULL.
const char *versioner_span_save(struct versioner_span *span);

// The identifier of a span, a UUID. Valid until the span is freed; "" for NULL.
const char *versioner_span_id(const struct versioner_span *span);

// Frees a span; NULL is ignored. No call with it may be in progress. One that has not ended, and
// that nobody saved as it is, is told aborted first: one attempt, 5 s at most. In a forked child
// nothing is told.
void versioner_span_free(struct versioner_span *span);

// Frees a span that a program has lost, such as in a finaliser of a garbage collector. It neither
// sends nor waits, because nobody knows whether the deployment went well. One that is open, and that
// nobody saved as it is, is logged as a warning, and aborted is put into the outbox if there is one.
//
// Gives whether it was such a one. NULL is ignored; no call with it may be in progress. In a forked
// child nothing is told.
bool versioner_span_drop(struct versioner_span *span);

// ----------------------------------------------------------------------------
// 8. Results
// ----------------------------------------------------------------------------

// The code; VERSIONER_ERROR for NULL.
versioner_code versioner_result_code(const struct versioner_result *result);

// The finer reason; VERSIONER_KIND_INVALID_ARGUMENT for NULL. If best-effort mode turned a
// failure into VERSIONER_OK, the reason of that failure.
versioner_kind versioner_result_kind(const struct versioner_result *result);

// The name of the kind, such as "flow_violation".
const char *versioner_result_kind_name(const struct versioner_result *result);

// One or more sentences for people: what went wrong and what to do.
const char *versioner_result_message(const struct versioner_result *result);

// The argument or setting at fault, such as "environment"; "" if there is none.
const char *versioner_result_argument(const struct versioner_result *result);

// The HTTP status of the last answer; 0 if there was none.
int32_t versioner_result_http_status(const struct versioner_result *result);

// How often the event was sent.
uint32_t versioner_result_attempts(const struct versioner_result *result);

// Whether the service recorded the event.
bool versioner_result_recorded(const struct versioner_result *result);

// Identifier of the event.
const char *versioner_result_event_id(const struct versioner_result *result);

// Identifier of the product.
const char *versioner_result_product_id(const struct versioner_result *result);

// Identifier of the version.
const char *versioner_result_version_id(const struct versioner_result *result);

// Identifier of the environment, of deployments.
const char *versioner_result_environment_id(const struct versioner_result *result);

// The recorded status; "accepted" if the service has taken the event and not yet recorded it; of
// one that could not be recorded "queued" if the outbox keeps it, and in best-effort mode
// "not_recorded".
const char *versioner_result_status(const struct versioner_result *result);

// When the service says that the deployment was, RFC 3339.
const char *versioner_result_deployed_at(const struct versioner_result *result);

// The CI system that was named or detected, such as "github".
const char *versioner_result_source_system(const struct versioner_result *result);

// How many features the service says it has.
size_t versioner_result_feature_count(const struct versioner_result *result);

// What the service offers beyond events, such as "preflight", in the order in which its answer
// lists it; "" for an index that is none.
const char *versioner_result_feature(const struct versioner_result *result, size_t index);

// Name of the rule that rejected the deployment.
const char *versioner_result_rule(const struct versioner_result *result);

// The service's code of a rejection, such as "FLOW_VIOLATION".
const char *versioner_result_policy_code(const struct versioner_result *result);

// When to try again after a rejection, as the service wrote it (RFC 3339).
const char *versioner_result_retry_after(const struct versioner_result *result);

// Further facts about a rejection, as a JSON object; "" if there are none.
const char *versioner_result_details(const struct versioner_result *result);

// The version that is deployed, of versioner_deployed_version; "" of every other call.
const char *versioner_result_version(const struct versioner_result *result);

// What was asked for, as JSON: of versioner_check_deployment, versioner_explain_build,
// versioner_explain_deployment, versioner_read, versioner_state and versioner_deployed_version; ""
// if there is nothing.
const char *versioner_result_data(const struct versioner_result *result);

// The block that the command line prints for people, without a line end after it.
const char *versioner_result_text(const struct versioner_result *result);

// The whole result as a flat JSON object, with the names that every language shares.
const char *versioner_result_json(const struct versioner_result *result);

// How many warnings there are.
size_t versioner_result_warning_count(const struct versioner_result *result);

// What a warning is about; "" for an index that is none. New names may be added. Of the event:
// "unknown_status", "partial_success", "skip_preflight", "environment_from", "placeholder". Of
// the settings: "insecure_url", "unusual_key", "ignored_setting", "own_version". Of the answer:
// "report_only", "accepted", "new_environment", "not_recorded". Of the outbox: "queued",
// "outbox_full", "outbox".
const char *versioner_result_warning_kind(const struct versioner_result *result, size_t index);

// What a warning tells people; "" for an index that is none.
const char *versioner_result_warning_message(const struct versioner_result *result, size_t index);

// The violated rule of a "report_only" warning; "" for others and for an index that is none.
const char *versioner_result_warning_rule(const struct versioner_result *result, size_t index);

// Frees a result with every string that came from it; NULL is ignored.
void versioner_result_free(struct versioner_result *result);

#ifdef __cplusplus
}
#endif

#endif // VERSIONER_H
