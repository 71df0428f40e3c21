//! The wrong forms: each changes one step of a model to its nearest mistake, and must be caught.

mod cache;

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
            pub fn description(self) -> &'static str {
                match self {
                    Self::Right => "the protocol as it is",
                    $(Self::$name => $says,)*
                }
            }
        }
    };
}

macro_rules! scopes {
    ($($name:ident, $title:literal, $says:literal;)*) => {
        /// What is explored: each of these bounds one of the models.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Scope {
            $(#[doc = $says] $name,)*
        }

        impl Scope {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Its name.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $title,)*
                }
            }
        }
    };
}

scopes! {
    Changes, "cache: changes", "Changes, evictions, hints lost, repeated and late, two guards.";
    Ages, "cache: ages", "While time goes by.";
    Demands, "cache: demands", "One guard wants what is fresh, one a version.";
    Unwatch, "cache: unwatch", "Objects that end their watch.";
    Return, "cache: return", "An object that ended its watch and is asked again.";
    Restore, "cache: restore", "The database set back once.";
    Everybody, "cache: everybody", "Changes for everybody, which each watch takes in later.";
    Skew, "cache: skew", "D1's clock six minutes ahead of the object's, or behind.";
    Replica, "cache: replica", "Reads by a replica that is behind.";
    Trouble, "cache: trouble", "A disk whose writes fail, and fills that wait after a failure.";
    Faults, "line: faults", "A crash, an error, an eviction and a step of the clock.";
    Copies, "line: copies", "A crash, an error, a duplicate and a loss.";
    Guards, "line: guards", "A crash and a duplicate, while the guards of both users ask.";
    Late, "line: late", "A duplicate, a loss, an eviction and a step of the clock.";
    Outage, "line: outage", "D1 away for longer than all attempts of the first queue.";
    Steps, "line: steps", "Two consumers, step by step.";
    Ties, "line: ties", "Svix and the door; ties, a delete, and what says that it is later.";
    Rejoin, "line: rejoin", "A member who comes back.";
    Again, "line: again", "A member who comes back and leaves again, while one event is lost.";
    Catalogue, "line: catalogue", "The catalogue changes, and an operator grants and revokes.";
    Keys, "line: keys", "A role and a permission are renamed and deleted under old lists.";
    Losses, "letters: losses", "Drivers and messages that are lost, and letters that are returned.";
    Failures, "letters: failures", "Letters that fail again, and a canary of two.";
    Rivals, "letters: rivals", "Two replays of the same letters.";
    Discards, "letters: discards", "One operator replays what another discards.";
    Meanwhile, "letters: meanwhile", "The world changes while letters are replayed.";
}

variants! {
    NoOutbox, Changes, "M5", "hints are sent once, without an outbox";
    OutboxRetiredOnSend, Changes, "M6", "a hint counts as acknowledged once it is sent";
    UpdatedAtAsVersion, Changes, "M7", "the version is the time of the change alone";
    GreatestUpdatedAtAsVersion, Changes, "M8", "the version falls when the newest row goes";
    TwoStatementRead, Changes, "M9", "version and roles are read in two statements";
    FloorLostOnEviction, Changes, "M10", "the floor is kept in memory only";
    HintIgnoredOnMiss, Changes, "M11", "a hint to an object without roles changes nothing";
    LeaseWithLaggingReads, Changes, "M12", "leases instead of a floor, and a replica that lags";
    DeleteOnWrite, Changes, "A1", "a hint deletes the roles and raises no floor";
    FillWithoutRegistering, Changes, "", "a fill reads the roles and watches nothing";
    VersionsRestart, Unwatch, "", "versions count from 1 for each watch";
    FillAcrossUnwatch, Unwatch, "", "a fill of an ended incarnation is applied";
    RestoreWithoutFloor, Restore, "", "a fill does not tell D1 its floor";
    HintAdvancesVerifiedAt, Ages, "", "a hint counts as having read the roles";
    VerifiedOnArrival, Ages, "", "the age of a fill counts from its arrival";
    FillIgnoresFloor, Changes, "", "a fill below the floor is applied";
    AckOfAnyVersion, Changes, "", "an acknowledgement covers versions that it does not name";
    DeleteWithoutOwner, Unwatch, "", "a watch is deleted by another than its owner";
    TakeoverByAnyone, Changes, "", "an earlier incarnation takes the watch back";
    FillWithoutCatchUp, Everybody, "", "a fill reads a change for everybody under the old version";
    CatchUpWithoutHint, Everybody, "", "a watch that takes in a new default role gets no hint";
    TiesByArrival, Ties, "M1", "of two updates of the same time the last to arrive wins";
    HardDelete, Ties, "M2", "a delete removes the row";
    TombstoneByTime, Ties, "M3", "an update with a later time undoes a delete";
    InboxApart, Ties, "M4", "the delivery is recorded in a batch of its own, before its effects";
    ForeignKeys, Rejoin, "M13", "a membership before its user is refused";
    CascadeInsteadOfDerive, Copies, "M14", "deleting an organization deletes the rows below it";
    NotedBeforeSent, Ties, "M15", "ingest records a delivery before the queue has it";
    AckBeforeCommit, Ties, "M16", "a message is acknowledged before D1 has committed it";
    MembershipsByPair, Rejoin, "", "memberships are keyed by user and organization";
    RefusedIsDone, Ties, "", "a batch that D1 refused counts as done";
    NoTriggerOnOrganizations, Copies, "", "the end of an organization bumps nobody";
    DeadLettersNotWritten, Ties, "", "the last attempt acknowledges what D1 refused";
    NoMark, Unwatch, "", "a watch ignores one that was deleted in the same millisecond";
    ClearsAtOnce, Return, "", "an object that ended its watch may reuse the incarnation's number";
    UnwatchKeepsIncarnation, Unwatch, "", "an object ends its watch and keeps its incarnation";
    RolesOfTheOther, Late, "", "a fill reads the roles of the other user";
    BumpWithoutChange, Ties, "", "an event bumps its user though it changes no row";
    MembershipsByOrganization, Copies, "", "memberships are keyed by their organization alone";
    HintsAreNotSettled, Late, "", "an object's answer to a hint is not stored";
    DeadIsParked, Outage, "", "a message of the dead-letter queue is parked without an attempt";
    AbsenceIsParked, Faults, "", "the last attempt parks a message that failed because D1 was away";
    UnsavedIsForgotten, Trouble, "", "a repeated hint is acknowledged though the first is unsaved";
    ServesUnsaved, Trouble, "", "a set that could not be written is served";
    WaitsForEver, Trouble, "", "an object whose fill failed never retries";
    NobodyParks, Faults, "", "the dead-letter queue has no consumer";
    EachByItself, Again, "", "of one pair every live membership counts";
    PairsOfWinners, Again, "", "only a row that wins raises the rank of its pair";
    PairsFall, Again, "", "the rank of a pair goes with the membership that is deleted";
    KeysForgotten, Keys, "", "a key is known only while a role or a permission has it";
    KeysOfWinners, Keys, "", "only a row that wins makes its key known";
    SentBeforeMarked, Losses, "M17", "letters are sent before they are marked";
    LostStayLost, Losses, "M18", "the sweep returns no letter whose message was lost";
    ApplyWithoutHash, Meanwhile, "M19", "a plan is carried out though it no longer holds";
    AuditAfter, Losses, "M20", "the audit row is written after the act";
    NoCanary, Failures, "M21", "all letters are sent at once, without first letters";
    ParkedByAnyMessage, Failures, "M22", "a letter is parked again by a message of an earlier mark";
    ReturnKeepsGeneration, Failures, "M23", "a returned letter keeps its generation";
    StepNotCompared, Discards, "M24", "a replay's step is written without comparing its number";
    OutcomeAfter, Losses, "M25", "a letter's outcome is written in a batch after its effects";
    OutcomeBefore, Losses, "M26", "a letter's outcome is written in a batch before its effects";
    OutcomeTwice, Losses, "M27", "a letter that has its outcome takes another one";
    UnmarkedAreSent, Rivals, "M28", "a driver sends letters that another one has marked";
    ReturnIsNotTold, Losses, "M29", "the replay of a returned letter is not told";
    ReturnsWhatIsQueued, Losses, "M30", "the sweep returns letters whose message is in the queue";
    DiscardsWhatIsSent, Discards, "M31", "a letter is discarded while its message is in the queue";
    ReplayOverwrites, Losses, "M32", "a replayed message overwrites the row";
    HeadNotCompared, Rivals, "M33", "an audit row does not continue the one before it";
}
