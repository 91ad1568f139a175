/* page.h: the files of the live page, which are a part of the program.
 *
 *     GET /        index.html, which loads the others: style.css, and one module of JavaScript per view
 *
 * The files of this folder are the page as it is served: no framework, nothing is translated or minified, and
 * the build makes one array of bytes of each (cmake/Page.cmake). The page gets everything else from /api/. It
 * loads nothing from elsewhere; docs/reference/mapping.md, to whose rows it links, is one of its files. It has no script or style in its HTML, so the strictest
 * Content-Security-Policy holds. Text that clients sent reaches the document through dom.js alone, as text.
 *
 * Constant data: all threads, no errors.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_PAGE_H
#define GW_PAGE_H

#include <stddef.h>

struct gw_page_file {
    const char *path; /* of the URL: "/style.css" */
    const char *type; /* Content-Type, with the charset */
    const char *etag; /* of these bytes, in its quotes */
    const unsigned char *bytes;
    size_t len;
};

/* All of them; the build makes it. */
extern const struct gw_page_file gw_page_files[];
extern const size_t gw_page_files_n;

/* NULL: there is none at this path. */
const struct gw_page_file *gw_page_file(const char *path);

#endif
