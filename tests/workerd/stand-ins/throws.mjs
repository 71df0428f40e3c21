// A `rolecall-durable` whose objects throw whatever they are asked.

export class RoleCache {
  async fetch() {
    throw new Error("stand-in: the object fails");
  }
}

export default {
  fetch() {
    return new Response(null, { status: 404 });
  },
};
