// A queue that takes nothing, with the text of an overloaded one. The class is named like the
// runtime's own, for the Worker checks what it is bound to.

class WorkerQueue {
  async send() {
    throw new Error("Queue is overloaded. Please back off. (10250)");
  }
}

export default function make() {
  return new WorkerQueue();
}
