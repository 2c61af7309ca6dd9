import type { CaptureSnapshot, SensorSnapshot, SinkSnapshot } from './sensor-snapshot.js';

export interface HealthLimits {
  /** Seconds without an answer of the analysis thread after which it counts as stuck. */
  readonly answerSeconds: number;
}

export const DEFAULT_HEALTH_LIMITS: HealthLimits = { answerSeconds: 15 };

/** One thing that is not as it should be. */
export interface HealthReason {
  readonly part: 'sensor' | 'analysis' | 'capture' | 'sink';
  /** Interface or sink. */
  readonly name?: string;
  /** `fatal` makes the answer a 503; `degraded` is told, and nothing more. */
  readonly weight: 'fatal' | 'degraded';
  /** One sentence. */
  readonly message: string;
}

export interface HealthReport {
  readonly status: 'ok' | 'degraded' | 'failing';
  readonly reasons: readonly HealthReason[];
}

/**
 * Whether the process is alive: somebody who restarts it would mend what is said here. That the main thread's event loop
 * turns is shown by the answer itself.
 */
export function liveness(snapshot: SensorSnapshot, limits = DEFAULT_HEALTH_LIMITS): HealthReport {
  return report(stuckAnalysis(snapshot, limits));
}

/**
 * Whether the sensor does its work: it is running, its analysis answers, each interface is captured, and no sink loses
 * records or waits for somebody. A sink whose other side is away has its spool, so it is degraded and no more: nothing is
 * lost yet, and a restart would not bring a broker back.
 */
export function readiness(snapshot: SensorSnapshot, limits = DEFAULT_HEALTH_LIMITS): HealthReport {
  return report([
    ...lifeReasons(snapshot),
    ...stuckAnalysis(snapshot, limits),
    ...snapshot.captures.flatMap(captureReasons),
    ...snapshot.sinks.flatMap(sinkReasons),
  ]);
}

function report(reasons: readonly HealthReason[]): HealthReport {
  const isFailing = reasons.some(({ weight }) => weight === 'fatal');
  return { status: isFailing ? 'failing' : reasons.length > 0 ? 'degraded' : 'ok', reasons };
}

function lifeReasons({ state, captures }: SensorSnapshot): HealthReason[] {
  const message =
    state === 'starting'
      ? 'The sensor is starting.'
      : state === 'stopping'
        ? 'The sensor is stopping.'
        : captures.length === 0
          ? 'No interface is captured.'
          : undefined;
  return message === undefined ? [] : [{ part: 'sensor', weight: 'fatal', message }];
}

function stuckAnalysis({ analysis }: SensorSnapshot, { answerSeconds }: HealthLimits): HealthReason[] {
  if (analysis.answerAgeSeconds <= answerSeconds) return [];
  const age = Math.round(analysis.answerAgeSeconds);
  const message = `The analysis thread has not answered for ${age} seconds; the limit is ${answerSeconds}.`;
  return [{ part: 'analysis', weight: 'fatal', message }];
}

function captureReasons({ interface: name, isOpen, reason }: CaptureSnapshot): HealthReason[] {
  if (isOpen) return [];
  return [
    { part: 'capture', name, weight: 'fatal', message: reason ?? `Interface ${name} is not captured.` },
  ];
}

function sinkReasons({ name, state, reason, spool }: SinkSnapshot): HealthReason[] {
  if (state === 'healthy') return [];
  const isDegraded = state === 'retrying' || state === 'starting';
  const waiting = spool === undefined ? '' : ` Waiting in its spool: ${spool.waiting}.`;
  const message = `Sink ${name} is ${state}${reason === undefined ? '.' : `: ${reason}`}${waiting}`;
  return [{ part: 'sink', name, weight: isDegraded ? 'degraded' : 'fatal', message }];
}
