/* What JavaScript sees of the addon. Node-API version 8, so that one file serves all Node versions; no static state. */
#include "arguments.h"
#include "capture.h"
#include "live-handle.h"
#include "privileges.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>

static napi_value library_version(napi_env env, napi_callback_info info) {
  (void)info;
  napi_value text = NULL;
  is_ok(env, napi_create_string_utf8(env, pcap_lib_version(), NAPI_AUTO_LENGTH, &text));
  return text;
}

/* compileFilter(text, linkType, snaplen) -> number of instructions */
static napi_value compile_filter(napi_env env, napi_callback_info info) {
  napi_value arguments[3], result = NULL;
  int32_t link_type, snaplen;
  char *text = NULL;
  if (!read_arguments(env, info, 3, arguments) || !read_integer(env, arguments[1], &link_type) ||
      !read_integer(env, arguments[2], &snaplen) || !read_text(env, arguments[0], &text))
    return NULL;
  struct capture_fault fault;
  int instructions = count_instructions(text, link_type, snaplen, &fault);
  free(text);
  if (instructions < 0) napi_throw_error(env, fault.code, fault.text);
  else is_ok(env, napi_create_int32(env, instructions, &result));
  return result;
}

static bool list_addresses(napi_env env, const pcap_if_t *device, napi_value list) {
  uint32_t count = 0;
  for (const pcap_addr_t *address = device->addresses; address != NULL; address = address->next) {
    char text[INET6_ADDRSTRLEN];
    const struct sockaddr *socket = address->addr;
    const char *got = NULL;
    if (socket != NULL && socket->sa_family == AF_INET)
      got = inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)socket)->sin_addr, text, sizeof text);
    else if (socket != NULL && socket->sa_family == AF_INET6)
      got = inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)socket)->sin6_addr, text, sizeof text);
    napi_value value;
    if (got == NULL) continue;
    if (!is_ok(env, napi_create_string_utf8(env, got, NAPI_AUTO_LENGTH, &value)) ||
        !is_ok(env, napi_set_element(env, list, count++, value)))
      return false;
  }
  return true;
}

static bool describe(napi_env env, const pcap_if_t *device, napi_value object) {
  napi_value addresses;
  return set_text(env, object, "name", device->name) &&
         set_text(env, object, "description", device->description == NULL ? "" : device->description) &&
         set_boolean(env, object, "isUp", (device->flags & PCAP_IF_UP) != 0) &&
         set_boolean(env, object, "isRunning", (device->flags & PCAP_IF_RUNNING) != 0) &&
         set_boolean(env, object, "isLoopback", (device->flags & PCAP_IF_LOOPBACK) != 0) &&
         is_ok(env, napi_create_array(env, &addresses)) && list_addresses(env, device, addresses) &&
         set_property(env, object, "addresses", addresses);
}

/* listInterfaces() -> array of objects, in libpcap's order */
static napi_value list_interfaces(napi_env env, napi_callback_info info) {
  (void)info;
  char error[PCAP_ERRBUF_SIZE] = "";
  pcap_if_t *devices = NULL;
  napi_value list;
  if (!is_ok(env, napi_create_array(env, &list))) return NULL;
  if (pcap_findalldevs(&devices, error) != 0) {
    napi_throw_error(env, "capture-failed", error);
    return NULL;
  }
  uint32_t count = 0;
  for (const pcap_if_t *device = devices; device != NULL; device = device->next) {
    napi_value object;
    if (!is_ok(env, napi_create_object(env, &object)) || !describe(env, device, object) ||
        !is_ok(env, napi_set_element(env, list, count++, object))) {
      list = NULL;
      break;
    }
  }
  pcap_freealldevs(devices);
  return list;
}

/* dropPrivileges(uid, gid) */
static napi_value drop(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  int64_t uid, gid;
  if (!read_arguments(env, info, 2, arguments) || !is_ok(env, napi_get_value_int64(env, arguments[0], &uid)) ||
      !is_ok(env, napi_get_value_int64(env, arguments[1], &gid)))
    return NULL;
  /* All ones means "leave as it is" to the kernel. */
  if (uid < 0 || gid < 0 || uid >= UINT32_MAX || gid >= UINT32_MAX) {
    napi_throw_range_error(env, "ERR_OUT_OF_RANGE", "user and group are numbers from 0");
    return NULL;
  }
  char reason[256];
  const char *fault = drop_privileges((uid_t)uid, (gid_t)gid, reason, sizeof reason);
  if (fault != NULL) napi_throw_error(env, "not-permitted", fault);
  return NULL;
}

static napi_value net_raw(napi_env env, napi_callback_info info) {
  (void)info;
  napi_value result = NULL;
  is_ok(env, napi_get_boolean(env, has_net_raw() != 0, &result));
  return result;
}

NAPI_MODULE_INIT() {
  const napi_property_descriptor functions[] = {
#define FUNCTION(name, function) {name, NULL, function, NULL, NULL, NULL, napi_enumerable, NULL}
      FUNCTION("libraryVersion", library_version),
      FUNCTION("listInterfaces", list_interfaces),
      FUNCTION("compileFilter", compile_filter),
      FUNCTION("dropPrivileges", drop),
      FUNCTION("hasNetRaw", net_raw),
      FUNCTION("open", open_capture),
      FUNCTION("start", start_capture),
      FUNCTION("release", release_slab),
      FUNCTION("stats", read_stats),
      FUNCTION("setFilter", set_filter),
      FUNCTION("countInstructions", count_live_instructions),
      FUNCTION("holdProcess", hold_process),
      FUNCTION("stop", stop_capture),
      FUNCTION("close", close_capture),
#undef FUNCTION
  };
  if (!is_ok(env, napi_define_properties(env, exports, sizeof functions / sizeof *functions, functions))) return NULL;
  return exports;
}
