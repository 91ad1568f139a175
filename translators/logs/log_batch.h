/* log_batch.h: the records that will become frames.
 *
 *     log_add ─▶ [ record | record | record | … ]  one buffer of finished LogRecords, in the order of arrival
 *                   │        │        │
 *                   └─────── scope ───┘   each has a scope, each scope a resource (log_group.h)
 *
 *     log_finish ─▶ ResourceLogs by ResourceLogs, ScopeLogs by ScopeLogs, split near GW_FRAME_BYTES
 *
 * The trace id of a record is looked up when its frame is made: the later, the more likely its trace is
 * known.
 *
 * Ownership and threads: see log_record.h.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LOG_BATCH_H
#define LOG_BATCH_H

#include "translators/logs/log_conf.h"
#include "translators/logs/log_found.h"
#include "translators/logs/log_record.h"
#include "translators/logs/log_severity.h"

enum { SC_FAULT_TEXT = sizeof(((struct sc_fault *)0)->text) };
/* Past LOG_BATCH_FREE bytes that wait, more is charged to the process's memory budget; up to there a batch is
 * part of what a thread costs. */
enum {
    LOG_BATCH_FREE = 4 << 20,
    LOG_BATCH_STEP = 1 << 20,
    LOG_SCRATCH_KEEP = 1 << 18,
    LOG_BATCH_MOST = 1 << 30 /* places are 32 bits */
};

struct log_slot {
    uint32_t at, len; /* in `records` */
    /* offset of a 64-bit trace id's 16 bytes from `at`; 0: the id is complete, or there is none */
    uint32_t id;
    uint32_t next; /* of the same scope: index + 1 */
};

/* The attributes that an intake and the options give to one record after the other, as they were written
 * last. */
enum { LOG_TAIL_ATTRS = 4, LOG_TAIL_TEXT = 1024 };
struct log_tail {
    struct log_attrs attrs;
    struct log_attr known[LOG_TAIL_ATTRS]; /* in `text`, as the source */
    size_t n;
    gw_str source;
    char text[LOG_TAIL_TEXT];
    bool valid;
};

struct log_batch {
    const struct log_conf *conf;
    struct log_setup *setup;   /* of the conf, as of when the batch was last empty; a reference */
    unsigned generation;       /* of setup */
    struct log_clock clock;    /* in setup's zone */
    struct gw_arena keep;      /* groups: until log_finish */
    struct gw_arena scratch;   /* of the record */
    struct log_attrs attrs;    /* of the record */
    struct log_attrs resource; /* … and of its resource, by its tags */
    struct log_tail tail;
    struct sc_thread *thread;
    struct {
        gw_str source; /* in `name` */
        const struct sc_script *script;
        char name[128];
    } last; /* script that was looked up */
    /* the newest script error; what log_batch_fault has handed out */
    char fault[SC_FAULT_TEXT], said[SC_FAULT_TEXT];
    struct otlp_buf records;
    struct log_slot *slots;
    size_t n, cap, left; /* slots; those whose records are in no frame yet */
    struct log_groups groups;
    const struct sc_script *script; /* that reads the record; NULL: none does */
    gw_str message;                 /* as the script got it */
    gw_str form;                    /* how the record was read; static text; only while recent data is kept */
    bool has_lines;                 /* its records are in recent.h, each with its line */
    struct gw_intake intake;        /* refused and dropped since the last log_finish, and received in total */
    size_t charged;
};

/* log_batch.c: the newest setup of the batch's conf; the batch is empty. */
void log_batch_begin_setup(struct log_batch *);
/* log_recent.c: keeps a line and its record for somebody who looks (core/delivery/recent.h); `record` is an
 * element of ScopeLogs. The line is kept as it came, unless a script changed or removed its message: what a
 * script hides on purpose, by cover(), replace() or drop_key(), stays hidden. Records that a script drops are
 * not kept. Call it while gw_recent_wanted(). */
void log_recent_keep(struct log_batch *, const struct log_input *, const struct log_found *, gw_str record);
/* How the record is read: "script", "json", "logfmt", "text" or "none"; before the envelope's values join its
 * attributes. */
gw_str log_recent_form(const struct log_batch *, const struct log_input *);
/* log_frames.c: the attributes of a Resource. */
void log_write_resource(struct otlp_buf *, const struct log_setup *, const struct log_origin *);
/* log_batch.c: writes one record; everything is found except the envelope's values. */
enum gw_code log_batch_write(struct log_batch *, const struct log_input *, struct log_found *);
/* log_script.c: the script for a record: the one that its sender names, else the option's, else its source's;
 * NULL: none. */
const struct sc_script *log_script_of(struct log_batch *, gw_str asked, gw_str source);
/* Reads the record with the script: `text` is its message, `around` the envelope's values. */
enum gw_code log_script_run(struct log_batch *, const struct sc_script *, const struct log_input *,
                            gw_str text, const struct log_found *around);

#endif
