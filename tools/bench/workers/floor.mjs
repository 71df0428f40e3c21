// The floor: a Worker that answers at once. Nothing can be faster.

export default {
  fetch() {
    return Response.json({ allowed: true });
  },
};
