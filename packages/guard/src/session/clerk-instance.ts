// The Clerk instance. Its suffix and issuer tell its cookies from other instances' cookies.

export interface ClerkInstance {
  /** The suffix of the names of its own cookies. */
  readonly suffix: string;
  /** Its `iss` claim. `undefined` if the publishable key is malformed. */
  readonly issuer: string | undefined;
}

/** Characters in the suffix. */
const SUFFIX_LENGTH = 8;

/** Derives the instance as Clerk's SDK does (clerk/javascript, `packages/shared/src/keys.ts`). */
export async function parsePublishableKey(publishableKey: string): Promise<ClerkInstance> {
  const digest = await crypto.subtle.digest("SHA-1", new TextEncoder().encode(publishableKey));
  const text = btoa(String.fromCharCode(...new Uint8Array(digest)));
  const suffix = text.replaceAll("+", "-").replaceAll("/", "_").slice(0, SUFFIX_LENGTH);
  return { suffix, issuer: parseIssuer(publishableKey) };
}

function parseIssuer(publishableKey: string): string | undefined {
  try {
    const host = atob(publishableKey.replace(/^pk_(live|test)_/, ""));
    return host.endsWith("$") ? `https://${host.slice(0, -1)}` : undefined;
  } catch {
    return undefined;
  }
}
