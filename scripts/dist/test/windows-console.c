/* The two sides of Ctrl-C in a console of Windows.
 *
 * press FILE COMMAND...: runs a command, presses Ctrl-C once FILE is there, exits with its code.
 * listen FILE: makes FILE, and exits with 7 once Ctrl-C is pressed.
 */
#include <string.h>
#include <windows.h>

static HANDLE pressed;

static BOOL WINAPI on_press(DWORD event) {
    (void)event;
    SetEvent(pressed);
    return TRUE;
}

static int listens(const char *file) {
    CloseHandle(CreateFileA(file, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL));
    return WaitForSingleObject(pressed, 60000) == WAIT_OBJECT_0 ? 7 : 1;
}

static int presses(const char *file, char **command, int count) {
    STARTUPINFOA start = {.cb = sizeof start};
    PROCESS_INFORMATION process;
    DWORD code = 99;
    char line[4096] = "";
    int index;
    for (index = 0; index < count; index++) {
        strcat(line, command[index]);
        strcat(line, " ");
    }
    if (!CreateProcessA(NULL, line, NULL, NULL, TRUE, 0, NULL, NULL, &start, &process)) return 98;
    while (GetFileAttributesA(file) == INVALID_FILE_ATTRIBUTES) {
        if (WaitForSingleObject(process.hProcess, 100) == WAIT_OBJECT_0) return 97;
    }
    if (!GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0)) return 96;
    WaitForSingleObject(process.hProcess, 60000);
    GetExitCodeProcess(process.hProcess, &code);
    return (int)code;
}

int main(int count, char **arguments) {
    pressed = CreateEventA(NULL, TRUE, FALSE, NULL);
    SetConsoleCtrlHandler(on_press, TRUE);
    if (count == 3 && strcmp(arguments[1], "listen") == 0) return listens(arguments[2]);
    if (count > 3) return presses(arguments[2], arguments + 3, count - 3);
    return 95;
}
