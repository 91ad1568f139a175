/* Any pprof that is one, as OTLP: a request that protobuf-c reads, whose every number points into its table, and which is not much
 * longer than the profile.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "profiles_service.pb-c.h"
#include "translators/profiles/pprof.h"
#include "translators/profiles/pprof_otlp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef Opentelemetry__Proto__Collector__Profiles__V1development__ExportProfilesServiceRequest Request;
typedef Opentelemetry__Proto__Profiles__V1development__ProfilesDictionary Dictionary;
typedef Opentelemetry__Proto__Profiles__V1development__Profile Profile;

static void within(int64_t number, size_t n)
{
    GW_ASSERT(number >= 0 && (uint64_t)number < n);
}

static void check_dictionary(const Dictionary *d)
{
    for (size_t i = 0; i < d->n_stack_table; i++)
        for (size_t j = 0; j < d->stack_table[i]->n_location_indices; j++)
            within(d->stack_table[i]->location_indices[j], d->n_location_table);
    for (size_t i = 0; i < d->n_location_table; i++) {
        within(d->location_table[i]->mapping_index, d->n_mapping_table);
        for (size_t j = 0; j < d->location_table[i]->n_lines; j++)
            within(d->location_table[i]->lines[j]->function_index, d->n_function_table);
    }
    for (size_t i = 0; i < d->n_function_table; i++) {
        within(d->function_table[i]->name_strindex, d->n_string_table);
        within(d->function_table[i]->system_name_strindex, d->n_string_table);
        within(d->function_table[i]->filename_strindex, d->n_string_table);
    }
    for (size_t i = 0; i < d->n_mapping_table; i++) {
        within(d->mapping_table[i]->filename_strindex, d->n_string_table);
        for (size_t j = 0; j < d->mapping_table[i]->n_attribute_indices; j++)
            within(d->mapping_table[i]->attribute_indices[j], d->n_attribute_table);
    }
    for (size_t i = 0; i < d->n_attribute_table; i++) {
        within(d->attribute_table[i]->key_strindex, d->n_string_table);
        within(d->attribute_table[i]->unit_strindex, d->n_string_table);
    }
}

static void check_profile(const Profile *p, const Dictionary *d)
{
    if (p->sample_type) {
        within(p->sample_type->type_strindex, d->n_string_table);
        within(p->sample_type->unit_strindex, d->n_string_table);
    }
    for (size_t i = 0; i < p->n_samples; i++) {
        within(p->samples[i]->stack_index, d->n_stack_table);
        GW_ASSERT(p->samples[i]->n_values == 1);
        for (size_t j = 0; j < p->samples[i]->n_attribute_indices; j++)
            within(p->samples[i]->attribute_indices[j], d->n_attribute_table);
    }
    for (size_t j = 0; j < p->n_attribute_indices; j++)
        within(p->attribute_indices[j], d->n_attribute_table);
}

static void check(const struct otlp_buf *w)
{
    Request *r =
        opentelemetry__proto__collector__profiles__v1development__export_profiles_service_request__unpack(
            NULL, w->len, w->data);
    GW_ASSERT(r && r->n_resource_profiles == 1 && r->dictionary);
    check_dictionary(r->dictionary);
    GW_ASSERT(r->resource_profiles[0]->n_scope_profiles == 1 &&
              r->resource_profiles[0]->scope_profiles[0]->n_profiles);
    for (size_t i = 0; i < r->resource_profiles[0]->scope_profiles[0]->n_profiles; i++)
        check_profile(r->resource_profiles[0]->scope_profiles[0]->profiles[i], r->dictionary);
    opentelemetry__proto__collector__profiles__v1development__export_profiles_service_request__free_unpacked(
        r, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    gw_str raw = gw_str_n((const char *)data, size), tag = GW_STR("service:a");
    const struct profile_upload u = {.service = GW_STR("a"), .tags = &tag, .tags_n = 1};
    const struct profile_otlp how = {.upload = &u, .file = GW_STR("a.pprof"), .arrived = 1, .random = {1, 2}};
    struct pprof_contents c;
    struct otlp_buf w = {0};
    struct gw_arena arena;
    struct gw_err err = {0};
    gw_arena_init(&arena, (size_t)64 << 20);
    if (pprof_check(raw, &c, &err) == GW_OK) {
        GW_ASSERT(profile_pprof_to_otlp(&how, raw, &c, &arena, &w, &err) == GW_OK);
        check(&w);
        GW_ASSERT(w.len <= 1024 + 32 * size);
    }
    otlp_fini(&w);
    gw_arena_fini(&arena);
    return 0;
}
