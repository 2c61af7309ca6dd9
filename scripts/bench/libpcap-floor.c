/*
 * The least that reading a capture costs in C: every packet is handed over by libpcap, its lengths are added up and its
 * first octet is touched. Prints packets, octets and nanoseconds, opening of the file included.
 */
#include <pcap/pcap.h>
#include <stdio.h>
#include <time.h>

static long long now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

int main(int argc, char **argv) {
  char error[PCAP_ERRBUF_SIZE];
  struct pcap_pkthdr *header;
  const u_char *data;
  unsigned long packets = 0, octets = 0, touched = 0;
  if (argc != 2) {
    fprintf(stderr, "usage: %s FILE\n", argv[0]);
    return 2;
  }
  long long start = now_ns();
  pcap_t *capture = pcap_open_offline_with_tstamp_precision(argv[1], PCAP_TSTAMP_PRECISION_NANO, error);
  if (capture == NULL) {
    fprintf(stderr, "%s\n", error);
    return 1;
  }
  while (pcap_next_ex(capture, &header, &data) == 1) {
    packets++;
    octets += header->len;
    if (header->caplen > 0) touched += data[0];
  }
  pcap_close(capture);
  printf("%lu %lu %lld %lu\n", packets, octets, now_ns() - start, touched);
  return 0;
}
