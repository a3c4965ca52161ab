/*
 * Keeps a shadow of one file as the disk has it: bytes get there only when a sync of that file has returned, or when
 * they were written through a descriptor opened with O_DSYNC. Killing a process shows nothing about fsync, because the
 * page cache lives on; the shadow is what a power cut would have left. Loaded with LD_PRELOAD.
 *
 *   FSYNC_SHIM_FILE    end of the path of the file to follow
 *   FSYNC_SHIM_SHADOW  path of the shadow
 *   FSYNC_SHIM_SLOW_US microseconds that each sync takes longer, so that a kill finds one under way
 *   FSYNC_SHIM_FULL    while a file of this path exists, writes that would make the followed file longer fail: ENOSPC
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define FDS 65536

struct pending {
  struct pending *next;
  off_t offset;
  size_t length;
  char bytes[];
};

static unsigned char followed[FDS]; /* 1: followed, 2: with O_DSYNC as well */
static struct pending *head, **tail = &head;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int shadow = -1;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static ssize_t raw_pwrite(int fd, const void *bytes, size_t length, off_t offset) {
  static __typeof__(&pwrite) real;
  if (!real) real = REAL(pwrite);
  return real(fd, bytes, length, offset);
}

static void slow_disk(void) {
  const char *slow = getenv("FSYNC_SHIM_SLOW_US");
  if (slow) usleep((useconds_t)atoi(slow));
}

static int is_followed(int fd) { return fd >= 0 && fd < FDS ? followed[fd] : 0; }

static void opened(int fd, const char *path, int flags) {
  const char *file = getenv("FSYNC_SHIM_FILE");
  if (fd < 0 || fd >= FDS) return;
  followed[fd] = 0;
  if (!file) return;
  size_t have = strlen(path), want = strlen(file);
  if (have < want || strcmp(path + have - want, file) != 0) return;
  followed[fd] = (flags & (O_DSYNC | O_SYNC)) ? 2 : 1;
  const char *shadow_path = getenv("FSYNC_SHIM_SHADOW");
  if (shadow < 0 && shadow_path) shadow = REAL(open)(shadow_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

static int no_space(int fd, off_t end) {
  const char *full = getenv("FSYNC_SHIM_FULL");
  struct stat status;
  if (!full || access(full, F_OK) != 0 || fstat(fd, &status) != 0 || end <= status.st_size) return 0;
  errno = ENOSPC;
  return 1;
}

/* The bytes are kept as they were written: what is changed later is another write. */
static void wrote(int fd, const char *bytes, size_t length, off_t offset) {
  if (shadow < 0) return;
  if (is_followed(fd) == 2) {
    slow_disk();
    raw_pwrite(shadow, bytes, length, offset);
    return;
  }
  struct pending *entry = malloc(sizeof *entry + length);
  entry->next = NULL;
  entry->offset = offset;
  entry->length = length;
  memcpy(entry->bytes, bytes, length);
  pthread_mutex_lock(&lock);
  *tail = entry;
  tail = &entry->next;
  pthread_mutex_unlock(&lock);
}

/* What was written before the sync began is on disk once it has returned; what came meanwhile may not be. */
static int synced(int fd, int (*real)(int)) {
  if (!is_followed(fd)) return real(fd);
  pthread_mutex_lock(&lock);
  struct pending *list = head;
  head = NULL;
  tail = &head;
  pthread_mutex_unlock(&lock);
  slow_disk();
  int result = real(fd);
  while (list) {
    struct pending *entry = list;
    if (result == 0 && shadow >= 0) raw_pwrite(shadow, entry->bytes, entry->length, entry->offset);
    list = entry->next;
    free(entry);
  }
  return result;
}

#define OPEN(name)                                            \
  int name(const char *path, int flags, ...) {                \
    mode_t mode = 0;                                          \
    if (flags & (O_CREAT | O_TMPFILE)) {                      \
      va_list arguments;                                      \
      va_start(arguments, flags);                             \
      mode = va_arg(arguments, mode_t);                       \
      va_end(arguments);                                      \
    }                                                         \
    int fd = REAL(name)(path, flags, mode);                   \
    opened(fd, path, flags);                                  \
    return fd;                                                \
  }
OPEN(open)
OPEN(open64)

static ssize_t follow_pwrite(int fd, const void *bytes, size_t length, off_t offset) {
  if (!is_followed(fd)) return raw_pwrite(fd, bytes, length, offset);
  if (no_space(fd, offset + (off_t)length)) return -1;
  ssize_t result = raw_pwrite(fd, bytes, length, offset);
  if (result > 0) wrote(fd, bytes, (size_t)result, offset);
  return result;
}
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) { return follow_pwrite(fd, bytes, length, offset); }
ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t offset) { return follow_pwrite(fd, bytes, length, offset); }

static ssize_t follow_pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
  static __typeof__(&pwritev) real;
  if (!real) real = REAL(pwritev);
  if (!is_followed(fd)) return real(fd, parts, count, offset);
  off_t end = offset;
  for (int i = 0; i < count; i++) end += (off_t)parts[i].iov_len;
  if (no_space(fd, end)) return -1;
  ssize_t result = real(fd, parts, count, offset), left = result;
  for (int i = 0; i < count && left > 0; i++) {
    size_t length = parts[i].iov_len < (size_t)left ? parts[i].iov_len : (size_t)left;
    wrote(fd, parts[i].iov_base, length, offset);
    offset += (off_t)length;
    left -= (ssize_t)length;
  }
  return result;
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) { return follow_pwritev(fd, parts, count, offset); }
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t offset) { return follow_pwritev(fd, parts, count, offset); }

ssize_t writev(int fd, const struct iovec *parts, int count) {
  if (!is_followed(fd)) return REAL(writev)(fd, parts, count);
  off_t offset = lseek(fd, 0, SEEK_CUR);
  ssize_t result = follow_pwritev(fd, parts, count, offset);
  if (result > 0) lseek(fd, offset + result, SEEK_SET);
  return result;
}

ssize_t write(int fd, const void *bytes, size_t length) {
  static __typeof__(&write) real;
  if (!real) real = REAL(write);
  if (!is_followed(fd)) return real(fd, bytes, length);
  off_t offset = lseek(fd, 0, SEEK_CUR);
  ssize_t result = follow_pwrite(fd, bytes, length, offset);
  if (result > 0) lseek(fd, offset + result, SEEK_SET);
  return result;
}

int fdatasync(int fd) { return synced(fd, REAL(fdatasync)); }
int fsync(int fd) { return synced(fd, REAL(fsync)); }
/* A gateway that syncs in another way must not pass unseen: these end the process. */
int sync_file_range(int fd, off64_t offset, off64_t length, unsigned flags) {
  if (is_followed(fd)) abort();
  return REAL(sync_file_range)(fd, offset, length, flags);
}
int msync(void *address, size_t length, int flags) {
  if (getenv("FSYNC_SHIM_FILE")) abort();
  return REAL(msync)(address, length, flags);
}
