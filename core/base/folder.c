/* Tries to make a file without a name. Called where an option names a folder that is written, before anything is.
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* O_TMPFILE */
#include "core/base/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stddef.h>
#include <sys/statfs.h>
#include <unistd.h>

/* File systems that show the kernel's own things. */
static bool is_of_the_kernel(const char *path)
{
    static const unsigned long kinds[] = {PROC_SUPER_MAGIC,    SYSFS_MAGIC,    CGROUP_SUPER_MAGIC,
                                          CGROUP2_SUPER_MAGIC, DEBUGFS_MAGIC,  TRACEFS_MAGIC,
                                          SECURITYFS_MAGIC,    SELINUX_MAGIC,  BPF_FS_MAGIC,
                                          PSTOREFS_MAGIC,      EFIVARFS_MAGIC, BINFMTFS_MAGIC,
                                          DEVPTS_SUPER_MAGIC,  NSFS_MAGIC,     0x62656570 /* configfs */,
                                          0x65735543 /* fusectl */};
    struct statfs s;
    if (statfs(path, &s) != 0)
        return false;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if ((unsigned long)s.f_type == kinds[i])
            return true;
    return false;
}

bool gw_folder_takes_files(const char *path)
{
    if (access(path, W_OK | X_OK) != 0)
        return false;
    int fd = open(path, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    if (fd >= 0)
        return close(fd) == 0;
    if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL && errno != ENOENT)
        return false;
    bool kernels = is_of_the_kernel(path);
    errno = kernels ? EPERM : 0;
    return !kernels;
}
