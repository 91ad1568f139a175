/* file_reader.h: the thread that reads all files of one receiver.
 *
 *   globs ─▶ tails                       each ready tail a turn, of at most TURN bytes
 *   inotify ─▶ ready ─▶ [pread 256 KiB ─▶ records ─▶ sink] ─▶ flush with an ack callback ─▶ the tracker ─▶ offsets on disk
 *
 * The thread is a loop of steps (file_reader_step). A step never waits; it returns when the next one is
 * due. Tails with unread data are in a list, tails with a deadline in a heap, and all others cost nothing
 * (file_index.h, file_schedule.c).
 *
 * A tail is the content of one file. It keeps its descriptor, so a rename or deletion changes nothing until
 * all is read. It holds no text: an unfinished record is read again next time, from its beginning (except a
 * copy of at most FILE_HELD bytes, which is the only rest of a truncated file). So memory is one buffer,
 * for any number of files.
 *
 * What can happen to a file, and how it is detected:
 *   grows          inotify, or a check every `poll`
 *   is renamed     same device and inode with another name, or with none that a pattern matches: read to its end, then closed
 *   is truncated   shorter than the part that was read, or its first bytes changed: read from 0. Rotation by copy and truncate leaves
 *                  the unread bytes in a copy beside it (file_copytruncate.c): they are read there
 *   is deleted     no names left: read to its end, then closed
 *   is replaced    another inode with the name: two tails
 *   fails          cannot be opened or read: it is retried alone, after a growing pause (file_schedule.c)
 *
 * Threads: one; `stopping` and the wakeup from the main thread. Private to the receiver's files.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_FILE_READER_H
#define GW_FILE_READER_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "core/base/arena.h"
#include "core/config/option.h"
#include "gateway/receiver_host.h"
#include "gateway/receivers/common/log_sink.h"
#include "gateway/receivers/file/file_container.h"
#include "gateway/receivers/file/file_index.h"
#include "gateway/receivers/file/file_multiline.h"
#include "gateway/receivers/file/file_text.h"
#include "gateway/receivers/file/file_watch.h"
#include "gateway/receivers/file/offset_tracker.h"

#define FILE_OPTS(X)                                                                                         \
    X(list, path, "path", "/var/log/app/*.log", "", "",                                                      \
      "Files to read: names with * ? [a-z], and ** for any number of folders. Compressed files are "         \
      "skipped. Files that appear later are read from their beginning.")                                     \
    X(list, exclude, "exclude", "", "", "", "Files not to read, with the same patterns.")                    \
    X(list, olddir, "olddir", "", "", "",                                                                    \
      "Folders into which a rotation by copy and truncate puts its copies (logrotate's olddir), if they "    \
      "are neither in nor beside the folder of the log.")                                                    \
    X(choice, links, "links", "owned", "owned|all|none", "",                                                 \
      "Which symbolic links are followed: owned, those that belong to root, to ddgate's user or to the "     \
      "owner "                                                                                               \
      "of the file that they lead to.")                                                                      \
    X(choice, start, "start", "end", "end|beginning", "",                                                    \
      "Where to begin in files that exist when the receiver starts for the first time.")                     \
    X(str, offsets, "offsets", "", "", "",                                                                   \
      "Where to save how far each file was read: a folder, or a file. Default: the first that can be "       \
      "written of $STATE_DIRECTORY, /var/lib/ddgate, $XDG_STATE_HOME/ddgate and ~/.local/state/ddgate; the " \
      "file's name there is derived from the first path.")                                                   \
    X(duration, poll, "poll", "1s", "10ms", "1h",                                                            \
      "How often files are polled for which the system sends no events: on network file systems, or when "   \
      "inotify is used up.")                                                                                 \
    X(size, max_line, "max_line", "1MiB", "1KiB", "16MiB",                                                   \
      "Longest record, and so the longest line: the rest of a longer one is cut off, and "                   \
      "log.record.truncated_bytes is its length. A record of several lines ends before it exceeds this.")    \
    X(str, encoding, "encoding", "utf-8", "", "",                                                            \
      "Encoding of the files: utf-8, utf-16le, utf-16be, gbk, or any other of `iconv -l` that contains "     \
      "ASCII. A byte order mark overrides it.")                                                              \
    X(flag, strip_ansi, "strip_ansi", "true", "", "",                                                        \
      "Remove colours and other escape sequences of terminals.")                                             \
    X(str, multiline, "multiline", "auto", "", "",                                                           \
      "Lines that belong together: auto joins stack traces and indented lines to the line before them, "     \
      "none joins nothing; anything else "                                                                   \
      "is a regular expression that a record's first line matches.")                                         \
    X(flag, containers, "containers", "true", "", "",                                                        \
      "Extract the lines of containers from their runtime's format (CRI, Docker's json-file), and the "      \
      "names of pod and container from the path.")                                                           \
    X(count, open_files, "open_files", "1024", "8", "1000000",                                               \
      "Most files open at a time. Above it, the files without changes for longest are closed, and opened "   \
      "again when they grow.")

struct file_conf {
    FILE_OPTS(GW_FIELD)
    LOG_OPTS(GW_FIELD)
};

/* Any thread reads them. */
struct file_counts {
    atomic_uint_least64_t bytes, lines, cut_lines, cut_bytes, truncated, lost_bytes, missed_links,
        unread_archives, read_errors, failing, slow_patterns, files, waits;
};

enum { FILE_BLOCK = 256 * 1024, FILE_TURN = 1024 * 1024, FILE_HELD = 64 * 1024 };
/* Two logs may well hold the same for some bytes ("started"), and nothing else ever; then both are read. */
enum { FILE_TELLING = 100 };

struct file_tail {
    struct file_tail *next, *prev; /* of all */
    struct file_entry *entry;
    struct file_index_link by_inode, by_watch, by_name, by_base, by_target;
    char *target;    /* malloc'd: where its name leads, if that is a symbolic link; else NULL */
    unsigned linked; /* how often that link was made since the last scan */
    struct file_link queued, resting, unchecked; /* file_schedule.c */
    struct file_timer timer;
    int fd;            /* -1: closed, for others need it more */
    uint64_t dev, ino; /* from the current stat; the entry's may be from before a reboot */
    uint64_t pos;      /* the start of the part that is not in the sink yet */
    uint64_t scanned;  /* of a line longer than max_line: [pos, scanned) has no line sink. Else 0 */
    uint64_t size;     /* as far as it was read */
    /* the size it was seen to have: what is missing of it after a truncation was lost */
    uint64_t there;
    uint32_t head_n;
    char head[FILE_HEAD]; /* the file's first bytes; another file's are others */
    char *held;           /* malloc'd: the text at pos when it was last read */
    size_t held_n, held_cap;
    enum file_encoding encoding;
    /* log.file.path, log.file.name: views of the entry's path; room for log.iostream */
    struct log_attr attrs[3];
    struct log_container *container; /* the container that its path names; NULL: not known */
    uint64_t first_name;             /* file_name_key of the name that it was found by */
    bool wrapped;                    /* its lines are those of a runtime */
    gw_nsec grew;                    /* monotonic: when something new was last read … */
    enum file_end tried;             /* … and how final the last attempt at its end was */
    int watch;                       /* number, or -1: polled every `poll` */
    bool ready;                      /* may have something */
    bool seen;                       /* by the scan that is under way */
    bool gone;                       /* no pattern finds it any more: read to its end, then closed … */
    gw_nsec retire_at;               /* … not before */
    /* known from last time, and not yet seen to begin with the bytes that were saved */
    bool unproven;
    int error;   /* errno: it cannot be opened or read. 0: it can */
    bool failed; /* in this turn */
    gw_nsec retry_at, retry_pause;
    /* byte for byte what that tail reads: nothing is read here unless it is truncated */
    struct file_tail *copy_of;
    unsigned copies; /* tails that are such copies of this one */
};

/* What a pattern means and that is not read (file_refused.c). */
struct file_refused {
    struct file_refused *next;
    struct file_index_link by_inode;
    uint64_t dev;
    int error; /* errno, or … */
    bool seen; /* by the scan that is under way */
    char path[];
};
enum { FILE_LINK_OF_OTHERS = -1 };

/* --- folders that are watched --- */

/* The most folders of one folder that are searched beside a log's folder: if there are more, none is. */
enum { FILE_BESIDE = 64 };
/* Copies that are held open: the oldest one goes for another. */
enum { FILE_APPEARED = 16 };

struct file_folder {
    struct file_folder *next;
    struct file_index_link by_watch, by_path;
    int number;  /* of its watch, or -1 */
    bool listed; /* the folders in it are known */
    bool reads;  /* a file that matches may appear in it */
    char path[]; /* ends with a slash */
};

struct file_appeared {
    int fd; /* -1: none */
    uint64_t dev, ino;
    gw_nsec at;
    char path[4096];
};

struct file_folders {
    struct file_watch watch;
    struct file_folder *all;
    struct file_index by_watch, by_path;
    struct file_appeared appeared[FILE_APPEARED];
};

struct file_reader {
    const struct file_conf *conf;
    const char *component;
    struct log_conf *log;
    struct gw_log_sink *sink;
    gw_str host; /* this machine's name */
    struct file_counts *counts;

    struct offset_tracker *tracker;
    char state[4096]; /* where the tracker is kept; "": nowhere */
    gw_nsec saved_at;
    /* the tracker has a file that is not saved yet: after a kill it would not be searched under another name */
    bool urgent;

    struct file_text text;
    struct file_multiline join; /* but for the unit, which is the tail's */
    struct file_containers containers;
    struct re *pattern;
    struct re_thread *re;
    struct gw_arena arena;
    enum file_encoding judging; /* what join.text decodes */
    uint64_t slow_lines;        /* that the pattern took too long for */
    char *buf;
    size_t cap;
    bool coloured; /* buf contains escape sequences that must be removed */

    bool full;                   /* the sink holds a frame's worth … */
    bool waiting;                /* … that no queue takes: nothing is read until one does */
    struct gw_ack_callback *ack; /* of the records in the sink, once they were offered */
    gw_nsec fed_at;              /* when the first record of it came; 0: the sink is empty */
    gw_nsec flush_at, pause;     /* while waiting: when it is offered next; how long it waited last */

    struct file_watch watch;     /* of files … */
    struct file_folders folders; /* … and of folders, whose events do not wait */
    gw_nsec folders_at;          /* monotonic: last check of these */
    struct file_tail *tails;
    /* by_name: by their paths; by_base, by_target: by what these, and what symbolic links lead to, end with */
    struct file_index by_inode, by_watch, by_name, by_base, by_target;
    struct file_list queued, resting, unchecked;
    struct file_timers timers;
    struct file_refused *refused;
    struct file_index refused_by_inode;
    size_t tails_n, unwatched_n, open_n;
    /* open_files, or fewer where the system gives fewer descriptors */
    size_t open_limit;
    /* some folder cannot be watched, or a symbolic link leads nowhere */
    bool blind;
    bool scan;  /* names changed */
    bool again; /* a file may be a copy that is being made: look again soon */
    /* monotonic: last scan; last check of all sizes, of the sizes of unwatched files … */
    gw_nsec scanned_at, swept_at, looked_at;
    gw_nsec scan_took, scan_cpu; /* the last scan: by the clock, and of this thread's work */
    gw_nsec round_at;            /* … and last round */
    gw_nsec now;                 /* of this turn, monotonic */
    uint64_t wall;               /* ns since 1970, of this turn */

    atomic_bool stopping;
    int wake; /* eventfd */
};

/* --- file_reader.c --- */

/* The rest is filled in by the module. False: no memory or no descriptors. */
bool file_reader_open(struct file_reader *) GW_MUST_CHECK;
/* Passes unnamed files that are not read to their end to the tracker, from which another reader can take
 * them. */
void file_reader_close(struct file_reader *);
/* The thread's body. */
void file_reader_run(struct file_reader *);
/* Its parts: the work that is due now, returning when the next step is due (0: at once) unless an event comes
 * first; the wait for that; the end. */
gw_nsec file_reader_step(struct file_reader *);
void file_reader_wait(struct file_reader *, gw_nsec next); /* until then, an event, or a stop */
void file_reader_finish(struct file_reader *);
/* Any thread. */
void file_reader_stop(struct file_reader *);
/* If the tracker changed, and the last time is long enough ago. */
void file_reader_save(struct file_reader *);

/* --- file_schedule.c --- */

/* How final the end of the file is by now. */
enum file_end file_tail_end(const struct file_reader *, const struct file_tail *);
/* It may have something: a turn is due. */
void file_tail_is_ready(struct file_reader *, struct file_tail *);
/* Puts the tail into the lists that its state requires: those that wait for a turn, those that may be closed,
 * those with a deadline. Call it whenever `ready`, `gone`, `copy_of`, `fd`, `error` or one of the times
 * changed. */
void file_schedule(struct file_reader *, struct file_tail *);
/* All whose time has come are ready, or are dropped. */
void file_schedule_now(struct file_reader *);
/* Closes those that rest longest while there are more open than may be; then `last` (may be NULL), if need
 * be. */
void file_schedule_close(struct file_reader *, struct file_tail *last);
/* The file cannot be opened or read: logged if that is new. It is retried after a growing pause. */
void file_tail_fails(struct file_reader *, struct file_tail *, int error);
/* It was read without trouble. */
void file_tail_works(struct file_reader *, struct file_tail *);

/* --- file_tail.c --- */

/* FULL: the sink is full and must be flushed first */
enum file_turn { FILE_DONE, FILE_AGAIN, FILE_FULL };

/* Takes over fd. NULL: no memory, and fd closed. It is not scheduled yet. */
struct file_tail *file_tail_new(struct file_reader *, int fd, const struct stat *, struct file_entry *,
                                uint64_t pos);
void file_tail_drop(struct file_reader *, struct file_tail *);
/* Its name changed. */
void file_tail_name(struct file_reader *, struct file_tail *, const char *path);
/* Its entry, or its entry's path, is another one. */
void file_tail_renamed(struct file_reader *, struct file_tail *);
/* Sets copy_of; NULL: it is not a copy. */
void file_tail_set_copy(struct file_reader *, struct file_tail *copy, struct file_tail *of);
/* Has a descriptor, if need be again. */
enum file_wake {
    FILE_AWAKE,
    FILE_FAILS,
    FILE_IS_GONE
} file_tail_wake(struct file_reader *, struct file_tail *);
void file_tail_shut(struct file_reader *, struct file_tail *);
/* One record into the sink; `piece`: of a container's log. */
void file_tail_emit(struct file_reader *, struct file_tail *, gw_str raw, uint64_t cut,
                    const struct log_piece *);
/* Whether these bytes may have escape sequences that shall go: for the records that are emitted next. */
void file_tail_colours(struct file_reader *, const char *buf, size_t n);
/* Reads and feeds at most FILE_TURN bytes. */
enum file_turn file_tail_turn(struct file_reader *, struct file_tail *);
/* One record into the sink for each in buf, which begins at t->pos, until the sink is full. Returns how many
 * bytes of it are done with. */
size_t file_tail_feed(struct file_reader *, struct file_tail *, const char *buf, size_t n, enum file_end,
                      bool *is_long);

/* --- file_unwrap.c --- */

/* Like file_tail_feed, for a container's log. False when there is no memory: nothing was fed. */
bool file_unwrap_feed(struct file_reader *, struct file_tail *, const char *buf, size_t n, enum file_end,
                      bool *is_long, size_t *used);
/* The tail, of which nothing was read, waits for the turn of the one that had its name before. */
bool file_unwrap_waits(struct file_reader *, struct file_tail *);
/* Whose log it is, by its path and by what that leads to. */
void file_unwrap_learn(struct file_tail *);

/* --- file_identity.c --- */

/* Whether the file still has the content that was read. Learns its first bytes while they are written.
 * UNREADABLE: see errno. */
enum file_same {
    FILE_SAME,
    FILE_CHANGED,
    FILE_UNREADABLE
} file_tail_compare(struct file_reader *, struct file_tail *);
/* A known file: it begins with the bytes that were saved, and will be known by them; else it is started over.
 * False: it cannot be read. */
bool file_tail_prove(struct file_reader *, struct file_tail *) GW_MUST_CHECK;
/* Starts again for a file with new content. False: no memory. */
bool file_tail_start_over(struct file_reader *, struct file_tail *);
/* Checks the content, also while reading is paused, so that a file that is truncated twice is not missed
 * once. */
void file_tail_check(struct file_reader *, struct file_tail *);

/* --- file_folders.c ---
 *
 *   /var/log/app/       a matching file may appear: an event there causes a scan
 *   /var/log/app/old/   folders in it, beside it, and those of `olddir`: rotations may put copies there
 *
 * A rotation that copies a file, truncates and compresses it leaves the copy there only for some
 * milliseconds. So a name that a rotation gives to a file that is read is opened when it appears, and kept
 * open until the truncation needs it, for a minute at most; the reader is woken for that at once. */

typedef void file_folder_f(void *ctx, const char *path);

/* Nothing is open; then closing is legal. */
void file_folders_init(struct file_folders *);
void file_folders_close(struct file_folders *);
/* A file that matches may appear there. False: it cannot be watched. */
bool file_folders_add(struct file_reader *, const char *path);
/* What happened in them since the last call. */
void file_folders_look(struct file_reader *);
/* Closes copies that were not needed. */
void file_folders_expire(struct file_reader *);
/* Passes the folders in which a rotation may put files of this folder. */
void file_folders_beside(const struct file_conf *, const char *folder, file_folder_f, void *ctx);
/* Whether `b` is one of those of `a`. */
bool file_folders_are_beside(const struct file_conf *, gw_str a, gw_str b);

/* --- file_names.c --- */

gw_str file_base_name(const char *path);
/* The key in by_name, by_base and by_target. */
uint64_t file_name_key(gw_str);
bool file_is_compressed_name(const char *path);
/* `name` is what a rotation would call a copy of `base`: app.log.1, app.log-20261121, app-2026-11-21.log. */
bool file_is_rotation(const char *base, const char *name);
/* The same, by a number or a date. */
bool file_is_numbered(const char *base, const char *name);
/* It is what a rotation would call a copy of some file that is read. */
bool file_has_rotation(const struct file_reader *, const char *name);
/* Calls the function with the names that a rotation may have made this name from: the part before one of its
 * marks, with or without the name's end, until it returns true. */
typedef bool file_original_f(void *ctx, gw_str base);
bool file_each_original(gw_str name, file_original_f *, void *ctx);

/* --- file_open.c --- */

int file_open(const char *path); /* for reading; never waits, never becomes our terminal */
/* The one that reads this file; NULL: none. */
struct file_tail *file_tail_of(const struct file_reader *, const struct stat *);
/* pread that is not interrupted. */
ssize_t file_pread(int fd, void *, size_t, uint64_t at);
/* It begins with the bytes that were saved. */
bool file_has_head(int fd, const struct file_saved *);

/* --- file_find_inode.c --- */

/* The file of this inode, under that name or, renamed, another one: of the same folder, or of one that a rotation
 * may move it to; for a symbolic link, of the folder that it leads to. It is put into now. -1: errno is ENOENT
 * when it is not there, and else why it cannot be opened. */
int file_open_inode(const struct file_conf *, const char *path, uint64_t dev, uint64_t ino, char *now,
                    size_t size);

/* --- file_find_copy.c --- */

/* The file with the content of t before the truncation: all that t had not read, or, if there is no such
 * file, one that ends earlier. */
struct file_copy_found {
    int fd; /* for reading, owned by the caller; -1: there is none */
    struct stat st;
    char path[4096];
    bool unnamed;  /* no name leads to it: it was made of a compressed one */
    uint64_t own;  /* bytes of a file with its own tail, including t's content; 0: there is none */
    bool left;     /* a compressed one is not unpacked … */
    uint64_t lost; /* … and at least so many bytes of it are not read; 0: not known */
};
void file_find_copy(const struct file_reader *, const struct file_tail *, struct file_copy_found *);

/* --- file_gunzip.c --- */

/* The bytes after `from` of the entry's file, from an archive that a rotation compressed with gzip. Archives
 * that cannot be unpacked are logged, counted and skipped. The fd is of an unnamed file with these bytes at
 * the same offset; path is its earlier name. -1: there is none, or nothing is left in it. `target`: the
 * target of the entry's path; may be NULL. */
void file_gunzip(const struct file_reader *, const struct file_entry *, const char *target, uint64_t from,
                 struct file_copy_found *);

/* --- file_copytruncate.c --- */

/* A new file: is it a copy of one that is being read? */
enum file_copy {
    FILE_NO_COPY,
    FILE_COPY,
    FILE_MAYBE_COPY
} file_is_copy(struct file_reader *, const char *path, int fd, const struct stat *, struct file_tail **of);

/* Of a tail that waits for the one that it is a copy of: two logs that began alike part sooner or later. */
bool file_is_still_copy(const struct file_tail *);

/* --- file_refused.c --- */

/* A file, with errno or FILE_LINK_OF_OTHERS: logged when that is new. */
void file_refuse(struct file_reader *, const char *path, const struct stat *, int error);
/* A name of which no inode is known. */
void file_refuse_name(struct file_reader *, const char *path, int error);
/* At the end of a scan: those that it did not refuse are over. `all`: everything is. */
void file_refusals_end(struct file_reader *, bool all);
/* By the option `links`. */
bool file_link_is_followed(const struct file_reader *, const char *path, const struct stat *target);

/* --- file_scan.c --- */

/* Looks through the patterns: new tails, new names, and which are gone. */
void file_scan(struct file_reader *);
/* Forgets what could not be opened. */
void file_scan_fini(struct file_reader *);

#endif
