import type { LesserUser } from '../../capture/privileges.js';

/** Does something with the rights that a user has on files, when the process is root; then it is root again. */
export async function asUser<T>(user: LesserUser | undefined, work: () => Promise<T>): Promise<T> {
  if (user === undefined) return work();
  const groups = process.getgroups!();
  process.setgroups!([user.gid]);
  process.setegid!(user.gid);
  process.seteuid!(user.uid);
  try {
    return await work();
  } finally {
    process.seteuid!(0);
    process.setegid!(0);
    process.setgroups!(groups);
  }
}
