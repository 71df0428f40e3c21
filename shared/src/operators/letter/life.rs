//! The steps of a letter's life. The statements of `shared/src/sql/letters.rs` do the same in D1,
//! and tests compare the two.

use super::LetterState;
use crate::limits::{LETTER_SENT_MS_MAX, LETTER_UNSENT_MS_MAX};
use crate::time::UnixMillis;

/// A letter, as far as its life is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Its state.
    pub state: LetterState,
    /// How often it was parked again.
    pub generation: u32,
    /// Deliveries of its messages, over all generations.
    pub attempts: u32,
    /// How many of its messages were lost.
    pub returns: u32,
    /// The step of a replay that marked it; empty while it is parked.
    pub claim: String,
    /// When its message was known to be in the queue.
    pub sent_at: Option<UnixMillis>,
}

/// What happens to a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LetterStep {
    /// A step of a replay takes it, as it was planned at this generation.
    Mark {
        /// The planned generation.
        generation: u32,
        /// The id of the step.
        claim: String,
    },
    /// Its message is in the queue.
    Sent {
        /// The id of the step that marked it.
        claim: String,
        /// When.
        at: UnixMillis,
    },
    /// The consumer committed its message.
    Outcome(LetterOutcome),
    /// The consumer could not apply its message.
    ParkAgain {
        /// The generation in the message's tag.
        generation: u32,
        /// Deliveries of the message.
        attempts: u32,
    },
    /// The sweep takes its message for lost.
    Return {
        /// The generation that the sweep read.
        generation: u32,
    },
    /// An operator discards it, as it was planned at this generation.
    Discard {
        /// The planned generation.
        generation: u32,
    },
}

/// What the commit of a letter's message came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LetterOutcome {
    /// It changed a row.
    Applied,
    /// A later change had replaced it.
    Superseded,
    /// It had been applied already.
    Duplicate,
}

impl LetterOutcome {
    /// The state of a letter with this outcome.
    #[must_use]
    pub const fn state(self) -> LetterState {
        match self {
            Self::Applied => LetterState::Applied,
            Self::Superseded => LetterState::Superseded,
            Self::Duplicate => LetterState::Duplicate,
        }
    }
}

/// Why a step does not happen. Nothing is wrong then: another one was first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StepRefused {
    /// The letter is in a state from which the step does not lead.
    #[error("the letter is {0}")]
    State(LetterState),
    /// It was parked again since.
    #[error("the letter is at generation {0}")]
    Generation(u32),
    /// Another step of a replay marked it.
    #[error("another step of a replay has marked the letter")]
    Claim,
}

impl Letter {
    /// A letter whose message was parked after so many deliveries.
    #[must_use]
    pub const fn parked(attempts: u32) -> Self {
        Self {
            state: LetterState::Parked,
            generation: 0,
            attempts,
            returns: 0,
            claim: String::new(),
            sent_at: None,
        }
    }

    /// The letter after a step.
    ///
    /// # Errors
    /// When the step does not lead from here: the letter stays as it is.
    pub fn after(&self, step: &LetterStep) -> Result<Self, StepRefused> {
        match step {
            LetterStep::Mark { generation, claim } => {
                self.expect(LetterState::Parked, Some(*generation))?;
                let state = LetterState::Replaying;
                Ok(Self { state, claim: claim.clone(), sent_at: None, ..self.clone() })
            }
            LetterStep::Sent { claim, at } => {
                self.expect(LetterState::Replaying, None)?;
                if *claim != self.claim {
                    return Err(StepRefused::Claim);
                }
                Ok(Self { sent_at: Some(*at), ..self.clone() })
            }
            // The late message of a letter that was returned tells the truth too.
            LetterStep::Outcome(_) if self.state.is_final() => Err(StepRefused::State(self.state)),
            LetterStep::Outcome(outcome) => Ok(Self { state: outcome.state(), ..self.clone() }),
            LetterStep::ParkAgain { generation, attempts } => {
                self.expect(LetterState::Replaying, Some(*generation))?;
                let attempts = self.attempts.saturating_add(*attempts);
                Ok(Self { attempts, ..self.parked_again() })
            }
            LetterStep::Return { generation } => {
                self.expect(LetterState::Replaying, Some(*generation))?;
                Ok(Self { returns: self.returns.saturating_add(1), ..self.parked_again() })
            }
            LetterStep::Discard { generation } => {
                self.expect(LetterState::Parked, Some(*generation))?;
                Ok(Self { state: LetterState::Discarded, ..self.clone() })
            }
        }
    }

    fn expect(&self, state: LetterState, generation: Option<u32>) -> Result<(), StepRefused> {
        if self.state != state {
            return Err(StepRefused::State(self.state));
        }
        if generation.is_some_and(|it| it != self.generation) {
            return Err(StepRefused::Generation(self.generation));
        }
        Ok(())
    }

    fn parked_again(&self) -> Self {
        let generation = self.generation.saturating_add(1);
        let (state, claim) = (LetterState::Parked, String::new());
        Self { state, generation, claim, sent_at: None, ..self.clone() }
    }
}

/// Whether the message of a letter in the queue is taken for lost.
#[must_use]
pub fn is_lost(state_at: UnixMillis, sent_at: Option<UnixMillis>, now: UnixMillis) -> bool {
    match sent_at {
        None => LETTER_UNSENT_MS_MAX < now.since(state_at),
        Some(sent_at) => LETTER_SENT_MS_MAX < now.since(sent_at),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::{Letter, LetterOutcome, LetterStep, StepRefused, is_lost};
    use crate::operators::letter::LetterState;
    use crate::time::UnixMillis;

    fn claim(number: u8) -> String {
        format!("claim_{number}")
    }

    fn any_step() -> impl Strategy<Value = LetterStep> {
        let outcomes =
            [LetterOutcome::Applied, LetterOutcome::Superseded, LetterOutcome::Duplicate];
        let (generation, attempts) = (0..4_u32, 1..110_u32);
        prop_oneof![
            3 => (generation.clone(), 0..3_u8)
                .prop_map(|(generation, it)| LetterStep::Mark { generation, claim: claim(it) }),
            2 => (0..3_u8, 0..9_i64)
                .prop_map(|(it, at)| LetterStep::Sent { claim: claim(it), at: UnixMillis(at) }),
            1 => prop::sample::select(outcomes.to_vec()).prop_map(LetterStep::Outcome),
            3 => (generation.clone(), attempts)
                .prop_map(|(generation, attempts)| LetterStep::ParkAgain { generation, attempts }),
            2 => generation.clone().prop_map(|generation| LetterStep::Return { generation }),
            1 => generation.prop_map(|generation| LetterStep::Discard { generation }),
        ]
    }

    proptest! {
        #[test]
        fn no_step_leaves_a_final_state_and_no_count_falls(
            steps in prop::collection::vec(any_step(), 0..40),
        ) {
            let mut letter = Letter::parked(3);
            for step in steps {
                let Ok(next) = letter.after(&step) else { continue };
                prop_assert!(!letter.state.is_final(), "{letter:?} {step:?}");
                prop_assert!(letter.generation <= next.generation);
                prop_assert!(letter.attempts <= next.attempts && letter.returns <= next.returns);
                let again = next.state == LetterState::Parked;
                prop_assert_eq!(again, letter.generation < next.generation);
                prop_assert_eq!(again, next.claim.is_empty() && !next.state.is_final());
                prop_assert!(next.returns <= next.generation);
                letter = next;
            }
        }

        /// A step that repeats, because its commit was not answered, changes nothing more.
        #[test]
        fn a_repeated_step_is_refused_or_changes_nothing(
            steps in prop::collection::vec(any_step(), 0..40),
        ) {
            let mut letter = Letter::parked(3);
            for step in steps {
                let Ok(next) = letter.after(&step) else { continue };
                let again = next.after(&step);
                prop_assert!(again.is_err() || again == Ok(next.clone()), "{again:?} {step:?}");
                letter = next;
            }
        }
    }

    /// A letter in each state, at generation 1.
    fn letter(state: LetterState) -> Letter {
        let claim = if state == LetterState::Parked { String::new() } else { claim(1) };
        Letter { state, generation: 1, claim, ..Letter::parked(3) }
    }

    #[test]
    fn each_step_leads_from_the_states_of_the_picture_alone() {
        let steps = [
            (LetterStep::Mark { generation: 1, claim: claim(2) }, "parked→replaying"),
            (LetterStep::Sent { claim: claim(1), at: UnixMillis(5) }, "replaying→replaying"),
            (LetterStep::Outcome(LetterOutcome::Applied), "parked→applied replaying→applied"),
            (
                LetterStep::Outcome(LetterOutcome::Superseded),
                "parked→superseded replaying→superseded",
            ),
            (LetterStep::Outcome(LetterOutcome::Duplicate), "parked→duplicate replaying→duplicate"),
            (LetterStep::ParkAgain { generation: 1, attempts: 2 }, "replaying→parked"),
            (LetterStep::Return { generation: 1 }, "replaying→parked"),
            (LetterStep::Discard { generation: 1 }, "parked→discarded"),
        ];
        let mut reached = BTreeSet::from([LetterState::Parked]);
        for (step, want) in steps {
            let next = |from: LetterState| letter(from).after(&step).ok().map(|it| it.state);
            let moves = LetterState::ALL.into_iter().filter_map(|from| Some((from, next(from)?)));
            let moves: Vec<_> = moves.collect();
            reached.extend(moves.iter().map(|(_, to)| *to));
            let text: Vec<_> = moves.iter().map(|(from, to)| format!("{from}→{to}")).collect();
            assert_eq!(text.join(" "), want, "{step:?}");
        }
        assert_eq!(reached.len(), LetterState::ALL.len());
    }

    #[test]
    fn a_step_of_another_generation_or_claim_is_refused() {
        let (parked, sent) = (letter(LetterState::Parked), letter(LetterState::Replaying));
        for generation in [0, 2] {
            let mark = LetterStep::Mark { generation, claim: claim(2) };
            assert_eq!(parked.after(&mark), Err(StepRefused::Generation(1)));
            let discard = LetterStep::Discard { generation };
            assert_eq!(parked.after(&discard), Err(StepRefused::Generation(1)));
            let again = LetterStep::ParkAgain { generation, attempts: 1 };
            assert_eq!(sent.after(&again), Err(StepRefused::Generation(1)));
            let lost = LetterStep::Return { generation };
            assert_eq!(sent.after(&lost), Err(StepRefused::Generation(1)));
        }
        let other = LetterStep::Sent { claim: claim(2), at: UnixMillis(5) };
        assert_eq!(sent.after(&other), Err(StepRefused::Claim));
    }

    #[test]
    fn attempts_add_up_and_returns_are_counted_apart() {
        let sent = letter(LetterState::Replaying);
        let failed = sent.after(&LetterStep::ParkAgain { generation: 1, attempts: 110 }).unwrap();
        assert_eq!((failed.attempts, failed.generation, failed.returns), (113, 2, 0));
        let lost = sent.after(&LetterStep::Return { generation: 1 }).unwrap();
        assert_eq!((lost.attempts, lost.generation, lost.returns), (3, 2, 1));
    }

    #[test]
    fn a_message_is_lost_after_five_minutes_unsent_or_a_day_sent() {
        let (minute, day) = (60_000, 86_400_000);
        let lost = |sent_at: Option<i64>, now| {
            is_lost(UnixMillis(0), sent_at.map(UnixMillis), UnixMillis(now))
        };
        assert_eq!([lost(None, 5 * minute), lost(None, 5 * minute + 1)], [false, true]);
        assert_eq!([lost(Some(9), day + 9), lost(Some(9), day + 10)], [false, true]);
    }
}
