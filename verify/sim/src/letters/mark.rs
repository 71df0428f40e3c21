//! What a step of the letters' model can break or show, as bits of [`World::marks`].

use super::world::World;

/// What a step broke or showed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mark {
    /// A message changed a row though its event had been applied before.
    Redone,
    /// A letter that had its outcome got another one, or was marked.
    Reopened,
    /// A message was sent while another one of the same mark was there.
    SentTwice,
    /// A letter was parked again by a message of an earlier mark.
    NotItsOwn,
    /// A row of the audit trail does not continue it.
    Forked,
    /// A replay went on though its plan did not hold.
    PlanDidNotHold,
    /// A replay sent or discarded while it was paused, or after it had ended.
    NotOpen,
    /// A letter was sent before the canary had its outcomes.
    BeforeCanary,
    /// The model came no nearer to its end.
    NoProgress,
    /// A lost letter was returned.
    Returned,
    /// A message of a returned letter settled it.
    Late,
    /// A replay was refused.
    Refused,
    /// A canary stopped its replay.
    Stopped,
    /// A driver found that another had taken the step.
    TooLate,
    /// A letter had been taken by another replay.
    Taken,
    /// A message told what a letter had become, and it was so already.
    ToldAgain,
}

impl Mark {
    pub(super) fn bit(self) -> u32 {
        match self {
            Self::Redone => 1,
            Self::Reopened => 2,
            Self::SentTwice => 32_768,
            Self::NotItsOwn => 4,
            Self::Forked => 8,
            Self::PlanDidNotHold => 16,
            Self::NotOpen => 32,
            Self::BeforeCanary => 64,
            Self::NoProgress => 128,
            Self::Returned => 256,
            Self::Late => 512,
            Self::Refused => 1_024,
            Self::Stopped => 2_048,
            Self::TooLate => 4_096,
            Self::Taken => 8_192,
            Self::ToldAgain => 16_384,
        }
    }

    pub(super) fn is_in(self, world: &World) -> bool {
        world.marks & self.bit() != 0
    }
}
