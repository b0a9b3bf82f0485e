/* The Unix socket of the eventfds' server. */
#ifndef MILLRACE_EVENT_SOCKET_H
#define MILLRACE_EVENT_SOCKET_H

#include <sys/stat.h>

/* A listening socket at a path with that mode, whatever the umask; what a dead server left is replaced. -EADDRINUSE a living one is
 * there, -EEXIST something else is, -ENAMETOOLONG. */
int mr_event_listen(const char *path, mode_t mode, dev_t *device, ino_t *inode);
/* Takes the path away if it still means that socket. */
void mr_event_unlisten(const char *path, dev_t device, ino_t inode);
/* Sends an answer, and a descriptor unless it is -1: 0 or a negated errno; never blocks. */
int mr_event_answer(int fd, const char *text, int descriptor);

#endif
