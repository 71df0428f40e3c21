//! The program `rolecall`, for operators.

fn main() {}
