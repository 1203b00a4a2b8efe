// versioner.h - tell Versioner what is built and what is deployed where, and stop when it says no.
//
// A program makes a client once, tracks events with it, and looks at the code of each result:
//
//     #include <stdio.h>
//     #include <versioner.h>
//
//     /* Your deployment. Gives whether it succeeded. */
//     static bool deploy(void) { return true; }
//
//     static versioner_code tell(versioner_client *client, const char *status) {
//         versioner_deployment_event event = VERSIONER_DEPLOYMENT_EVENT_INIT;
//         versioner_result *result;
//         versioner_code code;
//         event.product = "api";
//         event.environment = "production";
//         event.version = "1.2.3";
//         event.status = status;
//         code = versioner_track_deployment(client, &event, &result);
//         fprintf(code == VERSIONER_OK ? stdout : stderr, "%s\n", versioner_result_text(result));
//         versioner_result_free(result);
//         return code;
//     }
//
//     int main(void) {
//         versioner_client *client;
//         versioner_result *result;
//         versioner_code code = versioner_client_new(NULL, &client, &result);
//         if (code != VERSIONER_OK) {
//             fprintf(stderr, "%s\n", versioner_result_message(result));
//             versioner_result_free(result);
//             return (int)code;
//         }
//         code = tell(client, "started");
//         if (code == VERSIONER_OK) {
//             if (deploy()) {
//                 code = tell(client, "completed");
//             } else {
//                 tell(client, "failed");
//                 code = VERSIONER_ERROR;
//             }
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
// OWNERSHIP. The library copies what it is given before it returns. Clients and results belong
// to the caller, who frees them with versioner_client_free and versioner_result_free. A result
// owns every string that came from it.
//
// THREADS. Any number of threads may track with one client, and read one result. A thread that
// tracks needs 64 KiB of stack. After fork the child may go on with its parent's client; it opens
// connections of its own.
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
// SECTIONS: 1 version, 2 codes and kinds, 3 client, 4 events, 5 tracking, 6 asking, 7 results.
