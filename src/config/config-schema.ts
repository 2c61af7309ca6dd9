import { CONFIGURATION } from './definition/configuration.js';
import { FROM_ENVIRONMENT } from './kind.js';
import type { JsonSchema } from './kind.js';

/** JSON Schema of the configuration file, for editors: schemas/config.schema.json. */
export function configSchema(): JsonSchema & { readonly $id: string } {
  const definitions: Record<string, JsonSchema> = {};
  const root = CONFIGURATION.schema(definitions);
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: 'urn:copperhull:config',
    title: 'copperhull configuration',
    ...root,
    $defs: {
      [FROM_ENVIRONMENT]: {
        description: 'Text with ${NAME} or ${NAME:-default}, which the environment completes.',
        type: 'string',
        pattern: '\\$',
      },
      ...definitions,
    },
  };
}
