// Tokens that come beside a session's own and may be another user's.

import { fieldOf, jsonOf, objectOf } from "../narrow.ts";
import type { Viewer } from "./judge.ts";

/** Each is verified. More say by their number that somebody put them there. */
export const RIVALS_MAX = 4;

/**
 * Tokens that say they are of the viewer's instance and another user's. Nothing is verified here:
 * whoever asks has it done.
 */
export function rivalsOf({ userId, auth }: Viewer, tokens: ReadonlySet<string>): string[] {
  const { iss } = auth.sessionClaims;
  const isRival = (token: string) => {
    const claims = claimsIn(token);
    if (claims === undefined) return false;
    return fieldOf(claims, "iss") === iss && fieldOf(claims, "sub") !== userId;
  };
  return [...tokens].filter(isRival);
}

function claimsIn(token: string): object | undefined {
  const [, payload = ""] = token.split(".", 2);
  try {
    const bytes = Uint8Array.from(atob(fromUrl(payload)), (letter) => letter.charCodeAt(0));
    return objectOf(jsonOf(new TextDecoder().decode(bytes)));
  } catch {
    return undefined;
  }
}

/** Base64 from its form for URLs; `atob` needs no padding. */
function fromUrl(text: string): string {
  return text.replaceAll("-", "+").replaceAll("_", "/");
}
