/*
 * capture-harness INTERFACE ROUNDS [SLAB MICROSECONDS]
 *
 * The capture without Node, for valgrind and the sanitizers: opens, captures for a moment while a reader thread gives
 * slabs back, changes filters and reads counters, and closes; so many rounds. Ends with 1 when a sum is wrong.
 */
#include "capture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SLABS 4
#define SLAB_BYTES (128 * 1024)

struct reader {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  struct slab *ready[SLABS];
  unsigned count;
  int is_over;
  uint64_t packets;
};

static bool notify(void *listener, struct slab *slab) {
  struct reader *reader = listener;
  pthread_mutex_lock(&reader->lock);
  if (slab == NULL) reader->is_over = 1;
  else reader->ready[reader->count++] = slab;
  pthread_cond_signal(&reader->changed);
  pthread_mutex_unlock(&reader->lock);
  return true;
}

/* Reads every octet of a slab, as the analysis might. False when records do not add up. */
static bool walk(const struct slab *slab, uint64_t *packets) {
  uint32_t at = 0, count = 0;
  unsigned sum = 0;
  while (at + RECORD_HEADER <= slab->used) {
    uint32_t captured;
    memcpy(&captured, slab->bytes + at + 8, 4);
    if (captured > slab->used - at - RECORD_HEADER) return false;
    for (uint32_t i = 0; i < captured; i++) sum += slab->bytes[at + RECORD_HEADER + i];
    at += RECORD_HEADER + ((captured + 3u) & ~3u);
    count++;
  }
  *packets += count;
  return at == slab->used && count == slab->packets && sum != 1;
}

static bool one_round(const char *device, unsigned slab_us, uint8_t *const *memory, unsigned number) {
  struct capture_options options = {.snaplen = 2048, .buffer_bytes = 2 << 20, .timeout_ms = 5, .promiscuous = true,
                                    .direction = PCAP_D_INOUT, .slab_packets = 700};
  snprintf(options.device, sizeof options.device, "%s", device);
  struct capture_fault fault;
  struct capture *capture = capture_open(&options, "ether proto 0x88b5", &fault);
  if (capture == NULL) {
    fprintf(stderr, "%s: %s\n", fault.code, fault.text);
    return false;
  }
  struct reader reader = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
  capture_use_slabs(capture, memory, SLABS, SLAB_BYTES);
  capture->notify = notify;
  capture->listener = &reader;
  capture_start(capture);
  bool is_right = true;
  struct capture_stats stats;
  for (int step = 0;; step++) {
    pthread_mutex_lock(&reader.lock);
    while (reader.count == 0 && !reader.is_over) pthread_cond_wait(&reader.changed, &reader.lock);
    struct slab *slab = reader.count > 0 ? reader.ready[0] : NULL;
    if (slab != NULL) {
      reader.count--;
      for (unsigned i = 0; i < reader.count; i++) reader.ready[i] = reader.ready[i + 1];
    }
    pthread_mutex_unlock(&reader.lock);
    if (slab == NULL) break;
    is_right = walk(slab, &reader.packets) && is_right;
    if (slab_us > 0) usleep(slab_us);
    capture_release(capture, (uint32_t)(slab - capture->slabs));
    if (step % 3 == 0 && step < 20)
      is_right = capture_set_filter(capture, "ether proto 0x88b5 or arp", &fault) > 0 && is_right;
    if (step % 3 == 1) is_right = capture_set_filter(capture, "no such thing", &fault) < 0 && is_right;
    if (step % 3 == 2) capture_read_stats(capture, &stats);
    if (step == 20) capture_stop(capture, number % 2 == 0 ? STOP_AFTER_DRAINING : STOP_NOW);
  }
  capture_read_stats(capture, &stats);
  capture_close(capture);
  pthread_mutex_destroy(&reader.lock);
  pthread_cond_destroy(&reader.changed);
  if (reader.packets != stats.delivered) is_right = false;
  if (number % 2 == 0 && stats.received != stats.delivered + stats.ring_full + stats.kernel_drops) is_right = false;
  if (!is_right || number < 4)
    printf("round %u: received %llu, read %llu, ring full %llu, kernel %llu%s\n", number,
           (unsigned long long)stats.received, (unsigned long long)reader.packets, (unsigned long long)stats.ring_full,
           (unsigned long long)stats.kernel_drops, is_right ? "" : " WRONG");
  return is_right;
}

int main(int argc, char **argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: capture-harness INTERFACE ROUNDS [SLAB MICROSECONDS]\n");
    return 2;
  }
  unsigned rounds = (unsigned)atoi(argv[2]), slab_us = argc > 3 ? (unsigned)atoi(argv[3]) : 0;
  uint8_t *memory[SLABS];
  for (int i = 0; i < SLABS; i++) memory[i] = malloc(SLAB_BYTES);
  bool is_right = true;
  for (unsigned i = 0; i < rounds; i++) is_right = one_round(argv[1], slab_us, memory, i) && is_right;
  for (int i = 0; i < SLABS; i++) free(memory[i]);
  printf("%u rounds, %s\n", rounds, is_right ? "all sums right" : "WRONG");
  return is_right ? 0 : 1;
}
