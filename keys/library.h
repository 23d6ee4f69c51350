/*
 * library: a shared library that few commands need, loaded when it is first used and not when the program starts.
 *
 * What a library brings with it can cost more than the library: libarchive brings libxml2, ICU and the C++ library.  The room that uses it lists the
 * functions once and calls them through pointers that have the types of the library's own header:
 *
 *     #define FUNCTIONS(f) f(archive_read_new) f(archive_read_free)
 *     static struct { FUNCTIONS(LIBRARY_POINTER) } lib;
 *     static const LibraryFunction functions[] = { FUNCTIONS(LIBRARY_FUNCTION) };
 *     static Library library = { .file = SONAME_ARCHIVE, .functions = functions, .count = G_N_ELEMENTS(functions) };
 *
 *     if (!library_load(&library, error))
 *         return FALSE;
 *     lib.archive_read_new();
 */
#ifndef CHAMA_KEYS_LIBRARY_H
#define CHAMA_KEYS_LIBRARY_H

#include <glib.h>

typedef struct {
    const char *name;
    gpointer pointer;          /* to the pointer that library_load() sets */
} LibraryFunction;

#define LIBRARY_POINTER(function) __typeof__(function) *function;
#define LIBRARY_FUNCTION(function) { #function, &lib.function },

typedef struct {
    const char *file;          /* its soname, found when this program was built */
    const LibraryFunction *functions;
    gsize count;
    gboolean loaded;
} Library;

/* Sets all pointers, the first time that it is called; they stay valid.  Any thread.  FAILED, naming what is missing: then none may be called. */
gboolean library_load(Library *library, GError **error);

#endif
