#include "manifests/tree/glob.h"

#include <string.h>

#include "keys/error.h"

/* A pattern is a row of tokens; matching walks a set of positions in it over the path (no backtracking). */
typedef enum {
    TOKEN_BYTE,      /* this byte */
    TOKEN_SET,       /* one of these bytes, not '/' */
    TOKEN_STAR,      /* any bytes but '/' */
    TOKEN_FOLDERS,   /* nothing, or anything that ends in '/' */
    TOKEN_REST,      /* anything, at least one byte */
    TOKEN_NEVER
} TokenKind;

typedef struct {
    TokenKind kind;
    guint8 byte;
    guint32 set[8];
} Token;

struct Glob {
    GArray *tokens;
};

/* Of a position: reached, and so are those behind tokens that may match nothing; or within a TOKEN_FOLDERS that needs its '/'. */
enum { REACHED = 1, INSIDE = 2 };

static void
add_kind(Glob *glob, TokenKind kind, guint8 byte)
{
    Token token = { .kind = kind, .byte = byte };

    g_array_append_val(glob->tokens, token);
}

static void
set_add(Token *token, guint8 first, guint8 last)
{
    for (guint c = first; c <= last; c++)
        token->set[c / 32] |= 1u << c % 32;
}

static gboolean
set_has(const Token *token, guint8 c)
{
    return token->set[c / 32] >> c % 32 & 1;
}

static gboolean
in_class(const char *name, gsize size, guint c)
{
    static const struct {
        const char *name;
        GAsciiType type;
    } classes[] = {
        { "alnum", G_ASCII_ALNUM }, { "alpha", G_ASCII_ALPHA }, { "cntrl", G_ASCII_CNTRL }, { "digit", G_ASCII_DIGIT },
        { "graph", G_ASCII_GRAPH }, { "lower", G_ASCII_LOWER }, { "print", G_ASCII_PRINT }, { "punct", G_ASCII_PUNCT },
        { "space", G_ASCII_SPACE }, { "upper", G_ASCII_UPPER }, { "xdigit", G_ASCII_XDIGIT },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(classes); i++)
        if (strlen(classes[i].name) == size && memcmp(classes[i].name, name, size) == 0)
            return (g_ascii_table[c] & classes[i].type) != 0;
    return FALSE;
}

/* [:name:] at @p: returns what comes after it, or NULL. */
static const char *
add_class(Token *token, const char *p)
{
    const char *end = p[0] == '[' && p[1] == ':' ? strstr(p + 2, ":]") : NULL;

    if (!end)
        return NULL;
    for (guint c = 0; c < 256; c++)
        if (in_class(p + 2, (gsize)(end - p - 2), c))
            set_add(token, (guint8)c, (guint8)c);
    return end + 2;
}

/* One byte of a set, with its escape; NULL at the end of the pattern. */
static const char *
set_byte(const char *p, guint8 *byte)
{
    if (*p == '\\')
        p++;
    *byte = (guint8)*p;
    return *p ? p + 1 : NULL;
}

static const char *
add_member(Token *token, const char *p)
{
    guint8 first, last;
    const char *after = add_class(token, p);

    if (after)
        return after;
    p = set_byte(p, &first);
    last = first;
    if (p && p[0] == '-' && p[1] && p[1] != ']')
        p = set_byte(p + 1, &last);
    set_add(token, first, last);
    return p;
}

/* The set whose '[' is at @p; what comes after its ']'.  Without one the token matches nothing. */
static const char *
add_set(Glob *glob, const char *p)
{
    Token token = { .kind = TOKEN_SET };
    gboolean not = p[1] == '!' || p[1] == '^';
    const char *start = p + 1 + not;

    p = start;
    while (p && *p && (*p != ']' || p == start))
        p = add_member(&token, p);
    if (!p || !*p) {
        add_kind(glob, TOKEN_NEVER, 0);
        return start + strlen(start);
    }
    for (guint i = 0; not && i < G_N_ELEMENTS(token.set); i++)
        token.set[i] = ~token.set[i];
    token.set['/' / 32] &= ~(1u << '/' % 32);
    g_array_append_val(glob->tokens, token);
    return p + 1;
}

/* The run of stars at @p, of which @before is the byte before it (0 at the start). */
static const char *
add_stars(Glob *glob, const char *p, char before)
{
    gsize count = strspn(p, "*");
    gboolean alone = count == 2 && (before == 0 || before == '/');

    if (alone && p[2] == '/') {
        add_kind(glob, TOKEN_FOLDERS, 0);
        return p + 3;
    }
    add_kind(glob, alone && !p[2] ? TOKEN_REST : TOKEN_STAR, 0);
    return p + count;
}

/* The next token, at @p; what comes after it. */
static const char *
add_token(Glob *glob, const char *p, char before)
{
    static const Token any = { .kind = TOKEN_SET, .set = { ~0u, ~(1u << '/' % 32), ~0u, ~0u, ~0u, ~0u, ~0u, ~0u } };

    if (*p == '*')
        return add_stars(glob, p, before);
    if (*p == '[')
        return add_set(glob, p);
    if (*p == '?') {
        g_array_append_val(glob->tokens, any);
        return p + 1;
    }
    if (*p == '\\')
        p++;
    add_kind(glob, *p ? TOKEN_BYTE : TOKEN_NEVER, (guint8)*p);
    return *p ? p + 1 : p;
}

Glob *
glob_new(const char *pattern, GError **error)
{
    if (strlen(pattern) > GLOB_SIZE_MAX)
        return chama_error_null(error, CHAMA_ERROR_USAGE, "pattern: want at most %d bytes, have %zu", GLOB_SIZE_MAX, strlen(pattern));
    Glob *glob = g_new0(Glob, 1);

    glob->tokens = g_array_new(FALSE, FALSE, sizeof(Token));
    for (const char *p = pattern, *next; *p; p = next)
        next = add_token(glob, p, p > pattern ? p[-1] : 0);
    return glob;
}

void
glob_free(Glob *glob)
{
    if (!glob)
        return;
    g_array_unref(glob->tokens);
    g_free(glob);
}

/* Positions reached: @position, and those after tokens that may match nothing. */
static void
reach(const Glob *glob, guint8 *set, guint position)
{
    while (!(set[position] & REACHED)) {
        set[position] |= REACHED;
        if (position == glob->tokens->len)
            return;
        TokenKind kind = g_array_index(glob->tokens, Token, position).kind;

        if (kind != TOKEN_STAR && kind != TOKEN_FOLDERS)
            return;
        position++;
    }
}

/* From @position over one byte.  A token that goes on only marks itself: what follows it is reached by what ends it. */
static void
step(const Glob *glob, guint8 *next, guint position, guint8 c)
{
    const Token *token = &g_array_index(glob->tokens, Token, position);

    switch (token->kind) {
    case TOKEN_BYTE:
        if (token->byte == c)
            reach(glob, next, position + 1);
        break;
    case TOKEN_SET:
        if (set_has(token, c))
            reach(glob, next, position + 1);
        break;
    case TOKEN_STAR:
        if (c != '/')
            reach(glob, next, position);
        break;
    case TOKEN_FOLDERS:
        next[position] |= INSIDE;
        if (c == '/')
            reach(glob, next, position + 1);
        break;
    case TOKEN_REST:
        reach(glob, next, position);
        reach(glob, next, position + 1);
        break;
    case TOKEN_NEVER:
        break;
    }
}

gboolean
glob_match(const Glob *glob, const char *path)
{
    guint count = glob->tokens->len;
    guint8 sets[2][GLOB_SIZE_MAX + 1], *now = sets[0], *next = sets[1];

    memset(now, 0, count + 1);
    reach(glob, now, 0);
    for (const char *c = path; *c; c++) {
        memset(next, 0, count + 1);
        for (guint i = 0; i < count; i++)
            if (now[i])
                step(glob, next, i, (guint8)*c);
        guint8 *swap = now;

        now = next;
        next = swap;
    }
    return now[count] != 0;
}
