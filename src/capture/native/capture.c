#include "capture.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

void set_fault(struct capture_fault *fault, const char *code, const char *text) {
  fault->code = code;
  snprintf(fault->text, sizeof fault->text, "%s", text);
}

static const char *code_of(int status) {
  switch (status) {
  case PCAP_ERROR_PERM_DENIED:
  case PCAP_ERROR_PROMISC_PERM_DENIED:
    return "not-permitted";
  case PCAP_ERROR_NO_SUCH_DEVICE:
    return "no-such-interface";
  case PCAP_ERROR_IFACE_NOT_UP:
    return "interface-down";
  default:
    return "capture-failed";
  }
}

static void set_pcap_fault(struct capture_fault *fault, int status, pcap_t *pcap) {
  const char *text = pcap_geterr(pcap);
  if (status == PCAP_ERROR || *text == '\0') {
    set_fault(fault, code_of(status), *text == '\0' ? pcap_statustostr(status) : text);
    return;
  }
  fault->code = code_of(status);
  snprintf(fault->text, sizeof fault->text, "%s: %s", pcap_statustostr(status), text);
}

/* Sets what has to be set before activation, activates, and sets the rest. */
static bool activate(pcap_t *pcap, const struct capture_options *options, struct capture_fault *fault) {
  pcap_set_snaplen(pcap, options->snaplen);
  pcap_set_buffer_size(pcap, options->buffer_bytes);
  /* A time-out and no immediate mode: libpcap takes TPACKET_V3, which packs packets of any length into blocks. */
  pcap_set_timeout(pcap, options->timeout_ms);
  pcap_set_promisc(pcap, options->promiscuous);
  /* Refused by sources without nanoseconds; `pcap_get_tstamp_precision` tells. */
  pcap_set_tstamp_precision(pcap, PCAP_TSTAMP_PRECISION_NANO);
  int status = pcap_activate(pcap);
  if (status < 0) {
    set_pcap_fault(fault, status, pcap);
    return false;
  }
  char error[PCAP_ERRBUF_SIZE] = "";
  if (pcap_setnonblock(pcap, 1, error) != 0) {
    set_fault(fault, "capture-failed", error);
    return false;
  }
  if (options->direction != PCAP_D_INOUT && pcap_setdirection(pcap, options->direction) != 0) {
    set_fault(fault, "capture-failed", pcap_geterr(pcap));
    return false;
  }
  if (pcap_get_selectable_fd(pcap) < 0) {
    set_fault(fault, "capture-failed", "this device cannot be waited for");
    return false;
  }
  /* Programs that the process starts have no business with the packet socket. */
  fcntl(pcap_get_selectable_fd(pcap), F_SETFD, FD_CLOEXEC);
  return true;
}

struct capture *capture_open(const struct capture_options *options, const char *filter, struct capture_fault *fault) {
  char error[PCAP_ERRBUF_SIZE] = "";
  pcap_t *pcap = pcap_create(options->device, error);
  if (pcap == NULL) {
    set_fault(fault, "capture-failed", error);
    return NULL;
  }
  if (!activate(pcap, options, fault)) {
    pcap_close(pcap);
    return NULL;
  }
  struct capture *capture = calloc(1, sizeof *capture);
  int wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (capture == NULL || wake_fd < 0) {
    set_fault(fault, "capture-failed", capture == NULL ? "out of memory" : strerror(errno));
    if (wake_fd >= 0) close(wake_fd);
    free(capture);
    pcap_close(pcap);
    return NULL;
  }
  capture->pcap = pcap;
  capture->options = *options;
  capture->wake_fd = wake_fd;
  capture->link_type = pcap_datalink(pcap);
  capture->interface_index = if_nametoindex(options->device);
  capture->fraction_to_nanoseconds = pcap_get_tstamp_precision(pcap) == PCAP_TSTAMP_PRECISION_NANO ? 1 : 1000;
  pthread_mutex_init(&capture->lock, NULL);
  pthread_cond_init(&capture->answered, NULL);
  capture->stats.filter_in_kernel = true;
  if (*filter != '\0' && !begin_with_filter(capture, filter, fault)) {
    capture_close(capture);
    return NULL;
  }
  return capture;
}

void capture_use_slabs(struct capture *capture, uint8_t *const *memory, uint32_t count, uint32_t slab_bytes) {
  capture->slab_bytes = slab_bytes;
  capture->slab_count = count;
  capture->free_count = count;
  for (uint32_t i = 0; i < count; i++) {
    capture->slabs[i].bytes = memory[i];
    /* The first slab on top: the stack gives the slab that was used last, which is warm in the cache. */
    capture->free_slabs[i] = count - 1 - i;
  }
}

int capture_start(struct capture *capture) {
  /* Signals are the business of the program's own threads. */
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  capture->is_running = true;
  int error = pthread_create(&capture->thread, NULL, capture_thread, capture);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (error != 0) capture->is_running = false;
  else capture->is_started = true;
  return error;
}

void wake(struct capture *capture) {
  uint64_t one = 1;
  /* Fails only when the counter is full, and then the thread wakes anyway. */
  ssize_t written = write(capture->wake_fd, &one, sizeof one);
  (void)written;
}

void capture_release(struct capture *capture, uint32_t slab) {
  pthread_mutex_lock(&capture->lock);
  capture->free_slabs[capture->free_count++] = slab;
  capture->handed_over--;
  bool is_wanted = capture->handed_over == 0 && capture->holds_packets;
  pthread_mutex_unlock(&capture->lock);
  if (is_wanted) wake(capture);
}

void capture_stop(struct capture *capture, enum stop_kind kind) {
  if (atomic_load(&capture->stop) < (int)kind) atomic_store(&capture->stop, (int)kind);
  wake(capture);
}

void capture_close(struct capture *capture) {
  if (capture->is_started) {
    capture_stop(capture, STOP_NOW);
    pthread_join(capture->thread, NULL);
  }
  pcap_close(capture->pcap);
  close(capture->wake_fd);
  pthread_cond_destroy(&capture->answered);
  pthread_mutex_destroy(&capture->lock);
  free(capture);
}

/* libpcap counts in 32 bits, which half a million packets a second fill in less than three hours. */
void refresh_stats(struct capture *capture) {
  struct pcap_stat now;
  if (pcap_stats(capture->pcap, &now) != 0) return;
  capture->stats.received += (uint32_t)(now.ps_recv - capture->last_raw.ps_recv);
  capture->stats.received -= capture->skipped;
  capture->skipped = 0;
  capture->stats.kernel_drops += (uint32_t)(now.ps_drop - capture->last_raw.ps_drop);
  capture->stats.interface_drops += (uint32_t)(now.ps_ifdrop - capture->last_raw.ps_ifdrop);
  capture->last_raw = now;
}

static void serve(struct capture *capture, struct request *request) {
  /* What comes after the end is nobody's: it is neither let in nor counted. */
  bool has_ended = capture->is_started && !capture->is_running;
  switch (request->kind) {
  case REQUEST_STATS:
    if (!has_ended) refresh_stats(capture);
    *request->stats = capture->stats;
    break;
  case REQUEST_SET_FILTER:
    if (!has_ended) request->answer = use_filter(capture, request->filter, request->fault);
    break;
  case REQUEST_COUNT_INSTRUCTIONS:
    request->answer = filter_instructions(capture->pcap, request->filter, request->fault);
    break;
  case REQUEST_NONE:
    break;
  }
  request->kind = REQUEST_NONE;
}

void serve_request(struct capture *capture) {
  if (!atomic_exchange(&capture->asked, false)) return;
  pthread_mutex_lock(&capture->lock);
  serve(capture, &capture->request);
  pthread_cond_signal(&capture->answered);
  pthread_mutex_unlock(&capture->lock);
}

/* Has the thread do it, or does it itself when there is no thread. */
static int ask(struct capture *capture, struct request request) {
  pthread_mutex_lock(&capture->lock);
  capture->request = request;
  capture->request.answer = -1;
  if (request.fault != NULL) set_fault(request.fault, "closed", "the capture has ended");
  if (capture->is_running) {
    atomic_store(&capture->asked, true);
    wake(capture);
    while (capture->request.kind != REQUEST_NONE && capture->is_running)
      pthread_cond_wait(&capture->answered, &capture->lock);
    atomic_store(&capture->asked, false);
  }
  if (capture->request.kind != REQUEST_NONE) serve(capture, &capture->request);
  int answer = capture->request.answer;
  pthread_mutex_unlock(&capture->lock);
  return answer;
}

void capture_read_stats(struct capture *capture, struct capture_stats *stats) {
  ask(capture, (struct request){.kind = REQUEST_STATS, .stats = stats});
}

int capture_set_filter(struct capture *capture, const char *filter, struct capture_fault *fault) {
  return ask(capture, (struct request){.kind = REQUEST_SET_FILTER, .filter = filter, .fault = fault});
}

int capture_count_instructions(struct capture *capture, const char *filter, struct capture_fault *fault) {
  return ask(capture, (struct request){.kind = REQUEST_COUNT_INSTRUCTIONS, .filter = filter, .fault = fault});
}
