//! The wrong forms: each changes one step of a model to its nearest mistake, and must be caught.

use shared::cache::{self, Ages, Alarm, Filled, Row, State};
use shared::object::{Hint, HintReply};
use shared::time::UnixMillis;

use crate::object::without_floor;

macro_rules! variants {
    ($($name:ident, $half:ident, $mark:literal, $says:literal;)*) => {
        /// The protocol as it is, or with one step wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Variant {
            /// The protocol as it is.
            Right,
            $(#[doc = $says] $name,)*
        }

        impl Variant {
            /// Every wrong form.
            pub const WRONG: &[Self] = &[$(Self::$name),*];

            /// Which half of the pipeline it is a mistake in.
            #[must_use]
            pub fn half(self) -> Half {
                match self {
                    Self::Right => Half::Line,
                    $(Self::$name => Half::$half,)*
                }
            }

            /// Its number in the catalogue of mistakes, if it has one there.
            #[must_use]
            pub fn mark(self) -> &'static str {
                match self {
                    Self::Right => "",
                    $(Self::$name => $mark,)*
                }
            }

            /// What is wrong in it.
            #[must_use]
            pub fn says(self) -> &'static str {
                match self {
                    Self::Right => "the protocol as it is",
                    $(Self::$name => $says,)*
                }
            }
        }
    };
}

/// The two models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    /// The role cache and what it says to D1.
    Cache,
    /// From Clerk to the guard.
    Line,
}

variants! {
    NoOutbox, Cache, "M5", "hints are sent once and owed to nobody";
    OutboxRetiredOnSend, Cache, "M6", "a hint counts as taken once it is sent";
    UpdatedAtAsVersion, Cache, "M7", "the version is the time of the change alone";
    GreatestUpdatedAtAsVersion, Cache, "M8", "the version falls when the newest row goes";
    TwoStatementRead, Cache, "M9", "version and roles are read apart";
    FloorLostOnEviction, Cache, "M10", "the floor is kept in memory only";
    HintIgnoredOnMiss, Cache, "M11", "a hint to an object without roles changes nothing";
    LeaseWithLaggingReads, Cache, "M12", "leases instead of a floor, and a replica that lags";
    DeleteOnWrite, Cache, "A1", "a hint deletes the roles and raises no floor";
    FillWithoutRegistering, Cache, "", "a fill reads the roles and watches nothing";
    VersionsRestart, Cache, "", "versions count from 1 for each watch";
    FillAcrossUnwatch, Cache, "", "a fill of an incarnation that is over is taken in";
    RestoreWithoutFloor, Cache, "", "a fill does not tell D1 its floor";
    HintAdvancesVerifiedAt, Cache, "", "a hint counts as having read the roles";
    VerifiedOnArrival, Cache, "", "the age of a fill counts from its arrival";
    FillIgnoresFloor, Cache, "", "a fill below the floor is taken in";
    AckOfWhateverStands, Cache, "", "an acknowledgement settles versions it never named";
    DeleteWithoutOwner, Cache, "", "a watch is deleted whoever holds it";
    TakeoverByAnyone, Cache, "", "an earlier incarnation takes the watch back";
    TiesByArrival, Line, "M1", "of two updates of one instant the last to arrive wins";
    HardDelete, Line, "M2", "a delete removes the row";
    TombstoneByTime, Line, "M3", "an update that says it is later undoes a delete";
    InboxApart, Line, "M4", "the delivery is noted in a batch of its own, before its effects";
    ForeignKeys, Line, "M13", "a membership before its user is refused";
    CascadeInsteadOfDerive, Line, "M14", "an organization's delete removes the rows that are there";
    NotedBeforeSent, Line, "M15", "the door notes a delivery before the queue has it";
    AckBeforeCommit, Line, "M16", "a message is acknowledged before D1 has committed it";
    MembershipsByPair, Line, "", "memberships are keyed by user and organization";
    RefusedIsDone, Line, "", "a batch that D1 refused counts as done";
    NoTriggerOnOrganizations, Line, "", "the end of an organization bumps nobody";
    LettersAreForgotten, Line, "", "the last attempt acknowledges and parks nothing";
    UnwatchKeepsIncarnation, Cache, "", "an object ends its watch without beginning anew";
}

impl Variant {
    /// [`State::take`], or its wrong form.
    pub fn take(
        self,
        state: &mut State,
        fill: &cache::Fill,
        row: Option<Row>,
        now: UnixMillis,
    ) -> Filled {
        let mut fill = *fill;
        let mut row = row;
        match self {
            Self::FillAcrossUnwatch => {
                fill.owner = state.owner;
                row = row.map(|row| Row { owner: state.owner, ..row });
            }
            Self::FillIgnoresFloor | Self::LeaseWithLaggingReads | Self::DeleteOnWrite => {
                state.floor = 0;
            }
            Self::VerifiedOnArrival => fill.sent_at = now,
            _ => {}
        }
        state.take(&fill, row)
    }

    /// [`State::hint`], or its wrong form.
    pub fn hint(self, state: &mut State, hint: &Hint, now: UnixMillis) -> HintReply {
        let before = state.clone();
        let reply = state.hint(hint, now);
        if reply != HintReply::Acked {
            return reply;
        }
        match self {
            Self::HintIgnoredOnMiss if before.entry.is_none() => state.floor = before.floor,
            Self::DeleteOnWrite | Self::LeaseWithLaggingReads => {
                state.floor = before.floor;
                state.entry = None;
            }
            Self::HintAdvancesVerifiedAt => {
                if let Some(entry) = &mut state.entry {
                    entry.verified_at = now;
                }
            }
            _ => {}
        }
        reply
    }

    /// [`State::alarm`], or its wrong form.
    pub fn alarm(self, state: &mut State, now: UnixMillis, ages: &Ages) -> Alarm {
        let owner = state.owner;
        let alarm = state.alarm(now, ages);
        if self == Self::UnwatchKeepsIncarnation {
            state.owner = owner;
        }
        alarm
    }

    /// What an instance finds on disk.
    #[must_use]
    pub fn reload(self, disk: &State) -> State {
        if self == Self::FloorLostOnEviction { without_floor(disk) } else { disk.clone() }
    }

    /// Whether a hint changes more than the floor.
    #[must_use]
    pub fn hint_writes(self) -> bool {
        matches!(
            self,
            Self::DeleteOnWrite | Self::LeaseWithLaggingReads | Self::HintAdvancesVerifiedAt
        )
    }

    /// Whether a hint ends the fill under way: a lease that is void.
    #[must_use]
    pub fn forgets_fills(self) -> bool {
        self == Self::LeaseWithLaggingReads
    }

    /// Whether an object reads again at once when a hint says so.
    #[must_use]
    pub fn refills_on_hint(self) -> bool {
        !self.hint_writes()
    }
}
