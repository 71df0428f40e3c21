// Why the roles of a user are unavailable. Used for logs only: the client gets 503 without it.

export type UnavailableReason =
  /** The Worker has no binding `ROLES`. */
  | "unbound"
  /** The role cache could not be reached, or it failed. */
  | "unreachable"
  /** The role cache is overloaded; a retry would add to the load. */
  | "overloaded"
  /** The role cache did not answer in time. */
  | "timeout"
  /** The role cache answered with a status other than 200. */
  | "refused"
  /** The answer is malformed. */
  | "malformed"
  /** The answer's version is below the required one. */
  | "below"
  /** The answer expired in transit. */
  | "stale";

export class RolesUnavailableError extends Error {
  override readonly name = "RolesUnavailableError";
  readonly reason: UnavailableReason;

  constructor(reason: UnavailableReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}
