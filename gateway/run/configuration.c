/* configuration.c: Reads a configuration file into struct gw_conf, fills in environment variables and
 * defaults, and collects all mistakes. A configuration has a reference count; its last reference frees it.
 * Called by main.c at start and at a reload.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/run/configuration.h"

#include <libconfig.h>
#include <stdlib.h>

#include "core/base/scrub.h"
#include "core/config/config_diagnostic.h"
#include "core/config/config_syntax.h"
#include "core/config/config_tree.h"
#include "core/config/did_you_mean.h"
#include "gateway/run/configuration_env.h"

enum { ARENA = 64 * 1024 * 1024, NAMES = 64, NAMES_TEXT = 400 };

#define GW_CONF struct gw_process_conf
const struct gw_opt gw_process_opts[] = {GW_PROCESS_OPTS(GW_ROW) GW_OPT_END};

/* "ddtrace, lines": the modules that there are, for messages. */
static void list_names(const char *const *names, char out[static NAMES_TEXT])
{
    size_t n = 0;
    for (out[0] = '\0'; *names && n + 64 < NAMES_TEXT; names++)
        n += (size_t)snprintf(out + n, NAMES_TEXT - n, "%s\"%.40s\"", n ? ", " : "", *names);
}

/* The entry's `type`, as index into names; -1 and a diagnostic if it is unknown. */
static int find_type(struct gw_tree *t, config_setting_t *entry, const char *path, const char *const *names)
{
    char known[NAMES_TEXT], at[GW_OPTION_PATH];
    gw_str type = GW_NOSTR;
    list_names(names, known);
    config_setting_t *setting = config_setting_get_member(entry, "type");
    if (!setting) {
        gw_config_error(t->diagnostics, path, "has no type: write type = \"…\"; known are %s", known);
        return -1;
    }
    gw_option_path(at, path, "type");
    if (!gw_tree_text(t, setting, at, &type))
        return -1;
    for (int i = 0; names[i]; i++)
        if (gw_str_eq(gw_str_z(names[i]), type))
            return i;
    const char *near = gw_did_you_mean(type, names);
    if (near)
        gw_config_error(t->diagnostics, at, "there is no \"%.*s\": did you mean \"%s\"? Known are %s",
                        GW_FMT(type), near, known);
    else
        gw_config_error(t->diagnostics, at, "there is no \"%.*s\"; known are %s", GW_FMT(type), known);
    return -1;
}

static bool new_receiver(struct gw_tree *t, struct gw_conf *c, const struct gw_receiver *module,
                         const char *path)
{
    struct gw_conf_receiver *r = &c->receivers[c->receivers_n++];
    r->module = module;
    r->path = gw_arena_printf(t->arena, "%s", path).ptr;
    r->conf = gw_arena_array(t->arena, 1, module->conf_size);
    return r->path && r->conf && gw_opt_defaults(module->opts, r->conf, t->arena);
}

static bool new_exporter(struct gw_tree *t, struct gw_conf *c, const struct gw_exporter *module,
                         const char *path)
{
    struct gw_conf_exporter *e = &c->exporters[c->exporters_n++];
    e->module = module;
    e->path = gw_arena_printf(t->arena, "%s", path).ptr;
    e->conf = gw_arena_array(t->arena, 1, module->conf_size);
    return e->path && e->conf && gw_opt_defaults(module->opts, e->conf, t->arena) &&
           gw_opt_defaults(gw_sender_opts, &e->sender, t->arena);
}

static void set_from_env(struct gw_tree *t, const struct gw_opt *rows, const struct gw_opt *row, void *conf,
                         const char *path)
{
    gw_str text;
    const char *name;
    char at[GW_OPTION_PATH], source[96];
    if (!gw_conf_env_value(t->env, rows, row, t->arena, &text, &name))
        return;
    gw_option_path(at, path, row->name);
    snprintf(source, sizeof source, "environment variable %s", name);
    gw_diagnostics_location(t->diagnostics, at, source, 0);
    if (row->type == GW_OPT_duration && strspn(t->env(name), "0123456789") != strlen(t->env(name)))
        gw_config_error(t->diagnostics, at, "is a number of milliseconds, without a unit");
    else if (row->type != GW_OPT_map)
        gw_opt_set(row, conf, text, gw_str_z(t->env(name)), t->arena, at, t->diagnostics);
    else if (!gw_conf_env_headers(text, (struct gw_map *)((char *)conf + row->offset), t->arena))
        gw_config_error(t->diagnostics, at, "is not key=value,key=value");
}

/* Sets options that the file does not set (`entry` NULL: all of them). */
static void fill_from_env(struct gw_tree *t, const struct gw_opt *rows, void *conf, config_setting_t *entry,
                          const char *path)
{
    for (const struct gw_opt *row = rows; row->type != GW_OPT_END_ROW; row++)
        if (!entry || !config_setting_lookup(entry, row->name))
            set_from_env(t, rows, row, conf, path);
}

/* An exporter may have an empty destination only if the configuration says so explicitly. */
static void check_wanted(struct gw_tree *t, const struct gw_conf_exporter *e)
{
    char at[GW_OPTION_PATH], where[256];
    if (!e->module->wants)
        return;
    for (const char *const *option = e->module->wants; *option; option++) {
        gw_option_path(at, e->path, *option);
        if (gw_diagnostics_is_written(t->diagnostics, at))
            return;
    }
    gw_option_path(at, e->path, e->module->wants[0]);
    gw_diagnostics_where(t->diagnostics, at, where, sizeof where);
    gw_config_error(
        t->diagnostics, at,
        *where ? "is empty after its ${…} was replaced: set the variable that it names, or write \"\" to "
                 "send nothing"
               : "is missing: set the target, for example \"http://127.0.0.1:4317\"; \"\" sends nothing");
}

static void fill_exporter(struct gw_tree *t, struct gw_conf_exporter *e, config_setting_t *entry)
{
    struct gw_tree_rows rows[] = {{e->module->opts, e->conf}, {gw_sender_opts, &e->sender}};
    char help[96];
    snprintf(help, sizeof help, "exporters.%.64s", e->module->name);
    if (gw_conf_env_fills(e->module)) {
        fill_from_env(t, e->module->opts, e->conf, entry, e->path);
        fill_from_env(t, gw_sender_opts, &e->sender, entry, e->path);
    }
    if (entry)
        gw_tree_fill(t, entry, rows, 2, e->path, help, (const char *const[]){"type", NULL});
    check_wanted(t, e);
}

static void fill_receiver(struct gw_tree *t, struct gw_conf_receiver *r, config_setting_t *entry)
{
    struct gw_tree_rows rows[] = {{r->module->opts, r->conf}};
    char help[96];
    snprintf(help, sizeof help, "receivers.%.64s", r->module->name);
    if (entry)
        gw_tree_fill(t, entry, rows, 1, r->path, help, (const char *const[]){"type", NULL});
}

static void read_receiver(struct gw_tree *t, struct gw_conf *c, const struct gw_conf_environment *w,
                          config_setting_t *entry, const char *path)
{
    const char *names[NAMES] = {NULL};
    for (size_t i = 0; w->receivers[i] && i + 1 < NAMES; i++)
        names[i] = w->receivers[i]->name;
    int type = find_type(t, entry, path, names);
    if (type < 0)
        return;
    if (c->receivers_n == GW_MAX_RECEIVERS)
        gw_config_error(t->diagnostics, path, "is one too many: %d receivers are the most", GW_MAX_RECEIVERS);
    else if (new_receiver(t, c, w->receivers[type], path))
        fill_receiver(t, &c->receivers[c->receivers_n - 1], entry);
}

static void read_exporter(struct gw_tree *t, struct gw_conf *c, const struct gw_conf_environment *w,
                          config_setting_t *entry, const char *path)
{
    const char *names[NAMES] = {NULL};
    for (size_t i = 0; w->exporters[i] && i + 1 < NAMES; i++)
        names[i] = w->exporters[i]->name;
    int type = find_type(t, entry, path, names);
    if (type < 0)
        return;
    if (c->exporters_n == GW_MAX_EXPORTERS)
        gw_config_error(t->diagnostics, path, "is one too many: %d exporters are the most", GW_MAX_EXPORTERS);
    else if (new_exporter(t, c, w->exporters[type], path))
        fill_exporter(t, &c->exporters[c->exporters_n - 1], entry);
}

typedef void read_entry_f(struct gw_tree *, struct gw_conf *, const struct gw_conf_environment *,
                          config_setting_t *, const char *path);

/* Each group of the list `name`; false when the file does not have it. */
static bool read_list(struct gw_tree *t, struct gw_conf *c, const struct gw_conf_environment *w,
                      config_setting_t *root, const char *name, read_entry_f *read)
{
    config_setting_t *list = root ? config_setting_get_member(root, name) : NULL;
    char path[GW_OPTION_PATH];
    if (!list)
        return false;
    if (!config_setting_is_list(list)) {
        gw_config_error(t->diagnostics, name, "wants a list of groups: write %s = ( { type = \"…\"; } );",
                        name);
        return true;
    }
    if (config_setting_length(list) == 0)
        gw_config_error(t->diagnostics, name,
                        "is empty: leave it out for the default, or write at least one group");
    for (int i = 0; i < config_setting_length(list); i++) {
        config_setting_t *entry = config_setting_get_elem(list, (unsigned)i);
        snprintf(path, sizeof path, "%.32s[%d]", name, i);
        if (config_setting_is_group(entry))
            read(t, c, w, entry, path);
        else
            gw_config_error(t->diagnostics, path, "wants a group: write { type = \"…\"; }");
    }
    return true;
}

static void default_receivers(struct gw_tree *t, struct gw_conf *c, const struct gw_conf_environment *w)
{
    char path[GW_OPTION_PATH];
    c->unasked = true;
    for (size_t i = 0; w->receivers[i]; i++) {
        snprintf(path, sizeof path, "receivers[%zu]", c->receivers_n);
        if (w->receivers[i]->by_default && new_receiver(t, c, w->receivers[i], path))
            fill_receiver(t, &c->receivers[c->receivers_n - 1], NULL);
    }
}

static void default_exporters(struct gw_tree *t, struct gw_conf *c, const struct gw_conf_environment *w)
{
    const char *type = gw_conf_env_exporter(t->env);
    for (size_t i = 0; w->exporters[i]; i++)
        if (strcmp(w->exporters[i]->name, type) == 0) {
            if (new_exporter(t, c, w->exporters[i], "exporters[0]"))
                fill_exporter(t, &c->exporters[0], NULL);
            return;
        }
    gw_config_error(t->diagnostics, "exporters",
                    "OTEL_EXPORTER_OTLP_PROTOCOL and OTEL_EXPORTER_OTLP_ENDPOINT ask for %s, which ddgate "
                    "does not have: set the protocol to grpc and the endpoint to port 4317",
                    type);
}

/* Names are labels of metrics and of the ledger, and name the exporter in log lines. */
static void name_exporters(struct gw_tree *t, struct gw_conf *c)
{
    for (size_t i = 0; i < c->exporters_n; i++) {
        struct gw_conf_exporter *e = &c->exporters[i];
        char at[GW_OPTION_PATH];
        gw_option_path(at, e->path, "name");
        if (e->sender.name.len == 0)
            e->sender.name = gw_str_z(e->module->name);
        for (size_t k = 0; k < i; k++)
            if (gw_str_eq(e->sender.name, c->exporters[k].sender.name)) {
                gw_config_error(t->diagnostics, at, "%s is named \"%.*s\" too: give each a name of its own",
                                c->exporters[k].path, GW_FMT(e->sender.name));
                break;
            }
        gw_sender_check(&e->sender, e->module, e->path, t->diagnostics);
    }
}

static void read_all(struct gw_tree *t, struct gw_conf *c, const struct gw_conf_environment *w,
                     config_setting_t *root)
{
    struct gw_tree_rows rows[] = {{gw_process_opts, &c->process}};
    if (root)
        gw_tree_fill(t, root, rows, 1, "", "process", (const char *const[]){"receivers", "exporters", NULL});
    if (!read_list(t, c, w, root, "receivers", read_receiver))
        default_receivers(t, c, w);
    if (!read_list(t, c, w, root, "exporters", read_exporter))
        default_exporters(t, c, w);
    name_exporters(t, c);
}

struct gw_conf *gw_conf_ref(struct gw_conf *c)
{
    c->refs++;
    return c;
}

void gw_conf_drop(struct gw_conf *c)
{
    if (!c || --c->refs > 0)
        return;
    gw_arena_fini(&c->arena);
    free(c);
}

static struct gw_conf *conf_new(void)
{
    struct gw_conf *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->refs = 1;
    gw_arena_init(&c->arena, ARENA);
    if (gw_opt_defaults(gw_process_opts, &c->process, &c->arena))
        return c;
    gw_conf_drop(c);
    return NULL;
}

/* Called before any message about the configuration. The HTTP libraries read proxy variables, but their
 * passwords are secrets of ddgate. */
static void know_secrets(const struct gw_conf *c, gw_env_f *env)
{
    static const char *const proxies[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
                                          "ALL_PROXY",  "grpc_proxy",  NULL};
    gw_opt_secrets(gw_process_opts, &c->process);
    for (size_t i = 0; i < c->receivers_n; i++)
        gw_opt_secrets(c->receivers[i].module->opts, c->receivers[i].conf);
    for (size_t i = 0; i < c->exporters_n; i++)
        gw_opt_secrets(c->exporters[i].module->opts, c->exporters[i].conf);
    for (const char *const *name = proxies; *name; name++)
        if (env(*name))
            gw_secret_add_url(gw_str_z(env(*name)));
}

/* libconfig names it as the line that includes it does: relative to the file of that line. */
static gw_str load_included(struct gw_tree *t, const char *file)
{
    const char *slash = strrchr(t->file, '/');
    gw_str name = *file == '/' || !slash
                      ? gw_str_z(file)
                      : gw_arena_printf(t->arena, "%.*s/%s", (int)(slash - t->file), t->file, file);
    return name.ptr ? gw_conf_load(name.ptr, t->arena, t->diagnostics) : GW_NOSTR;
}

/* libconfig refuses the file, or one that it includes: reports the place and the likely cause. */
static void refused(struct gw_tree *t, const config_t *tree, gw_str text)
{
    const char *file = config_error_file(tree) ? config_error_file(tree) : t->file;
    bool included = config_error_file(tree) && strcmp(file, t->file) != 0;
    struct gw_syntax_fault fault;
    gw_diagnostics_location(t->diagnostics, "", file, 0);
    if (included)
        text = load_included(t, file);
    if (!text.ptr)
        return;
    const char *kind = gw_syntax_other_kind(text);
    bool syntax = !config_error_text(tree) || strcmp(config_error_text(tree), "syntax error") == 0;
    if (kind) {
        gw_config_error(t->diagnostics, "", "%s", kind);
    } else if (syntax && gw_syntax_find(text, &fault)) {
        gw_diagnostics_syntax(t->diagnostics, file, fault.line, fault.column, fault.what, fault.shown);
    } else {
        gw_diagnostics_location(t->diagnostics, "", file, (unsigned)config_error_line(tree));
        gw_config_error(t->diagnostics, "", "%s", gw_tree_syntax_text(config_error_text(tree)));
    }
}

static void read_tree(struct gw_conf *c, gw_str text, const char *name, const struct gw_conf_environment *w,
                      struct gw_diagnostics *p)
{
    struct gw_tree t = {.arena = &c->arena, .env = w->env, .diagnostics = p, .file = name};
    config_t tree;
    config_init(&tree);
    if (name)
        gw_tree_include_from(&t, &tree);
    gw_str wide = text.ptr ? gw_conf_widen(text, &c->arena) : GW_NOSTR;
    if (wide.ptr && (gw_syntax_ends_in_text(text) || !config_read_string(&tree, wide.ptr))) {
        refused(&t, &tree, text);
        c->unread = true;
    } else {
        if (wide.ptr)
            gw_tree_locations(&t, config_root_setting(&tree));
        read_all(&t, c, w, wide.ptr ? config_root_setting(&tree) : NULL);
    }
    config_destroy(&tree);
    know_secrets(c, w->env);
    if (c->arena.spent)
        gw_config_error(p, "", "the configuration is too large: its values take more than %d MiB",
                        ARENA >> 20);
}

struct gw_conf *gw_conf_read_text(gw_str text, const char *name, const struct gw_conf_environment *w,
                                  struct gw_diagnostics *p)
{
    struct gw_conf *c = conf_new();
    if (!c)
        return NULL;
    gw_diagnostics_location(p, "", name, 0);
    read_tree(c, text, name, w, p);
    return c;
}

struct gw_conf *gw_conf_read(const char *file, const struct gw_conf_environment *w, struct gw_diagnostics *p)
{
    struct gw_conf *c = conf_new();
    gw_str text;
    if (!c)
        return NULL;
    const char *name = file && strcmp(file, "-") == 0 ? "standard input" : file;
    gw_diagnostics_location(p, "", name, 0);
    if (!file)
        read_tree(c, GW_NOSTR, NULL, w, p);
    else if ((text = gw_conf_load(file, &c->arena, p)).ptr)
        read_tree(c, text, name, w, p);
    else
        c->unread = true;
    for (size_t i = 0; file != name && i < c->receivers_n; i++)
        if (strcmp(c->receivers[i].module->name, "stdin") == 0)
            gw_config_error(p, c->receivers[i].path,
                            "reads standard input, which -c - has read the configuration from: use a file "
                            "for one of the two");
    return c;
}
