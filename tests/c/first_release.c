/* A deploy tool as it was written for the first release, which knew no spans: it runs unchanged. */
#include <stdio.h>
#include <versioner.h>

static versioner_code track(versioner_client *client, char **arguments, const char *status) {
    versioner_deployment_event event = VERSIONER_DEPLOYMENT_EVENT_INIT;
    event.product = arguments[1];
    event.environment = arguments[2];
    event.version = arguments[3];
    event.status = status;

    versioner_result *result;
    versioner_code code = versioner_track_deployment(client, &event, &result);
    fprintf(code == VERSIONER_OK ? stdout : stderr, "%s\n", versioner_result_text(result));
    versioner_result_free(result);
    return code;
}

static int deploy(char **arguments) {
    printf("deploying %s %s to %s\n", arguments[1], arguments[3], arguments[2]);
    return 0;
}

int main(int count, char **arguments) {
    if (count != 4) {
        fprintf(stderr, "usage: %s PRODUCT ENVIRONMENT VERSION\n", arguments[0]);
        return VERSIONER_ERROR;
    }
    versioner_client *client;
    versioner_result *result;
    versioner_code code = versioner_client_new(NULL, &client, &result);
    if (code != VERSIONER_OK) {
        fprintf(stderr, "%s\n", versioner_result_message(result));
        versioner_result_free(result);
        return code;
    }
    code = track(client, arguments, "started");
    if (code == VERSIONER_OK) {
        code = track(client, arguments, deploy(arguments) == 0 ? "completed" : "failed");
    }
    versioner_client_free(client);
    return code;
}
