// A queue that rejects every message with the text of an overloaded one. The class has the name of
// the runtime's own, because the Worker checks the type of its binding.

class WorkerQueue {
  async send() {
    throw new Error("Queue is overloaded. Please back off. (10250)");
  }
}

export default function make() {
  return new WorkerQueue();
}
