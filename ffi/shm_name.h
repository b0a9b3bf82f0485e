/* Names in /dev/shm. */
#ifndef MILLRACE_SHM_NAME_H
#define MILLRACE_SHM_NAME_H

#define MR_SHM_FOLDER "/dev/shm/"
#define MR_NAME_MAX 200
#define MR_PATH_BYTES (sizeof MR_SHM_FOLDER + MR_NAME_MAX)

/* 0, or -EFAULT or -EINVAL. */
int mr_name_check(const char *name);
/* The path of a name that passes. */
int mr_name_path(const char *name, char out[MR_PATH_BYTES]);
/* Whether a path names the file that is open here: 1 or 0, or a negated errno. */
int mr_path_is(const char *path, int fd);
/* Takes the name at path away if nobody holds the lock: 1 done or gone by itself, 0 its owner lives. */
int mr_path_reap(const char *path);
/* Whether somebody else holds the owner's lock: 1 or 0, or a negated errno. */
int mr_lock_held(int fd);
/* Takes the owner's lock: 0, or -EEXIST where somebody holds it. */
int mr_lock_take(int fd);

#endif
