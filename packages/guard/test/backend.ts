// A fake of Clerk's Backend API. The SDK reads `fetch` when it is loaded, so this module must be
// imported first.

/** The recorded requests, and the response. The default response is 404. */
export const backend = {
  asked: [] as string[],
  /** The request bodies, in the same order. */
  sent: [] as string[],
  answer: (): Response => new Response("not there", { status: 404 }),
};

globalThis.fetch = async (input, init) => {
  backend.asked.push(input instanceof Request ? input.url : String(input));
  backend.sent.push(String(init?.body ?? ""));
  return backend.answer();
};
