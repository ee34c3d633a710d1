// What doctor says: one line a thing that was looked at, a hole with its mend.

export type Check = {
  /** What was looked at: webhook, rights, certificate, … */
  readonly subject: string;
  /** `open`: it could not be looked at, which is never the same as fine. */
  readonly state: 'fine' | 'hole' | 'weak' | 'open';
  readonly message: string;
  /** What to do about it. */
  readonly remedy?: string;
};

export const pass = (subject: string, message: string): Check => ({ subject, state: 'fine', message });
export const fail = (subject: string, message: string, remedy: string): Check => ({
  subject,
  state: 'hole',
  message,
  remedy,
});
export const warn = (subject: string, message: string, remedy: string): Check => ({
  subject,
  state: 'weak',
  message,
  remedy,
});
export const unknown = (subject: string, message: string): Check => ({ subject, state: 'open', message });
