/*
 * Who owns what. A `struct live` is owned by the JavaScript object that wraps it and by its threadsafe function; the last
 * one frees it. Slabs are ArrayBuffers of V8, held by strong references from open to close. Closing has one order, whether
 * it is asked for, or the object is collected, or the environment (worker, process) ends: end and join the thread, release
 * the threadsafe function, close libpcap, let go of the slabs. The environment's hook is registered after the threadsafe
 * function was made, and hooks run last in first out, so that the thread is gone before Node tears the function down.
 */
#include "live-handle.h"

#include "arguments.h"
#include "capture.h"

#include <stdlib.h>
#include <string.h>

struct live {
  napi_env env;
  struct capture *capture;
  napi_threadsafe_function ready;
  int owners;
  napi_ref slabs[MAX_SLABS];
  bool is_with_reader[MAX_SLABS];
  /* Its address stands for "capturing is over" in the queue. */
  struct slab over;
};

static const napi_type_tag LIVE_TAG = {0x5b1e8f0c9d2a47e3, 0xa6c4d01f7be93825};

static void disown(struct live *live) {
  if (--live->owners == 0) free(live);
}

static void close_live(struct live *live);

static void on_environment_end(void *data) { close_live(data); }

static void close_live(struct live *live) {
  struct capture *capture = live->capture;
  if (capture == NULL) return;
  live->capture = NULL;
  uint32_t count = capture->slab_count;
  napi_remove_env_cleanup_hook(live->env, on_environment_end, live);
  capture_close(capture);
  for (uint32_t i = 0; i < count; i++) napi_delete_reference(live->env, live->slabs[i]);
  napi_release_threadsafe_function(live->ready, napi_tsfn_abort);
}

static void on_object_collected(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  close_live(data);
  disown(data);
}

static void on_function_finalized(napi_env env, void *data, void *hint) {
  (void)env;
  (void)data;
  disown(hint);
}

static bool notify(void *listener, struct slab *ready) {
  struct live *live = listener;
  void *data = ready == NULL ? &live->over : ready;
  return napi_call_threadsafe_function(live->ready, data, napi_tsfn_nonblocking) == napi_ok;
}

/* Runs on the JavaScript thread for each slab: callback(slab, octets, packets, fault). Slab -1: capturing is over. */
static void call_reader(napi_env env, napi_value reader, void *context, void *data) {
  struct live *live = context;
  if (env == NULL || live->capture == NULL) return;
  struct slab *slab = data;
  bool is_over = slab == &live->over;
  int32_t index = is_over ? -1 : (int32_t)(slab - live->capture->slabs);
  if (!is_over) live->is_with_reader[index] = true;
  napi_value arguments[4], self;
  napi_get_undefined(env, &self);
  napi_create_int32(env, index, &arguments[0]);
  napi_create_uint32(env, is_over ? 0 : slab->used, &arguments[1]);
  napi_create_uint32(env, is_over ? 0 : slab->packets, &arguments[2]);
  napi_create_string_utf8(env, is_over ? live->capture->fault : "", NAPI_AUTO_LENGTH, &arguments[3]);
  napi_call_function(env, self, reader, 4, arguments, NULL);
}

static void throw_fault(napi_env env, const struct capture_fault *fault) {
  napi_throw_error(env, fault->code, fault->text);
}

/* The struct behind a handle; NULL and an exception when it is none or closed. */
static struct live *live_of(napi_env env, napi_value handle) {
  bool is_live = false;
  napi_valuetype type;
  void *data = NULL;
  if (napi_typeof(env, handle, &type) == napi_ok && type == napi_object)
    napi_check_object_type_tag(env, handle, &LIVE_TAG, &is_live);
  if (!is_live || napi_unwrap(env, handle, &data) != napi_ok) {
    napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "not a capture handle");
    return NULL;
  }
  struct live *live = data;
  if (live->capture != NULL) return live;
  napi_throw_error(env, "closed", "the capture is closed");
  return NULL;
}

static bool read_options(napi_env env, napi_value object, struct capture_options *options, char **device, char **filter) {
  int32_t promiscuous, direction, slab_packets;
  if (!read_integer_property(env, object, "snaplen", &options->snaplen) ||
      !read_integer_property(env, object, "bufferBytes", &options->buffer_bytes) ||
      !read_integer_property(env, object, "timeoutMs", &options->timeout_ms) ||
      !read_integer_property(env, object, "promiscuous", &promiscuous) ||
      !read_integer_property(env, object, "direction", &direction) ||
      !read_integer_property(env, object, "slabPackets", &slab_packets) ||
      !read_text_property(env, object, "device", device) || !read_text_property(env, object, "filter", filter))
    return false;
  if (strlen(*device) >= sizeof options->device || options->snaplen < 1 || options->snaplen > 262144 ||
      options->timeout_ms < 1 || options->buffer_bytes < 1 || slab_packets < 1 || direction < 0 || direction > 2) {
    napi_throw_range_error(env, "ERR_OUT_OF_RANGE", "an option is out of range");
    return false;
  }
  strcpy(options->device, *device);
  options->promiscuous = promiscuous != 0;
  options->direction = direction == 1 ? PCAP_D_IN : direction == 2 ? PCAP_D_OUT : PCAP_D_INOUT;
  options->slab_packets = (uint32_t)slab_packets;
  return true;
}

/* Pins the slabs. How many are pinned is in `*pinned`, also on failure. */
static bool pin_slabs(napi_env env, napi_value slabs, struct live *live, uint8_t **memory, int snaplen, uint32_t *pinned,
                      uint32_t *slab_bytes) {
  uint32_t count = 0;
  if (!is_ok(env, napi_get_array_length(env, slabs, &count))) return false;
  if (count < 1 || count > MAX_SLABS) {
    napi_throw_range_error(env, "ERR_OUT_OF_RANGE", "1 to 1024 slabs are needed");
    return false;
  }
  for (uint32_t i = 0; i < count; i++) {
    napi_value slab;
    void *bytes = NULL;
    size_t length = 0;
    if (!is_ok(env, napi_get_element(env, slabs, i, &slab)) ||
        !is_ok(env, napi_get_arraybuffer_info(env, slab, &bytes, &length)))
      return false;
    if (i == 0) *slab_bytes = (uint32_t)length;
    if (bytes == NULL || length != *slab_bytes || length % 4 != 0 || length > (size_t)1 << 30 ||
        length < RECORD_HEADER + (size_t)snaplen + 3) {
      napi_throw_range_error(env, "ERR_OUT_OF_RANGE", "slabs must have one length and hold a packet of snaplen octets");
      return false;
    }
    if (!is_ok(env, napi_create_reference(env, slab, 1, &live->slabs[i]))) return false;
    memory[i] = bytes;
    *pinned = i + 1;
  }
  return true;
}

static bool make_function(napi_env env, napi_value reader, struct live *live) {
  napi_value name;
  if (!is_ok(env, napi_create_string_utf8(env, "copperhull-capture", NAPI_AUTO_LENGTH, &name))) return false;
  if (!is_ok(env, napi_create_threadsafe_function(env, reader, NULL, name, 0, 1, NULL, on_function_finalized, live,
                                                  call_reader, &live->ready)))
    return false;
  live->owners++;
  return true;
}

/*
 * Opens with pinned slabs. On failure everything is undone and an exception is pending. The finalizer of the threadsafe
 * function gets `live` as its hint through the context, so the context is the same pointer.
 */
static struct live *open_live(napi_env env, const struct capture_options *options, const char *filter, napi_value slabs,
                              napi_value reader) {
  struct capture_fault fault = {"capture-failed", "out of memory"};
  struct live *live = calloc(1, sizeof *live);
  uint8_t **memory = calloc(MAX_SLABS, sizeof *memory);
  uint32_t pinned = 0, slab_bytes = 0;
  if (live == NULL || memory == NULL) {
    throw_fault(env, &fault);
  } else {
    live->env = env;
    if (pin_slabs(env, slabs, live, memory, options->snaplen, &pinned, &slab_bytes)) {
      live->capture = capture_open(options, filter, &fault);
      if (live->capture == NULL) throw_fault(env, &fault);
      else if (make_function(env, reader, live)) {
        capture_use_slabs(live->capture, memory, pinned, slab_bytes);
        live->capture->notify = notify;
        live->capture->listener = live;
        napi_add_env_cleanup_hook(env, on_environment_end, live);
        free(memory);
        return live;
      } else capture_close(live->capture);
    }
  }
  for (uint32_t i = 0; i < pinned; i++) napi_delete_reference(env, live->slabs[i]);
  free(memory);
  free(live);
  return NULL;
}

/* open(options, slabs, callback) -> handle with `linkType` and `isNanosecond`. */
napi_value open_capture(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  struct capture_options options = {0};
  char *device = NULL, *filter = NULL;
  struct live *live = NULL;
  if (read_arguments(env, info, 3, arguments) && read_options(env, arguments[0], &options, &device, &filter))
    live = open_live(env, &options, filter, arguments[1], arguments[2]);
  free(device);
  free(filter);
  if (live == NULL) return NULL;
  napi_value handle;
  if (is_ok(env, napi_create_object(env, &handle)) && is_ok(env, napi_type_tag_object(env, handle, &LIVE_TAG)) &&
      set_number(env, handle, "linkType", live->capture->link_type) &&
      set_boolean(env, handle, "isNanosecond", live->capture->fraction_to_nanoseconds == 1) &&
      is_ok(env, napi_wrap(env, handle, live, on_object_collected, NULL, NULL))) {
    live->owners++;
    return handle;
  }
  close_live(live);
  return NULL;
}

/* The handle's struct when exactly `count` arguments can be read. */
static struct live *with_live(napi_env env, napi_callback_info info, size_t count, napi_value *arguments) {
  return read_arguments(env, info, count, arguments) ? live_of(env, arguments[0]) : NULL;
}

napi_value start_capture(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  struct live *live = with_live(env, info, 1, arguments);
  if (live == NULL || live->capture->is_started) return NULL;
  int error = capture_start(live->capture);
  if (error != 0) napi_throw_error(env, "capture-failed", strerror(error));
  return NULL;
}

/* release(handle, slab) */
napi_value release_slab(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  int32_t slab = -1;
  struct live *live = with_live(env, info, 2, arguments);
  if (live == NULL || !read_integer(env, arguments[1], &slab)) return NULL;
  if (slab < 0 || (uint32_t)slab >= live->capture->slab_count || !live->is_with_reader[slab]) {
    napi_throw_range_error(env, "ERR_OUT_OF_RANGE", "this slab is not with the reader");
    return NULL;
  }
  live->is_with_reader[slab] = false;
  capture_release(live->capture, (uint32_t)slab);
  return NULL;
}

/* stats(handle) -> object */
napi_value read_stats(napi_env env, napi_callback_info info) {
  napi_value arguments[1], object;
  struct live *live = with_live(env, info, 1, arguments);
  if (live == NULL) return NULL;
  struct capture_stats stats;
  capture_read_stats(live->capture, &stats);
  if (!is_ok(env, napi_create_object(env, &object)) || !set_number(env, object, "received", (double)stats.received) ||
      !set_number(env, object, "kernelDrops", (double)stats.kernel_drops) ||
      !set_number(env, object, "interfaceDrops", (double)stats.interface_drops) ||
      !set_number(env, object, "ringFull", (double)stats.ring_full) ||
      !set_number(env, object, "delivered", (double)stats.delivered) ||
      !set_number(env, object, "slabs", (double)stats.slabs) ||
      !set_number(env, object, "filterInKernel", stats.filter_in_kernel ? 1 : 0))
    return NULL;
  return object;
}

typedef int filter_work(struct capture *capture, const char *filter, struct capture_fault *fault);

static napi_value with_filter(napi_env env, napi_callback_info info, filter_work *work) {
  napi_value arguments[2], result = NULL;
  char *filter = NULL;
  struct live *live = with_live(env, info, 2, arguments);
  if (live == NULL || !read_text(env, arguments[1], &filter)) return NULL;
  struct capture_fault fault;
  int instructions = work(live->capture, filter, &fault);
  free(filter);
  if (instructions < 0) throw_fault(env, &fault);
  else napi_create_int32(env, instructions, &result);
  return result;
}

napi_value set_filter(napi_env env, napi_callback_info info) { return with_filter(env, info, capture_set_filter); }

napi_value count_live_instructions(napi_env env, napi_callback_info info) {
  return with_filter(env, info, capture_count_instructions);
}

/* holdProcess(handle, whether): whether this capture alone keeps the event loop alive. */
napi_value hold_process(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  bool holds = true;
  struct live *live = with_live(env, info, 2, arguments);
  if (live == NULL || !is_ok(env, napi_get_value_bool(env, arguments[1], &holds))) return NULL;
  if (holds) napi_ref_threadsafe_function(env, live->ready);
  else napi_unref_threadsafe_function(env, live->ready);
  return NULL;
}

/* stop(handle): takes what the kernel has, then ends; the callback is called with slab -1 when that is done. */
napi_value stop_capture(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  struct live *live = with_live(env, info, 1, arguments);
  if (live != NULL) capture_stop(live->capture, STOP_AFTER_DRAINING);
  return NULL;
}

/* close(handle): ends now. Nothing is called after this; closing twice is no error. */
napi_value close_capture(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  void *data = NULL;
  bool is_live = false;
  if (!read_arguments(env, info, 1, arguments)) return NULL;
  if (napi_check_object_type_tag(env, arguments[0], &LIVE_TAG, &is_live) != napi_ok || !is_live ||
      napi_unwrap(env, arguments[0], &data) != napi_ok) {
    napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "not a capture handle");
    return NULL;
  }
  close_live(data);
  return NULL;
}
