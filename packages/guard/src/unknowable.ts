// Why nobody can say what a user may do. Inside only: whoever asked is told 503 and no more.

export type Reason =
  /** The Worker has no binding `ROLES`. */
  | "unbound"
  /** The object could not be reached, or failed. */
  | "unreachable"
  /** The object has too much to do; to ask again would add to it. */
  | "overloaded"
  /** The object did not answer in time. */
  | "timeout"
  /** The object answered with another status than 200. */
  | "refused"
  /** The answer cannot be read. */
  | "malformed"
  /** The answer is below the version asked for. */
  | "below"
  /** The answer ran out on its way. */
  | "stale";

export class Unknowable extends Error {
  override readonly name = "Unknowable";
  readonly reason: Reason;

  constructor(reason: Reason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}
