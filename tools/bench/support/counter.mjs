// A D1 database that counts the rows that the Workers bound to it read and write.

import { Response } from "miniflare";

import { extra } from "./system.mjs";

/** The database, which adds what its batches read and write to `rows`. */
export function counter(rows) {
  const COUNT = async (request) => {
    const { read, written } = await request.json();
    rows.read += read;
    rows.written += written;
    return new Response();
  };
  const bindings = { d1Databases: { REAL: "rolecall" }, serviceBindings: { COUNT } };
  // A wrapped binding runs in its Worker, so it has no compatibility date.
  return extra("counted-database", { compatibilityDate: undefined, ...bindings });
}
