/* stdout_tool FORMAT: drives the stdout exporter for tests/e2e/test_stdout.py, as a sender would. Standard
 * input is frames: signal (1 byte), items and length (4 bytes each, little endian), then the bytes; all go
 * out as one batch. Standard error gets the outcome: "verdict rejected text". SPDX-License-Identifier:
 * Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "core/config/option.h"
#include "gateway/run/modules.h"

enum { MOST = 10000 };

static struct gw_frame *read_frame(void)
{
    uint8_t head[9];
    uint32_t items, len;
    if (fread(head, sizeof head, 1, stdin) != 1)
        return NULL;
    memcpy(&items, head + 1, 4);
    memcpy(&len, head + 5, 4);
    uint8_t *data = malloc(len + 1);
    if (!data || fread(data, 1, len, stdin) != len)
        return NULL;
    return gw_frame_new((enum gw_signal)head[0], GW_OTEL, data, len, len + 1, items);
}

static void done(void *finished, const struct gw_outcome *outcome)
{
    fprintf(stderr, "%d %llu %s\n", outcome->verdict, (unsigned long long)outcome->rejected, outcome->text);
    *(bool *)finished = true;
}

static void set_format(void *ctx, const char *word)
{
    for (const struct gw_opt *o = gw_exporter_stdout.opts; o->type != GW_OPT_END_ROW; o++)
        if (strcmp(o->name, "format") == 0)
            *(int *)((char *)ctx + o->offset) = strncmp(o->min, word, strlen(word)) != 0;
}

int main(int argc, char **argv)
{
    static struct gw_frame *frames[MOST];
    struct gw_batch batch = {.frames = frames};
    bool finished = false;
    void *ctx = calloc(1, gw_exporter_stdout.ctx_size);
    if (argc != 2 || !ctx)
        return 2;
    set_format(ctx, argv[1]);
    while (batch.n < MOST && (frames[batch.n] = read_frame())) {
        batch.signal = frames[batch.n]->signal;
        batch.bytes += frames[batch.n]->len;
        batch.items += frames[batch.n++]->items;
    }
    if (gw_exporter_stdout.open(ctx, &(struct gw_export_host){0}, "exporters[0]", NULL) != GW_OK)
        return 1;
    gw_exporter_stdout.send(ctx, &batch, GW_NEVER, done, &finished);
    while (!finished)
        gw_exporter_stdout.wait(ctx, GW_NEVER);
    gw_exporter_stdout.close(ctx);
    for (size_t i = 0; i < batch.n; i++)
        gw_frame_drop(frames[i]);
    free(ctx);
    return 0;
}
