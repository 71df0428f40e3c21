// What a token claims before anything of it is verified: for ordering and comparing alone.

import { fieldOf, jsonOf, objectOf, textOf, wholeOf } from "../narrow.ts";

export interface Claims {
  readonly iss: string | undefined;
  readonly sub: string | undefined;
  /** Seconds since 1970. */
  readonly iat: number | undefined;
}

/** The claims of a token, or `undefined` where it is none. */
export function claimsIn(token: string): Claims | undefined {
  const [, payload = ""] = token.split(".", 2);
  try {
    const bytes = Uint8Array.from(atob(fromUrl(payload)), (letter) => letter.charCodeAt(0));
    const claims = objectOf(jsonOf(new TextDecoder().decode(bytes)));
    if (claims === undefined) return undefined;
    const [iss, sub, iat] = ["iss", "sub", "iat"].map((name) => fieldOf(claims, name));
    return { iss: textOf(iss), sub: textOf(sub), iat: wholeOf(iat) };
  } catch {
    return undefined;
  }
}

/** Base64 from its form for URLs; `atob` needs no padding. */
function fromUrl(text: string): string {
  return text.replaceAll("-", "+").replaceAll("_", "/");
}
