//! What a step of the line can break or show, as bits of [`World::marks`].

use super::world::World;

/// What a step broke or showed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mark {
    /// A set that D1 never held was granted from.
    Phantom,
    /// A version below an earlier one was served.
    WentBack,
    /// One version was served with two sets.
    Renamed,
    /// A set was granted from that had ceased to be the truth more than the hard age before.
    TooOld,
    /// An event about one user changed what the other may do.
    Leaked,
    /// A message was parked that the platform would have handed out again.
    ParkedEarly,
    /// The line came no nearer to its end.
    NoProgress,
    /// A fill below the floor came in.
    StaleRefused,
    /// An instance was thrown out with a fill under way.
    EvictedInFlight,
    /// A dead letter went back into the queue.
    Replayed,
    /// What was granted was denied later.
    GrantThenDenial,
    /// A consumer died before it sent a hint that D1 still owes.
    DiedOwing,
    /// An event that D1 had taken in before changed a row, or raised a version.
    Redone,
    /// What the platform had given up was applied.
    AppliedDead,
}

impl Mark {
    pub(super) fn bit(self) -> u32 {
        match self {
            Self::Phantom => 1,
            Self::WentBack => 2,
            Self::Renamed => 4,
            Self::TooOld => 8,
            Self::Leaked => 16,
            Self::ParkedEarly => 32,
            Self::NoProgress => 64,
            Self::StaleRefused => 128,
            Self::EvictedInFlight => 256,
            Self::Replayed => 512,
            Self::GrantThenDenial => 1024,
            Self::DiedOwing => 2048,
            Self::Redone => 4096,
            Self::AppliedDead => 8192,
        }
    }

    pub(super) fn is_in(self, world: &World) -> bool {
        world.marks & self.bit() != 0
    }
}
