//! Mistakes that can be switched on: the simulator must catch each of them.

use super::mix::Mix;
use super::names::named;

named! {
    /// One mistake.
    Sabotage {
        AckBeforeCommit = "a message is acknowledged before D1 has committed it",
        RefusedIsDone = "a batch that D1 refused counts as done",
        LastForgets = "the last attempt acknowledges what D1 refused",
        DeadIsParked = "what the platform gave up is parked untried",
        NotedBeforeSent = "the door notes a delivery before the queue has it",
        RetiredOnSend = "a hint counts as taken once it is sent",
        NoOutbox = "hints are sent once and owed to nobody",
        AckOfAnyVersion = "an acknowledgement settles versions that it never named",
        FloorLost = "the floor is lost on eviction",
        HintIgnoredOnMiss = "a hint to an object without roles raises no floor",
        UnsavedForgotten = "a repeated hint is acknowledged though the first is unsaved",
        HintVerifies = "a hint counts as having read the roles",
        FillIgnoresFloor = "a fill below the floor is taken in",
        FillAcrossUnwatch = "a fill of an incarnation that is over is taken in",
        KeepsIncarnation = "a watch is ended without beginning anew",
        AlarmForgotten = "an alarm that failed is not armed again",
        FloorNotSent = "a fill does not tell D1 its floor",
        FillWithoutRegistering = "a fill reads the roles and watches nothing",
        UnwatchWithoutOwner = "a watch is deleted whoever holds it",
        TakeoverByAnyone = "an earlier incarnation takes the watch back",
        TieByArrival = "of two updates of one instant the last to arrive wins",
        HardDelete = "a delete removes the row",
        TombstoneByTime = "an update that says it is later undoes a delete",
        OneLetter = "of the dead letters of a batch only the first is written",
        LetterChanged = "a dead letter is not kept byte for byte",
        InboxApart = "the delivery is noted in a batch of its own, before its effects",
        ForeignKeys = "a membership before its user is refused",
        Cascade = "a dead organization takes the memberships that are there",
        UpdatedAtAsVersion = "the version is the time of the change alone",
        TornRead = "version and roles are read apart",
        NoUserTrigger = "a change of a user bumps nobody",
        NoOrganizationTrigger = "the end of an organization bumps nobody",
        NoMembershipTrigger = "a change of a membership bumps nobody",
        NoCatalogueTrigger = "a change of a role bumps nobody",
        NoGrantTrigger = "an operator's word bumps nobody",
    }
}

/// How the upserts compare ranks.
const RANK: &str = "(
    excluded.deleted, excluded.updated_at, excluded.event_at, excluded.projection, excluded.digest
  ) > (stored.deleted, stored.updated_at, stored.event_at, stored.projection, stored.digest)";

impl Sabotage {
    /// The statement as this mistake sends it; `None` where it leaves it as it is.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the others change nothing here")]
    pub(super) fn text(self, sql: &str) -> Option<String> {
        let changed = match self {
            Self::TieByArrival => sql
                .replace(RANK, "(excluded.deleted, excluded.updated_at) >= (0, stored.updated_at)"),
            Self::TombstoneByTime if sql.contains(RANK) => sql
                .replace("WHERE stored.deleted = 0\n  AND", "WHERE")
                .replace(RANK, "excluded.deleted = 1 OR (excluded.event_at > stored.event_at)"),
            Self::UnwatchWithoutOwner => {
                sql.replace("WHERE user_id = ?1 AND owner = ?2", "WHERE user_id = ?1 AND ?2 = ?2")
            }
            Self::AckOfAnyVersion => sql.replace(
                "SET acked = max(watches.acked, input.value ->> 'version')",
                "SET acked = watches.version",
            ),
            Self::OneLetter => sql.replace(
                "WHERE true\nON CONFLICT (message_id)",
                "WHERE true LIMIT 1\nON CONFLICT (message_id)",
            ),
            Self::LetterChanged => {
                sql.replace("input.value ->> 'envelope'", "lower(input.value ->> 'envelope')")
            }
            Self::TakeoverByAnyone => sql.replace("excluded.owner > stored.owner", "true"),
            _ => return None,
        };
        (changed != sql).then_some(changed)
    }

    /// Whether a day can show it: some mistakes only matter when the database is set back.
    pub(super) fn can_show(self, mix: &Mix) -> bool {
        mix.restore || !matches!(self, Self::FloorNotSent | Self::HintVerifies)
    }

    /// What it changes in the database before the day begins.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the others change nothing here")]
    pub(super) fn schema(self) -> Vec<String> {
        let drop = |table: &str| -> Vec<String> {
            let kinds = ["insert", "update", "delete"];
            kinds.iter().map(|kind| format!("DROP TRIGGER bump_{table}_{kind}")).collect()
        };
        match self {
            Self::HardDelete => [
                "users",
                "organizations",
                "memberships",
                "org_roles",
                "org_permissions",
            ]
            .iter()
            .map(|table| {
                format!(
                    "CREATE TRIGGER wrong_{table} AFTER UPDATE ON {table} WHEN NEW.deleted = 1 \
                     BEGIN DELETE FROM {table} WHERE id = NEW.id; END"
                )
            })
            .collect(),
            Self::ForeignKeys => vec![
                "CREATE TRIGGER wrong_keys BEFORE INSERT ON memberships WHEN NEW.deleted = 0 AND \
                 NOT EXISTS (SELECT 1 FROM users u WHERE u.id = NEW.user_id) BEGIN \
                 SELECT RAISE(ABORT, 'FOREIGN KEY constraint failed: SQLITE_CONSTRAINT'); END"
                    .into(),
            ],
            Self::Cascade => vec![
                "CREATE TRIGGER wrong_cascade AFTER UPDATE ON organizations WHEN NEW.deleted = 1 \
                 BEGIN DELETE FROM memberships WHERE org_id = NEW.id; END"
                    .into(),
            ],
            Self::UpdatedAtAsVersion => vec![
                "CREATE TRIGGER wrong_version AFTER UPDATE ON watches WHEN NEW.version > \
                 OLD.version AND OLD.owner = NEW.owner BEGIN UPDATE watches SET version = \
                 CAST(unixepoch('subsec') * 1000 AS INTEGER) WHERE user_id = NEW.user_id; END"
                    .into(),
            ],
            Self::NoUserTrigger => drop("users"),
            Self::NoOrganizationTrigger => drop("organizations"),
            Self::NoMembershipTrigger => drop("memberships"),
            Self::NoCatalogueTrigger => drop("org_roles"),
            Self::NoGrantTrigger => drop("role_grants"),
            _ => Vec::new(),
        }
    }
}
