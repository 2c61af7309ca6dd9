import type { HealthLimits, HealthReport } from './health.js';
import { DEFAULT_HEALTH_LIMITS, liveness, readiness } from './health.js';
import type { HttpAnswer, HttpRoutes } from './http-server.js';
import type { Metrics } from './metrics.js';
import type { SensorSnapshot } from './sensor-snapshot.js';

const OK = 200;
const UNAVAILABLE = 503;

/** `/healthz`, `/readyz` and `/metrics` of what `snapshot` gives when asked. */
export function observationRoutes(
  snapshot: () => SensorSnapshot,
  metrics: Metrics,
  limits: HealthLimits = DEFAULT_HEALTH_LIMITS,
): HttpRoutes {
  return new Map<string, () => HttpAnswer | Promise<HttpAnswer>>([
    ['/healthz', () => healthAnswer(liveness(snapshot(), limits))],
    ['/readyz', () => healthAnswer(readiness(snapshot(), limits))],
    [
      '/metrics',
      async () => {
        metrics.observe(snapshot());
        return { status: OK, type: metrics.contentType, body: await metrics.text() };
      },
    ],
  ]);
}

function healthAnswer(report: HealthReport): HttpAnswer {
  return {
    status: report.status === 'failing' ? UNAVAILABLE : OK,
    type: 'application/json',
    body: `${JSON.stringify(report)}\n`,
  };
}
