//! Worker `rolecall-console`: the operators' console.

#[expect(dead_code, reason = "the routes come next")]
mod pages;
