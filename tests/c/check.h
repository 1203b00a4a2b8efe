/* Assertions that hold with NDEBUG too, and a client for the server named by the first argument. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <versioner.h>

#define CHECK(condition)                                                              \
    do {                                                                              \
        if (!(condition)) {                                                           \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);   \
            exit(1);                                                                  \
        }                                                                             \
    } while (0)

#define CHECK_TEXT(actual, expected)                                                  \
    do {                                                                              \
        const char *text = (actual);                                                  \
        if (strcmp(text, (expected)) != 0) {                                          \
            fprintf(stderr, "%s:%d: %s is \"%s\"\n", __FILE__, __LINE__, #actual, text); \
            exit(1);                                                                  \
        }                                                                             \
    } while (0)

static const char *const nothing[] = {NULL};

static inline versioner_client *client_for(const char *url) {
    versioner_options options = VERSIONER_OPTIONS_INIT;
    versioner_client *client = NULL;
    options.api_key = "sk_test_k1_secretsecret";
    options.api_url = url;
    options.environment = nothing;
    CHECK(versioner_client_new(&options, &client, NULL) == VERSIONER_OK);
    CHECK(client != NULL);
    return client;
}

static inline versioner_build_event a_build(void) {
    versioner_build_event event = VERSIONER_BUILD_EVENT_INIT;
    event.product = "api";
    event.version = "1.2.3";
    return event;
}

#endif
