//! What must have happened somewhere, or the runs have shown nothing.

use std::collections::BTreeMap;

use super::names::named;

named! {
    /// Something that happens rarely.
    Rare {
        CrashBeforeCommit = "F-1 crash before the commit",
        CrashDuringCommit = "F-1 crash while D1 commits",
        CrashAfterCommit = "F-1 crash after the commit, before the acknowledgements",
        CrashBeforeHints = "F-1 crash after the acknowledgements, before the hints",
        CrashDuringHints = "F-1 crash while hints are under way",
        CrashBeforeNoting = "F-1 crash before the answers are noted",
        CrashOfSweep = "F-1 crash of the sweep",
        AmbiguousCommit = "F-2 committed, and reported as lost",
        StalledCommit = "F-3 committed long after it was given up",
        Overloaded = "F-4 D1 overloaded",
        EvictedDuringFill = "F-5 eviction with a fill under way",
        EvictedWhileEnding = "F-5 eviction while a watch is ended",
        DiskFailed = "F-5 an object's write failed",
        DiskRefused = "F-5 an object's write was refused, and the instance lived on",
        FillWaited = "F-5 a question met an object that waits after a failed fill",
        AlarmFailed = "F-5 an alarm's write failed",
        SendRefused = "F-6 the queue refused",
        SendAmbiguous = "F-6 the queue took it and refused it",
        Bisected = "F-7 a batch was halved",
        PoisonParked = "F-7 poison parked among good",
        DuplicateApplied = "F-8 a message applied again",
        ConcurrentConsumers = "F-9 two consumers on one user",
        DeadQueue = "F-10 moved to the dead queue",
        DeadQueueApplied = "F-10 applied from the dead queue",
        DeadQueueWaits = "F-10 the dead queue waits for D1",
        SkewedDoor = "F-11 a skewed door refused a genuine delivery",
        SkewedObject = "F-11 a hint refused as too far ahead",
        Tie = "F-12 a tie broken by value",
        OddTime = "F-12 a time that no clock says, parked",
        MembershipFirst = "F-17 a membership before its user",
        DeleteFirst = "F-17 a delete before its create",
        LateUpdate = "F-17 an update after its delete",
        SvixGaveUp = "F-19 Svix gave a delivery up",
        Recovered = "F-19 recovered by hand under the same id",
        NewerWaits = "F-20 an envelope of a newer build waited",
        NewerApplied = "F-20 the same, applied after the deployment",
        OlderApplied = "F-20 an envelope of an older projection outranked",
        Restored = "F-21 the database restored below a floor",
        Lifted = "F-21 a watch lifted above the floor",
        Wiped = "F-22 an object's storage wiped",
        CronMissed = "F-23 the cron was missed for an hour",
        Lagged = "F-24 a refresh was answered by a replica that lags",
        Storm = "F-25 a storm met a queue that refused",
        StaleFillRefused = "a stale fill was refused",
        FillDropped = "a fill of an earlier incarnation was dropped",
        WatchEnded = "an idle watch was ended",
        WatchKept = "a watch was asked for while it was ended",
        SecondPage = "a sweep went on to a second page",
        WatchGone = "a hint met no owner",
        LetterReplayed = "a dead letter was replayed",
        GrantThenDenial = "a grant, and later a denial",
        DenialThenGrant = "a denial, and later a grant",
        BelowVersion = "a version asked for was refused",
        FreshFill = "a fresh set was read",
        StaleRefused = "a set was too old to be served",
        ForgeryRefused = "a forged delivery was refused",
        TutorialWrite = "a role was given through the tutorial's view",
        GrantOutranked = "an operator's older word was outranked",
    }
}

/// How often each has happened.
pub type Counts = BTreeMap<Rare, u64>;

/// Adds up the counts of two runs.
pub(super) fn add(all: &mut Counts, more: &Counts) {
    for (rare, times) in more {
        *all.entry(*rare).or_default() += times;
    }
}
