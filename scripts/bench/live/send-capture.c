/*
 * send-capture INTERFACE CORPUS RATE SECONDS BEGIN [FILTER [PLANTS MILLISECONDS]]
 *
 * Sends the frames of a capture file again and again through a packet socket, RATE a second (0: as fast as it goes), for so
 * many seconds or until SIGTERM. It begins at that share of the file (0 to 1), so that several senders do not send the same
 * frames together. CORPUS and PLANTS are nanosecond pcap files of this byte order with Ethernet frames. One
 * frame of PLANTS goes in between every so many milliseconds, each once; "plant NUMBER UNIX-NANOSECONDS" tells when the
 * kernel has taken it. An interface that goes away is waited for.
 *
 * Ends with one JSON line: frames that the kernel took, how many of them FILTER lets pass (asked of libpcap), plants,
 * seconds, and how often the kernel refused a frame for want of room (it was sent again then).
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BATCH 32
#define SECOND UINT64_C(1000000000)
#define FILE_HEADER 24
#define RECORD_HEADER 16
/* Below this rate frames go one by one, so that they are spread evenly. */
#define SINGLE_BELOW 10000

struct frames {
  struct iovec *frame;
  bool *passes;
  size_t count;
};

static volatile sig_atomic_t is_over;
static int fd;
static const char *device;
static struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_halen = 6};
static uint64_t refused;

static void stop(int signal_number) {
  (void)signal_number;
  is_over = 1;
}

static uint64_t now_ns(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

static void fail(const char *what, const char *why) {
  fprintf(stderr, "send-capture: %s: %s\n", what, why);
  exit(1);
}

static struct frames read_frames(const char *path, struct bpf_program *filter) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  struct stat size;
  if (file < 0 || fstat(file, &size) != 0) fail(path, strerror(errno));
  size_t length = (size_t)size.st_size;
  uint8_t *bytes = mmap(NULL, length, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, 0);
  if (bytes == MAP_FAILED) fail(path, strerror(errno));
  close(file);
  uint32_t magic = 0;
  if (length >= FILE_HEADER) memcpy(&magic, bytes, sizeof magic);
  if (magic != 0xa1b23c4d) fail(path, "no nanosecond pcap of this byte order");

  struct frames all = {0};
  size_t room = 0;
  for (size_t at = FILE_HEADER; at + RECORD_HEADER <= length;) {
    struct pcap_pkthdr header = {0};
    memcpy(&header.caplen, bytes + at + 8, 4);
    memcpy(&header.len, bytes + at + 12, 4);
    at += RECORD_HEADER;
    if (header.caplen > length - at) fail(path, "it ends in the middle of a frame");
    if (all.count == room) {
      room = room == 0 ? 4096 : 2 * room;
      all.frame = realloc(all.frame, room * sizeof *all.frame);
      all.passes = realloc(all.passes, room * sizeof *all.passes);
      if (all.frame == NULL || all.passes == NULL) fail(path, "not enough memory");
    }
    all.frame[all.count] = (struct iovec){.iov_base = bytes + at, .iov_len = header.caplen};
    all.passes[all.count] = filter == NULL || pcap_offline_filter(filter, &header, bytes + at) != 0;
    all.count++;
    at += header.caplen;
  }
  if (all.count == 0) fail(path, "it has no frames");
  return all;
}

/* Waits until the interface is there (again). False when it is time to end. */
static bool find_interface(uint64_t end) {
  while (!is_over && now_ns(CLOCK_MONOTONIC) < end) {
    to.sll_ifindex = (int)if_nametoindex(device);
    if (to.sll_ifindex != 0) return true;
    usleep(2000);
  }
  return false;
}

/* Sends some of the messages. How many the kernel took; 0 when it took none and they should be tried again. */
static unsigned send_some(struct mmsghdr *messages, unsigned count, uint64_t end) {
  int taken = sendmmsg(fd, messages, count, 0);
  if (taken > 0) return (unsigned)taken;
  switch (errno) {
    case ENOBUFS:
    case EAGAIN:
      refused++;
      return 0;
    case EINTR:
      return 0;
    case ENXIO:
    case ENODEV:
    case ENETDOWN:
      usleep(2000);
      find_interface(end);
      return 0;
    default:
      fail(device, strerror(errno));
      return 0;
  }
}

static void wait_until(uint64_t due) {
  struct timespec at = {.tv_sec = (time_t)(due / SECOND), .tv_nsec = (long)(due % SECOND)};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

int main(int argc, char **argv) {
  if (argc < 6) {
    fprintf(stderr, "usage: send-capture INTERFACE CORPUS RATE SECONDS BEGIN [FILTER [PLANTS MILLISECONDS]]\n");
    return 2;
  }
  device = argv[1];
  uint64_t rate = strtoull(argv[3], NULL, 10);
  uint64_t duration = (uint64_t)(strtod(argv[4], NULL) * (double)SECOND);
  struct bpf_program filter;
  bool is_filtered = argc > 6 && *argv[6] != '\0';
  if (is_filtered) {
    pcap_t *dead = pcap_open_dead(DLT_EN10MB, 65535);
    if (dead == NULL || pcap_compile(dead, &filter, argv[6], 1, PCAP_NETMASK_UNKNOWN) != 0)
      fail("filter", dead == NULL ? "no memory" : pcap_geterr(dead));
  }
  struct frames corpus = read_frames(argv[2], is_filtered ? &filter : NULL);
  struct frames plants = {0};
  uint64_t plant_gap = UINT64_MAX;
  if (argc > 8) {
    plants = read_frames(argv[7], is_filtered ? &filter : NULL);
    plant_gap = strtoull(argv[8], NULL, 10) * (SECOND / 1000);
  }

  struct sigaction action = {.sa_handler = stop};
  sigaction(SIGTERM, &action, NULL);
  prctl(PR_SET_TIMERSLACK, 1);
  fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket", strerror(errno));
  struct mmsghdr messages[BATCH];
  memset(messages, 0, sizeof messages);
  for (int b = 0; b < BATCH; b++)
    messages[b].msg_hdr = (struct msghdr){.msg_name = &to, .msg_namelen = sizeof to, .msg_iovlen = 1};

  uint64_t start = now_ns(CLOCK_MONOTONIC), end = start + duration;
  uint64_t sent = 0, passing = 0, planted = 0, paced_from = start, paced = 0;
  size_t next = (size_t)(strtod(argv[5], NULL) * (double)corpus.count) % corpus.count;
  uint64_t now = start;
  if (!find_interface(end)) fail(device, "no such interface");
  while (!is_over && (now = now_ns(CLOCK_MONOTONIC)) < end) {
    if (planted < plants.count && now >= start + (planted + 1) * plant_gap) {
      messages[0].msg_hdr.msg_iov = &plants.frame[planted];
      if (send_some(messages, 1, end) == 1) {
        passing += plants.passes[planted];
        sent++;
        printf("plant %" PRIu64 " %" PRIu64 "\n", planted, now_ns(CLOCK_REALTIME));
        fflush(stdout);
        planted++;
      }
      continue;
    }
    unsigned batch = rate > 0 && rate < SINGLE_BELOW ? 1 : BATCH;
    if (rate > 0) {
      uint64_t due = paced_from + paced * SECOND / rate;
      if (due > now) {
        wait_until(due < end ? due : end);
        if (due >= end) break;
        continue;
      }
      /* More than a second behind, as after an interface that was away: this is not made up for. */
      if (now - due > SECOND) {
        paced_from = now;
        paced = 0;
      }
    }
    if (batch > corpus.count - next) batch = (unsigned)(corpus.count - next);
    for (unsigned b = 0; b < batch; b++) messages[b].msg_hdr.msg_iov = &corpus.frame[next + b];
    unsigned taken = send_some(messages, batch, end);
    for (unsigned b = 0; b < taken; b++) passing += corpus.passes[next + b];
    sent += taken;
    paced += taken;
    next += taken;
    if (next == corpus.count) next = 0;
  }
  double seconds = (double)(now_ns(CLOCK_MONOTONIC) - start) / 1e9;
  printf("{\"sent\":%" PRIu64 ",\"passing\":%" PRIu64 ",\"plants\":%" PRIu64 ",\"seconds\":%.3f,\"refused\":%" PRIu64 "}\n",
         sent, passing, planted, seconds, refused);
  return 0;
}
