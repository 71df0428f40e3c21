// User ids, by the rule of `shared::id::UserId`. Ids that role caches reject are never sent.

/** The longest id in bytes. Clerk's own ids have about 32; imported ones may be longer. */
const ID_BYTES_MAX = 128;

/** Returns whether a value is a user id: `user_` and one or more plain characters. */
export function isUserId(value: unknown): value is string {
  return (
    typeof value === "string" && value.length <= ID_BYTES_MAX && /^user_[A-Za-z0-9_-]+$/.test(value)
  );
}
