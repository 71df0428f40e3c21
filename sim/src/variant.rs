//! The wrong forms: each changes one step of a model to its nearest mistake, and must be caught.

use shared::cache::{self, Ages, Alarm, Filled, Row, State};
use shared::object::{Hint, HintReply};
use shared::time::UnixMillis;

use crate::object::without_floor;

macro_rules! variants {
    ($($name:ident, $scope:ident, $mark:literal, $says:literal;)*) => {
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

            /// Where it must be caught.
            #[must_use]
            pub fn scope(self) -> Scope {
                match self {
                    Self::Right => Scope::Changes,
                    $(Self::$name => Scope::$scope,)*
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

/// What is explored: each of these bounds one of the two models.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// The cache half: changes, evictions, hints lost, repeated and reordered, two guards.
    Changes,
    /// The cache half, while time goes by.
    Ages,
    /// The cache half, with objects that end their watch.
    Unwatch,
    /// The cache half, with the database set back once.
    Restore,
    /// The line: what ends a user's roles.
    Revoke,
    /// The line: ties, a delete, and what says that it is later.
    Ties,
    /// The line: a member who comes back.
    Rejoin,
}

impl Scope {
    /// Every one.
    pub const ALL: [Self; 7] = [
        Self::Changes,
        Self::Ages,
        Self::Unwatch,
        Self::Restore,
        Self::Revoke,
        Self::Ties,
        Self::Rejoin,
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Changes => "cache: changes",
            Self::Ages => "cache: ages",
            Self::Unwatch => "cache: unwatch",
            Self::Restore => "cache: restore",
            Self::Revoke => "line: revoke",
            Self::Ties => "line: ties",
            Self::Rejoin => "line: rejoin",
        }
    }
}

variants! {
    NoOutbox, Changes, "M5", "hints are sent once and owed to nobody";
    OutboxRetiredOnSend, Changes, "M6", "a hint counts as taken once it is sent";
    UpdatedAtAsVersion, Changes, "M7", "the version is the time of the change alone";
    GreatestUpdatedAtAsVersion, Changes, "M8", "the version falls when the newest row goes";
    TwoStatementRead, Changes, "M9", "version and roles are read apart";
    FloorLostOnEviction, Changes, "M10", "the floor is kept in memory only";
    HintIgnoredOnMiss, Changes, "M11", "a hint to an object without roles changes nothing";
    LeaseWithLaggingReads, Changes, "M12", "leases instead of a floor, and a replica that lags";
    DeleteOnWrite, Changes, "A1", "a hint deletes the roles and raises no floor";
    FillWithoutRegistering, Changes, "", "a fill reads the roles and watches nothing";
    VersionsRestart, Unwatch, "", "versions count from 1 for each watch";
    FillAcrossUnwatch, Unwatch, "", "a fill of an incarnation that is over is taken in";
    RestoreWithoutFloor, Restore, "", "a fill does not tell D1 its floor";
    HintAdvancesVerifiedAt, Ages, "", "a hint counts as having read the roles";
    VerifiedOnArrival, Ages, "", "the age of a fill counts from its arrival";
    FillIgnoresFloor, Changes, "", "a fill below the floor is taken in";
    AckOfWhateverStands, Changes, "", "an acknowledgement settles versions it never named";
    DeleteWithoutOwner, Unwatch, "", "a watch is deleted whoever holds it";
    TakeoverByAnyone, Changes, "", "an earlier incarnation takes the watch back";
    TiesByArrival, Ties, "M1", "of two updates of one instant the last to arrive wins";
    HardDelete, Ties, "M2", "a delete removes the row";
    TombstoneByTime, Ties, "M3", "an update that says it is later undoes a delete";
    InboxApart, Ties, "M4", "the delivery is noted in a batch of its own, before its effects";
    ForeignKeys, Rejoin, "M13", "a membership before its user is refused";
    CascadeInsteadOfDerive, Revoke, "M14", "a dead organization takes the rows that are there";
    NotedBeforeSent, Ties, "M15", "the door notes a delivery before the queue has it";
    AckBeforeCommit, Ties, "M16", "a message is acknowledged before D1 has committed it";
    MembershipsByPair, Rejoin, "", "memberships are keyed by user and organization";
    RefusedIsDone, Ties, "", "a batch that D1 refused counts as done";
    NoTriggerOnOrganizations, Revoke, "", "the end of an organization bumps nobody";
    LettersAreForgotten, Ties, "", "the last attempt acknowledges and parks nothing";
    UnwatchKeepsIncarnation, Unwatch, "", "an object ends its watch without beginning anew";
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
        if self == Self::FillAcrossUnwatch {
            fill.owner = state.owner;
            row = row.map(|row| Row { owner: state.owner, ..row });
        }
        if self == Self::FillIgnoresFloor || self.deletes_on_hint() {
            state.floor = 0;
        }
        if self == Self::VerifiedOnArrival {
            fill.sent_at = now;
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
        let ignores = self == Self::HintIgnoredOnMiss && before.entry.is_none();
        if ignores || self.deletes_on_hint() {
            state.floor = before.floor;
        }
        if self.deletes_on_hint() {
            state.entry = None;
        }
        if self == Self::HintAdvancesVerifiedAt
            && let Some(entry) = &mut state.entry
        {
            entry.verified_at = now;
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
        self.deletes_on_hint() || self == Self::HintAdvancesVerifiedAt
    }

    fn deletes_on_hint(self) -> bool {
        matches!(self, Self::DeleteOnWrite | Self::LeaseWithLaggingReads)
    }

    /// Whether a hint ends the fill under way: a lease that is void.
    #[must_use]
    pub fn forgets_fills(self) -> bool {
        self == Self::LeaseWithLaggingReads
    }

    /// Whether an object reads again at once when a hint says so.
    #[must_use]
    pub fn refills_on_hint(self) -> bool {
        !self.deletes_on_hint()
    }
}
