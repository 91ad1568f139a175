/* pem_file.c: reads a PEM file that an option names. Owns nothing: the text is the caller's. Called by exporters and
 * clients when they open.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE /* memmem, explicit_bzero */
#include "core/config/pem_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/regular_file.h"
#include "core/config/config_path.h"

enum { MAX_PEM = 4 * 1024 * 1024 };

static struct gw_path_shown quoted(gw_str file)
{
    struct gw_path_shown name = gw_path_shown(file), shown = name;
    if (gw_path_is_name(file))
        snprintf(shown.text, sizeof shown.text, "\"%.300s\"", name.text);
    return shown;
}

bool gw_pem_read(gw_str file, const char *path, const char *option, struct gw_diagnostics *diagnostics,
                 char **text)
{
    bool bad = true;
    *text = NULL;
    if (file.len == 0)
        return true;
    FILE *f = gw_regular_file_open(file.ptr, MAX_PEM);
    bool large = !f && errno == EFBIG;
    char *all = f ? malloc(MAX_PEM + 1) : NULL;
    size_t len = all ? fread(all, 1, MAX_PEM + 1, f) : 0;
    if (large || len > MAX_PEM)
        gw_option_error(diagnostics, path, option, "%s is larger than %d bytes: is it a PEM file?",
                        quoted(file).text, MAX_PEM);
    else if (!f || !all || ferror(f))
        gw_option_error(diagnostics, path, option, "cannot read %s: %s", quoted(file).text,
                        gw_regular_file_error(errno));
    else if (!memmem(all, len, "-----BEGIN ", 11))
        gw_option_error(diagnostics, path, option, "%s holds no PEM text (-----BEGIN …)", quoted(file).text);
    else
        bad = false;
    if (f)
        fclose(f);
    if (bad) {
        free(all);
        return false;
    }
    all[len] = '\0';
    char *fit = realloc(all, len + 1);
    *text = fit ? fit : all;
    return true;
}

void gw_pem_forget(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
}
