// Preloaded into a program under test: its files are no longer brought to the disk, as if every
// fsync had been left out of its source.
//
// libc's own symbols, any thread. Errors: none, that is the point.
#include <sys/types.h>
#include <cstddef>

extern "C" {
int fsync(int) { return 0; }
int fdatasync(int) { return 0; }
int syncfs(int) { return 0; }
void sync() {}
int msync(void*, std::size_t, int) { return 0; }
int sync_file_range(int, off_t, off_t, unsigned int) { return 0; }
}
