/* Logs what a process writes to the files whose names end with one of two suffixes, so that a test can rebuild the disk
 * as a power cut would have left it. Loaded by LD_PRELOAD; DISK_LOG names the log.
 *
 * A record is a kind, three numbers of 64 bits (file, offset, length) and, after W and A, the bytes.
 *   W  bytes are about to be written to data.mdb: from now on they may reach the disk at any time
 *   C  the writing has ended
 *   D  the same, and the range is on the disk, because the file was opened with O_DSYNC
 *   B  a sync has begun; its number is in `offset`
 *   E  the sync with that number has succeeded: what was written before its B is on the disk
 *   A  the process has acknowledged something, by writing to the file "acknowledged"
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define MOST_FILES 4096
enum { OTHER, DATA, DATA_SYNC, ACKNOWLEDGED };

static char kinds[MOST_FILES];
static int log_file = -1;
static uint64_t syncs;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int kind_of(int fd) { return fd >= 0 && fd < MOST_FILES ? kinds[fd] : OTHER; }

static int ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), wanted = strlen(end);
    return length >= wanted && strcmp(text + length - wanted, end) == 0;
}

static void put(char kind, int fd, uint64_t offset, uint64_t length, const struct iovec *pieces, int count)
{
    uint64_t numbers[3] = {(uint64_t)fd, offset, length};
    struct iovec all[2] = {{&kind, 1}, {numbers, sizeof numbers}};
    pthread_mutex_lock(&lock);
    if (log_file < 0)
        log_file = syscall(SYS_openat, AT_FDCWD, getenv("DISK_LOG"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (syscall(SYS_writev, log_file, all, 2) < 0)
        abort();
    if (count && syscall(SYS_writev, log_file, pieces, count) < 0)
        abort();
    pthread_mutex_unlock(&lock);
}

static void note_file(int fd, const char *path, int flags)
{
    if (fd < 0 || fd >= MOST_FILES)
        return;
    kinds[fd] = OTHER;
    if (ends_with(path, "/data.mdb"))
        kinds[fd] = flags & O_DSYNC ? DATA_SYNC : DATA;
    else if (ends_with(path, "/acknowledged"))
        kinds[fd] = ACKNOWLEDGED;
}

static void before_write(int fd, uint64_t offset, const struct iovec *pieces, int count)
{
    uint64_t length = 0;
    int kind = kind_of(fd);
    if (kind == OTHER)
        return;
    for (int i = 0; i < count; i++)
        length += pieces[i].iov_len;
    put(kind == ACKNOWLEDGED ? 'A' : 'W', fd, offset, length, pieces, count);
}

static void after_write(int fd, uint64_t offset, ssize_t done)
{
    int kind = kind_of(fd);
    if (done > 0 && (kind == DATA || kind == DATA_SYNC))
        put(kind == DATA_SYNC ? 'D' : 'C', fd, offset, done, NULL, 0);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define OPEN(name)                                                                                                     \
    int name(const char *path, int flags, ...)                                                                         \
    {                                                                                                                  \
        va_list rest;                                                                                                  \
        va_start(rest, flags);                                                                                         \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;                                        \
        va_end(rest);                                                                                                  \
        int fd = REAL(name)(path, flags, mode);                                                                        \
        note_file(fd, path, flags);                                                                                    \
        return fd;                                                                                                     \
    }
OPEN(open)
OPEN(open64)

#define PWRITE(name, type)                                                                                             \
    ssize_t name(int fd, const void *bytes, size_t length, type offset)                                                \
    {                                                                                                                  \
        struct iovec piece = {(void *)bytes, length};                                                                  \
        before_write(fd, offset, &piece, 1);                                                                           \
        ssize_t done = REAL(name)(fd, bytes, length, offset);                                                          \
        after_write(fd, offset, done);                                                                                 \
        return done;                                                                                                   \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

#define PWRITEV(name, type)                                                                                            \
    ssize_t name(int fd, const struct iovec *pieces, int count, type offset)                                           \
    {                                                                                                                  \
        before_write(fd, offset, pieces, count);                                                                       \
        ssize_t done = REAL(name)(fd, pieces, count, offset);                                                          \
        after_write(fd, offset, done);                                                                                 \
        return done;                                                                                                   \
    }
PWRITEV(pwritev, off_t)
PWRITEV(pwritev64, off64_t)

ssize_t write(int fd, const void *bytes, size_t length)
{
    struct iovec piece = {(void *)bytes, length};
    off_t offset = kind_of(fd) == OTHER ? 0 : lseek(fd, 0, SEEK_CUR);
    before_write(fd, offset, &piece, 1);
    ssize_t done = REAL(write)(fd, bytes, length);
    after_write(fd, offset, done);
    return done;
}

ssize_t writev(int fd, const struct iovec *pieces, int count)
{
    off_t offset = kind_of(fd) == OTHER ? 0 : lseek(fd, 0, SEEK_CUR);
    before_write(fd, offset, pieces, count);
    ssize_t done = REAL(writev)(fd, pieces, count);
    after_write(fd, offset, done);
    return done;
}

int close(int fd)
{
    if (fd >= 0 && fd < MOST_FILES)
        kinds[fd] = OTHER;
    return REAL(close)(fd);
}

#define SYNC(name)                                                                                                     \
    int name(int fd)                                                                                                   \
    {                                                                                                                  \
        int kind = kind_of(fd), is_data = kind == DATA || kind == DATA_SYNC;                                           \
        uint64_t number = is_data ? __sync_add_and_fetch(&syncs, 1) : 0;                                               \
        if (is_data)                                                                                                   \
            put('B', fd, number, 0, NULL, 0);                                                                          \
        int result = REAL(name)(fd);                                       \
        if (is_data && result == 0)                                                                                    \
            put('E', fd, number, 0, NULL, 0);                                                                          \
        return result;                                                                                                 \
    }
SYNC(fsync)
SYNC(fdatasync)
