//! A set of a few items at most, without a heap: the models hold millions of them.

/// At most `N` items, each once, in order. Equal sets are equal bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SmallSet<T, const N: usize>([Option<T>; N]);

impl<T: Copy, const N: usize> Default for SmallSet<T, N> {
    fn default() -> Self {
        Self([None; N])
    }
}

impl<T: Copy + Ord, const N: usize> SmallSet<T, N> {
    /// Adds one. Without room it is lost: ask [`SmallSet::len`] before, if that matters.
    pub fn insert(&mut self, it: T) {
        if self.contains(&it) {
            return;
        }
        if let Some(place) = self.0.iter_mut().find(|place| place.is_none()) {
            *place = Some(it);
            self.sort();
        }
    }

    /// Takes one out, if it is there.
    pub fn remove(&mut self, it: &T) {
        if let Some(place) = self.0.iter_mut().find(|place| place.as_ref() == Some(it)) {
            *place = None;
            self.sort();
        }
    }

    /// Adds several.
    pub fn extend(&mut self, all: impl IntoIterator<Item = T>) {
        all.into_iter().for_each(|it| self.insert(it));
    }

    /// Whether this one is there.
    #[must_use]
    pub fn contains(&self, it: &T) -> bool {
        self.0.contains(&Some(*it))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    /// Each of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = T> + '_ {
        self.0.iter().flatten().copied()
    }

    /// Changes each of them; they must still differ then, and stand in the same order.
    pub fn each(&mut self, with: impl FnMut(&mut T)) {
        self.0.iter_mut().flatten().for_each(with);
    }

    fn sort(&mut self) {
        self.0.sort_unstable_by_key(|place| (place.is_none(), *place));
    }
}

#[cfg(test)]
mod tests {
    use super::SmallSet;

    #[test]
    fn equal_sets_are_equal_whatever_came_first() {
        let (mut a, mut b) = (SmallSet::<u8, 3>::default(), SmallSet::<u8, 3>::default());
        a.extend([3, 1, 2, 1]);
        b.extend([2, 3, 9, 1]);
        b.remove(&9);
        b.insert(1);
        assert_eq!(a, b);
        assert_eq!(a.iter().collect::<Vec<_>>(), [1, 2, 3]);
        a.insert(4);
        assert!(!a.contains(&4) && a.len() == 3 && !a.is_empty());
    }
}
