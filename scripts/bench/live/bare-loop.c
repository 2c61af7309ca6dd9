/*
 * bare-loop INTERFACE FILTER SECONDS BUFFER-BYTES
 *
 * The floor that live capture is compared with: libpcap alone, a callback that counts packets and octets and reads one
 * octet. Prints "ready" when it captures; stops after so many seconds, or on SIGTERM, and prints one JSON line.
 */
#include <pcap/pcap.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

static pcap_t *pcap;
static unsigned long long packets, octets, sum;

static void stop(int signal_number) {
  (void)signal_number;
  pcap_breakloop(pcap);
}

static void on_packet(u_char *user, const struct pcap_pkthdr *header, const u_char *bytes) {
  (void)user;
  packets++;
  octets += header->len;
  if (header->caplen > 0) sum += bytes[0];
}

int main(int argc, char **argv) {
  if (argc < 5) {
    fprintf(stderr, "usage: bare-loop INTERFACE FILTER SECONDS BUFFER-BYTES\n");
    return 2;
  }
  char error[PCAP_ERRBUF_SIZE] = "";
  pcap = pcap_create(argv[1], error);
  if (pcap == NULL || pcap_set_snaplen(pcap, 65535) != 0 || pcap_set_promisc(pcap, 1) != 0 ||
      pcap_set_timeout(pcap, 20) != 0 || pcap_set_buffer_size(pcap, atoi(argv[4])) != 0 ||
      pcap_set_tstamp_precision(pcap, PCAP_TSTAMP_PRECISION_NANO) != 0 || pcap_activate(pcap) < 0) {
    fprintf(stderr, "bare-loop: %s\n", pcap == NULL ? error : pcap_geterr(pcap));
    return 1;
  }
  struct bpf_program program;
  if (pcap_compile(pcap, &program, argv[2], 1, PCAP_NETMASK_UNKNOWN) != 0 || pcap_setfilter(pcap, &program) != 0) {
    fprintf(stderr, "bare-loop: %s\n", pcap_geterr(pcap));
    return 1;
  }
  pcap_freecode(&program);
  struct sigaction action = {.sa_handler = stop};
  sigaction(SIGALRM, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  alarm((unsigned)atoi(argv[3]));
  printf("ready\n");
  fflush(stdout);
  pcap_loop(pcap, -1, on_packet, NULL);
  struct pcap_stat stats;
  struct rusage usage;
  pcap_stats(pcap, &stats);
  getrusage(RUSAGE_SELF, &usage);
  double seconds = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                   (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
  printf("{\"packets\":%llu,\"octets\":%llu,\"kernelDrops\":%u,\"cpuSeconds\":%.3f,\"sum\":%llu}\n", packets, octets,
         stats.ps_drop, seconds, sum);
  pcap_close(pcap);
  return 0;
}
