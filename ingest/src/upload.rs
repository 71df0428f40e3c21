//! The memory of bodies on their way in. Anybody can send headers that look genuine and then be
//! slow, so what one body takes is bounded by what has come of it, and what all of them take by a
//! budget.

use std::cell::Cell;
use std::rc::Rc;

/// The bytes that the bodies under way in one isolate may hold together.
#[derive(Debug)]
pub(crate) struct UploadBudget {
    held: Cell<usize>,
    bytes_max: usize,
}

impl UploadBudget {
    pub(crate) fn new(bytes_max: usize) -> Rc<Self> {
        Rc::new(Self { held: Cell::new(0), bytes_max })
    }

    /// Whether so many bytes more were still to be had.
    fn reserve(&self, bytes: usize) -> bool {
        let held = self.held.get().saturating_add(bytes);
        let takes = held <= self.bytes_max;
        if takes {
            self.held.set(held);
        }
        takes
    }

    fn release(&self, bytes: usize) {
        self.held.set(self.held.get().saturating_sub(bytes));
    }
}

/// Why no more of a body is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UploadLimit {
    /// This body is larger than any that is taken.
    Body,
    /// All bodies together hold as much as they may.
    Isolate,
}

/// One body. What it holds goes back to the budget with it.
#[derive(Debug)]
pub(crate) struct Upload {
    budget: Rc<UploadBudget>,
    bytes: Vec<u8>,
    /// Bytes at most.
    bytes_max: usize,
    /// Bytes that it will have, if its sender tells the truth.
    announced: usize,
}

impl Upload {
    /// Begins with nothing: what the sender announces takes no memory. It is a hint, never a
    /// promise: the bytes are counted.
    pub(crate) fn begin(
        budget: &Rc<UploadBudget>,
        bytes_max: usize,
        announced: Option<usize>,
    ) -> Self {
        let announced = announced.unwrap_or(bytes_max).min(bytes_max);
        Self { budget: Rc::clone(budget), bytes: Vec::new(), bytes_max, announced }
    }

    /// Takes in what has come. The memory grows by doubling, so that a body in many pieces is not
    /// copied for each, and ends at what was announced, so that a whole one takes no byte more.
    pub(crate) fn push(&mut self, chunk: &[u8]) -> Result<(), UploadLimit> {
        let needed = self.bytes.len().saturating_add(chunk.len());
        if self.bytes_max < needed {
            return Err(UploadLimit::Body);
        }
        let held = self.bytes.capacity();
        if held < needed {
            let doubled = held.saturating_mul(2).min(self.announced).max(needed);
            self.grow_to(doubled).or_else(|_| self.grow_to(needed))?;
        }
        self.bytes.extend_from_slice(chunk);
        Ok(())
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn grow_to(&mut self, capacity: usize) -> Result<(), UploadLimit> {
        let held = self.bytes.capacity();
        let more = capacity.saturating_sub(held);
        if !self.budget.reserve(more) {
            return Err(UploadLimit::Isolate);
        }
        let room = capacity.saturating_sub(self.bytes.len());
        let grown = self.bytes.try_reserve_exact(room).map_err(|_| UploadLimit::Isolate);
        // What the allocator has really given.
        let got = self.bytes.capacity().saturating_sub(held);
        self.budget.release(more);
        self.budget.held.set(self.budget.held.get().saturating_add(got));
        grown
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        self.budget.release(self.bytes.capacity());
    }
}

#[cfg(test)]
mod tests {
    use super::{Upload, UploadBudget, UploadLimit};

    const MAX: usize = 1_000;

    #[test]
    fn w_16_as_many_bytes_pass_and_one_more_does_not() {
        let budget = UploadBudget::new(10 * MAX);
        let mut body = Upload::begin(&budget, MAX, None);
        assert_eq!(body.push(&[7; 999]), Ok(()));
        assert_eq!(body.push(&[7; 1]), Ok(()));
        assert_eq!(body.push(&[7; 1]), Err(UploadLimit::Body));
        assert_eq!(body.bytes(), [7; MAX]);
        // What is announced is no promise.
        let mut liar = Upload::begin(&budget, MAX, Some(1));
        assert_eq!(liar.push(&[7; MAX]), Ok(()));
        assert_eq!(liar.push(&[7; 1]), Err(UploadLimit::Body));
    }

    #[test]
    fn f_26_a_body_takes_memory_for_what_has_come_and_no_more_than_was_announced() {
        let budget = UploadBudget::new(10 * MAX);
        let mut body = Upload::begin(&budget, MAX, Some(900));
        assert_eq!(budget.held.get(), 0, "what is announced takes nothing");
        for came in 1..=900 {
            body.push(&[7]).unwrap();
            assert!(budget.held.get() <= (2 * came).min(900), "{came}: {}", budget.held.get());
        }
        assert_eq!(budget.held.get(), 900, "exactly");
        // One that has no length, or a wrong one, is counted all the same.
        let mut other = Upload::begin(&budget, MAX, None);
        other.push(&[7; 600]).unwrap();
        other.push(&[7; 1]).unwrap();
        assert_eq!(budget.held.get(), 900 + MAX);
        drop(body);
        assert_eq!(budget.held.get(), MAX);
        drop(other);
        assert_eq!(budget.held.get(), 0, "it all comes back");
    }

    #[test]
    fn f_26_bodies_that_never_end_do_not_take_more_than_the_budget() {
        let budget = UploadBudget::new(10 * MAX);
        let mut bodies = Vec::new();
        for n in 0..400 {
            let mut body = Upload::begin(&budget, MAX, Some(MAX));
            let pushed = body.push(&[7; MAX - 1]);
            assert_eq!(pushed, if n < 10 { Ok(()) } else { Err(UploadLimit::Isolate) }, "{n}");
            bodies.push(body);
            assert!(budget.held.get() <= 10 * MAX);
        }
        bodies.pop();
        let mut small = Upload::begin(&budget, MAX, Some(10));
        assert_eq!(small.push(&[7; 10]), Ok(()), "a small one still finds room");
        drop(bodies);
        assert_eq!(budget.held.get(), 10);
    }
}
