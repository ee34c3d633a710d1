// What doctor says: one line a thing that was looked at, a hole with its mend.

export type Check = {
  /** What was looked at: webhook, rights, certificate, … */
  readonly subject: string;
  /** `open`: it could not be looked at, which is never the same as fine. */
  readonly state: 'fine' | 'hole' | 'weak' | 'open';
  readonly message: string;
  /** What to do about it. */
  readonly mend?: string;
};

export const fine = (subject: string, message: string): Check => ({ subject, state: 'fine', message });
export const hole = (subject: string, message: string, mend: string): Check => ({
  subject,
  state: 'hole',
  message,
  mend,
});
export const weak = (subject: string, message: string, mend: string): Check => ({
  subject,
  state: 'weak',
  message,
  mend,
});
export const open = (subject: string, message: string): Check => ({ subject, state: 'open', message });
