#include <math.h>
#include <string.h>

#include <gnu/lib-names.h>

#include "keys/error.h"
#include "keys/library.h"

#define FUNCTIONS(f) f(floor) f(hypot)
static struct { FUNCTIONS(LIBRARY_POINTER) } lib;
static const LibraryFunction functions[] = { FUNCTIONS(LIBRARY_FUNCTION) };

static void
test_loads_once(void)
{
    Library library = { .file = LIBM_SO, .functions = functions, .count = G_N_ELEMENTS(functions) };
    g_autoptr(GError) error = NULL;

    g_assert_true(library_load(&library, &error));
    g_assert_no_error(error);
    g_assert_true(lib.floor(2.5) == 2.0 && lib.hypot(3.0, 4.0) == 5.0);
    /* What is loaded is not looked for again. */
    library.file = "libnone.so.0";
    g_assert_true(library_load(&library, NULL));
}

static void
test_no_such_file(void)
{
    Library library = { .file = "libnone.so.0", .functions = functions, .count = G_N_ELEMENTS(functions) };
    g_autoptr(GError) error = NULL, again = NULL;

    g_assert_false(library_load(&library, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_FAILED);
    g_assert_true(g_str_has_prefix(error->message, "libnone.so.0: ") && g_str_has_suffix(error->message, "; install it"));
    g_assert_false(library_load(&library, &again));
    g_assert_error(again, CHAMA_ERROR, CHAMA_ERROR_FAILED);
    g_assert_false(library_load(&library, NULL));
}

static void
test_no_such_function(void)
{
    double (*there)(double) = NULL, (*missing)(double) = NULL;
    const LibraryFunction wanted[] = { { "floor", &there }, { "chama_none", &missing } };
    Library library = { .file = LIBM_SO, .functions = wanted, .count = G_N_ELEMENTS(wanted) };
    g_autoptr(GError) error = NULL;

    g_assert_false(library_load(&library, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_FAILED);
    g_assert_cmpstr(error->message, ==, LIBM_SO ": want chama_none() in it, have an older or another library; install the one that chama was built with");
    g_assert_null(missing);
    /* Once it is there, so is the rest. */
    library.count = 1;
    g_assert_true(library_load(&library, NULL));
    g_assert_true(there(8.5) == 8.0);
}

static gpointer
load_and_call(gpointer data)
{
    return GINT_TO_POINTER(library_load(data, NULL) && lib.floor(1.5) == 1.0);
}

static void
test_threads(void)
{
    Library library = { .file = LIBM_SO, .functions = functions, .count = G_N_ELEMENTS(functions) };
    GThread *threads[8];

    memset(&lib, 0, sizeof lib);
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("load", load_and_call, &library);
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        g_assert_true(GPOINTER_TO_INT(g_thread_join(threads[i])));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/library/loads-once", test_loads_once);
    g_test_add_func("/library/no-such-file", test_no_such_file);
    g_test_add_func("/library/no-such-function", test_no_such_function);
    g_test_add_func("/library/threads", test_threads);
    return g_test_run();
}
