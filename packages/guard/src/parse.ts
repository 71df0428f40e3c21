// Parses JSON into typed values. `undefined` means that a value has another type.

/** Returns an object or an array. An array has none of the fields that callers read. */
export function asObject(value: unknown): object | undefined {
  return typeof value === "object" && value !== null ? value : undefined;
}

/** Returns an own field. Fields of a prototype were not in the JSON. */
export function getField(object: object, name: string): unknown {
  return Object.getOwnPropertyDescriptor(object, name)?.value;
}

export function asString(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** Returns an integer that a double represents exactly. */
export function asInteger(value: unknown): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) ? value : undefined;
}

/** Parses every element of an array. One invalid element makes the array invalid. */
export function parseArray<T>(
  value: unknown,
  parseElement: (element: unknown) => T | undefined,
): readonly T[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const elements: readonly unknown[] = value;
  const parsed: T[] = [];
  for (const element of elements) {
    const item = parseElement(element);
    if (item === undefined) return undefined;
    parsed.push(item);
  }
  return parsed;
}

/** Returns the value if it is one of the allowed strings. */
export function asOneOf<Allowed extends string>(
  value: unknown,
  allowed: readonly Allowed[],
): Allowed | undefined {
  return allowed.find((it) => it === value);
}

/** Parses a string as JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
