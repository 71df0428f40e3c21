// Ids of users, by the rule of `shared::id::UserId`: what the objects refuse is not sent to them.

/** Bytes in an id. Clerk's own have about 32; the rest is room for imported ones. */
const ID_BYTES_MAX = 128;

/** Whether a value is a user's id: `user_` and more, of plain characters. */
export function isUserId(value: unknown): value is string {
  return (
    typeof value === "string" && value.length <= ID_BYTES_MAX && /^user_[A-Za-z0-9_-]+$/.test(value)
  );
}
