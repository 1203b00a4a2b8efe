/* A span outlives its client, keeps to its process, ends once, and takes no bad input. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define THREADS 8

static versioner_deployment_event a_deployment(void) {
    versioner_deployment_event event = VERSIONER_DEPLOYMENT_EVENT_INIT;
    event.product = "api";
    event.environment = "production";
    event.version = "1.2.3";
    return event;
}

static versioner_span *begun(versioner_client *client) {
    versioner_deployment_event event = a_deployment();
    versioner_span *span = NULL;
    CHECK(versioner_span_begin(client, &event, &span, NULL) == VERSIONER_OK);
    CHECK(span != NULL);
    return span;
}

/* Takes the place of the result, because C orders arguments as it likes. */
static void refused(versioner_code code, versioner_result **result, const char *argument) {
    CHECK(code == VERSIONER_ERROR);
    CHECK(versioner_result_kind(*result) == VERSIONER_KIND_INVALID_ARGUMENT);
    CHECK_TEXT(versioner_result_argument(*result), argument);
    versioner_result_free(*result);
}

static void bad_input(versioner_client *client) {
    static const char bad_utf8[] = "\xff\xfe";
    versioner_build_event build = VERSIONER_BUILD_EVENT_INIT;
    versioner_deployment_event event = a_deployment();
    versioner_end end = VERSIONER_END_INIT;
    versioner_span *span = (versioner_span *)&event;
    versioner_result *result;
    refused(versioner_span_begin(NULL, &event, &span, &result), &result, "client");
    CHECK(span == NULL);
    refused(versioner_span_begin(client, NULL, &span, &result), &result, "event");
    refused(versioner_span_begin(client, &event, NULL, &result), &result, "span");
    refused(versioner_span_prepare(client, &event, NULL, &result), &result, "span");
    refused(versioner_span_begin_build(NULL, &build, &span, &result), &result, "client");
    refused(versioner_span_begin_build(client, NULL, &span, &result), &result, "event");
    refused(versioner_span_begin_build(client, &build, NULL, &result), &result, "span");
    refused(versioner_span_begin_build(client, &build, &span, &result), &result, "product");
    refused(versioner_span_prepare_build(client, &build, &span, &result), &result, "product");
    refused(versioner_span_resume(NULL, "", NULL, &span, &result), &result, "client");
    refused(versioner_span_resume(client, "", NULL, NULL, &result), &result, "span");
    refused(versioner_span_resume(client, NULL, NULL, &span, &result), &result, "state");
    refused(versioner_span_resume(client, bad_utf8, NULL, &span, &result), &result, "saved");
    refused(versioner_span_end(NULL, &end, &result), &result, "span");
    refused(versioner_span_renew(NULL, &result), &result, "span");
    CHECK(versioner_span_end(NULL, NULL, NULL) == VERSIONER_ERROR);
    event.part = bad_utf8;
    refused(versioner_span_begin(client, &event, &span, &result), &result, "part");
    event.part = NULL;
    event.lease_ms = 1;
    refused(versioner_span_begin(client, &event, &span, &result), &result, "lease");
    CHECK_TEXT(versioner_span_id(NULL), "");
    CHECK_TEXT(versioner_span_save(NULL), "");
    versioner_span_free(NULL);
    versioner_end_init(NULL);

    span = begun(client);
    refused(versioner_span_end(span, NULL, &result), &result, "end");
    refused(versioner_span_end(span, &end, &result), &result, "status");
    end.status = "completed";
    end.error_class = bad_utf8;
    refused(versioner_span_end(span, &end, &result), &result, "error_class");
    end.error_class = NULL;
    end.signal = bad_utf8;
    refused(versioner_span_end(span, &end, &result), &result, "signal");
    end.signal = NULL;
    end.has_exit_code = 7;
    refused(versioner_span_end(span, &end, &result), &result, "has_exit_code");
    end.has_exit_code = VERSIONER_UNSET;
    end.extra_metadata = "[]";
    refused(versioner_span_end(span, &end, &result), &result, "extra_metadata");
    end.struct_size = 1;
    refused(versioner_span_end(span, &end, &result), &result, "struct_size");
    CHECK(versioner_span_renew(span, NULL) == VERSIONER_OK);
    versioner_span_free(span);
}

static void in_a_child(versioner_client *client) {
    versioner_span *span = begun(client);
    versioner_end end = VERSIONER_END_INIT;
    versioner_result *result;
    char owner[32];
    int status;
    pid_t child;
    snprintf(owner, sizeof owner, "process %ld", (long)getpid());
    end.status = "failed";
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(versioner_span_end(span, &end, &result) == VERSIONER_ERROR);
        CHECK(strstr(versioner_result_message(result), owner) != NULL);
        versioner_result_free(result);
        versioner_span_free(span);
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    end.status = "completed";
    CHECK(versioner_span_end(span, &end, NULL) == VERSIONER_OK);
    versioner_span_free(span);
}

static void *end_it(void *span) {
    versioner_end end = VERSIONER_END_INIT;
    end.status = "completed";
    CHECK(versioner_span_end(span, &end, NULL) == VERSIONER_OK);
    return NULL;
}

/* Only what is open, and what nobody has saved, is missed by somebody. */
static void lost(versioner_client *client) {
    versioner_deployment_event event = a_deployment();
    versioner_end end = VERSIONER_END_INIT;
    versioner_span *span;
    CHECK(!versioner_span_drop(NULL));
    CHECK(versioner_span_prepare(client, &event, &span, NULL) == VERSIONER_OK);
    CHECK(!versioner_span_drop(span));
    span = begun(client);
    versioner_span_save(span);
    CHECK(!versioner_span_drop(span));
    span = begun(client);
    end.status = "failed";
    CHECK(versioner_span_end(span, &end, NULL) == VERSIONER_OK);
    CHECK(!versioner_span_drop(span));
    CHECK(versioner_span_drop(begun(client)));
}

int main(int count, char **arguments) {
    pthread_t threads[THREADS];
    versioner_client *client;
    versioner_span *span, *resumed;
    const char *saved;
    int index;
    CHECK(count == 2);
    client = client_for(arguments[1]);
    bad_input(client);
    in_a_child(client);
    lost(client);
    span = begun(client);
    saved = versioner_span_save(span);
    CHECK(strstr(saved, "secretsecret") == NULL);
    CHECK(versioner_span_resume(client, saved, NULL, &resumed, NULL) == VERSIONER_OK);
    CHECK_TEXT(versioner_span_id(resumed), versioner_span_id(span));
    versioner_span_free(span);
    versioner_client_free(client);
    for (index = 0; index < THREADS; index++) {
        CHECK(pthread_create(&threads[index], NULL, end_it, resumed) == 0);
    }
    for (index = 0; index < THREADS; index++) CHECK(pthread_join(threads[index], NULL) == 0);
    versioner_span_free(resumed);
    return 0;
}
