// A `rolecall-durable` whose objects throw on every request.

export class RoleCache {
  async fetch() {
    throw new Error("stand-in: the object fails");
  }
}

export class Meter extends RoleCache {}

export default {
  fetch() {
    return new Response(null, { status: 404 });
  },
};
