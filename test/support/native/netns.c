/*
 * For tests: enter() gives the calling thread a network namespace of its own, leave() puts it back into the one before.
 * Threads and programs started in between are in the new one too; it goes when the last of them ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <node_api.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static napi_value enter(napi_env env, napi_callback_info info) {
  (void)info;
  int *before = NULL;
  napi_get_instance_data(env, (void **)&before);
  int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  if (*before >= 0 || fd < 0 || unshare(CLONE_NEWNET) != 0) {
    napi_throw_error(env, NULL, *before >= 0 ? "already in another namespace" : strerror(errno));
    if (fd >= 0) close(fd);
    return NULL;
  }
  *before = fd;
  return NULL;
}

static napi_value leave(napi_env env, napi_callback_info info) {
  (void)info;
  int *before = NULL;
  napi_get_instance_data(env, (void **)&before);
  if (*before < 0) return NULL;
  if (setns(*before, CLONE_NEWNET) != 0) napi_throw_error(env, NULL, strerror(errno));
  close(*before);
  *before = -1;
  return NULL;
}

static void forget(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  free(data);
}

NAPI_MODULE_INIT() {
  int *before = malloc(sizeof *before);
  *before = -1;
  napi_set_instance_data(env, before, forget, NULL);
  napi_value function;
  napi_create_function(env, "enter", NAPI_AUTO_LENGTH, enter, NULL, &function);
  napi_set_named_property(env, exports, "enter", function);
  napi_create_function(env, "leave", NAPI_AUTO_LENGTH, leave, NULL, &function);
  napi_set_named_property(env, exports, "leave", function);
  return exports;
}
