import type { FrameView } from '../wire/frame.js';
import { BROKER_TCP_PORT, UDP_PORT } from '../wire/numbers.js';
import type { LayerStack } from './layers.js';
import { VERDICT } from './verdicts.js';

/*
 * How tunnel brokers are talked to, before and beside the tunnel: TSP (RFC 5572 4.4), the heartbeat of SixXS
 * (draft-massar-v6ops-heartbeat-01), and TIC, with which SixXS told clients their tunnels.
 */
const TSP_WORDS = ['VERSION=', 'CAPABILITY ', 'AUTHENTICATE ', 'Content-length:'].map(octets);
const TIC_WORDS = ['client TIC/', '200 SixXS TIC'].map(octets);
const HEARTBEAT_WORDS = [octets('HEARTBEAT TUNNEL ')];

/* RFC 5572 4.4.1.2: over UDP a nibble of ones, a sequence number and a time stamp stand before the text. */
const TSP_UDP_HEADER = 8;
const TSP_UDP_MARK = 0xf;
const TCP_MIN_HEADER = 20;
const TCP_DATA_OFFSET = 12;

/** Whether one of the ports in the first word of a TCP header is a broker's. */
export function isBrokerTcp(ports: number): boolean {
  const source = ports >>> 16;
  const destination = ports & 0xffff;
  return (
    source === BROKER_TCP_PORT.TSP ||
    destination === BROKER_TCP_PORT.TSP ||
    source === BROKER_TCP_PORT.TIC ||
    destination === BROKER_TCP_PORT.TIC
  );
}

/** Remarks the text of a broker in a TCP segment whose ports {@link isBrokerTcp} knows. */
export function remarkBrokerTcp(frame: FrameView, at: number, end: number, out: LayerStack): void {
  if (end - at < TCP_MIN_HEADER) return;
  const text = at + ((frame.bytes[at + TCP_DATA_OFFSET]! >>> 4) << 2);
  if (beginsWithOneOf(frame, text, end, TSP_WORDS)) remark(VERDICT.tunnel_broker_TSP, out);
  else if (beginsWithOneOf(frame, text, end, TIC_WORDS)) remark(VERDICT.tunnel_broker_TIC, out);
}

/** Remarks the text of a broker in a UDP payload between two ports. */
export function remarkBrokerUdp(
  frame: FrameView,
  at: number,
  end: number,
  source: number,
  destination: number,
  out: LayerStack,
): void {
  if (source === UDP_PORT.TSP || destination === UDP_PORT.TSP) {
    if (end <= at || frame.bytes[at]! >>> 4 !== TSP_UDP_MARK) return;
    if (beginsWithOneOf(frame, at + TSP_UDP_HEADER, end, TSP_WORDS)) remark(VERDICT.tunnel_broker_TSP, out);
  } else if (source === UDP_PORT.HEARTBEAT || destination === UDP_PORT.HEARTBEAT) {
    if (beginsWithOneOf(frame, at, end, HEARTBEAT_WORDS)) remark(VERDICT.tunnel_broker_heartbeat, out);
  }
}

function remark(verdict: number, out: LayerStack): void {
  out.isBrokerTalk = true;
  out.remark(verdict);
}

function beginsWithOneOf(
  { bytes }: FrameView,
  at: number,
  end: number,
  words: readonly (readonly number[])[],
): boolean {
  for (const word of words) {
    let i = 0;
    while (i < word.length && at + i < end && bytes[at + i] === word[i]) i++;
    if (i === word.length) return true;
  }
  return false;
}

function octets(text: string): number[] {
  return Array.from(text, (letter) => letter.charCodeAt(0));
}
