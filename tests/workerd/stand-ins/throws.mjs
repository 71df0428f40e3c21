// A `rolecall-durable` whose role caches throw on every request.

export class RoleCache {
  async fetch() {
    throw new Error("stand-in: the role cache fails");
  }
}

export default {
  fetch() {
    return new Response(null, { status: 404 });
  },
};
