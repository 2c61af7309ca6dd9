/**
 * Ports that a server is likely to have, as Zeek's analyzers register them, with the ports of tunnels and of IRC. When
 * only the source of a first packet has one, the packet is taken for an answer and the originator is flipped.
 */
const PORTS = [
  21, 22, 25, 53, 67, 80, 81, 88, 110, 123, 137, 139, 143, 161, 162, 179, 389, 443, 445, 502, 514, 546, 547,
  563, 585, 587, 614, 631, 636, 853, 989, 990, 992, 993, 995, 1080, 1434, 1812, 1883, 2123, 2152, 3128, 3306,
  3389, 3544, 3653, 4789, 5060, 5061, 5072, 5222, 5353, 5355, 5432, 5900, 6081, 6379, 6660, 6661, 6662, 6663,
  6664, 6665, 6666, 6667, 6668, 6669, 6697, 8000, 8080, 8443, 8888, 20000,
] as const;

/** The same for UDP alone, as a Zeek has it without scripts of its own. */
const ZEEK_UDP_PORTS = [
  53, 67, 88, 123, 137, 161, 162, 389, 443, 514, 1812, 2123, 2152, 3389, 3544, 4789, 5060, 5072, 5353, 5355,
  6081, 20000,
] as const;

const IS_LIKELY = new Uint8Array(65536);
for (const port of PORTS) IS_LIKELY[port] = 1;

const IS_LIKELY_TO_ZEEK = new Uint8Array(65536);
for (const port of ZEEK_UDP_PORTS) IS_LIKELY_TO_ZEEK[port] = 1;

/** Whether Zeek takes the sender of a first UDP datagram for the responder. */
export function looksLikeAnswerToZeek(sourcePort: number, destinationPort: number): boolean {
  return IS_LIKELY_TO_ZEEK[sourcePort] === 1 && IS_LIKELY_TO_ZEEK[destinationPort] === 0;
}

/** Whether only the source looks like a server. */
export function looksLikeAnswer(sourcePort: number, destinationPort: number): boolean {
  return IS_LIKELY[sourcePort] === 1 && IS_LIKELY[destinationPort] === 0;
}
