// The Content-Security-Policy: what a page may load, and where its forms may be sent.

import { env } from "cloudflare:workers";

export function contentSecurityPolicy(nonce: string): string {
  const signOut = URL.canParse(env.SIGN_OUT_URL) ? ` ${new URL(env.SIGN_OUT_URL).origin}` : "";
  return [
    "default-src 'none'",
    `script-src 'nonce-${nonce}' 'strict-dynamic'`,
    "style-src 'self'",
    "connect-src 'self'",
    `form-action 'self'${signOut}`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}
