/* Units by the last word of a metric's name, which a '.', a '_' or a blank begins.
 * Keeps no state. Called by dogstatsd_series.c when a series is new.
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

/* Java's, .NET's, Python's, Node's and Go's runtime metrics do not say what they count in. */
static const struct {
    gw_str name, unit;
} runtime[] = {
    {GW_LIT("jvm.heap_memory"), GW_LIT("By")},
    {GW_LIT("jvm.heap_memory_committed"), GW_LIT("By")},
    {GW_LIT("jvm.heap_memory_init"), GW_LIT("By")},
    {GW_LIT("jvm.heap_memory_max"), GW_LIT("By")},
    {GW_LIT("jvm.non_heap_memory"), GW_LIT("By")},
    {GW_LIT("jvm.non_heap_memory_committed"), GW_LIT("By")},
    {GW_LIT("jvm.non_heap_memory_init"), GW_LIT("By")},
    {GW_LIT("jvm.non_heap_memory_max"), GW_LIT("By")},
    {GW_LIT("runtime.python.mem.rss"), GW_LIT("By")},
    {GW_LIT("runtime.node.mem.heap_total"), GW_LIT("By")},
    {GW_LIT("runtime.node.mem.heap_used"), GW_LIT("By")},
    {GW_LIT("runtime.node.mem.rss"), GW_LIT("By")},
    {GW_LIT("runtime.node.mem.external"), GW_LIT("By")},
};

static bool is_break(char c)
{
    return c == '.' || c == '_' || c == ' ' || c == '-';
}

gw_str metric_unit_of(gw_str name)
{
    size_t from = name.len;
    for (size_t i = 0; i < sizeof runtime / sizeof *runtime; i++)
        if (gw_str_eq(name, runtime[i].name))
            return runtime[i].unit;
    while (from && !is_break(name.ptr[from - 1]))
        from--;
    if (from == 0) /* the name is the word: "minutes" may be what is counted */
        return GW_NOSTR;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (gw_str_ieq(gw_str_from(name, from), units[i].word))
            return units[i].unit;
    return GW_NOSTR;
}
