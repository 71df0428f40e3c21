// Reads claims of a token without verification. They are used only to sort and compare tokens.

import { asInteger, asObject, asString, getField, parseJson } from "../parse.ts";

export interface UnverifiedClaims {
  readonly iss: string | undefined;
  readonly sub: string | undefined;
  /** Seconds since 1970. */
  readonly iat: number | undefined;
}

/** Returns the claims of a token, or `undefined` if the token is malformed. */
export function parseUnverifiedClaims(token: string): UnverifiedClaims | undefined {
  const [, payload = ""] = token.split(".", 2);
  try {
    const bytes = Uint8Array.from(atob(fromBase64Url(payload)), (letter) => letter.charCodeAt(0));
    const claims = asObject(parseJson(new TextDecoder().decode(bytes)));
    if (claims === undefined) return undefined;
    const [iss, sub, iat] = ["iss", "sub", "iat"].map((name) => getField(claims, name));
    return { iss: asString(iss), sub: asString(sub), iat: asInteger(iat) };
  } catch {
    return undefined;
  }
}

/** Converts base64url to base64. `atob` needs no padding. */
function fromBase64Url(text: string): string {
  return text.replaceAll("-", "+").replaceAll("_", "/");
}
