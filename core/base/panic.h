/* panic.h: the crash report of the process.
 *
 *     GW_ASSERT, gw_panic ─┐
 *     SIGSEGV, SIGBUS,     ├─▶ standard error: what failed, version, thread, component, locks held, stack ─▶ the signal's default action
 *     SIGFPE, SIGILL,      │
 *     SIGABRT             ─┘
 *
 *     ddgate: internal error: f->len <= f->cap does not hold at core/delivery/frame.c:27; please report this
 *     ddgate: version 0.1.0, thread exp/sls, component exporter=sls
 *     ddgate: stack, for `addr2line -e ddgate -fip ADDRESS`:
 *     build/ddgate(+0x5c3f1) [0x55d0c8a5c3f1]
 *
 * A report contains names of code and addresses, never text from requests or the configuration. It is always
 * plain text: it is made with only what is allowed in a signal handler, that is, without memory, locks or
 * stdio. If standard error is not read, the report is lost, so that the process ends. Exit status and core
 * dump are those of the signal.
 *
 * The first thread that crashes reports; others that crash meanwhile wait for the end. Where a sanitizer has
 * a handler of its own, its report is the better one and stays.
 * Threads: install on main, before others; gw_panic any.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_PANIC_H
#define GW_PANIC_H

#include "core/base/err.h"

/* Main thread, before there are others. */
void gw_panic_install(void);
/* A fault of ours: reports and aborts. The text is cut at 256 bytes. */
void gw_panic(const char *fmt, ...) GW_PRINTF(1, 2) __attribute__((noreturn));

#endif
