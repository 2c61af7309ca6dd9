#ifndef COPPERHULL_PRIVILEGES_H
#define COPPERHULL_PRIVILEGES_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Becomes `uid` and `gid`, without other groups, and keeps CAP_NET_RAW alone: effective, permitted, inheritable and
 * ambient, and nothing else in the bounding set where that may be changed. Returns NULL, or what failed.
 *
 * User and group change for the whole process, as glibc does it. Capabilities belong to threads: the calling thread keeps
 * CAP_NET_RAW and hands it to every thread and program that it starts from now on. Threads that were there before lose all
 * capabilities with the change of user; they keep what they had when the user stays.
 */
const char *drop_privileges(uid_t uid, gid_t gid, char *reason, size_t reason_size);

/* Whether the calling thread has CAP_NET_RAW in effect. */
int has_net_raw(void);

#endif
