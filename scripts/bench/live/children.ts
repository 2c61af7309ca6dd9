import type { ChildProcess } from 'node:child_process';

const children = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

/** A program that ends with this process at the latest. */
export function ownChild<C extends ChildProcess>(child: C): C {
  children.add(child);
  child.once('close', () => children.delete(child));
  return child;
}
