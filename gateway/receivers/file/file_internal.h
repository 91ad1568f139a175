/* file_internal.h: the file receiver's context, for file.c and for tests, which take its reader's steps
 * themselves.
 *
 * Threads: main, but for the counts, which any thread reads.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_FILE_INTERNAL_H
#define GW_FILE_INTERNAL_H

#include "gateway/receivers/file/file_reader.h"

struct file {
    struct file_conf conf; /* first: the option rows fill it */
    struct log_options options;
    struct file_reader reader;
    struct file_counts counts;
    pthread_t thread;
    bool started;
    struct file *next_checked; /* file.c */
};

#endif
