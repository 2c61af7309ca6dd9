/** A file of the configuration that cannot be read, in one sentence that says what to do. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}
