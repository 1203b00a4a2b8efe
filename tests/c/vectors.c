/* Runs test vectors: reads cases from standard input, writes each result as two lines of
 * JSON: the library's own, and what the accessors say.
 *
 * A case is lines of `TAG NAME VALUE` with names and values in hexadecimal, ended by `run build`
 * or `run deployment`. Tags: option, field, environment. A case of several steps has a line
 * `step NAME` after the fields of each, and ends with `run steps`.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <versioner.h>

#define MAX_TEXTS 256
#define MAX_QUERIES 16
#define MAX_VARIABLES 256
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

struct member {
    const char *name;
    size_t offset;
};

#define OPTION(name) {#name, offsetof(versioner_options, name)}
#define BUILD(name) {#name, offsetof(versioner_build_event, name)}
#define DEPLOYMENT(name) {#name, offsetof(versioner_deployment_event, name)}

static const struct member option_members[] = {
    OPTION(api_key), OPTION(api_url),     OPTION(ui_url),     OPTION(config),
    OPTION(ca_file), OPTION(client_cert), OPTION(client_key), OPTION(outbox),
};
static const struct member build_members[] = {
    BUILD(product),        BUILD(version),    BUILD(status),         BUILD(source_system),
    BUILD(build_number),   BUILD(scm_sha),    BUILD(scm_branch),     BUILD(scm_repository),
    BUILD(build_url),      BUILD(invoke_id),  BUILD(built_by),       BUILD(built_by_email),
    BUILD(built_by_name),  BUILD(started_at), BUILD(completed_at),   BUILD(extra_metadata),
    BUILD(idempotency_key),
};
static const struct member deployment_members[] = {
    DEPLOYMENT(product),          DEPLOYMENT(version),      DEPLOYMENT(environment),
    DEPLOYMENT(status),           DEPLOYMENT(source_system), DEPLOYMENT(build_number),
    DEPLOYMENT(scm_sha),          DEPLOYMENT(scm_branch),   DEPLOYMENT(scm_repository),
    DEPLOYMENT(build_url),        DEPLOYMENT(deploy_url),   DEPLOYMENT(invoke_id),
    DEPLOYMENT(deployed_by),      DEPLOYMENT(deployed_by_email), DEPLOYMENT(deployed_by_name),
    DEPLOYMENT(completed_at),     DEPLOYMENT(extra_metadata),    DEPLOYMENT(skip_reason),
    DEPLOYMENT(idempotency_key),  DEPLOYMENT(part),         DEPLOYMENT(wait_for),
    DEPLOYMENT(wait_superseded),
};
static const struct member end_members[] = {
    {"end_status", offsetof(versioner_end, status)},
    {"error_class", offsetof(versioner_end, error_class)},
    {"end_metadata", offsetof(versioner_end, extra_metadata)},
    {"signal", offsetof(versioner_end, signal)},
};

static char *texts[MAX_TEXTS];
static size_t text_count;

static int digit(char hex) {
    const char *digits = "0123456789abcdef";
    const char *found = hex == '\0' ? NULL : strchr(digits, hex);
    if (found == NULL) exit(2);
    return (int)(found - digits);
}

static char *decoded(const char *hex) {
    size_t length = strlen(hex) / 2;
    char *text = malloc(length + 1);
    size_t index;
    if (text == NULL || text_count == MAX_TEXTS) exit(2);
    for (index = 0; index < length; index++) {
        text[index] = (char)(digit(hex[2 * index]) * 16 + digit(hex[2 * index + 1]));
    }
    text[length] = '\0';
    texts[text_count++] = text;
    return text;
}

/* Sets a text member; answers whether there is one of this name. */
static int set(void *target, const struct member *members, size_t count, const char *name,
               const char *value) {
    size_t index;
    for (index = 0; index < count; index++) {
        if (strcmp(members[index].name, name) == 0) {
            memcpy((char *)target + members[index].offset, &value, sizeof value);
            return 1;
        }
    }
    return 0;
}

static int32_t choice(const char *value) {
    return strcmp(value, "true") == 0 ? VERSIONER_YES : VERSIONER_NO;
}

static void set_option(versioner_options *options, const char *name, const char *value) {
    uint64_t milliseconds = (uint64_t)(atof(value) * 1000.0 + 0.5);
    if (set(options, option_members, COUNT(option_members), name, value)) return;
    if (strcmp(name, "fail_on_api_error") == 0) {
        options->fail_on_api_error = choice(value);
    } else if (strcmp(name, "max_retries") == 0) {
        options->max_retries = strcmp(value, "0") == 0 ? VERSIONER_NO_RETRIES : atoi(value);
    } else if (strcmp(name, "retry_pause") == 0) {
        options->retry_pause_ms = milliseconds;
    } else if (strcmp(name, "attempt_timeout") == 0) {
        options->attempt_timeout_ms = milliseconds;
    } else if (strcmp(name, "total_timeout") == 0) {
        options->total_timeout_ms = milliseconds;
    } else {
        fprintf(stderr, "no option %s\n", name);
        exit(2);
    }
}

static void set_field(versioner_build_event *build, versioner_deployment_event *deployment,
                      versioner_end *end, const char *name, const char *value) {
    int is_build = set(build, build_members, COUNT(build_members), name, value) ||
                   set(end, end_members, COUNT(end_members), name, value);
    int is_deployment =
        set(deployment, deployment_members, COUNT(deployment_members), name, value);
    if (strcmp(name, "skip_preflight_checks") == 0) {
        deployment->skip_preflight_checks = choice(value);
    } else if (strcmp(name, "allow_literal") == 0) {
        build->allow_literal = deployment->allow_literal = choice(value);
    } else if (strcmp(name, "lease") == 0) {
        deployment->lease_ms = (uint64_t)(atof(value) * 1000.0 + 0.5);
    } else if (strcmp(name, "wait") == 0) {
        deployment->wait_ms = (uint64_t)(atof(value) * 1000.0 + 0.5);
    } else if (strcmp(name, "exit_code") == 0) {
        end->has_exit_code = VERSIONER_YES;
        end->exit_code = atoi(value);
    } else if (!is_build && !is_deployment) {
        fprintf(stderr, "no field %s\n", name);
        exit(2);
    }
}

static void print_text(const char *text) {
    putchar('"');
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte == '"' || byte == '\\') {
            printf("\\%c", byte);
        } else if (byte < 0x20) {
            printf("\\u%04x", byte);
        } else {
            putchar(byte);
        }
    }
    putchar('"');
}

static void print_member(const char *name, const char *text) {
    printf("\"%s\":", name);
    print_text(text);
    putchar(',');
}

/* What the accessors say, with the names that versioner_result_json has for it. */
static void print_accessors(const versioner_result *result) {
    const char *details = versioner_result_details(result);
    const char *data = versioner_result_data(result);
    size_t index;
    printf("{\"code\":%d,", (int)versioner_result_code(result));
    print_member("kind", versioner_kind_name(versioner_result_kind(result)));
    print_member("kind", versioner_result_kind_name(result));
    print_member("message", versioner_result_message(result));
    print_member("argument", versioner_result_argument(result));
    printf("\"http_status\":%d,", (int)versioner_result_http_status(result));
    printf("\"attempts\":%u,", (unsigned)versioner_result_attempts(result));
    printf("\"recorded\":%s,", versioner_result_recorded(result) ? "true" : "false");
    print_member("event_id", versioner_result_event_id(result));
    print_member("product_id", versioner_result_product_id(result));
    print_member("version_id", versioner_result_version_id(result));
    print_member("environment_id", versioner_result_environment_id(result));
    print_member("status", versioner_result_status(result));
    print_member("deployed_at", versioner_result_deployed_at(result));
    print_member("version", versioner_result_version(result));
    printf("\"data\":%s,", data[0] == '\0' ? "null" : data);
    print_member("source_system", versioner_result_source_system(result));
    printf("\"features\":[");
    for (index = 0; index < versioner_result_feature_count(result); index++) {
        if (index > 0) putchar(',');
        print_text(versioner_result_feature(result, index));
    }
    printf("],");
    print_member("rule", versioner_result_rule(result));
    print_member("policy_code", versioner_result_policy_code(result));
    print_member("retry_after", versioner_result_retry_after(result));
    printf("\"details\":%s,", details[0] == '\0' ? "null" : details);
    print_member("text", versioner_result_text(result));
    printf("\"warnings\":[");
    for (index = 0; index < versioner_result_warning_count(result); index++) {
        printf(index == 0 ? "{" : ",{");
        print_member("kind", versioner_result_warning_kind(result, index));
        print_member("message", versioner_result_warning_message(result, index));
        printf("\"rule\":");
        print_text(versioner_result_warning_rule(result, index));
        putchar('}');
    }
    printf("]}\n");
}

static void show(versioner_result *result) {
    printf("%s\n", versioner_result_json(result));
    print_accessors(result);
    fflush(stdout);
    versioner_result_free(result);
}

/* What the steps of a case share. */
struct steps {
    versioner_client *client;
    versioner_span *span;
    char *saved;
};

static void begin_steps(struct steps *steps, const versioner_options *options) {
    versioner_result *result;
    if (steps->client == NULL &&
        versioner_client_new(options, &steps->client, &result) != VERSIONER_OK) exit(2);
}

static void end_steps(struct steps *steps) {
    versioner_client_free(steps->client);
    /* The run may be judged already: what it left open is told nothing more. */
    versioner_span_save(steps->span);
    versioner_span_free(steps->span);
    free(steps->saved);
    memset(steps, 0, sizeof *steps);
}

static void save(struct steps *steps) {
    const char *text = versioner_span_save(steps->span);
    free(steps->saved);
    steps->saved = malloc(strlen(text) + 1);
    if (steps->saved == NULL) exit(2);
    strcpy(steps->saved, text);
}

/* Performs a step and writes its result; of what has none, and of what asked for nothing, two
 * lines of null. */
static void step(struct steps *steps, const char *name, const versioner_build_event *build,
                 const versioner_deployment_event *event, const versioner_end *end) {
    versioner_span *made = NULL;
    versioner_result *result = NULL;
    versioner_code code = VERSIONER_OK;
    if (strcmp(name, "track") == 0) {
        code = versioner_track_deployment(steps->client, event, &result);
    } else if (strcmp(name, "begin") == 0) {
        code = versioner_span_begin(steps->client, event, &made, &result);
    } else if (strcmp(name, "prepare") == 0) {
        code = versioner_span_prepare(steps->client, event, &made, &result);
    } else if (strcmp(name, "begin_build") == 0) {
        code = versioner_span_begin_build(steps->client, build, &made, &result);
    } else if (strcmp(name, "prepare_build") == 0) {
        code = versioner_span_prepare_build(steps->client, build, &made, &result);
    } else if (strcmp(name, "resume") == 0) {
        code = versioner_span_resume(steps->client, steps->saved, NULL, &made, &result);
    } else if (strcmp(name, "end") == 0) {
        code = versioner_span_end(steps->span, end, &result);
    } else if (strcmp(name, "save") == 0) {
        save(steps);
    } else if (strcmp(name, "free") == 0) {
        versioner_span_free(steps->span);
        steps->span = NULL;
    } else {
        fprintf(stderr, "no step %s\n", name);
        exit(2);
    }
    if (made != NULL) {
        if (strlen(versioner_span_id(made)) != 36) exit(2);
        /* The one before is left behind, as if its process were gone. */
        versioner_span_save(steps->span);
        versioner_span_free(steps->span);
        steps->span = made;
    }
    if (result != NULL) {
        if (code != versioner_result_code(result)) exit(2);
        show(result);
    } else {
        if (code != VERSIONER_OK) exit(2);
        printf("null\nnull\n");
        fflush(stdout);
    }
}

static const char *queries[MAX_QUERIES + 1];
static size_t query_count;

static versioner_code call(versioner_client *client, const char *name,
                           const versioner_build_event *build,
                           const versioner_deployment_event *deployment,
                           const versioner_question *question, versioner_result **result) {
    if (strcmp(name, "track_build") == 0) return versioner_track_build(client, build, result);
    if (strcmp(name, "track_deployment") == 0)
        return versioner_track_deployment(client, deployment, result);
    if (strcmp(name, "check_deployment") == 0)
        return versioner_check_deployment(client, deployment, result);
    if (strcmp(name, "read") == 0) return versioner_read(client, question, result);
    if (strcmp(name, "state") == 0) return versioner_state(client, question, result);
    if (strcmp(name, "deployed_version") == 0)
        return versioner_deployed_version(client, question, result);
    fprintf(stderr, "no call %s\n", name);
    exit(2);
}

static void run(const char *name, const versioner_options *options,
                const versioner_build_event *build, const versioner_deployment_event *deployment,
                const char *path) {
    versioner_question question = VERSIONER_QUESTION_INIT;
    versioner_client *client;
    versioner_result *result;
    question.path = path;
    question.query = queries;
    question.product = deployment->product;
    question.environment = deployment->environment;
    if (versioner_client_new(options, &client, &result) == VERSIONER_OK) {
        versioner_code code = call(client, name, build, deployment, &question, &result);
        if (code != versioner_result_code(result)) exit(2);
    }
    show(result);
    versioner_client_free(client);
}

int main(void) {
    static char line[512 * 1024], name_hex[64], value_hex[400 * 1024], tag[16];
    const char *variables[MAX_VARIABLES + 1] = {NULL};
    const char *path = NULL;
    size_t variable_count = 0;
    versioner_options options = VERSIONER_OPTIONS_INIT;
    versioner_build_event build = VERSIONER_BUILD_EVENT_INIT;
    versioner_deployment_event deployment = VERSIONER_DEPLOYMENT_EVENT_INIT;
    versioner_end end = VERSIONER_END_INIT;
    struct steps steps = {NULL, NULL, NULL};
    options.environment = variables;

    while (fgets(line, sizeof line, stdin) != NULL) {
        value_hex[0] = '\0';
        if (sscanf(line, "%15s %63s %409599s", tag, name_hex, value_hex) < 2) return 2;
        if (strcmp(tag, "option") == 0) {
            set_option(&options, decoded(name_hex), decoded(value_hex));
        } else if (strcmp(tag, "field") == 0) {
            set_field(&build, &deployment, &end, decoded(name_hex), decoded(value_hex));
        } else if (strcmp(tag, "environment") == 0) {
            if (variable_count == MAX_VARIABLES) return 2;
            variables[variable_count++] = decoded(value_hex);
        } else if (strcmp(tag, "path") == 0) {
            path = decoded(value_hex);
        } else if (strcmp(tag, "query") == 0) {
            if (query_count == MAX_QUERIES) return 2;
            queries[query_count++] = decoded(value_hex);
        } else if (strcmp(tag, "step") == 0) {
            begin_steps(&steps, &options);
            step(&steps, name_hex, &build, &deployment, &end);
            versioner_build_event_init(&build);
            versioner_deployment_event_init(&deployment);
            versioner_end_init(&end);
        } else {
            if (strcmp(name_hex, "steps") == 0) {
                end_steps(&steps);
            } else {
                run(name_hex, &options, &build, &deployment, path);
            }
            while (text_count > 0) free(texts[--text_count]);
            memset(variables, 0, sizeof variables);
            memset(queries, 0, sizeof queries);
            variable_count = query_count = 0;
            versioner_options_init(&options);
            versioner_build_event_init(&build);
            versioner_deployment_event_init(&deployment);
            options.environment = variables;
        }
    }
    return 0;
}
