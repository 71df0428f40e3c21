//! Carries replays on: the D1 batches and the queue of `shared::operators`, in two Workers.
