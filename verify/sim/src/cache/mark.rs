//! What a step of the cache half can break or show, as bits of [`World::marks`].

use super::world::World;

/// What a step broke or showed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mark {
    /// A version below an earlier one was served.
    WentBack,
    /// A set that D1 never held was granted from.
    Phantom,
    /// A set was granted from too long after it ceased to be the truth.
    TooOld,
    /// A fill below the floor came in.
    StaleRefused,
    /// An instance was thrown out with a fill under way.
    EvictedInFlight,
    /// A hint was refused for its version.
    TooFarAhead,
    /// So was a question.
    AskedTooFarAhead,
    /// A guard got an older set than it asked for.
    NotAsAsked,
    /// A replica that is behind answered a fill.
    ReadBehind,
    /// A hint was not kept, for the disk failed.
    Unsaved,
    /// A fill lifted a watch that a restore had set back below the object's floor.
    Lifted,
}

impl Mark {
    pub(super) fn bit(self) -> u32 {
        match self {
            Self::WentBack => 1,
            Self::Phantom => 2,
            Self::TooOld => 4,
            Self::StaleRefused => 8,
            Self::EvictedInFlight => 16,
            Self::TooFarAhead => 32,
            Self::AskedTooFarAhead => 64,
            Self::NotAsAsked => 128,
            Self::ReadBehind => 256,
            Self::Lifted => 512,
            Self::Unsaved => 1_024,
        }
    }

    pub(super) fn is_in(self, world: &World) -> bool {
        world.marks & self.bit() != 0
    }
}
