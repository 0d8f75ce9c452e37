/* Loaded into the daemon and its workers by LD_PRELOAD: makes calls fail, lie about the clock, or
 * not reach the disk, as the page says that the tests share with it (FAULTS_PAGE, a file). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

enum { OPEN = 1, READ = 2, WRITE = 4, SYNC = 8, MAP = 16, STAT = 32 };

static volatile struct page {
    int64_t seconds; /* by which the clock is wrong */
    int32_t number;  /* errno of the calls that fail */
    int32_t calls;   /* which they are */
    int32_t one_in;  /* how many of them fail */
    int32_t no_sync; /* they all say yes and do nothing */
} *page;

static uint32_t state;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("FAULTS_PAGE");
    int descriptor = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (descriptor < 0)
        return;
    state = 2463534242u ^ (uint32_t)getpid();
    void *found = mmap(0, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    close(descriptor);
    if (found != MAP_FAILED)
        page = found;
}

static int fails(int call)
{
    if (!page || !(page->calls & call) || page->one_in <= 0)
        return 0;
    state ^= state << 13, state ^= state >> 17, state ^= state << 5;
    if (state % (uint32_t)page->one_in)
        return 0;
    errno = page->number;
    return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define OPENER(name)                                                                               \
    int name(const char *path, int flags, ...)                                                     \
    {                                                                                              \
        va_list rest;                                                                              \
        va_start(rest, flags);                                                                     \
        int mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, int) : 0;                          \
        va_end(rest);                                                                              \
        return fails(OPEN) ? -1 : REAL(name)(path, flags, mode);                                   \
    }
OPENER(open)
OPENER(open64)

ssize_t read(int fd, void *to, size_t n) { return fails(READ) ? -1 : REAL(read)(fd, to, n); }
ssize_t pread64(int fd, void *to, size_t n, off64_t at)
{
    return fails(READ) ? -1 : REAL(pread64)(fd, to, n, at);
}
ssize_t write(int fd, const void *from, size_t n)
{
    return fd > 2 && fails(WRITE) ? -1 : REAL(write)(fd, from, n);
}
ssize_t pwrite64(int fd, const void *from, size_t n, off64_t at)
{
    return fails(WRITE) ? -1 : REAL(pwrite64)(fd, from, n, at);
}

#define SYNCER(name)                                                                               \
    int name(int fd)                                                                               \
    {                                                                                              \
        if (page && page->no_sync)                                                                 \
            return 0;                                                                              \
        return fails(SYNC) ? -1 : REAL(name)(fd);                                                  \
    }
SYNCER(fsync)
SYNCER(fdatasync)
SYNCER(syncfs)

int lstat(const char *path, struct stat *to) { return fails(STAT) ? -1 : REAL(lstat)(path, to); }
int fstat(int fd, struct stat *to) { return fails(STAT) ? -1 : REAL(fstat)(fd, to); }

void *mmap64(void *at, size_t n, int how, int flags, int fd, off64_t from)
{
    return fails(MAP) ? MAP_FAILED : REAL(mmap64)(at, n, how, flags, fd, from);
}

int clock_gettime(clockid_t clock, struct timespec *to)
{
    int code = REAL(clock_gettime)(clock, to);
    if (!code && clock == CLOCK_REALTIME && page)
        to->tv_sec += page->seconds;
    return code;
}
