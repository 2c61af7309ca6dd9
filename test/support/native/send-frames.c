/*
 * send-frames INTERFACE COUNT [FRAMES A SECOND, 0: as fast as possible] [FRAME LENGTH] [FRAME IN HEX]
 *
 * Sends Ethernet frames through a packet socket. Without a frame of the caller's: to a multicast address of ours, type
 * 0x88b5 (experiments), the frame's number as 8 octets, then a pattern. Prints how many frames the kernel took.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_FRAME 65535
#define BATCH 32

static int fail(const char *what) {
  fprintf(stderr, "send-frames: %s: %s\n", what, strerror(errno));
  return 1;
}

static size_t read_hex(const char *text, uint8_t *bytes) {
  size_t length = strlen(text) / 2;
  for (size_t i = 0; i < length && i < MAX_FRAME; i++) {
    unsigned octet = 0;
    sscanf(text + 2 * i, "%2x", &octet);
    bytes[i] = (uint8_t)octet;
  }
  return length;
}

static uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int main(int argc, char **argv) {
  static uint8_t frames[BATCH][MAX_FRAME];
  if (argc < 3) {
    fprintf(stderr, "usage: send-frames INTERFACE COUNT [RATE] [LENGTH] [HEX]\n");
    return 2;
  }
  uint64_t count = strtoull(argv[2], NULL, 10);
  uint64_t rate = argc > 3 ? strtoull(argv[3], NULL, 10) : 0;
  size_t length = argc > 4 ? strtoul(argv[4], NULL, 10) : 64;
  static const uint8_t head[] = {0x03, 0, 0, 0, 0, 1, 0x02, 0, 0, 0, 0, 1, 0x88, 0xb5};
  int is_numbered = argc <= 5;
  if (length > MAX_FRAME || length < sizeof head + 8) length = 64;
  for (int b = 0; b < BATCH; b++) {
    for (size_t i = 0; i < length; i++) frames[b][i] = (uint8_t)i;
    memcpy(frames[b], head, sizeof head);
    if (!is_numbered) length = read_hex(argv[5], frames[b]);
  }

  int fd = socket(AF_PACKET, SOCK_RAW, 0);
  if (fd < 0) return fail("socket");
  struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_halen = 6, .sll_ifindex = (int)if_nametoindex(argv[1])};
  if (to.sll_ifindex == 0) return fail(argv[1]);
  struct iovec parts[BATCH];
  struct mmsghdr messages[BATCH];
  memset(messages, 0, sizeof messages);
  for (int b = 0; b < BATCH; b++) {
    parts[b] = (struct iovec){.iov_base = frames[b], .iov_len = length};
    messages[b].msg_hdr = (struct msghdr){.msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &parts[b], .msg_iovlen = 1};
  }
  uint64_t start = now_ns(), sent = 0;
  while (sent < count) {
    unsigned batch = count - sent < BATCH ? (unsigned)(count - sent) : BATCH;
    if (rate > 0) {
      if (rate < 10000) batch = 1;
      uint64_t due = start + sent * 1000000000u / rate, now = now_ns();
      if (due > now) {
        struct timespec pause = {.tv_sec = (time_t)((due - now) / 1000000000u), .tv_nsec = (long)((due - now) % 1000000000u)};
        nanosleep(&pause, NULL);
      }
    }
    for (unsigned b = 0; is_numbered && b < batch; b++) {
      uint32_t high = htonl((uint32_t)((sent + b) >> 32)), low = htonl((uint32_t)(sent + b));
      memcpy(frames[b] + sizeof head, &high, 4);
      memcpy(frames[b] + sizeof head + 4, &low, 4);
    }
    int taken = sendmmsg(fd, messages, batch, 0);
    if (taken > 0) sent += (uint64_t)taken;
    else if (errno == ENOBUFS || errno == EAGAIN || errno == EINTR) continue;
    else break;
  }
  int error = sent < count ? errno : 0;
  printf("%llu\n", (unsigned long long)sent);
  if (error != 0) fprintf(stderr, "send-frames: %s\n", strerror(error));
  close(fd);
  return 0;
}
