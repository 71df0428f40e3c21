// Clerk's Backend API, played: the SDK takes `fetch` as it finds it when it is loaded, so this
// module comes before it.

/** What is asked of it, and what it answers. By itself it is not there. */
export const backend = {
  asked: [] as string[],
  /** What was sent along, in the same order. */
  sent: [] as string[],
  answer: (): Response => new Response("not there", { status: 404 }),
};

globalThis.fetch = async (input, init) => {
  backend.asked.push(input instanceof Request ? input.url : String(input));
  backend.sent.push(String(init?.body ?? ""));
  return backend.answer();
};
