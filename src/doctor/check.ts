// One result of doctor: what was checked, its state, and the remedy. Pure.

export type Check = {
  /** What was checked: webhook, permissions, certificate, … */
  readonly subject: string;
  /** `unknown`: it could not be checked, which never counts as a pass. */
  readonly state: 'pass' | 'fail' | 'warn' | 'unknown';
  readonly message: string;
  /** What to do about it. */
  readonly remedy?: string;
};

export const pass = (subject: string, message: string): Check => ({ subject, state: 'pass', message });
export const fail = (subject: string, message: string, remedy: string): Check => ({
  subject,
  state: 'fail',
  message,
  remedy,
});
export const warn = (subject: string, message: string, remedy: string): Check => ({
  subject,
  state: 'warn',
  message,
  remedy,
});
export const unknown = (subject: string, message: string): Check => ({ subject, state: 'unknown', message });
