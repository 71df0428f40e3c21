// From JSON to types, a step at a time. `undefined` says that a value is not what it should be.

/** Something with fields. A list passes too, and has none of those that anyone reads. */
export function objectOf(value: unknown): object | undefined {
  return typeof value === "object" && value !== null ? value : undefined;
}

/** A field that the object itself has: what stands on a prototype was not in the JSON. */
export function fieldOf(object: object, name: string): unknown {
  return Object.getOwnPropertyDescriptor(object, name)?.value;
}

export function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** A whole number that a double carries exactly. NaN and the infinities are none. */
export function wholeOf(value: unknown): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) ? value : undefined;
}

/** A list whose every element can be read; one that cannot spoils it. */
export function listOf<T>(
  value: unknown,
  read: (element: unknown) => T | undefined,
): readonly T[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const elements: readonly unknown[] = value;
  const list: T[] = [];
  for (const element of elements) {
    const known = read(element);
    if (known === undefined) return undefined;
    list.push(known);
  }
  return list;
}

/** One of a few words. */
export function wordOf<Word extends string>(
  value: unknown,
  words: readonly Word[],
): Word | undefined {
  return words.find((word) => word === value);
}

/** A text as JSON. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
