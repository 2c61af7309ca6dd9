/*
 * Kernel filters. They are set on the socket directly: the kernel puts one filter in the place of another in one step, so
 * nothing is lost and nothing passes unfiltered. pcap_setfilter first sets a filter that rejects all, and loses what comes
 * meanwhile; it is used where libpcap has to rewrite the program (cooked link types: the kernel does not see the header
 * that libpcap puts in front) or to filter itself (the kernel refuses a program that is too long).
 */
#include "capture.h"

#include <linux/filter.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

static bool compile(pcap_t *pcap, const char *filter, struct bpf_program *program, struct capture_fault *fault) {
  if (pcap_compile(pcap, program, filter, 1, PCAP_NETMASK_UNKNOWN) == 0) return true;
  set_fault(fault, "bad-filter", pcap_geterr(pcap));
  return false;
}

int filter_instructions(pcap_t *pcap, const char *filter, struct capture_fault *fault) {
  struct bpf_program program;
  if (!compile(pcap, filter, &program, fault)) return -1;
  int instructions = (int)program.bf_len;
  pcap_freecode(&program);
  return instructions;
}

int count_instructions(const char *filter, int link_type, int snaplen, struct capture_fault *fault) {
  pcap_t *pcap = pcap_open_dead(link_type, snaplen);
  if (pcap == NULL) {
    set_fault(fault, "capture-failed", "out of memory");
    return -1;
  }
  int instructions = filter_instructions(pcap, filter, fault);
  pcap_close(pcap);
  return instructions;
}

static bool attach(struct capture *capture, struct sock_filter *instructions, unsigned count) {
  if (count > UINT16_MAX) return false;
  struct sock_fprog program = {.len = (unsigned short)count, .filter = instructions};
  int fd = pcap_get_selectable_fd(capture->pcap);
  return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
}

bool pass_nothing(struct capture *capture) {
  struct sock_filter nothing = {.code = BPF_RET | BPF_K, .k = 0};
  return attach(capture, &nothing, 1);
}

static bool attach_program(struct capture *capture, const struct bpf_program *program) {
  struct sock_filter *instructions = calloc(program->bf_len, sizeof *instructions);
  if (instructions == NULL) return false;
  for (unsigned i = 0; i < program->bf_len; i++) {
    const struct bpf_insn *from = &program->bf_insns[i];
    instructions[i] = (struct sock_filter){.code = from->code, .jt = from->jt, .jf = from->jf, .k = from->k};
  }
  bool is_attached = attach(capture, instructions, program->bf_len);
  free(instructions);
  return is_attached;
}

/* libpcap filters by itself, and says nothing, where the kernel refuses: too long a program, or too small an optmem_max. */
static bool is_in_kernel(struct capture *capture) {
  socklen_t instructions = 0;
  int fd = pcap_get_selectable_fd(capture->pcap);
  return getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, NULL, &instructions) == 0 && instructions > 0;
}

int use_filter(struct capture *capture, const char *filter, struct capture_fault *fault) {
  struct bpf_program program;
  if (!compile(capture->pcap, filter, &program, fault)) return -1;
  int instructions = (int)program.bf_len;
  if (capture->link_type == DLT_LINUX_SLL || capture->link_type == DLT_LINUX_SLL2) capture->filter_is_libpcaps = true;
  if (capture->filter_is_libpcaps || !attach_program(capture, &program)) {
    capture->filter_is_libpcaps = true;
    if (pcap_setfilter(capture->pcap, &program) != 0) {
      set_fault(fault, "capture-failed", pcap_geterr(capture->pcap));
      instructions = -1;
    }
  }
  pcap_freecode(&program);
  capture->stats.filter_in_kernel = is_in_kernel(capture);
  return instructions;
}

/* What came between activation and filter is in the ring unfiltered; the capture begins behind it. */
bool begin_with_filter(struct capture *capture, const char *filter, struct capture_fault *fault) {
  if (use_filter(capture, filter, fault) < 0) return false;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  struct pcap_stat raw;
  if (capture->filter_is_libpcaps || pcap_stats(capture->pcap, &raw) != 0) return true;
  capture->skip_packets = raw.ps_recv - raw.ps_drop;
  capture->skip_before_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
  return true;
}
