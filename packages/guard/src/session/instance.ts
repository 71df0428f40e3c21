// The Clerk instance, as far as its cookies tell it from others on the same domain.

export interface Instance {
  /** What the names of its own cookies end in. */
  readonly suffix: string;
  /** What it writes into `iss`, unless the publishable key cannot be read. */
  readonly issuer: string | undefined;
}

/** Characters in the suffix. */
const SUFFIX_LENGTH = 8;

/** As Clerk's SDK reads a key (clerk/javascript, `packages/shared/src/keys.ts`). */
export async function instanceOf(publishableKey: string): Promise<Instance> {
  const digest = await crypto.subtle.digest("SHA-1", new TextEncoder().encode(publishableKey));
  const text = btoa(String.fromCharCode(...new Uint8Array(digest)));
  const suffix = text.replaceAll("+", "-").replaceAll("/", "_").slice(0, SUFFIX_LENGTH);
  return { suffix, issuer: issuerOf(publishableKey) };
}

function issuerOf(publishableKey: string): string | undefined {
  try {
    const host = atob(publishableKey.replace(/^pk_(live|test)_/, ""));
    return host.endsWith("$") ? `https://${host.slice(0, -1)}` : undefined;
  } catch {
    return undefined;
  }
}
