/* A small deploy tool: asks before it deploys, runs the command that deploys, and tells how it ended.
 *
 *   cc deploy_tool.c $(pkg-config --cflags --libs versioner) -o deploy_tool
 *   ./deploy_tool api production 1.2.3 ./deploy.sh --fast
 *
 * Its exit code is that of the command (128+N if signal N ended it), or the library's if the command
 * did not run: 5 if policy forbids it.
 */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <versioner.h>

/* The signal that ends the tool; 0 while none has come. It ends the asking, too. */
static volatile int32_t interrupted;
static volatile pid_t command;

static void interrupt(int number) {
    int before = errno;
    interrupted = number;
    /* Ctrl-C reaches the command by itself. */
    if (command > 0 && number != SIGINT) kill(command, number);
    errno = before;
}

static void catch_signals(void (*handler)(int)) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

/* Runs the command to its end, and gives what waitpid says of it; -1 if there is no process. */
static int run(char **arguments) {
    int status;
    pid_t child = fork();
    if (child < 0) return -1;
    if (child == 0) {
        catch_signals(SIG_DFL);
        execvp(arguments[0], arguments);
        perror(arguments[0]);
        _exit(127);
    }
    command = child;
    /* One that came before there was a command to hand it on to. */
    if (interrupted != 0) kill(child, interrupted);
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) return -1;
    }
    command = 0;
    return status;
}

/* Tells how the command ended, and gives the exit code of the tool. */
static int finish(versioner_span *span, int status) {
    versioner_end end = VERSIONER_END_INIT;
    versioner_result *result;
    int code = status == -1 ? 1 : WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    bool is_aborted = interrupted != 0 || (status != -1 && WIFSIGNALED(status));
    end.status = code == 0 ? "completed" : is_aborted ? "aborted" : "failed";
    if (status != -1 && WIFEXITED(status)) {
        end.has_exit_code = VERSIONER_YES;
        end.exit_code = code;
    }
    if (versioner_span_end(span, &end, &result) != VERSIONER_OK) {
        /* What has happened has happened; only the record of it is missing. */
        fprintf(stderr, "warning: %s\n", versioner_result_message(result));
    }
    versioner_result_free(result);
    return code;
}

int main(int count, char **arguments) {
    versioner_deployment_event event = VERSIONER_DEPLOYMENT_EVENT_INIT;
    versioner_client *client;
    versioner_result *result;
    versioner_span *span;
    versioner_code code;
    int exit_code;
    if (count < 5) {
        fprintf(stderr, "usage: %s PRODUCT ENVIRONMENT VERSION COMMAND...\n", arguments[0]);
        return VERSIONER_ERROR;
    }
    /* To the library "" is unset, so that a variable that nobody set would choose another gate. */
    if (arguments[1][0] == '\0' || arguments[2][0] == '\0' || arguments[3][0] == '\0') {
        fprintf(stderr, "%s: product, environment and version must not be empty\n", arguments[0]);
        return VERSIONER_ERROR;
    }
    code = versioner_client_new(NULL, &client, &result);
    if (code != VERSIONER_OK) {
        fprintf(stderr, "%s\n", versioner_result_text(result));
        versioner_result_free(result);
        return code;
    }
    event.product = arguments[1];
    event.environment = arguments[2];
    event.version = arguments[3];
    event.cancel_flag = &interrupted;
    catch_signals(interrupt);
    code = versioner_span_begin(client, &event, &span, &result);
    fprintf(code == VERSIONER_OK ? stdout : stderr, "%s\n", versioner_result_text(result));
    versioner_result_free(result);
    exit_code = code;
    if (code == VERSIONER_OK) {
        fflush(stdout);
        exit_code = finish(span, run(arguments + 4));
        versioner_span_free(span);
    }
    versioner_client_free(client);
    return exit_code;
}
