/* page.c: finds a file of the live page by its path, in the table that the build makes of this folder. Owns
 * nothing; the admin listener's threads call it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/page/page.h"

#include <string.h>

const struct gw_page_file *gw_page_file(const char *path)
{
    for (size_t i = 0; i < gw_page_files_n; i++)
        if (strcmp(gw_page_files[i].path, path) == 0)
            return &gw_page_files[i];
    return NULL;
}
