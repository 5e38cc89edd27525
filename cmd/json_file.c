/* SPDX-License-Identifier: BSD-2-Clause */
#include "json_file.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_stdout(const char *path) {
    return !strcmp(path, "-");
}

/* Devices, pipes and links are written to as they are: another file must not take their place. */
static bool is_special(const char *path) {
    struct stat at;
    return lstat(path, &at) == 0 && !S_ISREG(at.st_mode);
}

static bool is_directory(const char *path) {
    struct stat at;
    return stat(path, &at) == 0 && S_ISDIR(at.st_mode);
}

/* The file that takes its place when it is complete. Its descriptor, or a negative errno. */
static int open_part(const char *path, char part[PATH_MAX]) {
    if (snprintf(part, PATH_MAX, "%s.%d.part", path, (int)getpid()) >= PATH_MAX)
        return -ENAMETOOLONG;
    int fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return -errno;
    return fd;
}

static int check(const char *path) {
    char part[PATH_MAX];
    if (is_stdout(path))
        return 0;
    if (!*path)
        return -ENOENT;
    if (is_directory(path))
        return -EISDIR;
    if (access(path, W_OK) && errno != ENOENT)
        return -errno;
    if (is_special(path))
        return 0;
    int fd = open_part(path, part);
    if (fd < 0)
        return fd;
    close(fd);
    unlink(part);
    return 0;
}

static int dump(const json_t *json, FILE *to) {
    errno = 0;
    if (json_dumpf(json, to, JSON_INDENT(2)) || fputc('\n', to) == EOF || fflush(to))
        return errno ? -errno : -EIO;
    return 0;
}

static int dump_and_close(const json_t *json, FILE *to) {
    if (!to)
        return -errno;
    int status = dump(json, to);
    return fclose(to) && status == 0 ? -errno : status;
}

static int replace(const json_t *json, const char *path) {
    char part[PATH_MAX];
    int fd = open_part(path, part);
    if (fd < 0)
        return fd;
    FILE *to = fdopen(fd, "w");
    int status = to ? dump_and_close(json, to) : -errno;
    if (!to)
        close(fd);
    if (status == 0 && rename(part, path))
        status = -errno;
    if (status)
        unlink(part);
    return status;
}

static int say(int status, const char *path) {
    if (status)
        fprintf(stderr, "leat: cannot write the report to %s: %s\n", path, strerror(-status));
    return status;
}

int json_file_check(const char *path) {
    return path ? say(check(path), path) : 0;
}

int json_file_write(json_t *json, const char *path) {
    int status = -ENOMEM;
    if (json && is_stdout(path))
        status = dump(json, stdout);
    else if (json && is_special(path))
        status = dump_and_close(json, fopen(path, "we"));
    else if (json)
        status = replace(json, path);
    json_decref(json);
    return say(status, path);
}
