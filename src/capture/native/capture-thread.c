/*
 * The capture thread. It never waits for the reader: when all slabs are in use, packets are taken from the kernel, dropped
 * and counted as ring_full. So the two kinds of loss stay apart: kernel drops mean that this thread got too little processor
 * time or too small a ring, ring_full means that the reader is too slow or has too few slabs.
 *
 * It waits in its own poll, on the packet socket and on an event descriptor. pcap_breakloop is not used: whether it wakes
 * a sleeping thread depends on the version of libpcap.
 */
#include "capture.h"

#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Packets after which requests and the stop flag are looked at: well below a millisecond. */
#define DISPATCH_PACKETS 1024
#define CHECK_INTERVAL_MS 1000
#define DOWN_INTERVAL_MS 100

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct slab *take_slab(struct capture *capture) {
  struct slab *slab = NULL;
  pthread_mutex_lock(&capture->lock);
  if (capture->free_count > 0) {
    slab = &capture->slabs[capture->free_slabs[--capture->free_count]];
    slab->used = 0;
    slab->packets = 0;
  }
  pthread_mutex_unlock(&capture->lock);
  return slab;
}

static void hand_over(struct capture *capture) {
  struct slab *slab = capture->current;
  capture->current = NULL;
  pthread_mutex_lock(&capture->lock);
  capture->handed_over++;
  capture->holds_packets = false;
  pthread_mutex_unlock(&capture->lock);
  capture->stats.delivered += slab->packets;
  capture->stats.slabs++;
  if (capture->notify(capture->listener, slab)) return;
  capture->stats.delivered -= slab->packets;
  capture->stats.ring_full += slab->packets;
  capture->stats.slabs--;
  capture_release(capture, (uint32_t)(slab - capture->slabs));
}

/* Whether a packet came before the first filter, and is not one that was asked for. */
static bool is_too_early(struct capture *capture, const struct pcap_pkthdr *header) {
  int64_t ns = (int64_t)header->ts.tv_sec * 1000000000 + (int64_t)header->ts.tv_usec * capture->fraction_to_nanoseconds;
  if (ns >= capture->skip_before_ns) {
    capture->skip_packets = 0;
    return false;
  }
  capture->skip_packets--;
  capture->skipped++;
  return true;
}

static void on_packet(u_char *user, const struct pcap_pkthdr *header, const u_char *bytes) {
  struct capture *capture = (struct capture *)(void *)user;
  if (capture->skip_packets > 0 && is_too_early(capture, header)) return;
  uint32_t captured = header->caplen;
  /* Cannot be while slabs hold a packet of snaplen octets. */
  if (captured > capture->slab_bytes - RECORD_HEADER) captured = capture->slab_bytes - RECORD_HEADER;
  uint32_t need = RECORD_HEADER + ((captured + 3u) & ~3u);
  if (need > capture->slab_bytes) need = capture->slab_bytes;
  struct slab *slab = capture->current;
  if (slab != NULL && (capture->slab_bytes - slab->used < need || slab->packets == capture->options.slab_packets)) {
    hand_over(capture);
    slab = NULL;
  }
  if (slab == NULL) {
    slab = capture->current = take_slab(capture);
    if (slab == NULL) {
      capture->stats.ring_full++;
      return;
    }
  }
  uint8_t *at = slab->bytes + slab->used;
  uint32_t record[4] = {(uint32_t)header->ts.tv_sec, (uint32_t)header->ts.tv_usec * capture->fraction_to_nanoseconds,
                        captured, header->len};
  memcpy(at, record, RECORD_HEADER);
  memcpy(at + RECORD_HEADER, bytes, captured);
  slab->used += need;
  slab->packets++;
}

/* A slab that is not full is handed over when the reader has nothing else to do; until then it is filled further. */
static void hand_over_if_reader_is_idle(struct capture *capture) {
  if (capture->current == NULL) return;
  pthread_mutex_lock(&capture->lock);
  bool is_idle = capture->handed_over == 0;
  capture->holds_packets = !is_idle;
  pthread_mutex_unlock(&capture->lock);
  if (is_idle) hand_over(capture);
}

/* False when the interface is gone, or another one has its name. */
static bool interface_is_there(struct capture *capture) {
  if (capture->interface_index == 0) return true;
  if (if_nametoindex(capture->options.device) == capture->interface_index) return true;
  /* A renamed interface goes on capturing. */
  char name[IF_NAMESIZE];
  if (if_indextoname(capture->interface_index, name) != NULL) return true;
  if (*capture->fault == '\0') snprintf(capture->fault, sizeof capture->fault, "The interface disappeared");
  return false;
}

static void wait_for(struct capture *capture, bool packets, int timeout_ms) {
  struct pollfd descriptors[2] = {{.fd = capture->wake_fd, .events = POLLIN},
                                  {.fd = pcap_get_selectable_fd(capture->pcap), .events = POLLIN}};
  if (poll(descriptors, packets ? 2 : 1, timeout_ms) <= 0) return;
  if (descriptors[0].revents != 0) {
    uint64_t count;
    ssize_t got = read(capture->wake_fd, &count, sizeof count);
    (void)got;
  }
}

/* Dispatches once. Number of packets, or -1 when capturing cannot go on. The first fault is kept. */
static int dispatch(struct capture *capture) {
  int count = pcap_dispatch(capture->pcap, DISPATCH_PACKETS, on_packet, (u_char *)capture);
  if (count >= 0 || *capture->fault != '\0') return count;
  const char *text = pcap_geterr(capture->pcap);
  snprintf(capture->fault, sizeof capture->fault, "%s", *text == '\0' ? "the capture ended" : text);
  return count;
}

/* The error that a packet socket keeps, which would make poll return at once for ever. */
static bool socket_is_in_error(struct capture *capture) {
  int error = 0;
  socklen_t length = sizeof error;
  int fd = pcap_get_selectable_fd(capture->pcap);
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error != 0;
}

/* Nothing to read: sleeps until there is. False when the interface is gone. */
static bool rest(struct capture *capture) {
  hand_over_if_reader_is_idle(capture);
  bool is_down = socket_is_in_error(capture);
  if (is_down && !interface_is_there(capture)) return false;
  wait_for(capture, !is_down, is_down ? DOWN_INTERVAL_MS : CHECK_INTERVAL_MS);
  return true;
}

static bool check_each_second(struct capture *capture) {
  int64_t now = now_ms();
  if (now < capture->next_check_ms) return true;
  capture->next_check_ms = now + CHECK_INTERVAL_MS;
  refresh_stats(capture);
  return interface_is_there(capture);
}

/*
 * Takes what the kernel has received and not yet shown: its current block is shown when the time-out is over, also when
 * the interface is gone. Nothing new is received meanwhile.
 */
static void drain(struct capture *capture) {
  if (!pass_nothing(capture)) return;
  int fd = pcap_get_selectable_fd(capture->pcap);
  int64_t deadline = now_ms() + 2 * (int64_t)capture->options.timeout_ms + 50;
  for (;;) {
    int count = dispatch(capture);
    if (atomic_load(&capture->stop) == STOP_NOW) return;
    if (count > 0 && now_ms() < deadline + 1000) continue;
    refresh_stats(capture);
    uint64_t held = capture->current == NULL ? 0 : capture->current->packets;
    const struct capture_stats *stats = &capture->stats;
    if (stats->delivered + held + stats->ring_full + stats->kernel_drops >= stats->received) return;
    if (now_ms() >= deadline) return;
    struct pollfd packets = {.fd = fd, .events = POLLIN};
    poll(&packets, 1, 5);
  }
}

static void capture_packets(struct capture *capture) {
  while (atomic_load_explicit(&capture->stop, memory_order_relaxed) == STOP_NOT) {
    serve_request(capture);
    int count = dispatch(capture);
    if (count < 0 || !check_each_second(capture)) break;
    if (count == 0 && !rest(capture)) break;
  }
  if (atomic_load(&capture->stop) != STOP_NOW) drain(capture);
}

void *capture_thread(void *argument) {
  struct capture *capture = argument;
  pthread_setname_np(pthread_self(), "capture");
  capture_packets(capture);
  refresh_stats(capture);
  if (capture->current != NULL) hand_over(capture);
  pthread_mutex_lock(&capture->lock);
  capture->is_running = false;
  pthread_cond_signal(&capture->answered);
  pthread_mutex_unlock(&capture->lock);
  capture->notify(capture->listener, NULL);
  return NULL;
}
