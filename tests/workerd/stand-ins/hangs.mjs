// A `rolecall-durable` whose objects never answer.

export class RoleCache {
  async fetch() {
    await scheduler.wait(3_600_000);
    return new Response();
  }
}

export class Meter extends RoleCache {}

export default {
  fetch() {
    return new Response(null, { status: 404 });
  },
};
