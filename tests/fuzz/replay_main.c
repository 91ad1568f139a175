/* Replays a corpus through a fuzzer's entry, with any compiler: replay FILE|FOLDER… Prints how many inputs
 * there were; none is a failure, so a corpus that went missing is noticed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A copy of exact size, so that a sanitizer sees a byte read past the end. True when the file could be
 * read. */
static bool run(const char *path)
{
    FILE *f = fopen(path, "rb");
    long size = -1;
    if (f && fseek(f, 0, SEEK_END) == 0)
        size = ftell(f);
    uint8_t *data = size >= 0 ? malloc(size ? (size_t)size : 1) : NULL;
    bool whole = data && fseek(f, 0, SEEK_SET) == 0 && fread(data, 1, (size_t)size, f) == (size_t)size;
    if (whole)
        LLVMFuzzerTestOneInput(data, (size_t)size);
    free(data);
    if (f)
        fclose(f);
    return whole;
}

static unsigned run_all(const char *folder, DIR *d)
{
    char path[4096];
    unsigned n = 0;
    for (struct dirent *e; (e = readdir(d));) {
        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        n += run(path);
    }
    return n;
}

int main(int argc, char **argv)
{
    unsigned n = 0;
    for (int i = 1; i < argc; i++) {
        DIR *d = opendir(argv[i]);
        if (d) {
            n += run_all(argv[i], d);
            closedir(d);
        } else {
            n += run(argv[i]);
        }
    }
    printf("%u inputs\n", n);
    return n ? 0 : 1;
}
