//! Memory limits of uploads. A client can send valid-looking headers and then send slowly, so one
//! body never has more memory than twice what has arrived, and all bodies share a budget.

use std::cell::Cell;
use std::rc::Rc;

/// The bytes that all uploads of one isolate may hold together.
#[derive(Debug)]
pub struct UploadBudget {
    reserved: Cell<usize>,
    bytes_max: usize,
}

impl UploadBudget {
    /// A budget of `bytes_max` bytes.
    #[must_use]
    pub fn new(bytes_max: usize) -> Rc<Self> {
        Rc::new(Self { reserved: Cell::new(0), bytes_max })
    }

    /// Reserves bytes; returns false if the budget is exhausted.
    fn reserve(&self, bytes: usize) -> bool {
        let reserved = self.reserved.get().saturating_add(bytes);
        let fits = reserved <= self.bytes_max;
        if fits {
            self.reserved.set(reserved);
        }
        fits
    }

    fn release(&self, bytes: usize) {
        self.reserved.set(self.reserved.get().saturating_sub(bytes));
    }
}

/// Which limit was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadLimit {
    /// The limit of one body.
    Body,
    /// The limit of all uploads in this isolate together.
    Isolate,
}

/// One body while it arrives. Dropping it releases its bytes.
#[derive(Debug)]
pub struct Upload {
    budget: Rc<UploadBudget>,
    bytes: Vec<u8>,
    bytes_max: usize,
    /// The length that the sender declared, at most `bytes_max`.
    declared: usize,
}

impl Upload {
    /// Starts an upload without allocating. The declared length is not trusted: received bytes are
    /// counted.
    #[must_use]
    pub fn begin(budget: &Rc<UploadBudget>, bytes_max: usize, declared: Option<usize>) -> Self {
        let declared = declared.unwrap_or(bytes_max).min(bytes_max);
        Self { budget: Rc::clone(budget), bytes: Vec::new(), bytes_max, declared }
    }

    /// Appends received bytes. The memory is doubled when it is full, so that a body in many chunks
    /// is not copied for each, but never grows above the declared length before that many bytes
    /// have arrived.
    ///
    /// # Errors
    /// [`UploadLimit`] if a limit is reached.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), UploadLimit> {
        let needed = self.bytes.len().saturating_add(chunk.len());
        if self.bytes_max < needed {
            return Err(UploadLimit::Body);
        }
        let capacity = self.bytes.capacity();
        if capacity < needed {
            let doubled = capacity.saturating_mul(2).min(self.declared).max(needed);
            self.grow_to(doubled).or_else(|_| self.grow_to(needed))?;
        }
        self.bytes.extend_from_slice(chunk);
        Ok(())
    }

    /// What has arrived.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn grow_to(&mut self, capacity: usize) -> Result<(), UploadLimit> {
        let before = self.bytes.capacity();
        let more = capacity.saturating_sub(before);
        if !self.budget.reserve(more) {
            return Err(UploadLimit::Isolate);
        }
        let room = capacity.saturating_sub(self.bytes.len());
        let grown = self.bytes.try_reserve_exact(room).map_err(|_| UploadLimit::Isolate);
        // Account for the real capacity: the allocator may give more, or nothing.
        let got = self.bytes.capacity().saturating_sub(before);
        self.budget.release(more);
        self.budget.reserved.set(self.budget.reserved.get().saturating_add(got));
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
    fn w_16_body_limit_is_inclusive() {
        let budget = UploadBudget::new(10 * MAX);
        let mut body = Upload::begin(&budget, MAX, None);
        assert_eq!(body.push(&[7; 999]), Ok(()));
        assert_eq!(body.push(&[7; 1]), Ok(()));
        assert_eq!(body.push(&[7; 1]), Err(UploadLimit::Body));
        assert_eq!(body.bytes(), [7; MAX]);
        // The declared length is not trusted.
        let mut wrong_length = Upload::begin(&budget, MAX, Some(1));
        assert_eq!(wrong_length.push(&[7; MAX]), Ok(()));
        assert_eq!(wrong_length.push(&[7; 1]), Err(UploadLimit::Body));
    }

    #[test]
    fn f_26_memory_follows_received_bytes() {
        let budget = UploadBudget::new(10 * MAX);
        let mut body = Upload::begin(&budget, MAX, Some(900));
        assert_eq!(budget.reserved.get(), 0, "a declared length allocates nothing");
        for received in 1..=900 {
            body.push(&[7]).unwrap();
            assert!(
                budget.reserved.get() <= (2 * received).min(900),
                "{received}: {}",
                budget.reserved.get()
            );
        }
        assert_eq!(budget.reserved.get(), 900, "exactly");
        // A body without a declared length is counted too.
        let mut other = Upload::begin(&budget, MAX, None);
        other.push(&[7; 600]).unwrap();
        other.push(&[7; 1]).unwrap();
        assert_eq!(budget.reserved.get(), 900 + MAX);
        drop(body);
        assert_eq!(budget.reserved.get(), MAX);
        drop(other);
        assert_eq!(budget.reserved.get(), 0, "everything is released");
    }

    #[test]
    fn f_26_uploads_never_exceed_the_budget() {
        let budget = UploadBudget::new(10 * MAX);
        let mut bodies = Vec::new();
        for n in 0..400 {
            let mut body = Upload::begin(&budget, MAX, Some(MAX));
            let pushed = body.push(&[7; MAX - 1]);
            assert_eq!(pushed, if n < 10 { Ok(()) } else { Err(UploadLimit::Isolate) }, "{n}");
            bodies.push(body);
            assert!(budget.reserved.get() <= 10 * MAX);
        }
        bodies.pop();
        let mut small = Upload::begin(&budget, MAX, Some(10));
        assert_eq!(small.push(&[7; 10]), Ok(()), "a small body still fits");
        drop(bodies);
        assert_eq!(budget.reserved.get(), 10);
    }
}
