/* Finds the unit by the last word of a metric's name. Words are separated by '.', '_' or a blank. Keeps no
 * state. Called by dogstatsd_series.c when a series is new.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/metrics/metric_unit.h"

static const struct {
    gw_str word, unit;
} units[] = {
    {GW_LIT("nanoseconds"), GW_LIT("ns")},  {GW_LIT("nanos"), GW_LIT("ns")},
    {GW_LIT("ns"), GW_LIT("ns")},           {GW_LIT("microseconds"), GW_LIT("us")},
    {GW_LIT("micros"), GW_LIT("us")},       {GW_LIT("us"), GW_LIT("us")},
    {GW_LIT("milliseconds"), GW_LIT("ms")}, {GW_LIT("millis"), GW_LIT("ms")},
    {GW_LIT("ms"), GW_LIT("ms")},           {GW_LIT("seconds"), GW_LIT("s")},
    {GW_LIT("secs"), GW_LIT("s")},          {GW_LIT("minutes"), GW_LIT("min")},
    {GW_LIT("hours"), GW_LIT("h")},         {GW_LIT("days"), GW_LIT("d")},
    {GW_LIT("bytes"), GW_LIT("By")},        {GW_LIT("bits"), GW_LIT("bit")},
    {GW_LIT("kilobytes"), GW_LIT("kBy")},   {GW_LIT("megabytes"), GW_LIT("MBy")},
    {GW_LIT("kb"), GW_LIT("kBy")},          {GW_LIT("mb"), GW_LIT("MBy")},
    {GW_LIT("gb"), GW_LIT("GBy")},          {GW_LIT("kib"), GW_LIT("KiBy")},
    {GW_LIT("mib"), GW_LIT("MiBy")},        {GW_LIT("gib"), GW_LIT("GiBy")},
    {GW_LIT("percent"), GW_LIT("%")},       {GW_LIT("percentage"), GW_LIT("%")},
    {GW_LIT("celsius"), GW_LIT("Cel")},     {GW_LIT("hertz"), GW_LIT("Hz")},
    {GW_LIT("hz"), GW_LIT("Hz")},           {GW_LIT("watts"), GW_LIT("W")},
    {GW_LIT("joules"), GW_LIT("J")},        {GW_LIT("volts"), GW_LIT("V")},
    {GW_LIT("amperes"), GW_LIT("A")},
};

/* Tracers' runtime metrics have no unit word in their names. The unit comes from the beginning and the end of
 * the name; the first row that fits counts. */
static const struct {
    gw_str begin, end, unit;
} runtime[] = {
    {GW_LIT("jvm.heap_memory"), GW_LIT(""), GW_LIT("By")},
    {GW_LIT("jvm.non_heap_memory"), GW_LIT(""), GW_LIT("By")},
    {GW_LIT("jvm.buffer_pool."), GW_LIT(".used"), GW_LIT("By")},
    {GW_LIT("jvm.buffer_pool."), GW_LIT(".capacity"), GW_LIT("By")},
    {GW_LIT("jvm.gc."), GW_LIT("_size"), GW_LIT("By")},
    {GW_LIT("runtime.python.mem."), GW_LIT(""), GW_LIT("By")},
    {GW_LIT("runtime.python.cpu.time."), GW_LIT(""), GW_LIT("s")},
    {GW_LIT("runtime.python.gc.pause."), GW_LIT(""), GW_LIT("ns")},
    {GW_LIT("runtime.node.mem."), GW_LIT(""), GW_LIT("By")},
    {GW_LIT("runtime.node.heap."), GW_LIT(""), GW_LIT("By")},
    {GW_LIT("runtime.node.cpu."), GW_LIT(""), GW_LIT("%")},
    {GW_LIT("runtime.node.process.uptime"), GW_LIT(""), GW_LIT("s")},
    {GW_LIT("runtime.node."), GW_LIT(".count"), GW_LIT("")},
    {GW_LIT("runtime.node.event_loop.delay."), GW_LIT(""), GW_LIT("ns")},
    {GW_LIT("runtime.node.gc.pause"), GW_LIT(""), GW_LIT("ns")},
    {GW_LIT("runtime.go.mem_stats."), GW_LIT("alloc"), GW_LIT("By")},
    {GW_LIT("runtime.go.mem_stats."), GW_LIT("sys"), GW_LIT("By")},
    {GW_LIT("runtime.go.mem_stats."), GW_LIT("_inuse"), GW_LIT("By")},
    {GW_LIT("runtime.go.mem_stats.heap_"), GW_LIT("objects"), GW_LIT("")},
    {GW_LIT("runtime.go.mem_stats.heap_"), GW_LIT(""), GW_LIT("By")},
    {GW_LIT("runtime.go.mem_stats.next_gc"), GW_LIT(""), GW_LIT("By")},
    {GW_LIT("runtime.go.gc_stats.pause_quantiles."), GW_LIT(""), GW_LIT("ns")},
};

/* Suffixes of aggregates that a client computed; the word before them is the unit. */
static const gw_str parts[] = {GW_LIT("min"), GW_LIT("max"),          GW_LIT("avg"),
                               GW_LIT("sum"), GW_LIT("median"),       GW_LIT("p95"),
                               GW_LIT("p99"), GW_LIT("95percentile"), GW_LIT("99percentile")};

static bool is_break(char c)
{
    return c == '.' || c == '_' || c == ' ' || c == '-';
}

static size_t last_word(gw_str name)
{
    size_t from = name.len;
    while (from && !is_break(name.ptr[from - 1]))
        from--;
    return from;
}

static gw_str without_part(gw_str name)
{
    size_t from = last_word(name);
    for (size_t i = 0; from && i < sizeof parts / sizeof *parts; i++)
        if (gw_str_eq(gw_str_from(name, from), parts[i]))
            return gw_str_n(name.ptr, from - 1);
    return name;
}

gw_str metric_unit_of(gw_str name)
{
    for (size_t i = 0; i < sizeof runtime / sizeof *runtime; i++)
        if (gw_str_starts(name, runtime[i].begin) && gw_str_ends(name, runtime[i].end))
            return runtime[i].unit;
    name = without_part(name);
    size_t from = last_word(name);
    if (from == 0) /* the name is this word alone: "minutes" may be the thing that is counted */
        return GW_NOSTR;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (gw_str_ieq(gw_str_from(name, from), units[i].word))
            return units[i].unit;
    return GW_NOSTR;
}
