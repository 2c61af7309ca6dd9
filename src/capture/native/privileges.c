#include "privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/prctl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NET_RAW_BIT (1u << CAP_NET_RAW)

struct capability_sets {
  struct __user_cap_data_struct words[_LINUX_CAPABILITY_U32S_3];
};

static int read_sets(struct capability_sets *sets) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  return (int)syscall(SYS_capget, &header, sets->words);
}

static int write_sets(const struct capability_sets *sets) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  return (int)syscall(SYS_capset, &header, sets->words);
}

int has_net_raw(void) {
  struct capability_sets sets;
  return read_sets(&sets) == 0 && (sets.words[0].effective & NET_RAW_BIT) != 0;
}

static const char *failed(const char *what, char *reason, size_t reason_size) {
  snprintf(reason, reason_size, "%s: %s", what, strerror(errno));
  return reason;
}

/* Needs CAP_SETPCAP; without it the set stays as whoever started the process chose it. */
static void empty_bounding_set(void) {
  for (unsigned long capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++)
    if (capability != CAP_NET_RAW && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) return;
}

const char *drop_privileges(uid_t uid, gid_t gid, char *reason, size_t reason_size) {
  if (uid == 0) {
    snprintf(reason, reason_size, "user 0 is root; name another user");
    return reason;
  }
  struct capability_sets sets;
  if (read_sets(&sets) != 0) return failed("capget", reason, reason_size);
  if ((sets.words[0].permitted & NET_RAW_BIT) == 0) {
    errno = EPERM;
    return failed("this thread does not have CAP_NET_RAW to keep", reason, reason_size);
  }
  empty_bounding_set();

  uid_t real_user, effective_user, saved_user;
  gid_t real_group, effective_group, saved_group;
  getresuid(&real_user, &effective_user, &saved_user);
  getresgid(&real_group, &effective_group, &saved_group);
  int is_user = real_user == uid && effective_user == uid && saved_user == uid;
  int is_group = real_group == gid && effective_group == gid && saved_group == gid;
  if (!is_user || !is_group) {
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) return failed("PR_SET_KEEPCAPS", reason, reason_size);
    if (setgroups(0, NULL) != 0) return failed("setgroups", reason, reason_size);
    if (setresgid(gid, gid, gid) != 0) return failed("setresgid", reason, reason_size);
    if (setresuid(uid, uid, uid) != 0) return failed("setresuid", reason, reason_size);
    prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
  }

  memset(&sets, 0, sizeof sets);
  sets.words[0].effective = sets.words[0].permitted = sets.words[0].inheritable = NET_RAW_BIT;
  if (write_sets(&sets) != 0) return failed("capset", reason, reason_size);
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 ||
      prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0) != 0)
    return failed("PR_CAP_AMBIENT", reason, reason_size);

  /* What was asked for must be what is so. */
  if (setresuid((uid_t)-1, 0, (uid_t)-1) == 0 || geteuid() != uid || getegid() != gid || !has_net_raw()) {
    errno = EPERM;
    return failed("the change did not hold", reason, reason_size);
  }
  return NULL;
}
