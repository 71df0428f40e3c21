// Finds the blocks of TypeScript in a document, with their hidden declarations.

/** A block, as it is passed to the compiler. */
export interface Snippet {
  /** The file that its first line names, or a generated name. */
  readonly file: string;
  /** The line of the document on which its code begins. */
  readonly line: number;
  readonly code: string;
}

/**
 * Declarations that the compiler needs, in a comment before a block:
 *
 *     <!-- compiled with
 *     declare const userId: string;
 *     -->
 */
const HIDDEN = String.raw`(?:<!-- compiled with\n(?<hidden>(?:(?!-->)[^])*)-->\n+)?`;

const OPENING = String.raw`^(?<fence>[\x60]{3,})(?<language>tsx?|typescript|jsx?|javascript)\b.*\n`;

const BLOCK = new RegExp(`${HIDDEN}${OPENING}${String.raw`(?<code>[^]*?)^\k<fence>$`}`, "gm");

/** Finds every block of a document. */
export function findSnippets(text: string): Snippet[] {
  return [...text.matchAll(BLOCK)].map((match, index) => {
    const { hidden = "", language = "", code = "" } = match.groups ?? {};
    const [, named] = /^\/\/ (\S+\.tsx?)$/m.exec(code.split("\n", 1)[0] ?? "") ?? [];
    const ending = language.endsWith("x") ? "tsx" : "ts";
    const before = text.slice(0, match.index + match[0].indexOf(code));
    const line = before.split("\n").length;
    return { file: named ?? `block-${index}.${ending}`, line, code: `${hidden}${code}` };
  });
}
