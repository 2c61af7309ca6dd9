/*
 * A live capture: one libpcap handle, one thread, slabs that somebody else owns. Knows nothing of Node, so that it can be
 * tested with sanitizers and valgrind alone. All state belongs to one `struct capture`; there is no static state.
 *
 * Threads: `capture_open`, `capture_start`, `capture_stop`, `capture_close`, `capture_stats`, `capture_set_filter` and
 * `capture_count_instructions` are called from one thread, the owner. `capture_release` too. From start to end libpcap is
 * called by the capture thread only; what the owner wants of it goes through `struct request`.
 */
#ifndef COPPERHULL_CAPTURE_H
#define COPPERHULL_CAPTURE_H

#include <pcap/pcap.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Octets before each packet: seconds, nanoseconds, captured length, wire length, each u32 of the machine's own order. */
#define RECORD_HEADER 16u
#define MAX_SLABS 1024u
#define MAX_DEVICE_NAME 64
#define FAULT_TEXT (PCAP_ERRBUF_SIZE + 128)

struct capture_options {
  char device[MAX_DEVICE_NAME];
  int snaplen;
  int buffer_bytes;
  int timeout_ms;
  bool promiscuous;
  pcap_direction_t direction;
  /* Most packets in one slab. */
  uint32_t slab_packets;
};

struct slab {
  uint8_t *bytes;
  uint32_t used;
  uint32_t packets;
};

struct capture_stats {
  uint64_t received;        /* passed the filter; kernel drops are among them */
  uint64_t kernel_drops;    /* the kernel's ring was full */
  uint64_t interface_drops; /* lost by the interface or its driver */
  uint64_t ring_full;       /* all slabs were in use */
  uint64_t delivered;       /* written into slabs */
  uint64_t slabs;           /* slabs handed over */
  bool filter_in_kernel;    /* otherwise libpcap filters here, and `received` counts what it refuses */
};

/* What went wrong, as a word that the TypeScript side knows, and libpcap's text. */
struct capture_fault {
  const char *code;
  char text[FAULT_TEXT];
};

enum request_kind { REQUEST_NONE, REQUEST_STATS, REQUEST_SET_FILTER, REQUEST_COUNT_INSTRUCTIONS };

struct request {
  enum request_kind kind;
  const char *filter;
  struct capture_fault *fault;
  struct capture_stats *stats;
  int answer;
};

enum stop_kind { STOP_NOT, STOP_AFTER_DRAINING, STOP_NOW };

struct capture {
  pcap_t *pcap;
  struct capture_options options;
  int link_type;
  unsigned interface_index;
  unsigned fraction_to_nanoseconds;
  /* libpcap manages the filter, because the kernel refused one or sees other bytes than we do. */
  bool filter_is_libpcaps;

  /* Called by the capture thread, with a slab that is ready or with NULL when capturing is over. False: nobody listens. */
  bool (*notify)(void *listener, struct slab *ready);
  void *listener;

  uint32_t slab_bytes;
  uint32_t slab_count;
  struct slab slabs[MAX_SLABS];

  int wake_fd;
  atomic_int stop;
  /* A request waits; read without the lock so that the busy loop needs none. */
  atomic_bool asked;
  bool is_started;
  pthread_t thread;

  pthread_mutex_t lock;
  pthread_cond_t answered;
  /* Under the lock. */
  uint32_t free_slabs[MAX_SLABS];
  uint32_t free_count;
  uint32_t handed_over;
  bool holds_packets;
  bool is_running;
  struct request request;

  /* The capture thread's while it runs, the owner's before and after. */
  struct slab *current;
  struct capture_stats stats;
  struct pcap_stat last_raw;
  /* Packets received before the first filter was in force: at most so many, and older than this. */
  uint32_t skip_packets;
  uint32_t skipped;
  int64_t skip_before_ns;
  int64_t next_check_ms;
  char fault[FAULT_TEXT];
};

/* Opens and activates; slabs are not needed yet. NULL and a fault on failure. */
struct capture *capture_open(const struct capture_options *options, const char *filter, struct capture_fault *fault);

/* Gives the capture the memory that packets go into. All slabs have `slab_bytes` octets, enough for one longest packet. */
void capture_use_slabs(struct capture *capture, uint8_t *const *memory, uint32_t count, uint32_t slab_bytes);

/* Starts the thread. Returns 0 or an errno. */
int capture_start(struct capture *capture);

/* A slab was read and may be written again. */
void capture_release(struct capture *capture, uint32_t slab);

/* Asks the thread to end, without waiting. It notifies once more when it has. */
void capture_stop(struct capture *capture, enum stop_kind kind);

/* Ends the thread, waits for it and frees everything. Nothing is notified after this returns. */
void capture_close(struct capture *capture);

void capture_read_stats(struct capture *capture, struct capture_stats *stats);

/* Number of instructions, or -1 and a fault. The filter before stays in force on a fault. */
int capture_set_filter(struct capture *capture, const char *filter, struct capture_fault *fault);

/* As `capture_set_filter`, but only compiles. */
int capture_count_instructions(struct capture *capture, const char *filter, struct capture_fault *fault);

/* Compiles for a link type without an interface. */
int count_instructions(const char *filter, int link_type, int snaplen, struct capture_fault *fault);

/* filter.c. Number of instructions, or -1 and a fault. */
int filter_instructions(pcap_t *pcap, const char *filter, struct capture_fault *fault);
int use_filter(struct capture *capture, const char *filter, struct capture_fault *fault);
bool begin_with_filter(struct capture *capture, const char *filter, struct capture_fault *fault);
/* Passes nothing from now on, and leaves what was received. False when the kernel refuses. */
bool pass_nothing(struct capture *capture);

/* For the capture thread (capture-thread.c). */
void *capture_thread(void *capture);
void serve_request(struct capture *capture);
void refresh_stats(struct capture *capture);
void wake(struct capture *capture);
void set_fault(struct capture_fault *fault, const char *code, const char *text);

#endif
