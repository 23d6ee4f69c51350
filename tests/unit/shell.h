/* shell: other programs, as witnesses of what our own code makes. */
#ifndef CHAMA_TESTS_UNIT_SHELL_H
#define CHAMA_TESTS_UNIT_SHELL_H

#include <stdarg.h>

#include <glib.h>

/* Runs a shell command; returns its wait status, and what it printed in @output (the caller's) if not NULL. */
static inline int
shell_run_v(char **output, const char *format, va_list arguments)
{
    g_autofree char *command = g_strdup_vprintf(format, arguments);
    const char *argv[] = { "sh", "-c", command, NULL };
    g_autoptr(GError) error = NULL;
    GSpawnFlags flags = G_SPAWN_SEARCH_PATH | G_SPAWN_STDERR_TO_DEV_NULL | (output ? 0 : G_SPAWN_STDOUT_TO_DEV_NULL);
    int status;

    g_spawn_sync(NULL, (char **)argv, NULL, flags, NULL, NULL, output, NULL, &status, &error);
    g_assert_no_error(error);
    return status;
}

static inline int G_GNUC_PRINTF(1, 2)
shell_run(const char *format, ...)
{
    va_list arguments;
    int status;

    va_start(arguments, format);
    status = shell_run_v(NULL, format, arguments);
    va_end(arguments);
    return status;
}

/* What a command that must succeed prints, without trailing white space; the caller's. */
static inline char *G_GNUC_PRINTF(1, 2)
shell_output(const char *format, ...)
{
    char *output = NULL;
    va_list arguments;
    int status;

    va_start(arguments, format);
    status = shell_run_v(&output, format, arguments);
    va_end(arguments);
    g_assert_cmpint(status, ==, 0);
    return g_strchomp(output);
}

#endif
