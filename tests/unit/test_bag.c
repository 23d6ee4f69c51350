#include <string.h>

#include "keys/error.h"
#include "manifests/bag.h"

#define HEX "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void
test_EX8_lines(void)
{
    static const struct {
        const char *path, *line;
    } cases[] = {
        { "data/a.csv", HEX "  data/a.csv\n" },
        { "bagit.txt", HEX "  bagit.txt\n" },
        { "data/数据/表 一.csv", HEX "  data/数据/表 一.csv\n" },
        { "data/a\nb\rc%d", HEX "  data/a%0Ab%0Dc%25d\n" },
        { "data/ a\\", HEX "  data/ a\\\n" },
        { "data/%0A", HEX "  data/%250A\n" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GString) text = g_string_new(NULL);
        g_autoptr(GError) error = NULL;
        g_autofree char *path = NULL;
        Digest digest, parsed;

        digest_of("", 0, &digest);
        g_assert_true(bag_line_append(text, &digest, cases[i].path, NULL));
        g_assert_cmpstr(text->str, ==, cases[i].line);
        bag_line_parse(text->str, text->len - 1, &parsed, &path, &error);
        g_assert_no_error(error);
        g_assert_cmpstr(path, ==, cases[i].path);
        g_assert_true(digest_equal(&digest, &parsed));
    }
}

static void
test_EX8_refusals(void)
{
    static const struct {
        const char *line;
        const char *says;
    } cases[] = {
        { "", "EX8:" },
        { HEX, "EX8:" },
        { HEX "  ", "EX8:" },
        { HEX " data/a", "EX8:" },
        { HEX " *data/a", "EX8:" },
        { "E3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  data/a", "EX8:" },
        { "e3b0  data/a", "EX8:" },
        { HEX "  data/a\r", "EX8:" },
        { HEX "  data/a%", "EX8:" },
        { HEX "  data/a%0", "EX8:" },
        { HEX "  data/a%0a", "EX8:" },
        { HEX "  data/a%41", "EX8:" },
        { HEX "  data/a%00", "EX8:" },
        { HEX "  data/\xff", "EX8:" },
        { HEX "  /etc/passwd", "L4:" },
        { HEX "  data//etc/passwd", "L4:" },
        { HEX "  data/../bagit.txt", "L6:" },
        { HEX "  ../a", "L6:" },
        { HEX "  data/", "L3:" },
        { HEX "  ./data/a", "L6:" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        char *path = NULL;
        Digest digest;

        g_assert_false(bag_line_parse(cases[i].line, strlen(cases[i].line), &digest, &path, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
        if (!strstr(error->message, cases[i].says))
            g_error("%s: want %s, have %s", cases[i].line, cases[i].says, error->message);
        g_assert_null(path);
    }
}

static void
test_EX8_limits(void)
{
    g_autofree char *name = g_strnfill(BAG_LINE_MAX, 'a');
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    char *path = NULL;
    Digest digest;

    memcpy(name, HEX "  ", strlen(HEX) + 2);
    g_assert_false(bag_line_parse(name, BAG_LINE_MAX, &digest, &path, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
    g_clear_error(&error);
    g_assert_false(bag_line_parse(name, BAG_LINE_MAX + 1, &digest, &path, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_LIMIT);
    g_clear_error(&error);
    g_assert_false(bag_line_append(text, &digest, "data/\xca\xfd", &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_UNSUPPORTED);
    g_assert_cmpstr(error->message, ==, "data/\\xca\\xfd: EX8: want a name in UTF-8, which a bag can hold, have other bytes");
    g_assert_cmpuint(text->len, ==, 0);
}

static void
test_EX7_declaration(void)
{
    static const char *const refused[] = { "", "BagIt-Version: 0.97\nTag-File-Character-Encoding: UTF-8\n", BAG_DECLARATION "\n" };

    g_assert_true(bag_declaration_check(BAG_DECLARATION, strlen(BAG_DECLARATION), NULL));
    for (guint i = 0; i < G_N_ELEMENTS(refused); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_false(bag_declaration_check(refused[i], strlen(refused[i]), &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
    }
}

static void
test_EX9_info(void)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *organization = NULL, *description = NULL;
    g_autoptr(GError) error = NULL;

    bag_info_append(text, "Source-Organization", "林业局");
    bag_info_append(text, "External-Description", "two\nlines: one");
    bag_info_append(text, "Contact-Name", NULL);
    bag_info_append(text, "Contact-Phone", "");
    g_assert_cmpstr(text->str, ==, "Source-Organization: 林业局\nExternal-Description: two lines: one\n");
    organization = bag_info_get(text->str, text->len, "Source-Organization", NULL);
    description = bag_info_get(text->str, text->len, "External-Description", NULL);
    g_assert_cmpstr(organization, ==, "林业局");
    g_assert_cmpstr(description, ==, "two lines: one");
    g_assert_null(bag_info_get(text->str, text->len, "External", &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
}

static void
test_EX9_refusals(void)
{
    static const char *const cases[] = { "no end: x", "\n", ": x\n", "a\n", "a:b\n", "a: \n", "a: b\n c\n", "a: b\r\n", "a: \xff\n", "a: b\nno\n", "a: \x1b[2J\n" };
    g_autofree char *large = g_strnfill(BAG_INFO_SIZE_MAX + 1, 'a');
    g_autoptr(GError) limit = NULL;

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_null(bag_info_get(cases[i], strlen(cases[i]), "a", &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
    }
    g_assert_null(bag_info_get(large, BAG_INFO_SIZE_MAX + 1, "a", &limit));
    g_assert_error(limit, CHAMA_ERROR, CHAMA_ERROR_LIMIT);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/bag/EX8-lines", test_EX8_lines);
    g_test_add_func("/bag/EX8-refusals", test_EX8_refusals);
    g_test_add_func("/bag/EX8-limits", test_EX8_limits);
    g_test_add_func("/bag/EX7-declaration", test_EX7_declaration);
    g_test_add_func("/bag/EX9-info", test_EX9_info);
    g_test_add_func("/bag/EX9-refusals", test_EX9_refusals);
    return g_test_run();
}
