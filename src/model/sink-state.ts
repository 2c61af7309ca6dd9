/**
 * How a sink is: `starting` until the first success; `retrying` when the other side is away and may come back; `stopped`
 * when somebody has to mend credentials or configuration (it is still tried, seldom); `failed` when records are being lost.
 */
export const SINK_STATES = ['starting', 'healthy', 'retrying', 'stopped', 'failed', 'closed'] as const;
export type SinkState = (typeof SINK_STATES)[number];
