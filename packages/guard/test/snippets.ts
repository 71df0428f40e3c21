// Code that stands in a text: each block of TypeScript, with what its text leaves unsaid.

/** A block, as the compiler is given it. */
export interface Snippet {
  /** The file that it says it is in by its first line, or one of its own. */
  readonly file: string;
  /** The line of the text on which its code begins. */
  readonly line: number;
  readonly code: string;
}

/**
 * What a reader knows and the compiler does not, in front of a block and hidden from who reads:
 *
 *     <!-- compiled with
 *     declare const userId: string;
 *     -->
 */
const HIDDEN = String.raw`(?:<!-- compiled with\n(?<hidden>(?:(?!-->)[^])*)-->\n+)?`;

const OPENING = String.raw`^(?<fence>[\x60]{3,})(?<language>tsx?|typescript|jsx?|javascript)\b.*\n`;

const BLOCK = new RegExp(`${HIDDEN}${OPENING}${String.raw`(?<code>[^]*?)^\k<fence>$`}`, "gm");

/** Every block of a text. */
export function snippetsOf(text: string): Snippet[] {
  return [...text.matchAll(BLOCK)].map((match, index) => {
    const { hidden = "", language = "", code = "" } = match.groups ?? {};
    const [, named] = /^\/\/ (\S+\.tsx?)$/m.exec(code.split("\n", 1)[0] ?? "") ?? [];
    const ending = language.endsWith("x") ? "tsx" : "ts";
    const before = text.slice(0, match.index + match[0].indexOf(code));
    const line = before.split("\n").length;
    return { file: named ?? `block-${index}.${ending}`, line, code: `${hidden}${code}` };
  });
}
