/** Whether something goes, and why. */
export interface Verdict<T> {
  readonly subject: T;
  readonly goes: boolean;
  readonly why: string;
}
