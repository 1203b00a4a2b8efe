/* Prints where every member of the first release stands, for the header that it is compiled with:
 * what was compiled against that release must find all of it in the same place.
 */
#include <stddef.h>
#include <stdio.h>
#include <versioner.h>

#define MEMBER(type, name) printf(#type "." #name " %zu %zu\n", offsetof(type, name), \
                                  sizeof(((type *)0)->name))
#define VALUE(name) printf(#name " %d\n", (int)(name))

#define COMMON(type)           \
    MEMBER(type, struct_size); \
    MEMBER(type, product);     \
    MEMBER(type, version);     \
    MEMBER(type, status);      \
    MEMBER(type, source_system); \
    MEMBER(type, build_number);  \
    MEMBER(type, scm_sha);       \
    MEMBER(type, scm_branch);    \
    MEMBER(type, scm_repository); \
    MEMBER(type, build_url);      \
    MEMBER(type, invoke_id);      \
    MEMBER(type, completed_at);   \
    MEMBER(type, extra_metadata); \
    MEMBER(type, cancel_flag)

int main(void) {
    MEMBER(versioner_options, struct_size);
    MEMBER(versioner_options, api_key);
    MEMBER(versioner_options, api_url);
    MEMBER(versioner_options, ui_url);
    MEMBER(versioner_options, config);
    MEMBER(versioner_options, fail_on_api_error);
    MEMBER(versioner_options, max_retries);
    MEMBER(versioner_options, retry_pause_ms);
    MEMBER(versioner_options, attempt_timeout_ms);
    MEMBER(versioner_options, total_timeout_ms);
    MEMBER(versioner_options, ca_file);
    MEMBER(versioner_options, client_cert);
    MEMBER(versioner_options, client_key);
    MEMBER(versioner_options, surface);
    MEMBER(versioner_options, environment);
    MEMBER(versioner_options, log);
    MEMBER(versioner_options, log_userdata);
    COMMON(versioner_build_event);
    MEMBER(versioner_build_event, built_by);
    MEMBER(versioner_build_event, built_by_email);
    MEMBER(versioner_build_event, built_by_name);
    MEMBER(versioner_build_event, started_at);
    COMMON(versioner_deployment_event);
    MEMBER(versioner_deployment_event, environment);
    MEMBER(versioner_deployment_event, deploy_url);
    MEMBER(versioner_deployment_event, deployed_by);
    MEMBER(versioner_deployment_event, deployed_by_email);
    MEMBER(versioner_deployment_event, deployed_by_name);
    MEMBER(versioner_deployment_event, skip_preflight_checks);
    VALUE(VERSIONER_OK);
    VALUE(VERSIONER_ERROR);
    VALUE(VERSIONER_API_ERROR);
    VALUE(VERSIONER_REJECTED);
    VALUE(VERSIONER_KIND_INTERRUPTED);
    VALUE(VERSIONER_KIND_REJECTED);
    VALUE(VERSIONER_UNSET);
    VALUE(VERSIONER_YES);
    VALUE(VERSIONER_NO);
    VALUE(VERSIONER_NO_RETRIES);
    VALUE(VERSIONER_LOG_WARNING);
    VALUE(VERSIONER_LOG_INFO);
    VALUE(VERSIONER_LOG_DEBUG);
    return 0;
}
