import type { AddressExplanation } from './address-explained.js';
import { table } from './table.js';

const MARKS = { info: '  ', good: 'ok', bad: '!!' } as const;

/** An explanation for people to read. */
export function explanationText(explanation: AddressExplanation): string {
  const rows = explanation.parts.map(({ bits, hex, meaning }) => [`${bits[0]}-${bits[1]}`, hex, meaning]);
  let text = `${explanation.address}\n${explanation.kind}\n\n${table(['BITS', 'HEX', 'MEANING'], rows)}`;
  if (explanation.steps.length > 0) text += `\n${explanation.steps.map((step) => `${step}\n`).join('')}`;
  if (explanation.verdicts.length > 0) {
    text += `\n${explanation.verdicts.map(({ level, text: sentence }) => `${MARKS[level]} ${sentence}\n`).join('')}`;
  }
  return text;
}
